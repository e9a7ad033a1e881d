//! What `run` reads from the database before it trains, and writes to it: trials that are done, the plan, and the new
//! session.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use sweep_core::trial::{Status, TrialId};
use sweep_experiment::plan::{Plan, PlannedTrial};
use sweep_store::lock::{LockError, host_name};
use sweep_store::{
    DatasetRecord, ExperimentRecord, ExperimentSummary, NewSession, NewTrial, SessionId, Store,
    SweepLock, WorkingTree, file_fact,
};
use sweep_worker::checkpoints;

use crate::app::App;
use crate::environment::environment;
use crate::error::Error;
use crate::git;
use crate::prepare::PreparedSweep;

/// The results of earlier sessions.
pub struct PriorProgress {
    /// Trials with a result that are not trained again.
    pub done: usize,
    /// Trials that failed and are not retried.
    pub failed: usize,
    pub best: Option<(TrialId, f64)>,
    /// Trials of earlier files or data.
    pub out_of_plan: usize,
}

impl PriorProgress {
    pub fn of(
        prepared: &PreparedSweep,
        todo: &[&PlannedTrial],
        statuses: &HashMap<TrialId, Status>,
        store: &Store,
    ) -> Result<PriorProgress, Error> {
        let final_trials = statuses.iter().filter(|(_, status)| status.is_final());
        let final_trials: HashSet<&TrialId> = final_trials.map(|(id, _)| id).collect();
        let again = todo.iter().filter(|trial| final_trials.contains(&trial.id));
        let done = final_trials.len() - again.count();
        let own = summary_of(store, &prepared.loaded.experiment.name)?;
        Ok(PriorProgress {
            done,
            failed: prepared.plan.trials.len() - done - todo.len(),
            out_of_plan: own.as_ref().map_or(0, |own| own.out_of_plan as usize),
            best: own.and_then(|own| own.best_trial.zip(own.best)),
        })
    }
}

/// The summary of the experiment `name`.
fn summary_of(store: &Store, name: &str) -> Result<Option<ExperimentSummary>, Error> {
    let known = store.experiments()?;
    Ok(known.into_iter().find(|other| other.name == name))
}

/// Everything recorded about the experiment `name`.
pub fn whole(store: &Store, name: &str) -> Result<ExperimentRecord, Error> {
    let record = store.experiment(name)?;
    record.ok_or_else(|| Error::environment(format!("{name} is not in the database"), ""))
}

/// Removes checkpoints of trials that have a result, which a killed session may have left.
pub fn clear_checkpoints(statuses: &HashMap<TrialId, Status>, trials: &Path) {
    for (trial, status) in statuses {
        if matches!(status, Status::Finished | Status::Diverged) {
            checkpoints::remove(&trials.join(trial.as_str()));
        }
    }
}

/// The recorded status of the trials of `plan`; trials that are not in the database are left out.
pub fn statuses(store: &Store, plan: &Plan) -> Result<HashMap<TrialId, Status>, Error> {
    let ids: Vec<TrialId> = plan.trials.iter().map(|trial| trial.id.clone()).collect();
    let found = store.statuses(&ids)?;
    Ok(ids
        .into_iter()
        .zip(found)
        .filter_map(|(id, status)| Some((id, status?)))
        .collect())
}

/// Takes the lock of `experiment`; the error names the process that holds it.
pub fn lock(app: &App, experiment: &str) -> Result<SweepLock, Error> {
    SweepLock::acquire(app.runs(), experiment).map_err(|error| match error {
        LockError::Held { .. } => Error::busy(error, ""),
        LockError::Name { .. } => Error::input(error, ""),
        LockError::Io { .. } => Error::environment(
            error,
            "choose a writable folder with --store, or free some space",
        ),
    })
}

/// Records that a session begins, with the whole plan.
pub fn begin(app: &App, store: &mut Store, prepared: &PreparedSweep) -> Result<SessionId, Error> {
    let experiment = &prepared.loaded.experiment;
    let planned: Vec<NewTrial<'_>> = prepared
        .plan
        .trials
        .iter()
        .map(|trial| (trial.id.clone(), trial.config.clone(), &trial.spec))
        .collect();
    let (commit, working_tree) = git::state(Path::new("."), app.runs()).unzip();
    let needs_library = |trial: &PlannedTrial| trial.spec.model.kind().def().library.is_some();
    let needs_xgboost = prepared.plan.trials.iter().any(needs_library);
    let command: Vec<String> = std::env::args().collect();
    let mut environment = environment(needs_xgboost);
    environment.extend(prepared.loaded.file.as_deref().and_then(file_fact));
    environment.extend(working_tree.flatten().iter().flat_map(WorkingTree::facts));
    let begin = NewSession {
        experiment: &experiment.name,
        file_path: &prepared.loaded.source.path,
        file_text: &prepared.loaded.source.text,
        flags: &prepared.loaded.flags,
        objective: &experiment.objective,
        dataset: &dataset_record(prepared),
        command: &command.join(" "),
        host: &host_name(),
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION"),
        git_commit: commit.as_deref(),
        environment: &environment,
        trials: &planned,
        holds_lock: true,
    };
    Ok(store.begin(&begin)?)
}

fn dataset_record(prepared: &PreparedSweep) -> DatasetRecord {
    let (meta, summary) = (&prepared.data.meta, &prepared.data.summary);
    DatasetRecord {
        digest: meta.digest.clone(),
        source: summary.source.clone(),
        source_sha256: summary.source_sha256.clone(),
        features: meta.features.clone(),
        classes: meta.classes.clone(),
        train_rows: meta.train_rows as u64,
        valid_rows: meta.valid_rows as u64,
        test_rows: meta.test_rows as u64,
        notes: summary.notes.iter().map(ToString::to_string).collect(),
    }
}
