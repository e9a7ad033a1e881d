//! The beginning of a session: experiment, data set, plan and session are written in one
//! transaction, so that the database never knows of a session whose plan it lacks.

use std::path::Path;

use rusqlite::{Transaction, params};

use super::cells::{param_cells, to_int, to_json, to_json_object, to_text};
use super::clock::now_ms;
use super::{DatasetRecord, Store, StoreError};
use sweep_core::data_config::Edition;
use sweep_core::trial::{ConfigId, Objective, TrialId, TrialSpec};

const ACTION: &str = "beginning a session";

/// One planned trial.
#[derive(Debug, Clone, Copy)]
pub struct NewTrial<'a> {
    pub id: &'a TrialId,
    pub config: &'a ConfigId,
    pub spec: &'a TrialSpec,
    /// The fold whose rows validate it, from 1; `None` without cross-validation.
    pub fold: Option<u32>,
}

/// All there is to say when a sweep is begun or resumed.
pub struct NewSession<'a> {
    pub experiment: &'a str,
    pub file_path: &'a Path,
    pub file_text: &'a str,
    /// Keys set on top of the file, such as `model.epochs=5`.
    pub flags: &'a [String],
    /// Whose defaults hold for its data.
    pub edition: Edition,
    pub objective: &'a Objective,
    /// One data set, or one for each fold of a cross-validation, in order.
    pub datasets: &'a [DatasetRecord],
    /// The command line.
    pub command: &'a str,
    pub host: &'a str,
    pub pid: u32,
    /// Of this program.
    pub version: &'a str,
    /// Of the working directory, if it is a Git repository.
    pub git_commit: Option<&'a str>,
    /// What the machine and the libraries are: name and text.
    pub environment: &'a [(String, String)],
    /// The whole plan, in order; those that were in the plan before and are not here fall out of it.
    pub trials: &'a [NewTrial<'a>],
    /// Whether the caller holds the experiment's [`super::SweepLock`]. If so, a session of this
    /// experiment that never ended is known to be dead, and its running trials become interrupted.
    pub holds_lock: bool,
}

/// A session that was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionId(pub(super) i64);

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Every trial of the plan that could be trained was.
    Finished,
    /// Stopped on request.
    Interrupted,
    /// Given up on an error.
    Failed,
}

impl Outcome {
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Finished => "finished",
            Outcome::Interrupted => "interrupted",
            Outcome::Failed => "failed",
        }
    }
}

impl SessionId {
    /// The key in the table `sessions`.
    pub fn get(self) -> i64 {
        self.0
    }
}

/// A session that is recorded as running, whoever runs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenSession {
    pub id: SessionId,
    pub began_ms: i64,
}

impl Store {
    /// Records that a session begins: experiment, data set, plan and session, all or nothing.
    /// Trials that are known already keep their status and results.
    pub fn begin(&mut self, begin: &NewSession<'_>) -> Result<SessionId, StoreError> {
        let fail = self.database.fail(ACTION);
        let transaction = self.database.begin(ACTION)?;
        let writer = SessionWriter {
            transaction: &transaction,
            fail: &fail,
            now: now_ms(),
        };
        let datasets = begin.datasets.iter().map(|data| writer.dataset(data));
        let datasets: Vec<i64> = datasets.collect::<Result<_, _>>()?;
        let experiment = writer.experiment(begin, datasets[0])?;
        if begin.holds_lock {
            interrupt_dead_sessions(&transaction, experiment).map_err(&fail)?;
        }
        writer.plan(begin.trials, experiment, &datasets)?;
        let session = writer.session(begin, experiment)?;
        transaction.commit().map_err(&fail)?;
        Ok(SessionId(session))
    }
}

/// Marks the attempts that `session` left running as interrupted, and their trials with them.
/// `ended_ms` stays NULL where the end was not recorded.
pub(super) fn interrupt_running(
    transaction: &Transaction<'_>,
    session: i64,
    ended_ms: Option<i64>,
) -> rusqlite::Result<()> {
    transaction.execute(
        "UPDATE trials SET status = 'interrupted' WHERE status = 'running' AND id IN
             (SELECT trial FROM attempts WHERE session = ?1 AND outcome = 'running')",
        [session],
    )?;
    transaction.execute(
        "UPDATE attempts SET outcome = 'interrupted', ended_ms = ?2
         WHERE session = ?1 AND outcome = 'running'",
        params![session, ended_ms],
    )?;
    Ok(())
}

/// Closes the sessions of `experiment` whose process is gone.
fn interrupt_dead_sessions(transaction: &Transaction<'_>, experiment: i64) -> rusqlite::Result<()> {
    let dead: Vec<i64> = transaction
        .prepare("SELECT id FROM sessions WHERE experiment = ?1 AND outcome = 'running'")?
        .query_map([experiment], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for session in dead {
        interrupt_running(transaction, session, None)?;
        transaction.execute(
            "UPDATE sessions SET outcome = 'interrupted' WHERE id = ?1",
            [session],
        )?;
    }
    Ok(())
}

struct SessionWriter<'a, F> {
    transaction: &'a Transaction<'a>,
    fail: &'a F,
    now: i64,
}

/// Writes a trial that the database does not know, with its hyper-parameters, and gives its key.
pub(super) fn insert_trial(
    transaction: &Transaction<'_>,
    planned: &NewTrial<'_>,
    dataset: i64,
    fail: &impl Fn(rusqlite::Error) -> StoreError,
) -> Result<i64, StoreError> {
    let spec = planned.spec;
    let insert = |sql| transaction.prepare_cached(sql).map_err(fail);
    let trial: i64 = insert(
        "INSERT INTO trials (name, config, kind, seed, dataset, metric, goal, status, fold)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'pending', ?8) RETURNING id",
    )?
    .query_row(
        params![
            planned.id.as_str(),
            planned.config.as_str(),
            spec.model.kind().name(),
            to_int("the seed", spec.seed)?,
            dataset,
            spec.objective.metric,
            spec.objective.goal.name(),
            planned.fold,
        ],
        |row| row.get(0),
    )
    .map_err(fail)?;
    let mut param = insert(
        "INSERT INTO params (trial, position, name, type, value) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for (position, (key, value)) in spec.params().iter().enumerate() {
        let (kind, cell) = param_cells(value).ok_or_else(|| StoreError::InvalidValue {
            what: format!("the parameter {key}"),
            found: value.to_string(),
            allowed: "a finite number",
        })?;
        param
            .execute(params![trial, position as i64, key, kind, cell])
            .map_err(fail)?;
    }
    Ok(trial)
}

impl<F: Fn(rusqlite::Error) -> StoreError> SessionWriter<'_, F> {
    fn dataset(&self, data: &DatasetRecord) -> Result<i64, StoreError> {
        self.transaction
            .query_row(
                "INSERT INTO datasets (digest, source, source_sha256, features, classes,
                                       train_rows, valid_rows, test_rows, notes)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                 ON CONFLICT (digest) DO UPDATE SET source = excluded.source,
                     source_sha256 = excluded.source_sha256, notes = excluded.notes
                 RETURNING id",
                params![
                    data.digest.as_str(),
                    to_text("the data's source", &data.source)?,
                    data.source_sha256,
                    to_json(&data.features),
                    to_json(&data.classes),
                    to_int("the number of training rows", data.train_rows)?,
                    to_int("the number of validation rows", data.valid_rows)?,
                    to_int("the number of test rows", data.test_rows)?,
                    to_json(&data.notes),
                ],
                |row| row.get(0),
            )
            .map_err(self.fail)
    }

    fn experiment(&self, begin: &NewSession<'_>, dataset: i64) -> Result<i64, StoreError> {
        self.transaction
            .query_row(
                "INSERT INTO experiments (name, file_path, file_text, flags, metric, goal, dataset,
                                          created_ms, updated_ms, edition)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9)
                 ON CONFLICT (name) DO UPDATE SET file_path = excluded.file_path,
                     file_text = excluded.file_text, flags = excluded.flags,
                     metric = excluded.metric, goal = excluded.goal, dataset = excluded.dataset,
                     edition = excluded.edition, updated_ms = excluded.updated_ms
                 RETURNING id",
                params![
                    begin.experiment,
                    to_text("the experiment file", begin.file_path)?,
                    begin.file_text,
                    to_json(begin.flags),
                    begin.objective.metric,
                    begin.objective.goal.name(),
                    dataset,
                    self.now,
                    begin.edition.number(),
                ],
                |row| row.get(0),
            )
            .map_err(self.fail)
    }

    fn session(&self, begin: &NewSession<'_>, experiment: i64) -> Result<i64, StoreError> {
        self.transaction
            .query_row(
                "INSERT INTO sessions (experiment, command, file_text, flags, host, pid, version,
                                       git_commit, started_ms, environment, outcome, edition)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'running', ?11) RETURNING id",
                params![
                    experiment,
                    begin.command,
                    begin.file_text,
                    to_json(begin.flags),
                    begin.host,
                    begin.pid,
                    begin.version,
                    begin.git_commit,
                    self.now,
                    to_json_object(begin.environment),
                    begin.edition.number(),
                ],
                |row| row.get(0),
            )
            .map_err(self.fail)
    }

    fn plan(
        &self,
        trials: &[NewTrial<'_>],
        experiment: i64,
        datasets: &[i64],
    ) -> Result<(), StoreError> {
        let prepare = |sql| self.transaction.prepare(sql).map_err(self.fail);
        let mut find = prepare("SELECT id FROM trials WHERE name = ?1")?;
        let mut ask = prepare(
            "INSERT INTO experiment_trials (experiment, trial, position, in_plan)
             VALUES (?1, ?2, ?3, 1)
             ON CONFLICT DO UPDATE SET position = excluded.position, in_plan = 1",
        )?;
        self.transaction
            .execute(
                "UPDATE experiment_trials SET in_plan = 0 WHERE experiment = ?1",
                [experiment],
            )
            .map_err(self.fail)?;
        for (position, planned) in trials.iter().enumerate() {
            let known = find.query_row([planned.id.as_str()], |row| row.get(0));
            let trial: i64 = match known {
                Ok(trial) => trial,
                Err(rusqlite::Error::QueryReturnedNoRows) => {
                    let fold = planned.fold.map_or(0, |fold| fold as usize - 1);
                    insert_trial(self.transaction, planned, datasets[fold], self.fail)?
                }
                Err(error) => return Err((self.fail)(error)),
            };
            ask.execute(params![experiment, trial, position as i64])
                .map_err(self.fail)?;
        }
        Ok(())
    }
}
