//! Test-set evaluations. They are only ever added, so that their number is true.

use rusqlite::params;

use super::cells::to_int;
use super::clock::now_ms;
use super::{EvaluationRecord, ExperimentFile, Store, StoreError, TestEvaluation};
use sweep_core::trial::{
    ConfigId, DataDigest, Evaluated, EvaluatedEnsemble, EvaluatedRun, Evaluation, TestScore,
    TrialId,
};

const ACTION: &str = "recording an evaluation";

impl Store {
    /// Records an evaluation by `experiment`, all or nothing; gives it back with its time and the
    /// number of test-set evaluations so far. `version` is that of this program.
    pub fn record_evaluation(
        &mut self,
        experiment: &str,
        version: &str,
        evaluation: &Evaluation,
    ) -> Result<EvaluationRecord, StoreError> {
        let fail = self.database.fail(ACTION);
        let evaluated_ms = now_ms();
        let transaction = self.database.begin(ACTION)?;
        let unknown = |what: String| StoreError::unknown_or(what, &fail);
        let id: i64 = transaction
            .query_row(
                "INSERT INTO evaluations (experiment, dataset, evaluated_ms, version, test_rows,
                                          test_groups, replicates)
                 SELECT e.id, d.id, ?3, ?4, ?5, ?6, ?7 FROM experiments e, datasets d
                 WHERE e.name = ?1 AND d.digest = ?2 RETURNING id",
                params![
                    experiment,
                    evaluation.data.as_str(),
                    evaluated_ms,
                    version,
                    to_int("the number of test rows", evaluation.rows)?,
                    to_int("the number of test groups", evaluation.groups)?,
                    evaluation.replicates,
                ],
                |row| row.get(0),
            )
            .map_err(unknown(format!("experiment {experiment} on these data")))?;
        for (place, model) in evaluation.models.iter().enumerate() {
            for score in &model.scores {
                transaction
                    .execute(
                        "INSERT INTO test_intervals (evaluation, position, config, kind, metric,
                                                     mean, sd, low, high)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                        params![
                            id,
                            place as i64,
                            model.config.as_str(),
                            model.kind.name(),
                            score.metric,
                            score.mean,
                            score.sd,
                            score.low,
                            score.high,
                        ],
                    )
                    .map_err(&fail)?;
            }
            for run in &model.runs {
                for (metric, value) in &run.values {
                    transaction
                        .query_row(
                            "INSERT INTO test_scores (evaluation, trial, metric, value)
                             SELECT ?1, id, ?3, ?4 FROM trials WHERE name = ?2 RETURNING trial",
                            params![id, run.trial.as_str(), metric, value],
                            |row| row.get::<_, i64>(0),
                        )
                        .map_err(unknown(format!("trial {}", run.trial)))?;
                }
            }
        }
        for (id_of, score) in (evaluation.ensemble.iter())
            .flat_map(|own| own.scores.iter().map(move |score| (own.id, score)))
        {
            transaction
                .execute(
                    "INSERT INTO ensemble_test_scores (evaluation, ensemble, metric, value, low, high)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    params![id, id_of, score.metric, score.mean, score.low, score.high],
                )
                .map_err(&fail)?;
        }
        transaction.commit().map_err(&fail)?;
        Ok(EvaluationRecord {
            evaluated_ms,
            test_evaluations: self.test_evaluation_count(&evaluation.data)?,
            evaluation: evaluation.clone(),
        })
    }

    /// How often a test set like that of the data set `data` has been evaluated: the number of [`Store::test_evaluations_like`].
    pub fn test_evaluation_count(&self, data: &DataDigest) -> Result<u64, StoreError> {
        Ok(self.test_evaluations_like(data)?.len() as u64)
    }

    /// Evaluations on what may be the test rows of the data set `data`, with whatever features, also by experiments that
    /// were removed since.
    ///
    /// Source file, classes and the numbers of training, validation and test rows are the same. The database does not hold
    /// the split: that is in the file of the experiment. Of a data set that was removed only the digest is left, and that
    /// has to be the same.
    pub fn test_evaluations_like(
        &self,
        data: &DataDigest,
    ) -> Result<Vec<TestEvaluation>, StoreError> {
        self.rows(
            &self.database.connection,
            "SELECT l.data, l.experiment, e.file_path, e.file_text, e.flags, e.edition
             FROM test_evaluations l
             LEFT JOIN datasets d ON d.digest = l.data
             LEFT JOIN datasets own ON own.digest = ?1
             LEFT JOIN experiments e
                 ON l.removed = 0 AND e.name = l.experiment AND e.dataset = d.id
             WHERE l.data = ?1
                OR (d.source_sha256 = own.source_sha256 AND d.classes = own.classes
                    AND d.train_rows = own.train_rows AND d.valid_rows = own.valid_rows
                    AND d.test_rows = own.test_rows)
             ORDER BY l.evaluated_ms",
            [data.as_str()],
            ("test_evaluations", "experiment"),
            |cells| {
                let file = match cells.optional_text("file_text")? {
                    None => None,
                    Some(text) => Some(ExperimentFile {
                        experiment: cells.text("experiment")?,
                        path: cells.path_of("file_path")?,
                        text,
                        flags: cells.texts("flags")?,
                        edition: cells.edition("edition")?,
                    }),
                };
                Ok(TestEvaluation {
                    data: DataDigest::from_hex(cells.hex("data", 64)?),
                    file,
                })
            },
        )
    }

    /// The last test-set evaluation of `experiment` on the data set that it has now.
    pub fn last_evaluation(
        &self,
        experiment: &str,
    ) -> Result<Option<EvaluationRecord>, StoreError> {
        let snapshot = self.database.snapshot()?;
        let found = self.rows(
            &snapshot,
            "SELECT v.*, d.digest FROM evaluations v
             JOIN experiments e ON e.id = v.experiment AND e.dataset = v.dataset
             JOIN datasets d ON d.id = v.dataset
             WHERE e.name = ?1 ORDER BY v.id DESC LIMIT 1",
            [experiment],
            ("evaluations", "id"),
            |cells| {
                let data = DataDigest::from_hex(cells.hex("digest", 64)?);
                Ok(EvaluationRecord {
                    evaluated_ms: cells.int("evaluated_ms")?,
                    test_evaluations: self.test_evaluation_count(&data)?,
                    evaluation: Evaluation {
                        data,
                        rows: cells.int("test_rows")?,
                        groups: cells.int("test_groups")?,
                        replicates: cells.int("replicates")?,
                        models: self.evaluated(&snapshot, cells.int("id")?)?,
                        ensemble: self.evaluated_ensemble(&snapshot, cells.int("id")?)?,
                    },
                })
            },
        )?;
        Ok(found.into_iter().next())
    }

    /// The scores of the ensemble in the evaluation `id`.
    fn evaluated_ensemble(
        &self,
        connection: &rusqlite::Connection,
        id: i64,
    ) -> Result<Option<EvaluatedEnsemble>, StoreError> {
        let mut found: Option<EvaluatedEnsemble> = None;
        self.rows(
            connection,
            "SELECT * FROM ensemble_test_scores WHERE evaluation = ?1 ORDER BY rowid",
            [id],
            ("ensemble_test_scores", "evaluation"),
            |cells| {
                let score = TestScore {
                    metric: cells.text("metric")?,
                    mean: cells.number("value")?,
                    sd: None,
                    low: cells.number("low")?,
                    high: cells.number("high")?,
                };
                let id = cells.int("ensemble")?;
                let scores = Vec::new();
                let own = found.get_or_insert(EvaluatedEnsemble { id, scores });
                own.scores.push(score);
                Ok(())
            },
        )?;
        Ok(found)
    }

    /// The scores of the evaluation `id`.
    fn evaluated(
        &self,
        connection: &rusqlite::Connection,
        id: i64,
    ) -> Result<Vec<Evaluated>, StoreError> {
        let mut models: Vec<Evaluated> = Vec::new();
        self.rows(
            connection,
            "SELECT * FROM test_intervals WHERE evaluation = ?1 ORDER BY position, rowid",
            [id],
            ("test_intervals", "evaluation"),
            |cells| {
                let config = ConfigId::from_hex(cells.hex("config", 32)?);
                let score = TestScore {
                    metric: cells.text("metric")?,
                    mean: cells.number("mean")?,
                    sd: cells.get("sd", "a number or NULL")?,
                    low: cells.number("low")?,
                    high: cells.number("high")?,
                };
                match models.last_mut() {
                    Some(model) if model.config == config => model.scores.push(score),
                    _ => models.push(Evaluated {
                        kind: cells.kind("kind")?,
                        config,
                        runs: Vec::new(),
                        scores: vec![score],
                    }),
                }
                Ok(())
            },
        )?;
        self.rows(
            connection,
            "SELECT s.evaluation, s.metric, s.value, t.name, t.config, t.seed, t.fold
             FROM test_scores s JOIN trials t ON t.id = s.trial
             WHERE s.evaluation = ?1 ORDER BY t.seed, t.fold, s.rowid",
            [id],
            ("test_scores", "evaluation"),
            |cells| {
                let config = cells.hex("config", 32)?;
                let trial = TrialId::from_hex(cells.hex("name", 32)?);
                let value = (cells.text("metric")?, cells.number("value")?);
                let (seed, fold) = (cells.int("seed")?, cells.optional_int("fold")?);
                let model = models
                    .iter_mut()
                    .find(|model| model.config.as_str() == config);
                let Some(model) = model else {
                    return Ok(());
                };
                match model.runs.last_mut() {
                    Some(run) if run.trial == trial => run.values.push(value),
                    _ => model.runs.push(EvaluatedRun {
                        trial,
                        seed,
                        fold,
                        values: vec![value],
                    }),
                }
                Ok(())
            },
        )?;
        Ok(models)
    }
}
