//! From trials to what is worth saying of them: ranked configurations, effects of settings, cost.
//!
//! Pure. Only trials of the current plan count, and only those of all training rows are ranked. A
//! configuration that has finished with every seed that all are planned with stands before one where some
//! are missing or diverged, so that a mean over lucky seeds never wins against a mean over all of
//! them; further seeds that some were given decide among those ([`super::order`]).

use std::collections::HashMap;

use super::{order, text};
use crate::store::{ExperimentRecord, TrialRecord};
use crate::trial::{ConfigId, Kind, Objective, Params, Status, TRAIN_SHARE, TrialId, Value};

/// What a report says of an experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    pub objective: Objective,
    /// Configurations with at least one finished trial, the best first.
    pub ranking: Vec<Configuration>,
    /// Configurations planned, with a finished trial or without.
    pub planned_configurations: usize,
    /// Trials of the plan by status, in the order of [`Status::ALL`], those that are none left out.
    pub counts: Vec<(Status, u64)>,
    /// Trials in the record that the experiment's file no longer asks for.
    pub fallen_out: u64,
    /// Replicate seeds of the plan, ascending.
    pub seeds: Vec<u64>,
    /// The finished trial with the best objective.
    pub best_trial: Option<TrialId>,
    /// Settings that vary among the networks, in the order of their keys.
    pub axes: Vec<Axis>,
    /// Seconds of training in the whole plan, added over trials.
    pub seconds: f64,
}

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
    pub spread: Spread,
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
    /// Epoch or round of `value`.
    pub step: Option<u32>,
}

/// Location and width of some numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    pub n: usize,
    pub mean: f64,
    /// Standard deviation with n - 1; `None` below two numbers.
    pub sd: Option<f64>,
    pub min: f64,
    pub max: f64,
}

/// A setting that takes more than one value.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    pub name: String,
    /// Numbers ascending, other values as they come.
    pub effects: Vec<Effect>,
}

/// What the objective was with one value of an axis, over everything else.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    pub value: Value,
    /// Mean objective of each configuration with this value, in ranking order.
    pub means: Vec<f64>,
    /// Of `means`; `None` when no such configuration has finished.
    pub spread: Option<Spread>,
}

impl Spread {
    /// Of finite `values`, if there are any. Two-pass, so that a large mean does not drown a small width.
    pub fn of(values: &[f64]) -> Option<Spread> {
        if values.is_empty() {
            return None;
        }
        let n = values.len() as f64;
        let min = values.iter().copied().fold(f64::INFINITY, f64::min);
        let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        // The clamp gives equal values their own mean, and so no width from rounding.
        let mean = (values.iter().sum::<f64>() / n).clamp(min, max);
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Some(Spread {
            n: values.len(),
            mean,
            sd: (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt()),
            min,
            max,
        })
    }
}

impl Configuration {
    /// Whether every planned seed has finished.
    pub fn is_complete(&self) -> bool {
        self.spread.n == self.planned
    }

    /// Kind and label, as plots and tables name it.
    pub fn title(&self) -> String {
        match self.label.is_empty() {
            true => text::kind(self.kind).to_owned(),
            false => format!("{} {}", text::kind(self.kind), self.label),
        }
    }

    /// The best of its runs.
    pub fn best_run(&self, objective: &Objective) -> &Run {
        self.runs
            .iter()
            .min_by(|a, b| objective.goal.order(a.value, b.value))
            .expect("a ranked configuration has a finished trial")
    }
}

impl Summary {
    /// Of `experiment`, from its trials alone.
    pub fn of(experiment: &ExperimentRecord) -> Summary {
        let planned: Vec<&TrialRecord> = experiment
            .trials
            .iter()
            .filter(|trial| trial.in_plan)
            .collect();
        let objective = experiment.objective.clone();
        // Trials of a share of the training rows belong to a learning curve and are not ranked.
        let whole: Vec<&TrialRecord> = planned
            .iter()
            .filter(|trial| train_share(trial) == 1.0)
            .copied()
            .collect();
        let groups = by_configuration(&whole);
        let labels = labels(
            whole
                .iter()
                .map(|trial| (&trial.id, trial.kind, &trial.params)),
        );
        let configs = groups.iter().map(|trials| configuration(trials, &labels));
        let ranking = ranked(
            configs.flatten().collect(),
            &shared_seeds(&groups),
            &objective,
        );
        let mut seeds: Vec<u64> = planned.iter().map(|trial| trial.seed).collect();
        seeds.sort_unstable();
        seeds.dedup();
        let of_status = |status| {
            planned
                .iter()
                .filter(|trial| trial.status == status)
                .count()
        };
        Summary {
            best_trial: ranking
                .iter()
                .flat_map(|config| &config.runs)
                .min_by(|a, b| objective.goal.order(a.value, b.value))
                .map(|run| run.trial.clone()),
            axes: axes(&whole, &ranking),
            planned_configurations: groups.len(),
            counts: Status::ALL
                .into_iter()
                .map(|status| (status, of_status(status) as u64))
                .filter(|(_, number)| *number > 0)
                .collect(),
            fallen_out: (experiment.trials.len() - planned.len()) as u64,
            seeds,
            seconds: planned.iter().filter_map(|trial| trial.seconds).sum(),
            objective,
            ranking,
        }
    }

    /// The best configuration of `kind`.
    pub fn best_of(&self, kind: Kind) -> Option<&Configuration> {
        self.ranking.iter().find(|config| config.kind == kind)
    }

    /// The `most` best configurations, and the best of each baseline that is not among them.
    pub fn best(&self, most: usize) -> Vec<&Configuration> {
        let mut best: Vec<&Configuration> = self.ranking.iter().take(most).collect();
        for config in Kind::BASELINES
            .into_iter()
            .filter_map(|kind| self.best_of(kind))
        {
            if !best.iter().any(|other| other.id == config.id) {
                best.push(config);
            }
        }
        best
    }

    /// Number of trials of the plan that stand at `status`.
    pub fn count(&self, status: Status) -> u64 {
        self.counts
            .iter()
            .find(|(other, _)| *other == status)
            .map_or(0, |(_, number)| *number)
    }
}

/// Seeds that every configuration is planned with.
fn shared_seeds(groups: &[Vec<&TrialRecord>]) -> Vec<u64> {
    let Some((first, rest)) = groups.split_first() else {
        return Vec::new();
    };
    let has = |trials: &Vec<&TrialRecord>, seed| trials.iter().any(|trial| trial.seed == seed);
    let seeds = first.iter().map(|trial| trial.seed);
    seeds
        .filter(|seed| rest.iter().all(|trials| has(trials, *seed)))
        .collect()
}

/// `configs`, the best first; those that lack one of the seeds `shared`, or diverged with any, come last.
fn ranked(
    configs: Vec<Configuration>,
    shared: &[u64],
    objective: &Objective,
) -> Vec<Configuration> {
    let is_whole = |config: &Configuration| {
        let has = |seed: &u64| config.runs.iter().any(|run| run.seed == *seed);
        config.diverged == 0 && shared.iter().all(has)
    };
    let sign = match objective.goal.is_better(1.0, 0.0) {
        true => 1.0,
        false => -1.0,
    };
    let (whole, partial): (Vec<_>, Vec<_>) = configs.into_iter().partition(is_whole);
    let mut ranking = Vec::new();
    for part in [whole, partial] {
        let values = |config: &Configuration| {
            let runs = config.runs.iter();
            runs.map(|run| (run.seed, sign * run.value)).collect()
        };
        let values: Vec<Vec<(u64, f64)>> = part.iter().map(values).collect();
        let mut part: Vec<Option<Configuration>> = part.into_iter().map(Some).collect();
        let best_first = order::best_first(&values).into_iter();
        ranking.extend(best_first.filter_map(|place| part[place].take()));
    }
    ranking
}

/// The settings in which each trial differs from others of its kind, by trial.
pub fn labels<'a>(
    trials: impl Iterator<Item = (&'a TrialId, Kind, &'a Params)> + Clone,
) -> HashMap<TrialId, String> {
    let mut varying = HashMap::new();
    for kind in Kind::ALL {
        let of_kind = trials.clone().filter(|(_, other, _)| *other == kind);
        varying.insert(kind, varying_keys(of_kind.map(|(_, _, params)| params)));
    }
    trials
        .map(|(id, kind, params)| (id.clone(), text::settings(params, &varying[&kind])))
        .collect()
}

/// Keys that take more than one value, in the order of the keys.
fn varying_keys<'a>(params: impl Iterator<Item = &'a Params>) -> Vec<String> {
    let mut keys: Vec<(&str, &Value, bool)> = Vec::new();
    for (key, value) in params.flatten() {
        match keys.iter_mut().find(|(name, _, _)| name == key) {
            Some((_, first, varies)) => *varies |= *first != value,
            None => keys.push((key, value, false)),
        }
    }
    keys.into_iter()
        .filter(|(_, _, varies)| *varies)
        .map(|(key, _, _)| key.to_owned())
        .collect()
}

/// The share of the training rows that `trial` is trained on.
pub(super) fn train_share(trial: &TrialRecord) -> f64 {
    let share = trial.params.iter().find(|(key, _)| key == TRAIN_SHARE);
    share.and_then(|(_, share)| share.as_f64()).unwrap_or(1.0)
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

/// The configuration of `trials`, unless none of them has finished with a number.
fn configuration(
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
        spread: Spread::of(&values)?,
        runs,
        diverged: of_status(Status::Diverged),
        failed: of_status(Status::Failed),
        seconds: Spread::of(&seconds).map(|spread| spread.mean),
        parameters: trials.iter().find_map(|trial| trial.parameters),
    })
}

/// Every setting that varies among the planned networks, with what each value did.
fn axes(planned: &[&TrialRecord], ranking: &[Configuration]) -> Vec<Axis> {
    let networks = || planned.iter().filter(|trial| trial.kind == Kind::Mlp);
    let ranked = || ranking.iter().filter(|config| config.kind == Kind::Mlp);
    varying_keys(networks().map(|trial| &trial.params))
        .into_iter()
        .map(|name| {
            let value_of = |params: &'_ Params| -> Option<Value> {
                let found = params.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| value.clone())
            };
            // Sought by what tells it apart: there may be as many values as configurations.
            let key = |value: &Value| format!("{} {value}", value.type_name());
            let mut places: HashMap<String, usize> = HashMap::new();
            let mut effects: Vec<Effect> = Vec::new();
            for value in networks().filter_map(|trial| value_of(&trial.params)) {
                places.entry(key(&value)).or_insert_with(|| {
                    effects.push(Effect {
                        value,
                        means: Vec::new(),
                        spread: None,
                    });
                    effects.len() - 1
                });
            }
            for config in ranked() {
                let place = value_of(&config.params).and_then(|value| places.get(&key(&value)));
                if let Some(place) = place {
                    effects[*place].means.push(config.spread.mean);
                }
            }
            for effect in &mut effects {
                effect.spread = Spread::of(&effect.means);
            }
            if effects.iter().all(|effect| effect.value.as_f64().is_some()) {
                let number = |effect: &Effect| effect.value.as_f64().unwrap_or(f64::NAN);
                effects.sort_by(|a, b| number(a).total_cmp(&number(b)));
            }
            Axis { effects, name }
        })
        .collect()
}
