//! What the database holds of a sweep before `run` trains: trials that are done, and the best result.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use sweep_core::trial::{Status, TrialId};
use sweep_experiment::plan::{Plan, PlannedTrial};
use sweep_store::{ExperimentRecord, ExperimentSummary, Store};
use sweep_worker::checkpoints;

use crate::error::Error;
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
