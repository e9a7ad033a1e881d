//! What the events of searches mean to the database.

use rusqlite::{OptionalExtension as _, params};

use super::StoreError;
use super::event_transaction::{EventTransaction, NOT_FINAL};
use super::session::{NewTrial, insert_trial};
use sweep_core::event::{AttemptNo, Event};
use sweep_core::search_job::{JobOutcome, SearchJob};
use sweep_core::trial::TrialId;

impl<F: Fn(rusqlite::Error) -> StoreError> EventTransaction<'_, F> {
    /// Writes what has happened in a search; other events are none of its business.
    pub(super) fn search_event(&mut self, event: &Event, at_ms: i64) -> Result<(), StoreError> {
        match event {
            Event::TrialPaused {
                trial,
                attempt,
                step,
            } => self.paused(trial, *attempt, *step, at_ms),
            Event::SearchJobDecided { job } => self.job_decided(job, at_ms),
            Event::SearchJobEnded {
                search,
                number,
                outcome,
            } => self.job_ended(*search, *number, outcome, at_ms),
            Event::SearchEnded { search, reason, .. } => self
                .run(
                    "UPDATE searches SET ended_ms = ?2, ended = ?3 WHERE id = ?1",
                    params![search, at_ms, reason],
                )
                .map(drop),
            _ => Ok(()),
        }
    }

    /// A paused trial has no rank; the metrics up to its step stay.
    fn paused(
        &mut self,
        trial: &TrialId,
        attempt: AttemptNo,
        step: u32,
        at_ms: i64,
    ) -> Result<(), StoreError> {
        let key = self.trial(trial)?;
        let message = format!("paused after step {step}");
        self.end_attempt(attempt, "paused", Some(&message), at_ms)?;
        self.run(
            &format!(
                "UPDATE trials SET status = 'pruned', steps = ?2, message = NULL, cause = NULL
                 WHERE id = ?1 AND {NOT_FINAL}"
            ),
            params![key.id, step],
        )
        .map(drop)
    }

    /// Writes a decision, unless it is known (two agents may decide alike), and its trial where it is new to the database or to the experiment.
    fn job_decided(&mut self, job: &SearchJob, at_ms: i64) -> Result<(), StoreError> {
        let fail = self.fail;
        let (experiment, dataset): (i64, i64) = self
            .transaction
            .query_row(
                "SELECT e.id, e.dataset FROM searches s JOIN experiments e ON e.id = s.experiment
                 WHERE s.id = ?1",
                [job.search],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .map_err(StoreError::unknown_or("a search".to_owned(), fail))?;
        let known = self
            .transaction
            .query_row(
                "SELECT id FROM trials WHERE name = ?1",
                [job.trial.as_str()],
                |row| row.get(0),
            )
            .optional()
            .map_err(fail)?;
        let trial: i64 = match known {
            Some(trial) => trial,
            None => {
                let planned = NewTrial {
                    id: &job.trial,
                    config: &job.config,
                    spec: &job.spec,
                    fold: None,
                };
                insert_trial(self.transaction, &planned, dataset, fail)?
            }
        };
        self.run(
            "INSERT INTO experiment_trials (experiment, trial, position, in_plan)
             SELECT ?1, ?2, 1 + coalesce(max(position), -1), 1 FROM experiment_trials
             WHERE experiment = ?1
             ON CONFLICT DO UPDATE SET in_plan = 1",
            params![experiment, trial],
        )?;
        self.run(
            "INSERT INTO search_jobs (search, number, trial, from_step, to_step, reason, decision, decided_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT DO NOTHING",
            params![
                job.search,
                job.number,
                job.trial.as_str(),
                job.from,
                job.to,
                job.reason,
                job.decision,
                at_ms
            ],
        )?;
        self.run(
            "UPDATE searches SET ended_ms = NULL, ended = NULL WHERE id = ?1",
            params![job.search],
        )
        .map(drop)
    }

    /// Writes what came of a job, unless that is known.
    fn job_ended(
        &mut self,
        search: i64,
        number: u32,
        outcome: &JobOutcome,
        at_ms: i64,
    ) -> Result<(), StoreError> {
        let result = serde_json::to_string(outcome).expect("an outcome is plain data");
        self.run(
            "UPDATE search_jobs SET outcome = ?3, result = ?4, ended_ms = ?5
             WHERE search = ?1 AND number = ?2 AND outcome IS NULL",
            params![search, number, outcome.name(), result, at_ms],
        )
        .map(drop)
    }
}
