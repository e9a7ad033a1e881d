//! Checks that files are still unused, made while no session can begin.

use std::collections::HashSet;

use sweep_core::trial::Status;
use sweep_store::{GcReferences, Store, StoreError};

use super::files::{Precondition, ScanResult};
use crate::app::App;
use crate::error::Error;

/// The state of the store while no session can begin.
pub(super) struct Now<'a> {
    known: &'a GcReferences<'a>,
    /// Names of the trials in the plans of running sweeps.
    running: HashSet<String>,
    has_data_hold: bool,
    /// Whether this process holds the lock of an experiment.
    is_locked: &'a dyn Fn(&str) -> bool,
}

impl<'a> Now<'a> {
    pub(super) fn of(
        app: &App,
        known: &'a GcReferences<'a>,
        has_data_hold: bool,
        is_locked: &'a dyn Fn(&str) -> bool,
    ) -> Result<Now<'a>, StoreError> {
        let mut running = HashSet::new();
        for name in known.experiments()? {
            if app.is_running(&name) {
                running.extend(known.trials_of(&name)?);
            }
        }
        Ok(Now {
            known,
            running,
            has_data_hold,
            is_locked,
        })
    }

    /// Whether `precondition` still holds; if not, why not.
    pub(super) fn holds(
        &self,
        precondition: &Precondition,
    ) -> Result<Result<(), &'static str>, StoreError> {
        let known = self.known;
        let (holds, why) = match precondition {
            Precondition::NoTrial(name) => {
                (!known.has_trial(name)?, "its trial is in the database")
            }
            Precondition::Ended(name) => {
                let is_over = match known.status(name)? {
                    // Training it further begins anew, to the same bits.
                    Some(Status::Pruned) => !known.is_searched(name)?,
                    status => status.is_some_and(Status::is_final),
                };
                (is_over, "its trial has not ended")
            }
            Precondition::Idle(name) => (
                !self.running.contains(name) && known.has_trial(name)?,
                "its sweep is running",
            ),
            Precondition::NoData(_) | Precondition::NoPreparation if !self.has_data_hold => {
                (false, "data are being prepared")
            }
            Precondition::NoData(digest) => (!known.has_data(digest)?, "the database refers to it"),
            Precondition::NoExperiment(name) if !(self.is_locked)(name) => {
                (false, "its sweep is running")
            }
            Precondition::NoExperiment(name) => {
                (!known.has_experiment(name)?, "its sweep is in the database")
            }
            Precondition::NoPreparation | Precondition::Requested => (true, ""),
        };
        Ok(if holds { Ok(()) } else { Err(why) })
    }
}

/// Drops everything from `found` that is needed.
pub(super) fn drop_needed(
    app: &App,
    found: &mut ScanResult,
    store: &mut Store,
) -> Result<(), Error> {
    let files = std::mem::take(&mut found.files);
    let folders = std::mem::take(&mut found.folders);
    let kept = store.with_gc_references(|known| {
        // Locks are taken only when something is removed.
        let is_free = |name: &str| !app.is_running(name);
        let now = Now::of(app, known, true, &is_free)?;
        let mut garbage = Vec::new();
        for file in files {
            if now.holds(&file.precondition)?.is_ok() {
                garbage.push(file);
            }
        }
        let mut unused = Vec::new();
        for folder in folders {
            if now.holds(&folder.1)?.is_ok() {
                unused.push(folder);
            }
        }
        Ok((garbage, unused))
    });
    (found.files, found.folders) = kept?;
    Ok(())
}
