-- Version 1. Never edited once released: a change is a new file, stepped to by `user_version`.
-- Times are milliseconds since 1970, UTC. What is NULL is not known, unless said otherwise.

CREATE TABLE datasets (
    id            INTEGER PRIMARY KEY,
    digest        TEXT NOT NULL UNIQUE,
    source        TEXT NOT NULL,
    source_sha256 TEXT NOT NULL,
    features      TEXT NOT NULL, -- JSON list of names
    classes       TEXT NOT NULL, -- JSON list of names
    train_rows    INTEGER NOT NULL,
    valid_rows    INTEGER NOT NULL,
    test_rows     INTEGER NOT NULL,
    notes         TEXT NOT NULL  -- JSON list of sentences
) STRICT;

CREATE TABLE experiments (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    file_path  TEXT NOT NULL,
    file_text  TEXT NOT NULL,
    flags      TEXT NOT NULL, -- JSON list of keys set on the command line
    metric     TEXT NOT NULL,
    goal       TEXT NOT NULL CHECK (goal IN ('min', 'max')),
    dataset    INTEGER NOT NULL REFERENCES datasets (id),
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
    id         INTEGER PRIMARY KEY,
    experiment INTEGER NOT NULL REFERENCES experiments (id),
    command    TEXT NOT NULL,
    file_text  TEXT NOT NULL,
    flags      TEXT NOT NULL, -- JSON list of keys set on the command line
    host       TEXT NOT NULL,
    pid        INTEGER NOT NULL,
    version    TEXT NOT NULL,
    git_commit TEXT,
    started_ms INTEGER NOT NULL,
    ended_ms   INTEGER,
    outcome    TEXT NOT NULL -- running, finished, interrupted, failed
) STRICT;

CREATE TABLE trials (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE, -- the TrialId, 32 hexadecimal digits
    config     TEXT NOT NULL,        -- the ConfigId, shared by all seeds of a configuration
    kind       TEXT NOT NULL,        -- mlp, xgboost, random_forest
    seed       INTEGER NOT NULL,
    dataset    INTEGER NOT NULL REFERENCES datasets (id),
    metric     TEXT NOT NULL,
    goal       TEXT NOT NULL CHECK (goal IN ('min', 'max')),
    status     TEXT NOT NULL, -- pending, running, finished, diverged, failed, interrupted
    best       REAL,
    best_step  INTEGER,
    last       REAL,
    steps      INTEGER,
    parameters INTEGER,
    seconds    REAL,
    message    TEXT
) STRICT;

-- A trial is named by its content, so several experiments may ask for the same one.
CREATE TABLE experiment_trials (
    experiment INTEGER NOT NULL REFERENCES experiments (id),
    trial      INTEGER NOT NULL REFERENCES trials (id),
    position   INTEGER NOT NULL, -- from 0, in the order of the plan that last asked for it
    in_plan    INTEGER NOT NULL CHECK (in_plan IN (0, 1)),
    PRIMARY KEY (experiment, trial)
) STRICT, WITHOUT ROWID;

CREATE TABLE params (
    trial    INTEGER NOT NULL REFERENCES trials (id),
    position INTEGER NOT NULL,
    name     TEXT NOT NULL,
    type     TEXT NOT NULL, -- bool, int, float, text, list, table
    value    ANY NOT NULL,  -- bool as 0 or 1, list and table as JSON
    PRIMARY KEY (trial, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempts (
    session      INTEGER NOT NULL REFERENCES sessions (id),
    number       INTEGER NOT NULL, -- from 1 within the session
    trial        INTEGER NOT NULL REFERENCES trials (id),
    slot         TEXT NOT NULL,
    engine       TEXT NOT NULL,
    pid          INTEGER NOT NULL,
    started_ms   INTEGER NOT NULL,
    ended_ms     INTEGER,
    outcome      TEXT NOT NULL, -- running, finished, diverged, interrupted, crashed, timed_out, refused, protocol
    exit_code    INTEGER,
    signal       INTEGER,
    message      TEXT,
    log_tail     TEXT,
    resumed_from INTEGER, -- step of the checkpoint it went on from
    PRIMARY KEY (session, number)
) STRICT;

-- Without it, the attempts of one trial cost 1 ms for every 5,000 trials there are.
CREATE INDEX attempts_by_trial ON attempts (trial);

CREATE TABLE metric_names (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE metrics (
    trial  INTEGER NOT NULL REFERENCES trials (id),
    step   INTEGER NOT NULL, -- epoch or round, from 1
    metric INTEGER NOT NULL REFERENCES metric_names (id),
    value  REAL, -- NULL is NaN, which SQLite cannot hold; infinities are held as they are
    PRIMARY KEY (trial, step, metric)
) STRICT, WITHOUT ROWID;

CREATE TABLE artifacts (
    trial INTEGER NOT NULL REFERENCES trials (id),
    path  TEXT NOT NULL, -- relative to the folder of the trial
    kind  TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (trial, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE confusion (
    trial     INTEGER NOT NULL REFERENCES trials (id),
    actual    INTEGER NOT NULL, -- index into the classes of the data set, from 0
    predicted INTEGER NOT NULL,
    rows      INTEGER NOT NULL, -- validation rows; a pair that is not here has none
    PRIMARY KEY (trial, actual, predicted)
) STRICT, WITHOUT ROWID;

CREATE TABLE importance (
    trial    INTEGER NOT NULL REFERENCES trials (id),
    position INTEGER NOT NULL,
    feature  TEXT NOT NULL,
    share    REAL, -- NULL is NaN
    PRIMARY KEY (trial, position)
) STRICT, WITHOUT ROWID;

-- Looks at sealed test rows. Rows are added, never changed or removed.
CREATE TABLE evaluations (
    id           INTEGER PRIMARY KEY,
    experiment   INTEGER NOT NULL REFERENCES experiments (id),
    dataset      INTEGER NOT NULL REFERENCES datasets (id),
    evaluated_ms INTEGER NOT NULL,
    version      TEXT NOT NULL,    -- of the program
    test_rows    INTEGER NOT NULL,
    test_groups  INTEGER NOT NULL, -- what was resampled for the intervals
    replicates   INTEGER NOT NULL  -- bootstrap replicates behind each interval
) STRICT;

-- What each trial scored in a look.
CREATE TABLE test_scores (
    evaluation INTEGER NOT NULL REFERENCES evaluations (id),
    trial      INTEGER NOT NULL REFERENCES trials (id),
    metric     TEXT NOT NULL, -- test/accuracy, test/macro_f1, test/loss
    value      REAL, -- NULL is NaN
    UNIQUE (evaluation, trial, metric)
) STRICT;

-- What each configuration scored over its trials in a look.
CREATE TABLE test_intervals (
    evaluation INTEGER NOT NULL REFERENCES evaluations (id),
    position   INTEGER NOT NULL, -- of the configuration, from 0
    config     TEXT NOT NULL,
    kind       TEXT NOT NULL,
    metric     TEXT NOT NULL,
    mean       REAL, -- over trials; NULL is NaN
    sd         REAL, -- over trials, with n - 1; NULL for a single one
    low        REAL, -- ends of the 95% interval of the mean; NULL is NaN
    high       REAL,
    UNIQUE (evaluation, config, metric)
) STRICT;

-- The hyper-parameters by the trial's name.
CREATE VIEW trial_params AS
SELECT t.name AS trial, t.config, t.kind, t.seed, p.name AS param, p.value, p.type
FROM trials t
JOIN params p ON p.trial = t.id
ORDER BY t.id, p.position;

-- The metrics by the trial's and their own name.
CREATE VIEW metric_rows AS
SELECT t.name AS trial, n.name AS metric, m.step, m.value
FROM metrics m
JOIN trials t ON t.id = m.trial
JOIN metric_names n ON n.id = m.metric;

-- The finished trials that each experiment still asks for, best first.
CREATE VIEW best_runs AS
SELECT e.name AS experiment,
       rank() OVER (
           PARTITION BY e.id ORDER BY CASE e.goal WHEN 'min' THEN t.best ELSE -t.best END
       ) AS rank,
       t.name AS trial, t.config, t.kind, t.seed, e.metric, t.best, t.best_step, t.last,
       t.steps, t.parameters, t.seconds
FROM experiments e
JOIN experiment_trials x ON x.experiment = e.id AND x.in_plan = 1
JOIN trials t ON t.id = x.trial
WHERE t.status = 'finished' AND t.best IS NOT NULL;

-- The configurations of each experiment by the mean over the seeds that have finished.
CREATE VIEW leaderboard AS
SELECT experiment,
       rank() OVER (
           PARTITION BY experiment ORDER BY CASE goal WHEN 'min' THEN mean ELSE -mean END
       ) AS rank,
       config, kind, metric, n, planned, mean, min, max
FROM (
    SELECT e.name AS experiment, e.goal, e.metric, t.config, t.kind,
           count(*) FILTER (WHERE t.status = 'finished' AND t.best IS NOT NULL) AS n,
           count(*) AS planned,
           avg(t.best) FILTER (WHERE t.status = 'finished') AS mean,
           min(t.best) FILTER (WHERE t.status = 'finished') AS min,
           max(t.best) FILTER (WHERE t.status = 'finished') AS max
    FROM experiments e
    JOIN experiment_trials x ON x.experiment = e.id AND x.in_plan = 1
    JOIN trials t ON t.id = x.trial
    GROUP BY e.id, t.config
)
WHERE n > 0;

-- Looks at test rows with names in place of keys.
CREATE VIEW test_results AS
SELECT v.id AS evaluation, e.name AS experiment, d.digest AS data, v.evaluated_ms,
       t.name AS trial, t.config, t.kind, t.seed, s.metric, s.value
FROM evaluations v
JOIN experiments e ON e.id = v.experiment
JOIN datasets d ON d.id = v.dataset
JOIN test_scores s ON s.evaluation = v.id
JOIN trials t ON t.id = s.trial
ORDER BY v.id, t.kind, t.seed, s.rowid;

-- The attempts that ended without a result although nobody had asked for it.
CREATE VIEW failures AS
SELECT e.name AS experiment, t.name AS trial, t.status, a.session, a.number AS attempt,
       a.slot, a.engine, a.outcome, a.exit_code, a.signal, a.message, a.started_ms,
       a.ended_ms, a.log_tail
FROM attempts a
JOIN sessions s ON s.id = a.session
JOIN experiments e ON e.id = s.experiment
JOIN trials t ON t.id = a.trial
WHERE a.outcome NOT IN ('running', 'finished', 'diverged', 'interrupted');
