//! What a session would train: the plan on real data, what the database already has of it, and what the rest will cost.
//!
//! Invariant: nothing is written to the database.

use std::collections::HashMap;

use sweep_core::atomic_fs::{self, TemporaryFolder};
use sweep_core::event::Slot;
use sweep_core::trial::{Status, TrialId};
use sweep_experiment::plan::PlannedTrial;

use crate::app::App;
use crate::error::Error;
use crate::estimate::{self, Estimate};
use crate::experiment_file::NameConflict;
use crate::loaded::LoadedExperiment;
use crate::missing_models;
use crate::observer::{Notice, Observer};
use crate::options::{Retry, SlotOptions};
use crate::placement;
use crate::prepare::{self, PreparedSweep};
use crate::program;
use crate::resume;
use crate::run::{notice_missing_library, prior_progress};
use crate::search::PreparedSearch;

/// How a session would be run.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub slots: SlotOptions,
    pub retry: Retry,
    /// Train a few trials for a moment, to estimate time and memory.
    pub pilot: bool,
}

/// What a session would do.
pub struct Outcome {
    pub prepared: PreparedSweep,
    pub slots: Vec<Slot>,
    /// Trials of the plan with a result.
    pub done: usize,
    /// Those whose last attempt failed.
    pub failed: usize,
    pub to_train: usize,
    /// If a pilot was asked for.
    pub estimate: Option<Estimate>,
    /// Holds the prepared data where the run directory cannot be written; removed with this value.
    _scratch: Option<TemporaryFolder>,
}

/// Prepares the data of `loaded` and says what a session with `options` would train.
pub fn plan(
    app: &App,
    observer: &dyn Observer,
    loaded: LoadedExperiment,
    options: &Options,
) -> Result<Outcome, Error> {
    if let Some(conflict) = NameConflict::find(app, &loaded)? {
        observer.notice(&Notice::NameTaken(conflict.to_string()));
    }
    if options.pilot {
        program::refuse_file(
            &loaded.experiment,
            "a pilot trains models; `sweep run FILE --max-trials 2` runs two trials",
        )?;
    }
    let scratch = scratch(app)?;
    let folder = scratch.as_ref().map(TemporaryFolder::path);
    let prepared = prepare::prepare_or_in(app, observer, loaded, None, folder)?;
    if let Some(folder) = folder.filter(|folder| prepared.data().path.starts_with(folder)) {
        observer.notice(&Notice::PreparedInTemporaryFolder {
            runs: app.runs().to_owned(),
            folder: folder.to_owned(),
        });
    }
    prepared.notice_data(observer);
    resume::notice_changes(app, observer, &prepared)?;
    let slots = placement::place(&prepared.loaded.experiment, &options.slots)?.slots;
    let store = app.read_if_any()?;
    let statuses: HashMap<TrialId, Status> = match &store {
        Some(store) => prior_progress::statuses(store, &prepared.plan)?,
        None => HashMap::new(),
    };
    let missing_models::Todo {
        trials: todo,
        again,
    } = missing_models::todo(app, store.as_ref(), &prepared, &statuses, &options.retry)?;
    notice_missing_library(observer, &todo);
    let samples: Vec<PlannedTrial> = prepared
        .searches
        .iter()
        .flat_map(PreparedSearch::samples)
        .collect();
    let estimate = match options.pilot {
        true => {
            let all: Vec<&PlannedTrial> = todo.iter().copied().chain(&samples).collect();
            Some(estimate::estimate(&prepared, &all, slots.len())?)
        }
        false => None,
    };
    let (to_train, count) = (todo.len(), |is: fn(&Status) -> bool| {
        statuses.values().filter(|status| is(status)).count()
    });
    Ok(Outcome {
        slots,
        done: count(|status| status.is_final()) - again.len(),
        failed: count(|status| *status == Status::Failed),
        to_train,
        estimate,
        prepared,
        _scratch: scratch,
    })
}

/// A temporary folder for prepared data, if the run directory cannot be written: planning only needs to read.
fn scratch(app: &App) -> Result<Option<TemporaryFolder>, Error> {
    if atomic_fs::is_writable(&app.run_dir().datasets()) {
        return Ok(None);
    }
    let scratch = TemporaryFolder::new("sweep-plan");
    scratch.map(Some).map_err(|error| {
        let folder = std::env::temp_dir();
        let help = "set TMPDIR to a folder for temporary files that can be written";
        Error::environment(format!("{}: {error}", folder.display()), help)
    })
}
