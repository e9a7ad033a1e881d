//! Finished trials whose models are lost, and their training again.
//!
//! Invariant: what is recorded of such a trial stays, whatever becomes of the attempt. A model that was trained again is
//! kept only if its result is the recorded one, to the bit.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::ErrorKind::{NotADirectory, NotFound};

use sweep_core::run_dir::{RunFile, TrialFile};
use sweep_core::trial::{Status, TrialId};
use sweep_engine::predict::Predictor;
use sweep_experiment::plan::{self, PlannedTrial};
use sweep_store::{OTHER_RESULT, SessionId, Store};

use crate::app::App;
use crate::error::Error;
use crate::model;
use crate::observer::{Notice, Observer};
use crate::options::Retry;
use crate::prepare::PreparedSweep;

/// What a session trains.
pub struct Todo<'a> {
    /// In plan order.
    pub trials: Vec<&'a PlannedTrial>,
    /// Those of them that have finished, and whose models are lost.
    pub again: HashSet<TrialId>,
}

/// The trials of `prepared` that have no result in `statuses`, those to retry, and those with lost models if `retry` asks
/// for them.
pub fn todo<'a>(
    app: &App,
    store: Option<&Store>,
    prepared: &'a PreparedSweep,
    statuses: &HashMap<TrialId, Status>,
    retry: &Retry,
) -> Result<Todo<'a>, Error> {
    let mut again = HashSet::new();
    if let Some(store) = store.filter(|_| retry.missing_models) {
        for planned in &prepared.plan.trials {
            let has_model = statuses.get(&planned.id) == Some(&Status::Finished);
            if has_model && is_lost(app, store, prepared, planned)? {
                again.insert(planned.id.clone());
            }
        }
    }
    let failed = retry.of(store)?;
    let status = |id: &TrialId| {
        let status = statuses.get(id).copied();
        status.map(|status| {
            if again.contains(id) {
                Status::Pending
            } else {
                status
            }
        })
    };
    let trials = plan::remaining(&prepared.plan, status, failed);
    Ok(Todo { trials, again })
}

/// Whether a file of the model of `planned`, which has finished, is gone, of another size than recorded, or damaged.
///
/// # Errors
/// When a file is there and cannot be read: it may be whole, and training again would replace it.
fn is_lost(
    app: &App,
    store: &Store,
    prepared: &PreparedSweep,
    planned: &PlannedTrial,
) -> Result<bool, Error> {
    let folder = app.run_dir().trial(&planned.id);
    let artifacts = store.artifacts(&planned.id)?;
    for artifact in &artifacts {
        let path = folder.join(&artifact.path);
        let length = File::open(&path).and_then(|file| Ok(file.metadata()?.len()));
        match length {
            Ok(length) if length == artifact.bytes => {}
            Ok(_) => return Ok(true),
            Err(error) if matches!(error.kind(), NotFound | NotADirectory) => return Ok(true),
            Err(error) => {
                let message = format!("cannot read {}: {error}", path.display());
                return Err(Error::environment(message, "make the file readable"));
            }
        }
    }
    let kind = planned.spec.model.kind();
    let meta = &prepared.folds[planned.data_index()].meta;
    Ok(
        match Predictor::load(&folder, kind, &meta.features, meta.into()) {
            Ok(_) => false,
            // Nor could it be trained again.
            Err(error) if model::lacks_library(&error) => false,
            Err(_) => true,
        },
    )
}

/// Removes the models of trials of `again` whose result in `session` was not the recorded one, and gives notice of each;
/// gives their number.
pub fn remove_others(
    app: &App,
    observer: &dyn Observer,
    store: &Store,
    session: SessionId,
    again: &HashSet<TrialId>,
) -> Result<usize, Error> {
    let mut others = 0;
    for trial in again {
        let attempts = store.attempts(trial)?;
        let other = attempts.iter().rev().find_map(|attempt| {
            let message = attempt.message.as_deref()?;
            (attempt.session == session.get() && message.starts_with(OTHER_RESULT))
                .then(|| message.to_owned())
        });
        let Some(message) = other else {
            continue;
        };
        others += 1;
        remove_files(app, trial);
        observer.notice(&Notice::OtherResult {
            trial: trial.clone(),
            message,
        });
    }
    Ok(others)
}

/// Removes the model of `trial` and what it predicted. What cannot be removed is found lost again, by its size or its content.
fn remove_files(app: &App, trial: &TrialId) {
    let run_dir = app.run_dir();
    let entries = fs::read_dir(run_dir.trial(trial)).into_iter().flatten();
    for path in entries.flatten().map(|entry| entry.path()) {
        let is_of_model = |file| matches!(file, TrialFile::Model | TrialFile::Predictions);
        if let Some(RunFile::Trial(_, file)) = run_dir.classify(&path)
            && is_of_model(file)
        {
            let _ = fs::remove_file(path);
        }
    }
}
