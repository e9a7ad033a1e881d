//! All sweeps of the database, and the trials of one.

use std::collections::HashMap;

use sweep_analysis::ensemble::EnsembleSummary;
use sweep_core::trial::{Status, TrialId};
use sweep_store::{ExperimentRecord, ExperimentSummary, TrialRecord};

use crate::app::App;
use crate::error::Error;
use crate::{ensemble, filter, model};

/// Every sweep, with its best trial as a report would choose it.
pub fn sweeps(app: &App) -> Result<Vec<ExperimentSummary>, Error> {
    let store = app.read()?;
    let mut sweeps = store.experiments()?;
    for sweep in &mut sweeps {
        let Some(mut record) = store.experiment(&sweep.name)? else {
            continue;
        };
        app.mark_stale_experiment(&store, &mut record)?;
        let best = model::best_trial(&record, None).map(|(trial, _)| trial);
        sweep.best = best.and_then(|trial| trial.best);
        sweep.best_trial = best.map(|trial| trial.id.clone());
        recount(sweep, &record);
    }
    Ok(sweeps)
}

/// Counts trials that a killed session left running by their status in `record`.
fn recount(sweep: &mut ExperimentSummary, record: &ExperimentRecord) {
    let is_running = |(status, number): &(Status, u64)| *status == Status::Running && *number > 0;
    if !sweep.counts.iter().any(is_running) {
        return;
    }
    let count = |status: Status| {
        let of = |trial: &&TrialRecord| trial.in_plan && trial.status == status;
        record.trials.iter().filter(of).count() as u64
    };
    let counts = Status::ALL.map(|status| (status, count(status)));
    sweep.counts = counts
        .into_iter()
        .filter(|(_, number)| *number > 0)
        .collect();
}

/// The trials of one sweep.
#[derive(Debug, Clone)]
pub struct Trials {
    /// The sweep; those in its plan first, in plan order.
    pub record: ExperimentRecord,
    /// The settings in which each trial differs from others of the sweep.
    pub labels: HashMap<TrialId, String>,
    /// The newest ensemble of the sweep.
    pub ensemble: Option<EnsembleSummary>,
    /// How many of how many trials match the query, if there was one.
    pub filtered: Option<String>,
}

/// The trials of the sweep `name`, or of the last one, that match `query`.
pub fn trials(app: &App, name: Option<&str>, query: Option<&str>) -> Result<Trials, Error> {
    let mut record = app.experiment(name)?;
    // Of all trials, so that a query does not change them.
    let trials = record.trials.iter();
    let labels = sweep_analysis::labels(trials.map(|trial| (&trial.id, trial.kind, &trial.params)));
    let ensemble = ensemble::find(&app.read()?, &record)?.map(|found| found.summary());
    let filtered = filter::apply(&mut record, query)?;
    Ok(Trials {
        ensemble,
        record,
        labels,
        filtered,
    })
}
