//! From trials to what is worth saying of them: ranked configurations, effects of settings, cost.
//!
//! Pure. Only trials of the current plan count, and only those of all training rows are ranked.
//! Configurations are compared on the seeds that they have finished alike, so that neither a mean over
//! lucky seeds wins nor an unfinished configuration loses for being late ([`super::order`]); one that
//! diverged with any seed stands behind those that did not.

use std::collections::HashMap;

pub use super::axes::{Axis, Effect};
pub use super::configuration::{Configuration, Run};
pub use super::spread::Spread;

use super::axes::{axes, varying_keys};
use super::configuration::configuration;
use super::{joint, order, text};
use sweep_core::trial::{ConfigId, Kind, Objective, Params, Status, TRAIN_SHARE, TrialId};
use sweep_store::{ExperimentRecord, TrialRecord};

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
    /// The best run of the first configuration: what `best` means in every command.
    pub best_trial: Option<TrialId>,
    /// Sweeps of which trials are still to come.
    pub unfinished: Vec<String>,
    /// Those of `unfinished` that a process is at.
    pub running: Vec<String>,
    /// Sweeps of which trials of the plan have failed.
    pub with_failures: Vec<String>,
    /// The query that chose the trials; `None` where all of the sweep are here.
    pub query: Option<String>,
    /// Settings that vary among the networks, in the order of their keys.
    pub axes: Vec<Axis>,
    /// Seconds of training in the whole plan, added over trials.
    pub seconds: f64,
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
        // One of each configuration: which sweeps asked for a trial differs between seeds of one.
        let firsts: Vec<&TrialRecord> = groups.iter().map(|trials| trials[0]).collect();
        let labels = labels(
            firsts
                .iter()
                .map(|trial| (&trial.id, trial.kind, &trial.params)),
        );
        let configs = groups.iter().map(|trials| configuration(trials, &labels));
        let ranking = ranked(configs.flatten().collect(), &objective);
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
            best_trial: (ranking.first()).map(|first| first.best_run(&objective).trial.clone()),
            unfinished: sweeps_of(&planned, experiment, is_to_come),
            running: Vec::new(),
            with_failures: sweeps_of(&planned, experiment, |status| status == Status::Failed),
            query: None,
            axes: axes(&firsts, &ranking),
            planned_configurations: groups.len(),
            counts: Status::ALL
                .into_iter()
                .map(|status| (status, of_status(status) as u64))
                .filter(|(_, number)| *number > 0)
                .collect(),
            fallen_out: (experiment.trials.len() - planned.len()) as u64,
            seeds,
            // An empty sum of floats is -0.
            seconds: (planned.iter())
                .filter_map(|trial| trial.seconds)
                .fold(0.0, |sum, seconds| sum + seconds),
            objective,
            ranking,
        }
    }

    /// Likewise, while processes are at the sweeps called `running`.
    pub fn while_running(mut self, running: &[String]) -> Summary {
        let of_these = self.unfinished.iter();
        let of_these = of_these.filter(|name| running.contains(name));
        self.running = of_these.cloned().collect();
        self
    }

    /// Likewise, of the trials alone that meet `query`.
    pub fn narrowed_to(mut self, query: Option<&str>) -> Summary {
        self.query = query.map(str::to_owned);
        self
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

    /// Trials that `sweep resume` goes on with by itself.
    pub fn to_come(&self) -> u64 {
        let to_come = self.counts.iter().filter(|(status, _)| is_to_come(*status));
        to_come.map(|(_, number)| number).sum()
    }

    /// `The sweep is unfinished: 3 of 12 trials are still to come, and the order may change; `sweep resume q` goes on.`;
    /// `None` where nothing is to come.
    pub fn unfinished(&self) -> Option<String> {
        let planned: u64 = self.counts.iter().map(|(_, number)| number).sum();
        if self.unfinished.is_empty() {
            return None;
        }
        let running: Vec<String> = self
            .running
            .iter()
            .map(|name| text::sanitize(name))
            .collect();
        let (how, goes_on) = match self.resume() {
            None => ("is running", String::new()),
            Some(resume) if running.is_empty() => ("is unfinished", format!("; {resume} goes on")),
            Some(resume) => (
                "is unfinished",
                format!("; {} is running, {resume} goes on", running.join(", ")),
            ),
        };
        let are = if self.to_come() == 1 { "is" } else { "are" };
        Some(format!(
            "The sweep {how}: {} of {} {are} still to come, and the order may change{goes_on}.",
            text::with_thousands(self.to_come()),
            text::pluralize(planned, "trial"),
        ))
    }

    /// The commands that train what is still to come and no process is at; `None` where nothing is.
    pub fn resume(&self) -> Option<String> {
        let idle = self.unfinished.iter();
        commands(idle.filter(|name| !self.running.contains(name)), "")
    }

    /// The commands that try again what has failed; `None` where nothing has.
    pub fn retry(&self) -> Option<String> {
        commands(self.with_failures.iter(), " --retry-failed")
    }

    /// Configurations of the plan without a finished trial: they are in no comparison.
    pub fn without_result(&self) -> u64 {
        (self.planned_configurations - self.ranking.len()) as u64
    }

    /// What became of trials that have ended without a result, a sentence each.
    pub fn troubles(&self) -> Vec<String> {
        let trials = |status| text::pluralize(self.count(status), "trial");
        let mut troubles = Vec::new();
        if self.count(Status::Diverged) > 0 {
            let trials = trials(Status::Diverged);
            troubles.push(format!(
                "{trials} diverged; that is a result, and is not tried again."
            ));
        }
        if let Some(retry) = self.retry() {
            let trials = trials(Status::Failed);
            let names: Vec<&String> = self.with_failures.iter().collect();
            let show: Vec<String> = (names.into_iter())
                .map(|name| format!("`sweep show {}`", quoted_name(name)))
                .collect();
            let says = if show.len() == 1 { "says" } else { "say" };
            troubles.push(format!(
                "{trials} failed; {} {says} why, {retry} tries again.",
                show.join(", ")
            ));
        }
        troubles
    }

    /// Number of trials of the plan that stand at `status`.
    pub fn count(&self, status: Status) -> u64 {
        self.counts
            .iter()
            .find(|(other, _)| *other == status)
            .map_or(0, |(_, number)| *number)
    }
}

/// `sweep resume NAME` for each of `names`, with `flag`.
fn commands<'a>(names: impl Iterator<Item = &'a String>, flag: &str) -> Option<String> {
    let commands: Vec<String> = names
        .map(|name| format!("`sweep resume {}{flag}`", quoted_name(name)))
        .collect();
    (!commands.is_empty()).then(|| commands.join(", "))
}

fn quoted_name(name: &str) -> String {
    super::markup::quoted(&text::sanitize(name))
}

/// Sweeps that asked for trials whose status is meant, in the order of the plan.
fn sweeps_of(
    planned: &[&TrialRecord],
    experiment: &ExperimentRecord,
    is_meant: fn(Status) -> bool,
) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for trial in planned.iter().filter(|trial| is_meant(trial.status)) {
        let name = joint::asked_by(trial).unwrap_or(&experiment.name);
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// Whether `sweep resume` goes on with a trial of this status by itself.
fn is_to_come(status: Status) -> bool {
    !status.is_final() && status != Status::Failed
}

/// `configs`, the best first; those that diverged with any seed come last.
fn ranked(configs: Vec<Configuration>, objective: &Objective) -> Vec<Configuration> {
    let sign = match objective.goal.is_better(1.0, 0.0) {
        true => 1.0,
        false => -1.0,
    };
    let (sound, diverged): (Vec<_>, Vec<_>) =
        (configs.into_iter()).partition(|config| config.diverged == 0);
    let mut ranking = Vec::new();
    for part in [sound, diverged] {
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
