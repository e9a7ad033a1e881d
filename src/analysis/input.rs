//! What a report of one sweep, or of several merged ones, is made from.

use std::collections::HashMap;

use super::calibration::Calibration;
use super::dummy::Dummy;
use super::ensemble::EnsembleSummary;
use super::evidence::Evidence;
use super::lead::{RowLosses, RowNumbers};
use super::losses::Learned;
use super::regions::Regions;
use super::search::SearchInsight;
use super::summary::Summary;
use super::{merged, transfer};
use sweep_core::trial::TrialId;
use sweep_store::{AttemptRecord, Curve, EvaluationRecord, ExperimentRecord, SlotEventRecord};

/// Configurations in `best.csv`, in the plot of the best runs and on the page, besides the best of
/// each baseline.
pub const BEST: usize = 10;

/// All that a report is made from.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    pub experiment: ExperimentRecord,
    /// Of every trial that `curves.csv` is to hold; the plots need those of [`wanted`].
    pub curves: HashMap<TrialId, Vec<Curve>>,
    /// Validation rows by `[actual][predicted]` class, in the order of the data set's classes; of
    /// the trials of [`wanted`].
    pub confusion: HashMap<TrialId, Vec<Vec<u64>>>,
    /// Share of each feature by name; of the trials of [`wanted`] that have such a thing.
    pub importance: HashMap<TrialId, Vec<(String, f64)>>,
    /// The last test-set evaluation, if there was one.
    pub test: Option<EvaluationRecord>,
    /// Of the best configuration of each kind, as far as its models could be asked.
    pub calibration: Vec<Calibration>,
    /// Sets or intervals of the best run of the best configuration of each kind, likewise.
    pub regions: Vec<Regions>,
    /// How the target is learned, where the experiment's file tells.
    pub learned: Option<Learned>,
    /// What models score that ignore their input; `None` where the prepared data are gone.
    pub dummy: Option<Dummy>,
    /// The newest ensemble of the sweep; `None` where only some of its trials are here.
    pub ensemble: Option<EnsembleSummary>,
    /// Loss of each validation row, of trials of the winner, as far as its models could be asked.
    pub row_losses: HashMap<TrialId, RowLosses>,
    /// Target and prediction of each validation row, of trials of the best configuration of each kind, likewise; where the
    /// target is a number.
    pub row_numbers: HashMap<TrialId, RowNumbers>,
    /// What the models of its searches tell, as far as they could be made again.
    pub searches: Vec<SearchInsight>,
    /// What rows and seeds say of the ranking; `None` where scores of single validation rows could not be got.
    pub evidence: Option<Evidence>,
    /// Every attempt in the sessions of the experiment, with its trial, oldest first.
    pub attempts: Vec<(TrialId, AttemptRecord)>,
    pub slot_events: Vec<SlotEventRecord>,
    /// How often the test set has been evaluated, by any sweep.
    pub test_evaluations: u64,
    /// The sweeps that were joined into `experiment`, if it is several.
    pub parts: Vec<merged::Part>,
    /// Sweeps of these that a process is at.
    pub running: Vec<String>,
    /// The query that chose the trials; `None` where all of the sweep are here.
    pub query: Option<String>,
    /// What whoever filled this in could not get, one sentence each.
    pub lacking: Vec<String>,
}

impl Input {
    /// What the report says of its trials.
    pub fn summary(&self) -> Summary {
        Summary::of(&self.experiment)
            .learned_as(self.learned)
            .while_running(&self.running)
            .narrowed_to(self.query.as_deref())
            .with_ensemble(self.ensemble.as_ref())
            .with_evidence(self.evidence.as_ref())
            .above(
                self.dummy.as_ref(),
                &self.confusion,
                &self.row_losses,
                &self.row_numbers,
            )
    }
}

/// The trials whose curves, confusion and importance the plots show: all seeds of the best
/// configurations, those of each baseline and of the best transfer among them.
pub fn wanted(experiment: &ExperimentRecord) -> Vec<TrialId> {
    let summary = Summary::of(experiment);
    let mut configs = summary.best(BEST);
    // When baselines fill the first places, the learning curves still want networks.
    for config in summary
        .ranking
        .iter()
        .filter(|config| !config.kind.is_baseline())
        .take(BEST)
    {
        if !configs.iter().any(|other| other.id == config.id) {
            configs.push(config);
        }
    }
    if let Some(best) = transfer::all(experiment, &summary).first() {
        for pair in [best.transferred, best.scratch] {
            if !configs.iter().any(|other| other.id == pair.id) {
                configs.push(pair);
            }
        }
    }
    configs
        .into_iter()
        .flat_map(|config| config.runs.iter().map(|run| run.trial.clone()))
        .collect()
}
