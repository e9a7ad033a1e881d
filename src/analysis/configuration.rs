//! One point of the search space with what its seeds have scored.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::ranking::RunKey;
use super::summary_stats::SummaryStats;
use super::text;
use sweep_core::named::value_of;
use sweep_core::trial::{
    ConfigId, Kind, ModelSpec, Objective, Params, Score, Status, TRAIN_FRACTION, TrialId, Value,
};
use sweep_store::TrialRecord;

/// Metric: the validation loss with calibrated probabilities.
const CALIBRATED_LOSS: &str = "valid/calibrated_loss";

/// One point of the search space with all its seeds.
#[derive(Debug, Clone, PartialEq)]
pub struct Configuration {
    pub id: ConfigId,
    pub kind: Kind,
    pub params: Params,
    /// The settings in which it differs from others of its kind: `lr=0.001 dropout=0.3`.
    pub label: String,
    /// Seeds that the plan has of it.
    pub planned: usize,
    /// Folds of the cross-validation; 0 without one.
    pub folds: usize,
    /// Finished trials, by seed and fold.
    pub runs: Vec<Run>,
    /// Of the objective over [`Configuration::by_seed`].
    pub stats: SummaryStats,
    /// Whether several seeds gave one result, to the last digit of every metric, or the only one is of a model that does
    /// without a seed: it changes nothing, so that runs tell no more than one.
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
    /// The fold whose rows validated it, from 1; `None` without cross-validation.
    pub fold: Option<u32>,
    pub value: f64,
    /// Validation loss at `step`, if it was measured.
    pub loss: Option<f64>,
    /// Validation loss with calibrated probabilities, if it was measured.
    pub calibrated_loss: Option<f64>,
    /// Epoch or round of `value`.
    pub step: Option<u32>,
}

impl Run {
    /// What makes it comparable with a run of another configuration: seed and fold, 0 without folds.
    pub fn key(&self) -> RunKey {
        (self.seed, self.fold.unwrap_or(0))
    }

    /// `seed 2`, or `seed 2, fold 4`.
    pub fn label(&self) -> String {
        match self.fold {
            None => format!("seed {}", self.seed),
            Some(fold) => format!("seed {}, fold {fold}", self.seed),
        }
    }
}

impl Configuration {
    /// Whether every planned trial has finished.
    pub fn is_complete(&self) -> bool {
        self.runs.len() == self.planned * self.folds.max(1)
    }

    /// `3 seeds` or `3 seeds x 5 folds`; `2 of 3 seeds` or `7 of 15 runs` where some have not finished.
    pub fn seeds(&self) -> String {
        let seeds = || text::pluralize(self.planned as u64, "seed");
        match (self.is_complete(), self.folds) {
            (true, 0) => seeds(),
            (true, folds) => format!("{} x {}", seeds(), text::pluralize(folds as u64, "fold")),
            (false, 0) => format!("{} of {}", self.runs.len(), seeds()),
            (false, folds) => format!("{} of {} runs", self.runs.len(), self.planned * folds),
        }
    }

    /// The objective by seed: with cross-validation the mean over the folds, of the seeds that have
    /// finished all of them; of all seeds, and the folds that have finished, while there is none.
    pub fn by_seed(&self) -> Vec<(u64, f64)> {
        by_seed(&self.runs, self.folds)
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
        self.mean_of(|run| run.loss)
    }

    /// Likewise, with calibrated probabilities.
    pub fn mean_calibrated_loss(&self) -> Option<f64> {
        self.mean_of(|run| run.calibrated_loss)
    }

    fn mean_of(&self, value: impl Fn(&Run) -> Option<f64>) -> Option<f64> {
        let finite = |run| value(run).filter(|value| value.is_finite());
        let values: Option<Vec<f64>> = self.runs.iter().map(finite).collect();
        SummaryStats::of(&values?).map(|stats| stats.mean)
    }

    /// The best of its runs; of equal ones that with the lowest validation loss, then the lowest seed. Values of different
    /// folds are of different rows: with cross-validation it is the best of the seed that is best over all folds.
    pub fn best_run(&self, objective: &Objective) -> &Run {
        let by_seed = self.by_seed();
        let best_seed = by_seed.iter().min_by(|a, b| objective.goal.order(a.1, b.1));
        let is_of_best =
            |run: &&Run| run.fold.is_none() || best_seed.is_none_or(|(seed, _)| *seed == run.seed);
        let score = |run: &Run| Score {
            value: run.value,
            loss: run.loss,
        };
        self.runs
            .iter()
            .filter(is_of_best)
            .min_by(|a, b| objective.order(score(a), score(b)))
            .expect("a ranked configuration has a finished trial")
    }
}

/// [`Configuration::by_seed`] of each of `configs`. One whose seed changes nothing has its value with every seed that any
/// of them has, so that it is compared with all runs of the others.
pub(super) fn values_by_seed(configs: &[Configuration]) -> Vec<Vec<(u64, f64)>> {
    let mut values: Vec<Vec<(u64, f64)>> = configs.iter().map(Configuration::by_seed).collect();
    let seeds: BTreeSet<u64> = values.iter().flatten().map(|(seed, _)| *seed).collect();
    for (config, values) in configs.iter().zip(&mut values) {
        if let (true, Some((_, value))) = (config.is_deterministic, values.first().copied()) {
            *values = seeds.iter().map(|seed| (*seed, value)).collect();
        }
    }
    values
}

/// The same run by run: of the fold that a run is of, if there are folds.
pub(super) fn values_by_run(configs: &[Configuration]) -> Vec<Vec<(RunKey, f64)>> {
    let runs = configs.iter().flat_map(|config| &config.runs);
    let keys: BTreeSet<RunKey> = runs.map(Run::key).collect();
    let values = |config: &Configuration| -> Vec<(RunKey, f64)> {
        if !config.is_deterministic {
            return (config.runs.iter().map(|run| (run.key(), run.value))).collect();
        }
        let of_fold = |fold: u32| config.runs.iter().find(|run| run.key().1 == fold);
        (keys.iter())
            .filter_map(|key| Some((*key, of_fold(key.1)?.value)))
            .collect()
    };
    configs.iter().map(values).collect()
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
            fold: trial.fold,
            value,
            loss: Score::new(value, &trial.metrics).loss,
            calibrated_loss: value_of(&trial.metrics, CALIBRATED_LOSS).copied(),
            step: trial.best_step,
        });
    }
    runs.sort_by_key(Run::key);
    let seeds: BTreeSet<u64> = trials.iter().map(|trial| trial.seed).collect();
    let folds: BTreeSet<u32> = trials.iter().filter_map(|trial| trial.fold).collect();
    let values = by_seed(&runs, folds.len()).into_iter();
    let values: Vec<f64> = values.map(|(_, value)| value).collect();
    let of_status = |status| trials.iter().filter(|trial| trial.status == status).count();
    let first = trials[0];
    Some(Configuration {
        id: first.config.clone(),
        kind: first.kind,
        params: first.params.clone(),
        label: labels[&first.id].clone(),
        planned: seeds.len(),
        folds: folds.len(),
        stats: SummaryStats::of(&values)?,
        is_deterministic: is_deterministic(trials),
        runs,
        diverged: of_status(Status::Diverged),
        failed: of_status(Status::Failed),
        seconds: SummaryStats::of(&seconds).map(|stats| stats.mean),
        parameters: (trials.iter().find_map(|trial| trial.parameters))
            .filter(|count| *count > 0 || !first.kind.is_open()),
    })
}

/// As [`Configuration::by_seed`].
fn by_seed(runs: &[Run], folds: usize) -> Vec<(u64, f64)> {
    let mut values: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for run in runs {
        values.entry(run.seed).or_default().push(run.value);
    }
    let wanted = folds.max(1);
    let has_whole = values.values().any(|values| values.len() == wanted);
    let seeds = values.into_iter();
    seeds
        .filter(|(_, values)| !has_whole || values.len() == wanted)
        .map(|(seed, values)| (seed, values.iter().sum::<f64>() / values.len() as f64))
        .collect()
}

/// Whether several seeds have finished and recorded the same of their training, times aside; with
/// cross-validation, on each fold that several have finished. Of a single seed, whether its settings say so.
fn is_deterministic(trials: &[&TrialRecord]) -> bool {
    let mut by_fold: BTreeMap<Option<u32>, Vec<&TrialRecord>> = BTreeMap::new();
    for trial in trials
        .iter()
        .filter(|trial| trial.status == Status::Finished)
    {
        by_fold.entry(trial.fold).or_default().push(trial);
    }
    by_fold.retain(|_, trials| trials.len() > 1);
    let are_equal = |trials: &Vec<&TrialRecord>| {
        // Another version may have measured more.
        let is_shared = |name: &str| {
            let has = |trial: &&TrialRecord| value_of(&trial.metrics, name).is_some();
            trials.iter().all(has)
        };
        let told = |trial| told(trial, &is_shared);
        let first = told(trials[0]);
        // A score alone comes in steps and may tie; losses and the like do not.
        first.4.len() > 1 && trials.iter().all(|other| told(other) == first)
    };
    if by_fold.is_empty() {
        let mut trials = trials.iter();
        let finished = trials.find(|trial| trial.status == Status::Finished);
        return finished.is_some_and(|trial| {
            let model = ModelSpec::recorded(trial.kind, &trial.params);
            train_fraction(trial) == 1.0 && model.is_deterministic()
        });
    }
    by_fold.values().all(are_equal)
}

type Told<'a> = (
    Option<f64>,
    Option<u32>,
    Option<f64>,
    Option<u32>,
    Vec<(&'a str, f64)>,
);

/// What a trial recorded that a seed can change, of metrics those that every trial has.
fn told<'a>(trial: &'a TrialRecord, is_shared: &impl Fn(&str) -> bool) -> Told<'a> {
    let metrics = trial.metrics.iter();
    let metrics = metrics.filter(|(name, _)| !name.contains("seconds") && is_shared(name));
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
