//! From trials to what is worth saying of them: ranked configurations, effects of settings, cost.
//!
//! Pure. Only trials of the current plan count, and only those of all training rows are ranked.
//! Configurations are compared on the seeds that they have finished alike, so that neither a mean over
//! lucky seeds wins nor an unfinished configuration loses for being late ([`super::ranking`]); one that
//! diverged with any seed stands behind those that did not. Equal ones share a rank; the one with the
//! lowest mean validation loss stands first among them, then the first of the plan.

use super::axes::{Axis, axes};
use super::configuration::{
    Configuration, by_configuration, configuration, train_fraction, values_by_run,
};
use super::ensemble::EnsembleSummary;
use super::evidence::Evidence;
use super::labels::labels;
use super::lead::ZeroLine;
use super::losses::{Learned, Losses};
use super::ranking::RunKey;
use super::{merged, ranking, text};
use sweep_core::trial::{Goal, Kind, Objective, Status, TIE_BREAKER, TrialId};
use sweep_store::{ExperimentRecord, TrialRecord};

/// What a report says of an experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    pub objective: Objective,
    /// Configurations with at least one finished trial, the best first.
    pub ranking: Vec<Configuration>,
    /// The rank of each, from 1: equal ones share the lowest of theirs (1, 1, 3).
    pub ranks: Vec<usize>,
    /// Configurations planned, with a finished trial or without.
    pub planned_configurations: usize,
    /// Trials of the plan by status, in the order of [`Status::ALL`], those that are none left out.
    pub counts: Vec<(Status, u64)>,
    /// Trials in the database that the experiment's file no longer asks for.
    pub unplanned: u64,
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
    /// What a model that ignores its input scores, and the winner's lead over it; `None` where it is not known.
    pub zero_line: Option<ZeroLine>,
    /// The newest ensemble of its trials, if there is one.
    pub ensemble: Option<EnsembleSummary>,
    /// What rows and seeds say of the ranking; `None` where scores of single rows are not known.
    pub evidence: Option<Evidence>,
    /// What the losses of its models measure.
    pub losses: Losses,
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
        // Trials on a fraction of the training rows belong to a learning curve and are not ranked.
        let whole: Vec<&TrialRecord> = planned
            .iter()
            .filter(|trial| train_fraction(trial) == 1.0)
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
        let (ranking, ranks) = ranked(configs.flatten().collect(), &objective);
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
            unfinished: unfinished(&planned, experiment),
            running: Vec::new(),
            with_failures: sweeps_of(&planned, experiment, |status| status == Status::Failed),
            query: None,
            zero_line: None,
            ensemble: None,
            evidence: None,
            losses: Losses::of(experiment),
            axes: axes(&firsts, &ranking),
            planned_configurations: groups.len(),
            counts: Status::ALL
                .into_iter()
                .map(|status| (status, of_status(status) as u64))
                .filter(|(_, number)| *number > 0)
                .collect(),
            unplanned: (experiment.trials.len() - planned.len()) as u64,
            seeds,
            // An empty sum of floats is -0.
            seconds: (planned.iter())
                .filter_map(|trial| trial.seconds)
                .fold(0.0, |sum, seconds| sum + seconds),
            objective,
            ranking,
            ranks,
        }
    }

    /// Likewise, while processes are at the sweeps called `running`.
    pub fn while_running(mut self, running: &[String]) -> Summary {
        let of_these = self.unfinished.iter();
        let of_these = of_these.filter(|name| running.contains(name));
        self.running = of_these.cloned().collect();
        self
    }

    /// Likewise, of a sweep whose target is `learned` so.
    pub fn learned_as(mut self, learned: Option<Learned>) -> Summary {
        if let Some(learned) = learned {
            self.losses.learned_as(learned);
        }
        self
    }

    /// What it is ranked by, as an axis calls it.
    pub fn objective_label(&self) -> String {
        self.losses.label(&self.objective.metric)
    }

    /// Why its models cannot be compared by what they are ranked by, if they cannot.
    pub fn incomparable(&self) -> Option<String> {
        self.losses.incomparable_by(&self.objective.metric)
    }

    /// Likewise, of the trials alone that meet `query`.
    pub fn narrowed_to(mut self, query: Option<&str>) -> Summary {
        self.query = query.map(str::to_owned);
        self
    }

    /// Likewise, with an ensemble of its trials.
    pub fn with_ensemble(mut self, ensemble: Option<&EnsembleSummary>) -> Summary {
        self.ensemble = ensemble.cloned();
        self
    }

    /// Likewise, with what rows and seeds say of this ranking.
    pub fn with_evidence(mut self, evidence: Option<&Evidence>) -> Summary {
        self.evidence = evidence.cloned();
        self
    }

    /// The best configuration of `kind`.
    pub fn best_of(&self, kind: Kind) -> Option<&Configuration> {
        self.ranking.iter().find(|config| config.kind == kind)
    }

    /// The `most` best configurations, and the best of each baseline that is not among them.
    pub fn best(&self, most: usize) -> Vec<&Configuration> {
        let mut best: Vec<&Configuration> = self.ranking.iter().take(most).collect();
        for config in Kind::baselines().filter_map(|kind| self.best_of(kind)) {
            if !best.iter().any(|other| other.id == config.id) {
                best.push(config);
            }
        }
        best
    }

    /// Trials that `sweep resume` continues by itself.
    pub fn remaining(&self) -> u64 {
        let remaining = self
            .counts
            .iter()
            .filter(|(status, _)| is_remaining(*status));
        remaining.map(|(_, number)| number).sum()
    }

    /// The place of `config`, which is of the ranking, from 0.
    pub fn place(&self, config: &Configuration) -> usize {
        let place = (self.ranking.iter()).position(|other| other.id == config.id);
        place.expect("taken from the ranking")
    }

    /// The rank of `config`, which is of the ranking: equal ones share one.
    pub fn rank(&self, config: &Configuration) -> usize {
        self.ranks[self.place(config)]
    }

    /// The rank of `config` as tables show it: `3`, or `1=` where others share it.
    pub fn rank_label(&self, config: &Configuration) -> String {
        match self.tied_with(config).next() {
            Some(_) => format!("{}=", self.rank(config)),
            None => self.rank(config).to_string(),
        }
    }

    /// The others that share the rank of `config`.
    pub fn tied_with(&self, config: &Configuration) -> impl Iterator<Item = &Configuration> {
        let (own, rank) = (config.id.clone(), self.rank(config));
        let all = self.ranking.iter().zip(&self.ranks);
        let of_rank = all.filter(move |(_, other)| **other == rank);
        of_rank
            .map(|(other, _)| other)
            .filter(move |other| other.id != own)
    }

    /// With how many others `config`, the best of all or of `kind`, is tied, and by what it was chosen: `tied with 2 other
    /// configurations, chosen for the lowest mean validation loss`. `None` where it leads.
    pub fn tie(&self, config: &Configuration, kind: Option<Kind>) -> Option<String> {
        let others = self.tied_with(config);
        let others: Vec<&Configuration> = others
            .filter(|other| kind.is_none_or(|kind| other.kind == kind))
            .collect();
        let next = others.first()?;
        let is_lower = match (config.mean_loss(), next.mean_loss()) {
            (Some(own), Some(other)) => own < other,
            (own, _) => own.is_some(),
        };
        let by = match is_lower && self.objective.metric != TIE_BREAKER {
            true => "chosen for the lowest mean validation loss",
            false => "chosen as the first of them in the plan",
        };
        let count = text::pluralize(others.len() as u64, "other configuration");
        Some(format!("tied with {count}, {by}"))
    }

    /// Configurations of the plan without a finished trial: they are in no comparison.
    pub fn without_result(&self) -> u64 {
        (self.planned_configurations - self.ranking.len()) as u64
    }

    /// Number of trials of the plan that stand at `status`.
    pub fn count(&self, status: Status) -> u64 {
        self.counts
            .iter()
            .find(|(other, _)| *other == status)
            .map_or(0, |(_, number)| *number)
    }
}

/// Sweeps that asked for trials whose status is meant, in the order of the plan.
fn sweeps_of(
    planned: &[&TrialRecord],
    experiment: &ExperimentRecord,
    is_meant: fn(Status) -> bool,
) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for trial in planned.iter().filter(|trial| is_meant(trial.status)) {
        let name = merged::asked_by(trial).unwrap_or(&experiment.name);
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// The sweeps that `sweep resume` continues: they have trials left, or their search has not ended.
fn unfinished(planned: &[&TrialRecord], experiment: &ExperimentRecord) -> Vec<String> {
    let mut names = sweeps_of(planned, experiment, is_remaining);
    let is_searching = experiment
        .searches
        .iter()
        .any(|search| search.ended.is_none());
    if is_searching && !names.contains(&experiment.name) {
        names.push(experiment.name.clone());
    }
    names
}

/// Whether `sweep resume` continues a trial of this status by itself.
fn is_remaining(status: Status) -> bool {
    !status.is_final() && !matches!(status, Status::Failed | Status::Pruned)
}

/// `configs`, the best first, with the rank of each; those that diverged with any seed come last.
fn ranked(configs: Vec<Configuration>, objective: &Objective) -> (Vec<Configuration>, Vec<usize>) {
    let sign = match objective.goal.is_better(1.0, 0.0) {
        true => 1.0,
        false => -1.0,
    };
    let (sound, diverged): (Vec<_>, Vec<_>) =
        (configs.into_iter()).partition(|config| config.diverged == 0);
    let (mut ranking, mut ranks) = (Vec::new(), Vec::new());
    for part in [sound, diverged] {
        let mut values = values_by_run(&part);
        for (_, value) in values.iter_mut().flatten() {
            *value *= sign;
        }
        let order = ranking::best_first(&values);
        let in_order: Vec<Vec<(RunKey, f64)>> =
            order.iter().map(|place| values[*place].clone()).collect();
        let part_ranks = ranking::ranks(&in_order);
        let mut part: Vec<Option<Configuration>> = part.into_iter().map(Some).collect();
        let in_order = order.into_iter().filter_map(|place| part[place].take());
        let mut in_order: Vec<(usize, Configuration)> =
            part_ranks.into_iter().zip(in_order).collect();
        in_order.sort_by(|(a_rank, a), (b_rank, b)| {
            let loss = |config: &Configuration| config.mean_loss().unwrap_or(f64::NAN);
            a_rank
                .cmp(b_rank)
                .then_with(|| Goal::Min.order(loss(a), loss(b)))
        });
        let before = ranking.len();
        for (rank, config) in in_order {
            ranks.push(before + rank);
            ranking.push(config);
        }
    }
    (ranking, ranks)
}
