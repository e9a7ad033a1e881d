//! Experiments as the database knows them. Each answer is of one moment, while a sweep may be writing.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Params as Bound};

use super::annotations::Annotations;
use super::cells::Cells;
use super::working_tree::take_file;
use super::{
    DatasetRecord, ExperimentRecord, ExperimentSummary, FoldRecord, SessionRecord, Store,
    StoreError, TrialRecord, WorkingTree,
};
use sweep_core::trial::{ConfigId, DataDigest, Status, TrialId, complete};

const ACTION: &str = "reading it";

/// The columns of a [`TrialRecord`], from `trials` called t.
const TRIAL_COLUMNS: &str = "t.id, t.name, t.config, t.kind, t.seed, t.fold, t.status, \
    t.best, t.best_step, t.last, t.steps, t.parameters, t.seconds, t.message, t.cause";

impl Store {
    /// Every experiment, the one whose newest session was begun last first: clocks are set back, and
    /// sessions are numbered.
    pub fn experiments(&self) -> Result<Vec<ExperimentSummary>, StoreError> {
        let snapshot = self.database.snapshot()?;
        let experiments = self.rows(
            &snapshot,
            "SELECT e.id, e.name, e.metric, e.goal, d.digest, e.created_ms,
                    max(e.updated_ms, coalesce(max(s.started_ms, coalesce(s.ended_ms, 0)), 0))
                        AS updated_ms,
                    (SELECT count(*) FROM experiment_trials x
                     WHERE x.experiment = e.id AND x.in_plan = 0) AS out_of_plan
             FROM experiments e
             JOIN datasets d ON d.id = e.dataset
             LEFT JOIN sessions s
                 ON s.id = (SELECT max(id) FROM sessions WHERE experiment = e.id)
             ORDER BY s.id DESC, e.id DESC",
            [],
            ("experiments", "name"),
            |cells| {
                let summary = ExperimentSummary {
                    name: cells.name("name")?,
                    objective: cells.objective()?,
                    data: DataDigest::from_hex(cells.hex("digest", 64)?),
                    created_ms: cells.int("created_ms")?,
                    updated_ms: cells.int("updated_ms")?,
                    counts: Vec::new(),
                    out_of_plan: cells.int("out_of_plan")?,
                    best: None,
                    best_trial: None,
                };
                Ok((cells.int("id")?, summary))
            },
        )?;
        experiments
            .into_iter()
            .map(|(id, summary)| self.summarise(&snapshot, id, summary))
            .collect()
    }

    /// The experiment called `name`, whole.
    pub fn experiment(&self, name: &str) -> Result<Option<ExperimentRecord>, StoreError> {
        let snapshot = self.database.snapshot()?;
        let found = self.rows(
            &snapshot,
            "SELECT id, name, file_path, file_text, flags, edition, metric, goal, dataset
             FROM experiments WHERE name = ?1",
            [name],
            ("experiments", "name"),
            |cells| {
                let id: i64 = cells.int("id")?;
                Ok(ExperimentRecord {
                    name: cells.name("name")?,
                    file_path: cells.path_of("file_path")?,
                    file_text: cells.text("file_text")?,
                    flags: cells.texts("flags")?,
                    edition: cells.edition("edition")?,
                    objective: cells.objective()?,
                    dataset: self.dataset(&snapshot, cells.int("dataset")?)?,
                    folds: self.folds(&snapshot, id)?,
                    sessions: self.sessions(&snapshot, id)?,
                    searches: {
                        let mut searches = self.searches_of(&snapshot, id)?;
                        searches.retain(|search| search.in_plan);
                        searches
                    },
                    trials: {
                        let mut trials = self.trials(&snapshot, id)?;
                        let params = trials
                            .iter_mut()
                            .map(|trial| (trial.kind, &mut trial.params));
                        complete(params);
                        trials
                    },
                })
            },
        )?;
        Ok(found.into_iter().next())
    }

    /// The name of the experiment whose newest session was begun last.
    pub fn last_experiment(&self) -> Result<Option<String>, StoreError> {
        let snapshot = self.database.snapshot()?;
        let found = self.rows(
            &snapshot,
            "SELECT e.name FROM experiments e JOIN sessions s ON s.experiment = e.id
             ORDER BY s.id DESC LIMIT 1",
            [],
            ("experiments", "name"),
            |cells| cells.name("name"),
        )?;
        Ok(found.into_iter().next())
    }

    /// Where each of `trials` stands; `None` for one that the database does not know.
    pub fn statuses(&self, trials: &[TrialId]) -> Result<Vec<Option<Status>>, StoreError> {
        let snapshot = self.database.snapshot()?;
        let mut find = snapshot
            .prepare_cached("SELECT name, status FROM trials WHERE name = ?1")
            .map_err(self.database.fail(ACTION))?;
        let mut statuses = Vec::with_capacity(trials.len());
        for trial in trials {
            let status = find
                .query_row([trial.as_str()], |row| {
                    Ok(Cells {
                        path: &self.database.path,
                        table: "trials",
                        key: "name",
                        row,
                    }
                    .status("status"))
                })
                .optional()
                .map_err(self.database.fail(ACTION))?;
            statuses.push(status.transpose()?);
        }
        Ok(statuses)
    }

    /// The record of a row with the columns of [`TRIAL_COLUMNS`] and `in_plan`; what stands in other
    /// tables is still to be filled in.
    fn bare_trial(cells: &Cells<'_>) -> Result<(i64, TrialRecord), StoreError> {
        let number = |column| cells.get::<Option<f64>>(column, "a number or NULL");
        let record = TrialRecord {
            id: TrialId::from_hex(cells.hex("name", 32)?),
            config: ConfigId::from_hex(cells.hex("config", 32)?),
            kind: cells.kind("kind")?,
            seed: cells.int("seed")?,
            fold: cells.optional_int("fold")?,
            status: cells.status("status")?,
            in_plan: cells.get("in_plan", "0 or 1")?,
            params: Vec::new(),
            best: number("best")?,
            best_step: cells.optional_int("best_step")?,
            last: number("last")?,
            steps: cells.optional_int("steps")?,
            parameters: cells.optional_int("parameters")?,
            seconds: number("seconds")?,
            metrics: Vec::new(),
            message: cells.optional_text("message")?,
            cause: cells.optional_text("cause")?,
            tags: Vec::new(),
            notes: Vec::new(),
        };
        Ok((cells.int("id")?, record))
    }

    /// The trials that `chosen` gives, a `SELECT` of [`TRIAL_COLUMNS`] and `in_plan`, whole.
    pub(super) fn trials_of(
        &self,
        connection: &Connection,
        chosen: &str,
        values: impl Bound + Copy,
    ) -> Result<Vec<TrialRecord>, StoreError> {
        let bare = self.rows(
            connection,
            chosen,
            values,
            ("trials", "name"),
            Self::bare_trial,
        )?;
        let (keys, mut trials): (Vec<i64>, Vec<TrialRecord>) = bare.into_iter().unzip();
        let places: HashMap<i64, usize> = keys
            .into_iter()
            .enumerate()
            .map(|(place, key)| (key, place))
            .collect();
        let params = format!(
            "SELECT p.trial, p.name, p.type, p.value FROM params p
             WHERE p.trial IN (SELECT id FROM ({chosen})) ORDER BY p.trial, p.position"
        );
        self.rows(connection, &params, values, ("params", "trial"), |cells| {
            let param = (cells.text("name")?, cells.param()?);
            if let Some(&place) = places.get(&cells.int("trial")?) {
                trials[place].params.push(param);
            }
            Ok(())
        })?;
        let metrics = format!(
            "SELECT m.trial, n.name, m.value FROM ({chosen}) c
             JOIN metrics m ON m.trial = c.id AND m.step = c.best_step
             JOIN metric_names n ON n.id = m.metric ORDER BY m.trial, n.name"
        );
        self.rows(
            connection,
            &metrics,
            values,
            ("metrics", "trial"),
            |cells| {
                let metric = (cells.text("name")?, cells.number("value")?);
                if let Some(&place) = places.get(&cells.int("trial")?) {
                    trials[place].metrics.push(metric);
                }
                Ok(())
            },
        )?;
        self.labels(connection, chosen, values, |key, label| {
            if let Some(&place) = places.get(&key) {
                match label {
                    Annotations::Tag(tag) => trials[place].tags.push(tag),
                    Annotations::Note(note) => trials[place].notes.push(note),
                }
            }
        })?;
        Ok(trials)
    }

    fn summarise(
        &self,
        connection: &Connection,
        experiment: i64,
        mut summary: ExperimentSummary,
    ) -> Result<ExperimentSummary, StoreError> {
        let counts = self.rows(
            connection,
            "SELECT t.status, count(*) AS n FROM experiment_trials x
             JOIN trials t ON t.id = x.trial
             WHERE x.experiment = ?1 AND x.in_plan = 1 GROUP BY t.status",
            [experiment],
            ("trials", "status"),
            |cells| Ok((cells.status("status")?, cells.int("n")?)),
        )?;
        summary.counts = Status::ALL
            .into_iter()
            .filter_map(|status| counts.iter().find(|count| count.0 == status).copied())
            .collect();
        let best = self.rows(
            connection,
            "SELECT trial AS name, best FROM best_trials WHERE experiment = ?1
             ORDER BY rank, trial LIMIT 1",
            [&summary.name],
            ("trials", "name"),
            |cells| {
                let trial = TrialId::from_hex(cells.hex("name", 32)?);
                Ok((trial, cells.number("best")?))
            },
        )?;
        if let Some((trial, best)) = best.into_iter().next() {
            summary.best = Some(best);
            summary.best_trial = Some(trial);
        }
        Ok(summary)
    }

    pub(super) fn dataset(
        &self,
        connection: &Connection,
        id: i64,
    ) -> Result<DatasetRecord, StoreError> {
        let found = self.rows(
            connection,
            "SELECT * FROM datasets WHERE id = ?1",
            [id],
            ("datasets", "id"),
            |cells| {
                Ok(DatasetRecord {
                    digest: DataDigest::from_hex(cells.hex("digest", 64)?),
                    source: cells.path_of("source")?,
                    source_sha256: cells.text("source_sha256")?,
                    features: cells.texts("features")?,
                    classes: cells.texts("classes")?,
                    train_rows: cells.int("train_rows")?,
                    valid_rows: cells.int("valid_rows")?,
                    test_rows: cells.int("test_rows")?,
                    notes: cells.texts("notes")?,
                })
            },
        )?;
        found.into_iter().next().ok_or_else(|| StoreError::Value {
            path: self.database.path.clone(),
            table: "datasets",
            key: id.to_string(),
            column: "id",
            found: "missing".to_owned(),
            allowed: "the data set that an experiment names".into(),
        })
    }

    /// The folds in the plan of `experiment`.
    fn folds(
        &self,
        connection: &Connection,
        experiment: i64,
    ) -> Result<Vec<FoldRecord>, StoreError> {
        self.rows(
            connection,
            "SELECT DISTINCT t.fold, t.dataset FROM experiment_trials x
             JOIN trials t ON t.id = x.trial
             WHERE x.experiment = ?1 AND x.in_plan = 1 AND t.fold IS NOT NULL
             ORDER BY t.fold",
            [experiment],
            ("trials", "fold"),
            |cells| {
                Ok(FoldRecord {
                    fold: cells.int("fold")?,
                    dataset: self.dataset(connection, cells.int("dataset")?)?,
                })
            },
        )
    }

    fn sessions(
        &self,
        connection: &Connection,
        experiment: i64,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        self.rows(
            connection,
            "SELECT * FROM sessions WHERE experiment = ?1 ORDER BY id",
            [experiment],
            ("sessions", "id"),
            |cells| {
                let outcome = cells.text("outcome")?;
                if !["running", "finished", "interrupted", "failed"].contains(&outcome.as_str()) {
                    return Err(cells.refuse("outcome", "running, finished, interrupted or failed"));
                }
                let mut environment = cells.named_texts("environment")?;
                Ok(SessionRecord {
                    working_tree: WorkingTree::take(&mut environment),
                    file: take_file(&mut environment),
                    environment,
                    id: cells.int("id")?,
                    started_ms: cells.int("started_ms")?,
                    ended_ms: cells.optional_int("ended_ms")?,
                    outcome,
                    command: cells.text("command")?,
                    host: cells.text("host")?,
                    pid: cells.int("pid")?,
                    version: cells.text("version")?,
                    git_commit: cells.optional_text("git_commit")?,
                })
            },
        )
    }

    fn trials(
        &self,
        connection: &Connection,
        experiment: i64,
    ) -> Result<Vec<TrialRecord>, StoreError> {
        let chosen = format!(
            "SELECT {TRIAL_COLUMNS}, x.in_plan FROM experiment_trials x
             JOIN trials t ON t.id = x.trial WHERE x.experiment = ?1
             ORDER BY x.in_plan DESC, x.position, t.id"
        );
        self.trials_of(connection, &chosen, [experiment])
    }

    /// The trial called `name`, in a list of one or none.
    pub(super) fn trials_named(
        &self,
        connection: &Connection,
        name: &str,
    ) -> Result<Vec<TrialRecord>, StoreError> {
        let chosen = format!(
            "SELECT {TRIAL_COLUMNS}, EXISTS (SELECT 1 FROM experiment_trials x
                 WHERE x.trial = t.id AND x.in_plan = 1) AS in_plan
             FROM trials t WHERE t.name = ?1"
        );
        self.trials_of(connection, &chosen, [name])
    }
}
