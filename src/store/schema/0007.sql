-- Ensembles: finished trials that predict together, each with a weight.

-- Rows are added; the newest of an experiment counts.
CREATE TABLE ensembles (
    id          INTEGER PRIMARY KEY,
    experiment  INTEGER NOT NULL REFERENCES experiments (id),
    dataset     INTEGER NOT NULL REFERENCES datasets (id), -- that of the first fold
    selected_ms INTEGER NOT NULL,
    version     TEXT NOT NULL,    -- of the program
    loss        TEXT NOT NULL,    -- what the selection made small
    top         INTEGER NOT NULL, -- most candidates of each kind
    rounds      INTEGER NOT NULL,
    bags        INTEGER NOT NULL,
    seed        INTEGER NOT NULL,
    finished    INTEGER NOT NULL, -- candidates that had finished then
    library     TEXT NOT NULL     -- digest of the names of their trials
) STRICT;

-- The trials that were candidates. The weights of those of one fold add up to 1; 0 is a candidate that was not taken.
CREATE TABLE ensemble_trials (
    ensemble INTEGER NOT NULL REFERENCES ensembles (id),
    position INTEGER NOT NULL,
    trial    INTEGER NOT NULL REFERENCES trials (id),
    weight   REAL NOT NULL,
    UNIQUE (ensemble, trial)
) STRICT;
CREATE INDEX ensembles_of_trial ON ensemble_trials (trial);

-- Metrics of the validation rows.
CREATE TABLE ensemble_scores (
    ensemble     INTEGER NOT NULL REFERENCES ensembles (id),
    metric       TEXT NOT NULL,
    value        REAL, -- on the rows by which it was selected; NULL is NaN
    cross_fitted REAL, -- halves of the rows chose the weights for each other; NULL is unknown
    single       REAL, -- the same of the best single candidate
    UNIQUE (ensemble, metric)
) STRICT;

-- What an ensemble scored in an evaluation on the held-out test set.
CREATE TABLE ensemble_test_scores (
    evaluation INTEGER NOT NULL REFERENCES evaluations (id),
    ensemble   INTEGER NOT NULL REFERENCES ensembles (id),
    metric     TEXT NOT NULL,
    value      REAL, -- NULL is NaN
    low        REAL, -- ends of the 95% interval; NULL is NaN
    high       REAL,
    UNIQUE (evaluation, ensemble, metric)
) STRICT;

-- The members of ensembles, the one with the highest weight first.
CREATE VIEW ensemble_members AS
SELECT e.name AS experiment, s.id AS ensemble, s.selected_ms,
       s.id = max(s.id) OVER (PARTITION BY s.experiment) AS is_newest,
       t.name AS trial, t.config, t.kind, t.seed, t.fold, m.weight
FROM ensembles s
JOIN experiments e ON e.id = s.experiment
JOIN ensemble_trials m ON m.ensemble = s.id AND m.weight > 0
JOIN trials t ON t.id = m.trial
ORDER BY s.id, m.position;
