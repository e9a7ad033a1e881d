-- Trials of a share of the training rows (parameter `train_share`, which others do not have) belong to
-- a learning curve; they are not ranked with those of all rows.

DROP VIEW best_runs;
DROP VIEW leaderboard;

-- The finished trials of all training rows that each experiment still asks for, best first.
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
WHERE t.status = 'finished' AND t.best IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM params p WHERE p.trial = t.id AND p.name = 'train_share');

-- The configurations of all training rows of each experiment by the mean over the seeds that have
-- finished.
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
    WHERE NOT EXISTS (SELECT 1 FROM params p WHERE p.trial = t.id AND p.name = 'train_share')
    GROUP BY e.id, t.config
)
WHERE n > 0;

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
