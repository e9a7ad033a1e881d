-- Searches: which trials were decided on, in which order, why, and what came of each. A trial that a search paused and did
-- not come back to has the status pruned; its column steps is the step at which it paused.

-- A search of an experiment. Another definition on the same experiment is another search.
CREATE TABLE searches (
    id         INTEGER PRIMARY KEY,
    experiment INTEGER NOT NULL REFERENCES experiments (id),
    path       TEXT NOT NULL, -- its table in the experiment file: search, baseline[0].search
    digest     TEXT NOT NULL, -- of all that decides, but for the budget
    known      TEXT NOT NULL, -- JSON: results of earlier sweeps that it was told first
    in_plan    INTEGER NOT NULL CHECK (in_plan IN (0, 1)), -- whether the experiment's current file asks for it
    began_ms   INTEGER NOT NULL,
    ended_ms   INTEGER,       -- NULL while there is something left to do
    ended      TEXT,          -- why it has ended, a sentence
    UNIQUE (experiment, digest)
) STRICT;

-- What it decided, each before the trial is trained. Rows are added; their outcome is set once.
CREATE TABLE search_jobs (
    search     INTEGER NOT NULL REFERENCES searches (id),
    number     INTEGER NOT NULL, -- from 0, in the order of decisions
    trial      TEXT NOT NULL,    -- the name of the trial, which may have been removed since
    from_step  INTEGER NOT NULL, -- the step it had come to: 0 for a new one
    to_step    INTEGER NOT NULL, -- the step to which it is trained
    reason     TEXT NOT NULL,    -- initial, proposal, promotion, ...
    decision   TEXT NOT NULL,    -- JSON: the point, and what was seen
    decided_ms INTEGER NOT NULL,
    outcome    TEXT,             -- trained, diverged, failed; NULL while it is not known
    result     TEXT,             -- JSON: objectives, violations
    ended_ms   INTEGER,
    PRIMARY KEY (search, number)
) STRICT, WITHOUT ROWID;

-- The jobs of searches with names in place of keys.
CREATE VIEW search_history AS
SELECT e.name AS experiment, s.path AS search, j.number, j.trial, t.config, j.from_step, j.to_step, j.reason,
       j.outcome, json_extract(j.result, '$.objectives[0]') AS objective, t.status, j.decided_ms, j.ended_ms
FROM search_jobs j
JOIN searches s ON s.id = j.search
JOIN experiments e ON e.id = s.experiment
LEFT JOIN trials t ON t.name = j.trial
ORDER BY s.id, j.number;
