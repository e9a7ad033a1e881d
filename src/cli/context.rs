//! What every command needs to know: where the record is and how to print.

use std::path::{Path, PathBuf};

use super::{Failure, terminal};
use sweep_core::run_dir::RunDir;
use sweep_core::trial::{Status, TrialId};
use sweep_store::lock::holder_of;
use sweep_store::{AttemptRecord, ExperimentRecord, SessionRecord, Store, StoreError, TrialRecord};

/// The outcome, so far, of a session or an attempt that has not ended.
const RUNNING: &str = "running";

/// Flags that hold for every command.
#[derive(Debug)]
pub struct Context {
    pub store: PathBuf,
    pub json: bool,
    /// Nothing but errors and the last line is said.
    pub is_quiet: bool,
}

impl Context {
    /// The folder that holds the database and all that trials leave behind.
    pub fn runs(&self) -> &Path {
        match self.store.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }
    }

    /// The folder that holds the database, with the layout of what is in it.
    pub fn run_dir(&self) -> RunDir {
        RunDir::of_database(&self.store)
    }

    /// Each trial has a folder of its own in here.
    pub fn trials(&self) -> PathBuf {
        self.run_dir().trials()
    }

    /// Says something that one can do without, on standard error.
    pub fn note(&self, text: &str) {
        if !self.is_quiet {
            terminal::note(text);
        }
    }

    /// Opens the record for reading.
    pub fn read(&self) -> Result<Store, Failure> {
        Store::open_existing(&self.store).map_err(store_failure)
    }

    /// Opens the record for reading, if there is one: a process that was killed as it made the file has
    /// left none.
    pub fn read_if_any(&self) -> Result<Option<Store>, Failure> {
        match Store::open_existing(&self.store) {
            Ok(store) => Ok(Some(store)),
            Err(StoreError::Missing { .. }) => Ok(None),
            Err(error) => Err(store_failure(error)),
        }
    }

    /// Opens the record for writing, and tells if it was brought up to date.
    pub fn write(&self) -> Result<Store, Failure> {
        let open = || Store::open(&self.store).map_err(store_failure);
        let store = terminal::with_patience(&self.waits(), open)?;
        if let Some(upgrade) = store.upgraded() {
            terminal::note(&format!(
                "{} was brought from schema version {} to {}; as it was before, it is kept in {}",
                self.store.display(),
                upgrade.from,
                upgrade.to,
                upgrade.backup.display(),
            ));
        }
        Ok(store)
    }

    /// What to say when the record keeps a command waiting.
    pub fn waits(&self) -> String {
        format!(
            "waiting for {}: another process keeps it locked, or the disk is slow",
            self.store.display()
        )
    }

    /// Whether a process runs the sweep called `name`. Where that cannot be told, it is taken for one.
    pub fn is_run(&self, name: &str) -> bool {
        !matches!(holder_of(self.runs(), name), Ok(None))
    }

    /// Takes `trial` for interrupted where the record has it running, and nobody lives who could be at it: a session
    /// that was killed could not write it down.
    pub fn settle(&self, store: &Store, trial: &mut TrialRecord) -> Result<(), Failure> {
        if trial.status == Status::Running {
            let names = store.running_in(&trial.id).map_err(store_failure)?;
            if !names.iter().any(|name| self.is_run(name)) {
                trial.status = Status::Interrupted;
            }
        }
        Ok(())
    }

    /// Every attempt at `trial`, oldest first; those that were cut short with their session are interrupted.
    pub fn attempts(&self, store: &Store, trial: &TrialId) -> Result<Vec<AttemptRecord>, Failure> {
        let mut attempts = store.attempts(trial).map_err(store_failure)?;
        for attempt in &mut attempts {
            self.settle_attempt(store, attempt)?;
        }
        Ok(attempts)
    }

    /// Likewise every attempt in the sessions of `experiment`, with its trial.
    pub fn attempts_in(
        &self,
        store: &Store,
        experiment: &str,
    ) -> Result<Vec<(TrialId, AttemptRecord)>, Failure> {
        let mut attempts = store.attempts_in(experiment).map_err(store_failure)?;
        for (_, attempt) in &mut attempts {
            self.settle_attempt(store, attempt)?;
        }
        Ok(attempts)
    }

    fn settle_attempt(&self, store: &Store, attempt: &mut AttemptRecord) -> Result<(), Failure> {
        if attempt.outcome == RUNNING {
            let name = store
                .session_experiment(attempt.session)
                .map_err(store_failure)?;
            if !name.is_some_and(|name| self.is_run(&name)) {
                attempt.outcome = Status::Interrupted.name().to_owned();
            }
        }
        Ok(())
    }

    /// Takes trials and sessions of `record` for interrupted that a killed session has left running.
    pub fn settle_experiment(
        &self,
        store: &Store,
        record: &mut ExperimentRecord,
    ) -> Result<(), Failure> {
        for trial in &mut record.trials {
            self.settle(store, trial)?;
        }
        self.settle_sessions(record);
        Ok(())
    }

    /// Takes the sessions of `record` for interrupted that the record has running, where nobody runs the sweep.
    fn settle_sessions(&self, record: &mut ExperimentRecord) {
        let is_dead =
            |session: &&mut SessionRecord| session.outcome == RUNNING && !self.is_run(&record.name);
        for session in record.sessions.iter_mut().filter(is_dead) {
            session.outcome = Status::Interrupted.name().to_owned();
        }
    }

    /// The sweep called `name`, or the last one.
    pub fn experiment(&self, name: Option<&str>) -> Result<ExperimentRecord, Failure> {
        let store = self.read()?;
        let last = match name {
            Some(_) => None,
            None => store.last_experiment().map_err(store_failure)?,
        };
        let Some(name) = name.or(last.as_deref()) else {
            let message = format!("{} holds no sweep yet", self.store.display());
            return Err(Failure::input(
                message,
                "begin one with `sweep run FILE.toml`",
            ));
        };
        match store.experiment(name).map_err(store_failure)? {
            Some(mut record) => {
                self.settle_experiment(&store, &mut record)?;
                Ok(record)
            }
            None => {
                let known = store.experiments().map_err(store_failure)?;
                let names: Vec<&str> = known.iter().map(|other| other.name.as_str()).collect();
                let message = format!("{} holds no sweep `{name}`", self.store.display());
                Err(Failure::input(
                    message,
                    &format!("there are: {}", names.join(", ")),
                ))
            }
        }
    }
}

/// A failure of the record, with what to do about it.
pub fn store_failure(error: StoreError) -> Failure {
    Failure::environment(&error, "")
}
