//! Ensembles of trials. They are only added; the newest of an experiment counts.

use rusqlite::params;

use super::cells::to_int;
use super::clock::now_ms;
use super::{EnsembleRecord, Store, StoreError};
use sweep_core::trial::{
    DataDigest, Ensemble, EnsembleMethod, EnsembleScore, EnsembleTrial, TrialId,
};

const ACTION: &str = "recording an ensemble";

impl Store {
    /// Records an ensemble of trials of `experiment`, all or nothing, and gives it back with its time. `version` is that of
    /// this program.
    ///
    /// # Errors
    /// When the experiment does not have these data or a trial is unknown.
    pub fn record_ensemble(
        &mut self,
        experiment: &str,
        version: &str,
        ensemble: &Ensemble,
    ) -> Result<EnsembleRecord, StoreError> {
        let fail = self.database.fail(ACTION);
        let selected_ms = now_ms();
        let transaction = self.database.begin(ACTION)?;
        let unknown = |what: String| StoreError::unknown_or(what, &fail);
        let method = ensemble.method;
        let id: i64 = transaction
            .query_row(
                "INSERT INTO ensembles (experiment, dataset, selected_ms, version, loss, top, rounds,
                                        bags, seed, finished, library)
                 SELECT e.id, d.id, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11
                 FROM experiments e, datasets d WHERE e.name = ?1 AND d.digest = ?2 RETURNING id",
                params![
                    experiment,
                    ensemble.data.as_str(),
                    selected_ms,
                    version,
                    ensemble.loss,
                    method.top,
                    method.rounds,
                    method.bags,
                    method.seed,
                    to_int("the number of candidates", ensemble.finished)?,
                    ensemble.library,
                ],
                |row| row.get(0),
            )
            .map_err(unknown(format!("experiment {experiment} on these data")))?;
        for (place, one) in ensemble.trials.iter().enumerate() {
            transaction
                .query_row(
                    "INSERT INTO ensemble_trials (ensemble, position, trial, weight)
                     SELECT ?1, ?2, id, ?4 FROM trials WHERE name = ?3 RETURNING trial",
                    params![id, place as i64, one.trial.as_str(), one.weight],
                    |row| row.get::<_, i64>(0),
                )
                .map_err(unknown(format!("trial {}", one.trial)))?;
        }
        for score in &ensemble.scores {
            transaction
                .execute(
                    "INSERT INTO ensemble_scores (ensemble, metric, value, cross_fitted, single)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![
                        id,
                        score.metric,
                        score.value,
                        score.cross_fitted,
                        score.single
                    ],
                )
                .map_err(&fail)?;
        }
        transaction.commit().map_err(&fail)?;
        Ok(EnsembleRecord {
            id,
            selected_ms,
            version: version.to_owned(),
            ensemble: ensemble.clone(),
        })
    }

    /// The newest ensemble of `experiment`.
    pub fn ensemble(&self, experiment: &str) -> Result<Option<EnsembleRecord>, StoreError> {
        let snapshot = self.database.snapshot()?;
        let found = self.rows(
            &snapshot,
            "SELECT s.*, d.digest FROM ensembles s
             JOIN experiments e ON e.id = s.experiment JOIN datasets d ON d.id = s.dataset
             WHERE e.name = ?1 ORDER BY s.id DESC LIMIT 1",
            [experiment],
            ("ensembles", "id"),
            |cells| {
                let id = cells.int("id")?;
                Ok(EnsembleRecord {
                    id,
                    selected_ms: cells.int("selected_ms")?,
                    version: cells.text("version")?,
                    ensemble: Ensemble {
                        data: DataDigest::from_hex(cells.hex("digest", 64)?),
                        loss: cells.text("loss")?,
                        method: EnsembleMethod {
                            top: cells.int("top")?,
                            rounds: cells.int("rounds")?,
                            bags: cells.int("bags")?,
                            seed: cells.int("seed")?,
                        },
                        finished: cells.int("finished")?,
                        library: cells.text("library")?,
                        trials: self.ensemble_trials(&snapshot, id)?,
                        scores: self.ensemble_scores(&snapshot, id)?,
                    },
                })
            },
        )?;
        Ok(found.into_iter().next())
    }

    fn ensemble_trials(
        &self,
        connection: &rusqlite::Connection,
        id: i64,
    ) -> Result<Vec<EnsembleTrial>, StoreError> {
        self.rows(
            connection,
            "SELECT m.ensemble, m.weight, t.name FROM ensemble_trials m
             JOIN trials t ON t.id = m.trial WHERE m.ensemble = ?1 ORDER BY m.position",
            [id],
            ("ensemble_trials", "ensemble"),
            |cells| {
                Ok(EnsembleTrial {
                    trial: TrialId::from_hex(cells.hex("name", 32)?),
                    weight: cells.get("weight", "a number")?,
                })
            },
        )
    }

    fn ensemble_scores(
        &self,
        connection: &rusqlite::Connection,
        id: i64,
    ) -> Result<Vec<EnsembleScore>, StoreError> {
        self.rows(
            connection,
            "SELECT * FROM ensemble_scores WHERE ensemble = ?1 ORDER BY rowid",
            [id],
            ("ensemble_scores", "ensemble"),
            |cells| {
                Ok(EnsembleScore {
                    metric: cells.text("metric")?,
                    value: cells.number("value")?,
                    cross_fitted: cells.get("cross_fitted", "a number or NULL")?,
                    single: cells.get("single", "a number or NULL")?,
                })
            },
        )
    }
}
