//! What was measured at the best step of a trial, for formats that know curves alone.

use sweep_core::trial::Objective;
use sweep_store::TrialRecord;

/// Before the name of a metric at the best step.
const BEST: &str = "best";

/// (name, step, value) of the objective and of every other metric at the best step, and `best/step` itself. A run is
/// ranked by the first.
pub(super) fn points(trial: &TrialRecord, objective: &Objective) -> Vec<(String, u32, f64)> {
    let (Some(best), Some(step)) = (trial.best, trial.best_step) else {
        return Vec::new();
    };
    let objective = objective.metric.as_str();
    let others = trial.metrics.iter().filter(|(name, _)| name != objective);
    let others = others.map(|(name, value)| (name.as_str(), *value));
    [(objective, best)]
        .into_iter()
        .chain(others)
        .chain([("step", f64::from(step))])
        .map(|(name, value)| (format!("{BEST}/{name}"), step, value))
        .collect()
}
