//! One trial in all its detail: attempts, curves, confusion, importance, artifacts; and what became of
//! slots.

use super::cells::{Cells, is_hex};
use super::{
    ArtifactRecord, AttemptRecord, Curve, DatasetRecord, ExperimentFile, SlotEventRecord, Store,
    StoreError, TrialRecord,
};
use sweep_core::trial::{ConfigId, TrialId};

/// Most names given to choose from.
const CANDIDATES: u32 = 10;

impl Store {
    /// The trial whose name begins with `prefix`. It is in the plan if any experiment asks for it.
    pub fn find_trial(&self, prefix: &str) -> Result<TrialRecord, StoreError> {
        let unknown = || StoreError::NoSuchTrial {
            prefix: prefix.to_owned(),
        };
        let prefix_hex = prefix.to_ascii_lowercase();
        if !is_hex(&prefix_hex) {
            return Err(unknown());
        }
        let snapshot = self.database.snapshot()?;
        let pattern = format!("{prefix_hex}*");
        let candidates = self.rows(
            &snapshot,
            "SELECT name FROM trials WHERE name GLOB ?1 ORDER BY name LIMIT ?2",
            rusqlite::params![pattern, CANDIDATES],
            ("trials", "name"),
            |cells| Ok(TrialId::from_hex(cells.hex("name", 32)?)),
        )?;
        match candidates.as_slice() {
            [] => Err(unknown()),
            [trial] => {
                let found = self.trials_named(&snapshot, trial.as_str())?;
                found.into_iter().next().ok_or_else(unknown)
            }
            _ => {
                let counts = self.rows(
                    &snapshot,
                    "SELECT count(*) AS n FROM trials WHERE name GLOB ?1",
                    [pattern],
                    ("trials", "n"),
                    |cells| cells.int::<u64>("n"),
                )?;
                Err(StoreError::Ambiguous {
                    prefix: prefix.to_owned(),
                    candidates,
                    count: counts.into_iter().sum(),
                })
            }
        }
    }

    /// The configurations whose names begin with `prefix`, some of them if there are many.
    pub fn find_configs(&self, prefix: &str) -> Result<Vec<ConfigId>, StoreError> {
        let prefix_hex = prefix.to_ascii_lowercase();
        if prefix_hex.is_empty() || !is_hex(&prefix_hex) {
            return Ok(Vec::new());
        }
        let snapshot = self.database.snapshot()?;
        self.rows(
            &snapshot,
            "SELECT DISTINCT config FROM trials WHERE config GLOB ?1 ORDER BY config LIMIT ?2",
            rusqlite::params![format!("{prefix_hex}*"), CANDIDATES],
            ("trials", "config"),
            |cells| Ok(ConfigId::from_hex(cells.hex("config", 32)?)),
        )
    }

    /// The trials of `config`, by seed and fold.
    pub fn trials_of_config(&self, config: &ConfigId) -> Result<Vec<TrialRecord>, StoreError> {
        let snapshot = self.database.snapshot()?;
        let names = self.rows(
            &snapshot,
            "SELECT name FROM trials WHERE config = ?1 ORDER BY seed, fold, name",
            [config.as_str()],
            ("trials", "name"),
            |cells| cells.hex("name", 32),
        )?;
        let mut trials = Vec::new();
        for name in names {
            trials.extend(self.trials_named(&snapshot, &name)?);
        }
        Ok(trials)
    }

    /// The experiments that have asked for `trial`, by name.
    pub fn experiments_of(&self, trial: &TrialId) -> Result<Vec<String>, StoreError> {
        self.rows(
            &self.database.connection,
            "SELECT e.name FROM experiments e
             JOIN experiment_trials x ON x.experiment = e.id
             JOIN trials t ON t.id = x.trial WHERE t.name = ?1 ORDER BY e.name",
            [trial.as_str()],
            ("experiments", "name"),
            |cells| cells.name("name"),
        )
    }

    /// The experiment file with which `trial` got its result; `None` if it has none.
    pub fn file_of(&self, trial: &TrialId) -> Result<Option<ExperimentFile>, StoreError> {
        let found = self.rows(
            &self.database.connection,
            "SELECT s.id, e.name, e.file_path, s.file_text, s.flags, s.edition FROM attempts a
             JOIN trials t ON t.id = a.trial JOIN sessions s ON s.id = a.session
             JOIN experiments e ON e.id = s.experiment
             WHERE t.name = ?1 AND a.outcome IN ('finished', 'diverged')
             ORDER BY a.session DESC, a.number DESC LIMIT 1",
            [trial.as_str()],
            ("sessions", "id"),
            |cells| {
                Ok(ExperimentFile {
                    experiment: cells.text("name")?,
                    path: cells.path_of("file_path")?,
                    text: cells.text("file_text")?,
                    flags: cells.texts("flags")?,
                    edition: cells.edition("edition")?,
                })
            },
        )?;
        Ok(found.into_iter().next())
    }

    /// The data set that `trial` is trained on.
    pub fn dataset_of(&self, trial: &TrialId) -> Result<DatasetRecord, StoreError> {
        let snapshot = self.database.snapshot()?;
        let found = self.rows(
            &snapshot,
            "SELECT name, dataset FROM trials WHERE name = ?1",
            [trial.as_str()],
            ("trials", "name"),
            |cells| self.dataset(&snapshot, cells.int("dataset")?),
        )?;
        found
            .into_iter()
            .next()
            .ok_or_else(|| StoreError::NoSuchTrial {
                prefix: trial.to_string(),
            })
    }

    /// Every attempt at `trial`, oldest first.
    pub fn attempts(&self, trial: &TrialId) -> Result<Vec<AttemptRecord>, StoreError> {
        self.rows(
            &self.database.connection,
            "SELECT a.* FROM attempts a JOIN trials t ON t.id = a.trial
             WHERE t.name = ?1 ORDER BY a.session, a.number",
            [trial.as_str()],
            ("attempts", "number"),
            attempt,
        )
    }

    /// Every attempt in the sessions of `experiment`, with the trial that it was made at, oldest first.
    pub fn attempts_in(
        &self,
        experiment: &str,
    ) -> Result<Vec<(TrialId, AttemptRecord)>, StoreError> {
        self.rows(
            &self.database.connection,
            "SELECT a.*, t.name FROM attempts a JOIN trials t ON t.id = a.trial
             JOIN sessions s ON s.id = a.session JOIN experiments e ON e.id = s.experiment
             WHERE e.name = ?1 ORDER BY a.session, a.number",
            [experiment],
            ("attempts", "number"),
            |cells| Ok((TrialId::from_hex(cells.hex("name", 32)?), attempt(cells)?)),
        )
    }

    /// What became of slots in the sessions of `experiment`, in the order in which it was recorded.
    pub fn slot_events(&self, experiment: &str) -> Result<Vec<SlotEventRecord>, StoreError> {
        self.rows(
            &self.database.connection,
            "SELECT v.* FROM slot_events v JOIN sessions s ON s.id = v.session
             JOIN experiments e ON e.id = s.experiment WHERE e.name = ?1 ORDER BY v.rowid",
            [experiment],
            ("slot_events", "session"),
            |cells| {
                let event = cells.text("event")?;
                if !["worker_started", "retired"].contains(&event.as_str()) {
                    return Err(cells.refuse("event", "worker_started or retired"));
                }
                Ok(SlotEventRecord {
                    session: cells.int("session")?,
                    slot: cells.text("slot")?,
                    at_ms: cells.int("at_ms")?,
                    event,
                    engine: cells.optional_text("engine")?,
                    pid: cells.optional_int("pid")?,
                    message: cells.optional_text("message")?,
                })
            },
        )
    }

    /// Every metric of `trial` over its steps, by name.
    pub fn curves(&self, trial: &TrialId) -> Result<Vec<Curve>, StoreError> {
        let mut curves: Vec<Curve> = Vec::new();
        self.rows(
            &self.database.connection,
            "SELECT t.name AS trial, n.name, m.step, m.value FROM trials t
             JOIN metrics m ON m.trial = t.id JOIN metric_names n ON n.id = m.metric
             WHERE t.name = ?1 ORDER BY n.name, m.step",
            [trial.as_str()],
            ("metrics", "trial"),
            |cells| {
                let metric = cells.text("name")?;
                let point = (cells.int("step")?, cells.number("value")?);
                match curves.last_mut() {
                    Some(curve) if curve.metric == metric => curve.points.push(point),
                    _ => curves.push(Curve {
                        metric,
                        points: vec![point],
                    }),
                }
                Ok(())
            },
        )?;
        Ok(curves)
    }

    /// Validation rows of `trial` by (actual, predicted) class; empty when none were recorded.
    pub fn confusion(&self, trial: &TrialId) -> Result<Vec<Vec<u64>>, StoreError> {
        let mut matrix: Vec<Vec<u64>> = Vec::new();
        self.rows(
            &self.database.connection,
            "SELECT t.name AS trial, d.classes, c.actual, c.predicted, c.rows FROM trials t
             JOIN datasets d ON d.id = t.dataset JOIN confusion c ON c.trial = t.id
             WHERE t.name = ?1",
            [trial.as_str()],
            ("confusion", "trial"),
            |cells| {
                if matrix.is_empty() {
                    let classes = cells.texts("classes")?.len();
                    matrix = vec![vec![0; classes]; classes];
                }
                let actual: usize = cells.int("actual")?;
                let predicted: usize = cells.int("predicted")?;
                let cell = matrix
                    .get_mut(actual)
                    .and_then(|row| row.get_mut(predicted))
                    .ok_or_else(|| {
                        cells.refuse("predicted", "below the number of classes, as is `actual`")
                    })?;
                *cell = cells.int("rows")?;
                Ok(())
            },
        )?;
        Ok(matrix)
    }

    /// The importance of each feature in `trial`, in the order of its result.
    pub fn importance(&self, trial: &TrialId) -> Result<Vec<(String, f64)>, StoreError> {
        self.rows(
            &self.database.connection,
            "SELECT t.name AS trial, i.feature, i.importance FROM trials t
             JOIN importance i ON i.trial = t.id WHERE t.name = ?1 ORDER BY i.position",
            [trial.as_str()],
            ("importance", "trial"),
            |cells| Ok((cells.text("feature")?, cells.number("importance")?)),
        )
    }

    /// The files that `trial` left behind, by path relative to its folder.
    pub fn artifacts(&self, trial: &TrialId) -> Result<Vec<ArtifactRecord>, StoreError> {
        self.rows(
            &self.database.connection,
            "SELECT t.name AS trial, a.kind, a.path, a.bytes FROM trials t
             JOIN artifacts a ON a.trial = t.id WHERE t.name = ?1 ORDER BY a.path",
            [trial.as_str()],
            ("artifacts", "trial"),
            |cells| {
                Ok(ArtifactRecord {
                    kind: cells.text("kind")?,
                    path: cells.path_within("path")?,
                    bytes: cells.int("bytes")?,
                })
            },
        )
    }
}

/// The attempt of a row with all columns of `attempts`.
fn attempt(cells: &Cells<'_>) -> Result<AttemptRecord, StoreError> {
    let warnings = cells.optional_text("warnings")?.unwrap_or_default();
    Ok(AttemptRecord {
        session: cells.int("session")?,
        number: cells.int("number")?,
        slot: cells.text("slot")?,
        engine: cells.text("engine")?,
        pid: cells.int("pid")?,
        started_ms: cells.int("started_ms")?,
        ended_ms: cells.optional_int("ended_ms")?,
        outcome: cells.text("outcome")?,
        exit_code: cells.optional_int("exit_code")?,
        signal: cells.optional_int("signal")?,
        message: cells.optional_text("message")?,
        log_tail: cells.optional_text("log_tail")?,
        resumed_from: cells.optional_int("resumed_from")?,
        warnings: warnings.lines().map(str::to_owned).collect(),
    })
}
