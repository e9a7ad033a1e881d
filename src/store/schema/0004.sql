-- Names and stored words in the terms of the field. Nothing is added or lost: docs/STORE.md lists the old names.

-- Why trials and attempts failed.
UPDATE trials SET cause = 'skipped' WHERE cause = 'set_aside';
UPDATE trials SET cause = 'rejected' WHERE cause = 'refused';
UPDATE attempts SET outcome = 'rejected' WHERE outcome = 'refused';

-- The fraction of the training rows that a trial of a learning curve is trained on.
UPDATE params SET name = 'train_fraction' WHERE name = 'train_share';

DROP VIEW test_looks;
DROP VIEW best_runs;
DROP VIEW leaderboard;

-- Warnings of the worker, one a line: a checkpoint that could not be used, for example.
ALTER TABLE attempts RENAME COLUMN notes TO warnings;

-- worker_started, retired
ALTER TABLE slot_events RENAME COLUMN what TO event;

-- A feature's importance; those of a trial add up to 1. NULL is NaN.
ALTER TABLE importance RENAME COLUMN share TO importance;

-- Seeds of configurations beyond those of the file: a JSON object of lists of seeds by the configuration's name. Those
-- of configurations that the file no longer contains wait until it does again.
ALTER TABLE experiments RENAME COLUMN further_seeds TO extra_seeds;

-- Evaluations on the held-out test set by experiments that were removed since. Rows are added, never changed or removed.
ALTER TABLE removed_looks RENAME TO removed_evaluations;

-- Every evaluation on a held-out test set.
CREATE VIEW test_evaluations AS
SELECT d.digest AS data, e.name AS experiment, v.evaluated_ms, v.version, v.test_rows, 0 AS removed
FROM evaluations v
JOIN experiments e ON e.id = v.experiment
JOIN datasets d ON d.id = v.dataset
UNION ALL
SELECT data, experiment, evaluated_ms, version, test_rows, 1 FROM removed_evaluations;

-- The finished trials on all training rows in each experiment's plan, best first.
CREATE VIEW best_trials AS
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
  AND NOT EXISTS (SELECT 1 FROM params p WHERE p.trial = t.id AND p.name = 'train_fraction');

-- The configurations on all training rows of each experiment by the mean over the seeds that have finished.
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
    WHERE NOT EXISTS (SELECT 1 FROM params p WHERE p.trial = t.id AND p.name = 'train_fraction')
    GROUP BY e.id, t.config
)
WHERE n > 0;
