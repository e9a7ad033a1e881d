//! Stale status of killed sessions: trials, attempts and sessions that the database has as running, although no live
//! process holds the lock of their sweep, are read as interrupted.
//!
//! Invariant: the database is not changed.

use sweep_core::trial::{Status, TrialId};
use sweep_store::{AttemptRecord, ExperimentRecord, SessionRecord, Store, TrialRecord};

use crate::app::App;
use crate::error::Error;

/// The outcome, so far, of a session or an attempt that has not ended.
const RUNNING: &str = "running";

impl App {
    /// Marks `trial` as interrupted if it is recorded as running and no live process runs a sweep that planned it.
    pub fn mark_stale(&self, store: &Store, trial: &mut TrialRecord) -> Result<(), Error> {
        if trial.status == Status::Running {
            let names = store.running_in(&trial.id)?;
            if !names.iter().any(|name| self.is_running(name)) {
                trial.status = Status::Interrupted;
            }
        }
        Ok(())
    }

    /// Every attempt at `trial`, oldest first, stale ones marked.
    pub fn attempts(&self, store: &Store, trial: &TrialId) -> Result<Vec<AttemptRecord>, Error> {
        let mut attempts = store.attempts(trial)?;
        for attempt in &mut attempts {
            self.mark_stale_attempt(store, attempt)?;
        }
        Ok(attempts)
    }

    /// The same for every attempt in the sessions of `experiment`, with its trial.
    pub fn attempts_in(
        &self,
        store: &Store,
        experiment: &str,
    ) -> Result<Vec<(TrialId, AttemptRecord)>, Error> {
        let mut attempts = store.attempts_in(experiment)?;
        for (_, attempt) in &mut attempts {
            self.mark_stale_attempt(store, attempt)?;
        }
        Ok(attempts)
    }

    fn mark_stale_attempt(&self, store: &Store, attempt: &mut AttemptRecord) -> Result<(), Error> {
        if attempt.outcome == RUNNING {
            let name = store.session_experiment(attempt.session)?;
            if !name.is_some_and(|name| self.is_running(&name)) {
                attempt.outcome = Status::Interrupted.name().to_owned();
            }
        }
        Ok(())
    }

    /// Marks the stale trials and sessions of `record`.
    pub fn mark_stale_experiment(
        &self,
        store: &Store,
        record: &mut ExperimentRecord,
    ) -> Result<(), Error> {
        for trial in &mut record.trials {
            self.mark_stale(store, trial)?;
        }
        let is_dead = |session: &&mut SessionRecord| {
            session.outcome == RUNNING && !self.is_running(&record.name)
        };
        for session in record.sessions.iter_mut().filter(is_dead) {
            session.outcome = Status::Interrupted.name().to_owned();
        }
        Ok(())
    }
}
