//! Removal of a sweep, or of one trial of it, from the database, with its files.
//!
//! Invariant: the database changes first. If this is cut off after that, files are left that no trial names, which
//! `sweep gc` removes; the other way round a trial could count as finished without its model.

use std::collections::HashSet;
use std::path::PathBuf;

use sweep_core::trial::{DataDigest, Kind, TrialId};
use sweep_store::{Removal, Store, StoreError, SweepLock, TrialRecord};

use crate::app::App;
use crate::error::Error;
use crate::gc::{self, ScanResult};
use crate::observer::Observer;
use crate::resolve::{self, Found};
use crate::run::new_session;

/// A removal that has been checked and counted; no session of the sweep can begin while this lives.
pub struct PreparedRemoval<'a> {
    app: &'a App,
    store: Store,
    lock: SweepLock,
    pub sweep: String,
    /// The one trial to remove; the whole sweep if `None`.
    pub trial: Option<TrialId>,
    /// Whether that is a trial of the sweep's plan.
    is_planned: bool,
    /// What goes from the database, and what stays.
    pub removal: Removal,
    /// The files that go, and those that are left alone.
    pub files: ScanResult,
    /// Trials that are programs.
    programs: HashSet<TrialId>,
}

/// What was removed besides rows of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    pub files: usize,
    pub bytes: u64,
    /// Files that could not be removed, and why.
    pub kept: Vec<(PathBuf, String)>,
    pub sweep: String,
    /// Whether one trial was removed that the plan of the sweep has, so that it would be trained again.
    pub is_planned: bool,
    /// Sweeps that stay and whose ensembles went, since they had such a trial as a member.
    pub ensembles: Vec<String>,
    /// Prepared data that nothing refers to any more; `sweep gc` removes them.
    pub unused_data: Vec<DataDigest>,
}

/// Checks what removing the sweep `name`, or only its trial `trial`, would remove.
///
/// # Errors
/// When the sweep is running, or the store refuses the removal.
pub fn prepare<'a>(
    app: &'a App,
    observer: &dyn Observer,
    name: &str,
    trial: Option<&str>,
) -> Result<PreparedRemoval<'a>, Error> {
    let record = app.experiment(Some(name))?;
    let trial = match trial {
        None => None,
        Some(prefix) => Some(match resolve::within(&record, prefix)? {
            Found::Trial(trial) => trial.id,
            Found::Configuration(mut trials) if trials.len() == 1 => trials.remove(0).id,
            Found::Configuration(trials) => return Err(resolve::several(&trials)),
        }),
    };
    let is_planned = trial.as_ref().is_some_and(|id| {
        let mut trials = record.trials.iter();
        trials.any(|other| other.id == *id && other.in_plan)
    });
    let lock = new_session::lock_idle(app, name)?;
    let mut store = app.write(observer)?;
    let removal = store.removal(name, trial.as_ref()).map_err(refused)?;
    let is_program = |trial: &&TrialRecord| trial.kind == Kind::PROGRAM;
    let programs = { record.trials.iter().filter(is_program) }
        .map(|trial| trial.id.clone())
        .collect();
    let files = files_of(app, name, &removal, &programs)?;
    Ok(PreparedRemoval {
        app,
        store,
        lock,
        sweep: name.to_owned(),
        trial,
        is_planned,
        removal,
        files,
        programs,
    })
}

impl PreparedRemoval<'_> {
    /// Removes from the database, then from the disk.
    pub fn execute(mut self) -> Result<Removed, Error> {
        let trial = self.trial.as_ref();
        let removal = self.store.remove(&self.sweep, trial).map_err(refused)?;
        // Searched for again: attempts may have ended since.
        let files = files_of(self.app, &self.sweep, &removal, &self.programs)?;
        // Removal of files takes the lock itself.
        drop(self.lock);
        let removed = gc::remove(self.app, &mut self.store, files)?;
        Ok(Removed {
            files: removed.files.len(),
            bytes: removed.bytes(),
            kept: removed.kept,
            is_planned: self.is_planned,
            ensembles: (removal.ensembles.into_iter())
                .filter(|name| !removal.whole || *name != self.sweep)
                .collect(),
            sweep: self.sweep,
            // Programs have none.
            unused_data: (removal.datasets.into_iter())
                .filter(|digest| self.app.run_dir().dataset(digest).is_file())
                .collect(),
        })
    }
}

fn files_of(
    app: &App,
    name: &str,
    removal: &Removal,
    programs: &HashSet<TrialId>,
) -> Result<ScanResult, Error> {
    let trials = removal.trials.iter();
    gc::of_trials(app, trials, programs, removal.whole.then_some(name))
}

fn refused(error: StoreError) -> Error {
    match error {
        StoreError::UsedByTransfer { .. }
        | StoreError::HasTestScores { .. }
        | StoreError::NotFound { .. } => Error::input(error, ""),
        error => error.into(),
    }
}
