//! One point of the search space with what its seeds have scored.

use std::collections::HashMap;

use super::summary_stats::SummaryStats;
use super::text;
use sweep_core::named::value_of;
use sweep_core::trial::{
    ConfigId, Kind, Objective, Params, Score, Status, TRAIN_FRACTION, TrialId, Value,
};
use sweep_store::TrialRecord;

/// One point of the search space with all its seeds.
#[derive(Debug, Clone, PartialEq)]
pub struct Configuration {
    pub id: ConfigId,
    pub kind: Kind,
    pub params: Params,
    /// The settings in which it differs from others of its kind: `lr=0.001 dropout=0.3`.
    pub label: String,
    /// Trials that the plan has of it.
    pub planned: usize,
    /// Finished trials, by seed.
    pub runs: Vec<Run>,
    /// Of the objective over `runs`.
    pub stats: SummaryStats,
    /// Whether several seeds gave one result, to the last digit of every metric: the seed changes nothing
    /// in it, so that its runs tell no more than one.
    pub is_deterministic: bool,
    pub diverged: usize,
    pub failed: usize,
    /// Mean seconds of training a finished trial; `None` when none recorded them.
    pub seconds: Option<f64>,
    pub parameters: Option<u64>,
}

/// A finished trial.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    pub trial: TrialId,
    pub seed: u64,
    pub value: f64,
    /// Validation loss at `step`, if it was measured.
    pub loss: Option<f64>,
    /// Epoch or round of `value`.
    pub step: Option<u32>,
}

impl Configuration {
    /// Whether every planned seed has finished.
    pub fn is_complete(&self) -> bool {
        self.stats.n == self.planned
    }

    /// `3 seeds`, or `2 of 3 seeds` where some have not finished.
    pub fn seeds(&self) -> String {
        match self.is_complete() {
            true => text::pluralize(self.stats.n as u64, "seed"),
            false => format!("{} of {} seeds", self.stats.n, self.planned),
        }
    }

    /// Kind and label, as plots and tables name it.
    pub fn title(&self) -> String {
        match self.label.is_empty() {
            true => self.kind.label().to_owned(),
            false => format!("{} {}", self.kind.label(), self.label),
        }
    }

    /// Mean validation loss of its runs; `None` unless all have one.
    pub fn mean_loss(&self) -> Option<f64> {
        let losses: Option<Vec<f64>> = self.runs.iter().map(|run| run.loss).collect();
        SummaryStats::of(&losses?).map(|stats| stats.mean)
    }

    /// The best of its runs; of equal ones that with the lowest validation loss, then the lowest seed.
    pub fn best_run(&self, objective: &Objective) -> &Run {
        let score = |run: &Run| Score {
            value: run.value,
            loss: run.loss,
        };
        self.runs
            .iter()
            .min_by(|a, b| objective.order(score(a), score(b)))
            .expect("a ranked configuration has a finished trial")
    }
}

/// The configuration of `trials`, unless none of them has finished with a number.
pub(super) fn configuration(
    trials: &[&TrialRecord],
    labels: &HashMap<TrialId, String>,
) -> Option<Configuration> {
    let mut runs = Vec::new();
    let mut seconds = Vec::new();
    for trial in trials
        .iter()
        .filter(|trial| trial.status == Status::Finished)
    {
        let Some(value) = trial.best.filter(|value| value.is_finite()) else {
            continue;
        };
        seconds.extend(trial.seconds.filter(|seconds| seconds.is_finite()));
        runs.push(Run {
            trial: trial.id.clone(),
            seed: trial.seed,
            value,
            loss: Score::new(value, &trial.metrics).loss,
            step: trial.best_step,
        });
    }
    runs.sort_by_key(|run| run.seed);
    let values: Vec<f64> = runs.iter().map(|run| run.value).collect();
    let of_status = |status| trials.iter().filter(|trial| trial.status == status).count();
    let first = trials[0];
    Some(Configuration {
        id: first.config.clone(),
        kind: first.kind,
        params: first.params.clone(),
        label: labels[&first.id].clone(),
        planned: trials.len(),
        stats: SummaryStats::of(&values)?,
        is_deterministic: is_deterministic(trials),
        runs,
        diverged: of_status(Status::Diverged),
        failed: of_status(Status::Failed),
        seconds: SummaryStats::of(&seconds).map(|stats| stats.mean),
        parameters: trials.iter().find_map(|trial| trial.parameters),
    })
}

/// Whether at least two of `trials` have finished and all that have recorded the same of their training, times aside.
fn is_deterministic(trials: &[&TrialRecord]) -> bool {
    let finished = trials.iter();
    let mut finished = finished.filter(|trial| trial.status == Status::Finished);
    let Some(first) = finished.next() else {
        return false;
    };
    // A score alone comes in steps and may tie; losses and the like do not.
    let is_told = told(first).4.len() > 1;
    let mut others = finished.peekable();
    is_told && others.peek().is_some() && others.all(|other| told(other) == told(first))
}

type Told<'a> = (
    Option<f64>,
    Option<u32>,
    Option<f64>,
    Option<u32>,
    Vec<(&'a str, f64)>,
);

/// What a trial recorded that a seed can change.
fn told(trial: &TrialRecord) -> Told<'_> {
    let metrics = trial.metrics.iter();
    let metrics = metrics.filter(|(name, _)| !name.contains("seconds"));
    (
        trial.best,
        trial.best_step,
        trial.last,
        trial.steps,
        metrics
            .map(|(name, value)| (name.as_str(), *value))
            .collect(),
    )
}

/// The fraction of the training rows that `trial` is trained on.
pub fn train_fraction(trial: &TrialRecord) -> f64 {
    value_of(&trial.params, TRAIN_FRACTION)
        .and_then(Value::as_f64)
        .unwrap_or(1.0)
}

/// Trials of one configuration together, in plan order.
pub(super) fn by_configuration<'a>(trials: &[&'a TrialRecord]) -> Vec<Vec<&'a TrialRecord>> {
    let mut places: HashMap<&ConfigId, usize> = HashMap::new();
    let mut groups: Vec<Vec<&TrialRecord>> = Vec::new();
    for trial in trials {
        let place = *places.entry(&trial.config).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(trial),
            None => groups.push(vec![trial]),
        }
    }
    groups
}
