-- Why trials failed, what attempts noticed, what became of slots; what a session ran on; tags and notes.

-- Why the trial failed, in one word: that of its last attempt's outcome, or set_aside. NULL unless failed.
ALTER TABLE trials ADD COLUMN cause TEXT;
UPDATE trials SET cause = (
    SELECT a.outcome FROM attempts a WHERE a.trial = trials.id ORDER BY a.session DESC, a.number DESC LIMIT 1
) WHERE status = 'failed';

-- What the worker noticed on the way, a sentence a line: a checkpoint that could not be used, say.
ALTER TABLE attempts ADD COLUMN notes TEXT;

-- What the machine and the libraries of a session were: a JSON object of texts.
ALTER TABLE sessions ADD COLUMN environment TEXT NOT NULL DEFAULT '{}';

-- Slots in the course of a session. Rows are added, never changed.
CREATE TABLE slot_events (
    session INTEGER NOT NULL REFERENCES sessions (id),
    slot    TEXT NOT NULL,
    at_ms   INTEGER NOT NULL,
    what    TEXT NOT NULL, -- worker_started, retired
    engine  TEXT,          -- of a worker that started
    pid     INTEGER,       -- of a worker that started
    message TEXT           -- why the slot was retired
) STRICT;
CREATE INDEX slot_events_by_session ON slot_events (session);

-- Words that people put on trials.
CREATE TABLE tags (
    trial INTEGER NOT NULL REFERENCES trials (id),
    tag   TEXT NOT NULL,
    PRIMARY KEY (trial, tag)
) STRICT, WITHOUT ROWID;

-- Sentences that people write about trials.
CREATE TABLE notes (
    id         INTEGER PRIMARY KEY,
    trial      INTEGER NOT NULL REFERENCES trials (id),
    written_ms INTEGER NOT NULL,
    text       TEXT NOT NULL
) STRICT;

-- Looks at test rows by experiments that were removed since. Rows are added, never changed or removed.
CREATE TABLE removed_looks (
    data         TEXT NOT NULL, -- digest of the data set, which may be gone as well
    experiment   TEXT NOT NULL, -- its name
    evaluated_ms INTEGER NOT NULL,
    version      TEXT NOT NULL, -- of the program
    test_rows    INTEGER NOT NULL
) STRICT;

-- Every look at test rows there ever was.
CREATE VIEW test_looks AS
SELECT d.digest AS data, e.name AS experiment, v.evaluated_ms, v.version, v.test_rows, 0 AS removed
FROM evaluations v
JOIN experiments e ON e.id = v.experiment
JOIN datasets d ON d.id = v.dataset
UNION ALL
SELECT data, experiment, evaluated_ms, version, test_rows, 1 FROM removed_looks;

-- Removing trials asks who refers to each of them.
CREATE INDEX experiment_trials_by_trial ON experiment_trials (trial);
CREATE INDEX test_scores_by_trial ON test_scores (trial);
CREATE INDEX notes_by_trial ON notes (trial);

-- Further replicate seeds that were asked for beyond the file's, by configuration: a JSON object of lists of seeds by
-- the configuration's name. Those of configurations that the file no longer asks for wait until it does again.
ALTER TABLE experiments ADD COLUMN further_seeds TEXT NOT NULL DEFAULT '{}';
