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
