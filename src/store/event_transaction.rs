//! What each event means to the database.
//!
//! A trial that is over for good never leaves that status again, whoever else trains it.

use std::collections::{HashMap, HashSet};

use rusqlite::{OptionalExtension, Transaction, params};

use super::StoreError;
use super::agents::AgentKeys;
use super::cells::{to_int, to_text};
use super::check_confusion::check_confusion;
use super::session::{Outcome, interrupt_running};
use sweep_core::event::{AttemptNo, Cause, Event, SKIPPED, Slot};
use sweep_core::trial::{Metric, TrialId, TrialResult};

/// The condition under which an attempt may still change its trial's status and curves.
pub(super) const NOT_FINAL: &str = "status NOT IN ('finished', 'diverged')";

/// What need not be asked of the database again.
#[derive(Default)]
pub(super) struct Keys {
    trials: HashMap<TrialId, TrialKey>,
    metrics: HashMap<Metric, i64>,
    /// Attempts that have reported a step of their own.
    progressed: HashSet<AttemptNo>,
    /// The steps that attempts resumed from.
    resumed: HashMap<AttemptNo, u32>,
    pub(super) agents: AgentKeys,
}

#[derive(Clone, Copy)]
pub(super) struct TrialKey {
    pub(super) id: i64,
    /// Of the data set it is trained on.
    classes: usize,
    /// Whether it had a result when this session first touched it. Its results and curves are no longer changed.
    is_final: bool,
}

/// One transaction being filled.
pub(super) struct EventTransaction<'a, F> {
    pub(super) transaction: &'a Transaction<'a>,
    pub(super) session: i64,
    pub(super) keys: &'a mut Keys,
    pub(super) fail: &'a F,
}

impl<F: Fn(rusqlite::Error) -> StoreError> EventTransaction<'_, F> {
    pub(super) fn event(&mut self, event: &Event, at_ms: i64) -> Result<(), StoreError> {
        match event {
            Event::TrialStarted {
                trial,
                attempt,
                slot,
                engine,
                pid,
            } => self.started(trial, *attempt, slot, (engine, *pid), at_ms),
            Event::TrialResumed { attempt, step, .. } => {
                self.keys.resumed.insert(*attempt, *step);
                self.attempt(
                    *attempt,
                    "UPDATE attempts SET resumed_from = ?3 WHERE session = ?1 AND number = ?2",
                    params![self.session, number(*attempt)?, step],
                )
            }
            Event::TrialProgressed {
                trial,
                attempt,
                step,
                values,
            } => self.progressed(trial, *attempt, *step, values),
            Event::TrialFinished {
                trial,
                attempt,
                result,
            } => self.finished(trial, *attempt, result, at_ms),
            Event::TrialFailed {
                trial,
                attempt,
                cause,
                log_tail,
                will_retry,
            } => {
                let status = if *will_retry { "pending" } else { "failed" };
                let trial = self.trial(trial)?.id;
                self.failed(*attempt, cause, log_tail, at_ms)?;
                let word = (!will_retry).then_some(cause.name());
                self.status(trial, status, Some(&cause.to_string()), word)
            }
            Event::TrialSkipped { trial, reason } => {
                let trial = self.trial(trial)?.id;
                self.status(trial, "failed", Some(reason), Some(SKIPPED))
            }
            Event::TrialWarning {
                attempt, message, ..
            } => self.attempt(
                *attempt,
                "UPDATE attempts SET warnings = coalesce(warnings || char(10), '') || ?3
                 WHERE session = ?1 AND number = ?2",
                params![self.session, number(*attempt)?, message],
            ),
            Event::TrialInterrupted {
                trial,
                attempt,
                step,
            } => self.interrupted(trial, *attempt, *step, at_ms),
            Event::TrialPaused { .. }
            | Event::SearchJobDecided { .. }
            | Event::SearchJobEnded { .. }
            | Event::SearchEnded { .. } => self.search_event(event, at_ms),
            Event::WorkerStarted {
                slot, pid, engine, ..
            } => self.slot(slot, at_ms, ("worker_started", Some((engine, *pid)), None)),
            Event::SlotRetired { slot, reason } => {
                self.slot(slot, at_ms, ("retired", None, Some(reason)))
            }
            // The other session has written what there is to write, and the end of this one is written when it has come. The
            // database's own words are for people; it does not write down that it could not write.
            Event::TrialCompletedElsewhere { .. }
            | Event::StopRequested { .. }
            | Event::StoreBlocked { .. }
            | Event::StoreResumed { .. }
            | Event::StoreWarning { .. } => Ok(()),
        }
    }

    fn progressed(
        &mut self,
        trial: &TrialId,
        attempt: AttemptNo,
        step: u32,
        values: &[(Metric, f64)],
    ) -> Result<(), StoreError> {
        let key = self.trial(trial)?;
        if key.is_final {
            return Ok(());
        }
        // What was told before the checkpoint is told again, and takes nothing away.
        let resumed = self.keys.resumed.get(&attempt).copied();
        if resumed.is_none_or(|from| step > from) && self.keys.progressed.insert(attempt) {
            self.forget_steps_from(key.id, step)?;
        }
        self.metrics(key.id, step, values)
    }

    pub(super) fn ended(&self, outcome: Outcome, at_ms: i64) -> Result<(), StoreError> {
        interrupt_running(self.transaction, self.session, Some(at_ms)).map_err(self.fail)?;
        self.run(
            "UPDATE sessions SET outcome = ?2, ended_ms = ?3 WHERE id = ?1",
            params![self.session, outcome.name(), at_ms],
        )
        .map(drop)
    }

    fn slot(
        &self,
        slot: &Slot,
        at_ms: i64,
        (event, worker, message): (&str, Option<(&str, u32)>, Option<&str>),
    ) -> Result<(), StoreError> {
        let (engine, pid) = worker.unzip();
        self.run(
            "INSERT INTO slot_events (session, slot, at_ms, event, engine, pid, message)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![self.session, slot.0, at_ms, event, engine, pid, message],
        )
        .map(drop)
    }

    fn started(
        &mut self,
        trial: &TrialId,
        attempt: AttemptNo,
        slot: &Slot,
        (engine, pid): (&str, u32),
        at_ms: i64,
    ) -> Result<(), StoreError> {
        let trial = self.trial(trial)?.id;
        self.run(
            "INSERT INTO attempts (session, number, trial, slot, engine, pid, started_ms, outcome)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'running')",
            params![
                self.session,
                number(attempt)?,
                trial,
                slot.0,
                engine,
                pid,
                at_ms
            ],
        )?;
        self.status(trial, "running", None, None)
    }

    fn interrupted(
        &mut self,
        trial: &TrialId,
        attempt: AttemptNo,
        step: Option<u32>,
        at_ms: i64,
    ) -> Result<(), StoreError> {
        let trial = self.trial(trial)?.id;
        let message = step.map(|step| format!("checkpoint after step {step}"));
        self.attempt(
            attempt,
            "UPDATE attempts SET outcome = 'interrupted', ended_ms = ?3, message = ?4
             WHERE session = ?1 AND number = ?2",
            params![self.session, number(attempt)?, at_ms, message],
        )?;
        self.status(trial, "interrupted", None, None)
    }

    fn finished(
        &mut self,
        trial: &TrialId,
        attempt: AttemptNo,
        result: &TrialResult,
        at_ms: i64,
    ) -> Result<(), StoreError> {
        let outcome = match result.diverged {
            Some(_) => "diverged",
            None => "finished",
        };
        let key = self.trial(trial)?;
        check_confusion(trial, key.classes, &result.confusion)?;
        if key.is_final {
            return self.finished_again(key.id, attempt, result, at_ms);
        }
        self.end_attempt(attempt, outcome, result.diverged.as_deref(), at_ms)?;
        self.run(
            "UPDATE trials SET status = ?2, best = ?3, best_step = ?4, last = ?5, steps = ?6,
                 parameters = ?7, seconds = ?8, message = ?9, cause = NULL
             WHERE id = ?1",
            params![
                key.id,
                outcome,
                result.best,
                result.best_step,
                result.last,
                result.steps,
                to_int("the number of parameters", result.parameters)?,
                result.seconds,
                result.diverged,
            ],
        )?;
        self.metrics(key.id, result.best_step, &result.metrics)?;
        for table in [
            "DELETE FROM confusion WHERE trial = ?1",
            "DELETE FROM importance WHERE trial = ?1",
        ] {
            self.run(table, params![key.id])?;
        }
        self.details(key.id, result)
    }

    /// The tables that a result fills once.
    fn details(&self, trial: i64, result: &TrialResult) -> Result<(), StoreError> {
        for (actual, row) in result.confusion.iter().enumerate() {
            for (predicted, &rows) in row.iter().enumerate().filter(|(_, rows)| **rows > 0) {
                self.run(
                    "INSERT INTO confusion (trial, actual, predicted, rows)
                     VALUES (?1, ?2, ?3, ?4)",
                    params![
                        trial,
                        actual as i64,
                        predicted as i64,
                        to_int("a number of rows", rows)?
                    ],
                )?;
            }
        }
        for (position, (feature, importance)) in result.importance.iter().enumerate() {
            self.run(
                "INSERT INTO importance (trial, position, feature, importance) VALUES (?1, ?2, ?3, ?4)",
                params![trial, position as i64, feature, importance],
            )?;
        }
        self.artifacts(trial, result)
    }

    /// The files of the model of `trial`, in place of those recorded before.
    pub(super) fn artifacts(&self, trial: i64, result: &TrialResult) -> Result<(), StoreError> {
        self.run("DELETE FROM artifacts WHERE trial = ?1", params![trial])?;
        for artifact in &result.artifacts {
            self.run(
                "INSERT OR REPLACE INTO artifacts (trial, path, kind, bytes)
                 VALUES (?1, ?2, ?3, ?4)",
                params![
                    trial,
                    to_text("the path of an artifact", &artifact.path)?,
                    artifact.kind,
                    to_int("the size of an artifact", artifact.bytes)?,
                ],
            )?;
        }
        Ok(())
    }

    fn failed(
        &self,
        attempt: AttemptNo,
        cause: &Cause,
        log_tail: &str,
        at_ms: i64,
    ) -> Result<(), StoreError> {
        let (exit_code, signal) = match cause {
            Cause::Crashed { exit_code, signal }
            | Cause::ProgramEnded {
                exit_code, signal, ..
            } => (*exit_code, *signal),
            _ => (None, None),
        };
        self.attempt(
            attempt,
            "UPDATE attempts SET outcome = ?3, ended_ms = ?4, exit_code = ?5, signal = ?6,
                 message = ?7, log_tail = ?8
             WHERE session = ?1 AND number = ?2",
            params![
                self.session,
                number(attempt)?,
                cause.name(),
                at_ms,
                exit_code,
                signal,
                cause.to_string(),
                log_tail,
            ],
        )
    }

    pub(super) fn end_attempt(
        &self,
        attempt: AttemptNo,
        outcome: &str,
        message: Option<&str>,
        at_ms: i64,
    ) -> Result<(), StoreError> {
        self.attempt(
            attempt,
            "UPDATE attempts SET outcome = ?3, ended_ms = ?4, message = ?5
             WHERE session = ?1 AND number = ?2",
            params![self.session, number(attempt)?, outcome, at_ms, message],
        )
    }

    /// Sets the status of a trial that is not over for good, and why it failed; without `message`
    /// the one that stands is kept.
    fn status(
        &self,
        trial: i64,
        status: &str,
        message: Option<&str>,
        cause: Option<&str>,
    ) -> Result<(), StoreError> {
        self.run(
            &format!(
                "UPDATE trials SET status = ?2, message = coalesce(?3, message), cause = ?4
                 WHERE id = ?1 AND {NOT_FINAL}"
            ),
            params![trial, status, message, cause],
        )
        .map(drop)
    }

    /// An attempt overwrites what an earlier one reported from `step` on, so that no curve is pieced
    /// together from two attempts that ran different ways.
    fn forget_steps_from(&self, trial: i64, step: u32) -> Result<(), StoreError> {
        self.run(
            &format!(
                "DELETE FROM metrics WHERE trial = ?1 AND step >= ?2
                 AND EXISTS (SELECT 1 FROM trials WHERE id = ?1 AND {NOT_FINAL})"
            ),
            params![trial, step],
        )
        .map(drop)
    }

    fn metrics(
        &mut self,
        trial: i64,
        step: u32,
        values: &[(Metric, f64)],
    ) -> Result<(), StoreError> {
        let mut insert = self
            .transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO metrics (trial, step, metric, value)
                 VALUES (?1, ?2, ?3, ?4)",
            )
            .map_err(self.fail)?;
        for (name, value) in values {
            let metric = match self.keys.metrics.get(name) {
                Some(metric) => *metric,
                None => self.metric(name)?,
            };
            insert
                .execute(params![trial, step, metric, value])
                .map_err(self.fail)?;
        }
        Ok(())
    }

    /// The key of a metric seen for the first time in this session.
    fn metric(&mut self, name: &Metric) -> Result<i64, StoreError> {
        self.run(
            "INSERT INTO metric_names (name) VALUES (?1) ON CONFLICT DO NOTHING",
            params![name],
        )?;
        let metric = self
            .transaction
            .query_row(
                "SELECT id FROM metric_names WHERE name = ?1",
                [name],
                |row| row.get(0),
            )
            .map_err(self.fail)?;
        self.keys.metrics.insert(name.clone(), metric);
        Ok(metric)
    }

    pub(super) fn trial(&mut self, trial: &TrialId) -> Result<TrialKey, StoreError> {
        if let Some(key) = self.keys.trials.get(trial) {
            return Ok(*key);
        }
        let key = self
            .transaction
            .query_row(
                "SELECT t.id, json_array_length(d.classes), t.status IN ('finished', 'diverged')
                 FROM trials t JOIN datasets d ON d.id = t.dataset WHERE t.name = ?1",
                [trial.as_str()],
                |row| {
                    Ok(TrialKey {
                        id: row.get(0)?,
                        classes: row.get::<_, u32>(1)? as usize,
                        is_final: row.get(2)?,
                    })
                },
            )
            .optional()
            .map_err(self.fail)?
            .ok_or_else(|| StoreError::UnknownReference {
                what: format!("trial {trial}"),
            })?;
        self.keys.trials.insert(trial.clone(), key);
        Ok(key)
    }

    /// Changes the one row of `attempt`.
    fn attempt(
        &self,
        attempt: AttemptNo,
        sql: &str,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<(), StoreError> {
        match self.run(sql, values)? {
            0 => Err(StoreError::UnknownReference {
                what: format!("attempt {} of this session", attempt.0),
            }),
            _ => Ok(()),
        }
    }

    /// The number of rows changed.
    pub(super) fn run(
        &self,
        sql: &str,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<usize, StoreError> {
        self.transaction
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(values))
            .map_err(self.fail)
    }
}

fn number(attempt: AttemptNo) -> Result<i64, StoreError> {
    to_int("the number of an attempt", attempt.0)
}
