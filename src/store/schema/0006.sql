-- Cross-validation: each fold of a configuration is a trial of its own, on a data set of its own.

-- The fold whose rows validate the trial, from 1; NULL without cross-validation.
ALTER TABLE trials ADD COLUMN fold INTEGER;

DROP VIEW trial_params;
DROP VIEW best_trials;
DROP VIEW test_results;

-- The hyperparameters by the trial's name.
CREATE VIEW trial_params AS
SELECT t.name AS trial, t.config, t.kind, t.seed, t.fold, p.name AS param, p.value, p.type
FROM trials t
JOIN params p ON p.trial = t.id
ORDER BY t.id, p.position;

-- The finished trials on all training rows in each experiment's plan, best first.
CREATE VIEW best_trials AS
SELECT e.name AS experiment,
       rank() OVER (
           PARTITION BY e.id ORDER BY CASE e.goal WHEN 'min' THEN t.best ELSE -t.best END
       ) AS rank,
       t.name AS trial, t.config, t.kind, t.seed, t.fold, e.metric, t.best, t.best_step, t.last,
       t.steps, t.parameters, t.seconds
FROM experiments e
JOIN experiment_trials x ON x.experiment = e.id AND x.in_plan = 1
JOIN trials t ON t.id = x.trial
WHERE t.status = 'finished' AND t.best IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM params p WHERE p.trial = t.id AND p.name = 'train_fraction');

-- Evaluations on the held-out test set with names in place of keys.
CREATE VIEW test_results AS
SELECT v.id AS evaluation, e.name AS experiment, d.digest AS data, v.evaluated_ms,
       t.name AS trial, t.config, t.kind, t.seed, t.fold, s.metric, s.value
FROM evaluations v
JOIN experiments e ON e.id = v.experiment
JOIN datasets d ON d.id = v.dataset
JOIN test_scores s ON s.evaluation = v.id
JOIN trials t ON t.id = s.trial
ORDER BY v.id, t.kind, t.seed, t.fold, s.rowid;
