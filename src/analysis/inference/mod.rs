//! How sure a ranking is: intervals over seeds, the winner against everything else, what choosing it was worth.
//!
//! Pure, and the same for the same ranking: nothing is drawn at random. Every statement is about seeds, that
//! is, about training the same configurations again; it says nothing of other rows, which is what the sealed
//! test rows are for.
//!
//! What is promised, and held by simulation (`benches/inference.rs`, figures in `docs/STATISTICS.md`): where all
//! configurations are equally good, one of them is declared the winner in at most 5% of sweeps; and the best
//! configuration is among [`Inference::candidates`] in at least 95%.

mod compare;
mod moderated_variance;
mod optimism;
mod power;
mod table;

pub use table::Sample;

use crate::bounds::Bounds;
use crate::configuration::Configuration;
use crate::summary::Summary;
use sweep_core::trial::{Goal, Kind};

/// What can be said of a ranking. Places are those of [`Summary::ranking`], from 0; place 0 is the winner.
#[derive(Debug, Clone, PartialEq)]
pub struct Inference {
    /// Of every configuration of the ranking, in its order.
    pub estimates: Vec<Estimate>,
    /// The winner against every other configuration, in the order of the ranking: that over place `p` is
    /// `comparisons[p - 1]`.
    pub comparisons: Vec<Comparison>,
    /// Places of those that cannot be told apart from the best, ascending; the winner is one of them. Of those that are the
    /// same with every seed, only the best may be among them. The configuration that is best in the long run is among them with 95% confidence.
    pub candidates: Vec<usize>,
    /// Places of the runner-up and of the best configuration of every other kind, in the order of the ranking.
    pub rivals: Vec<usize>,
    pub verdict: Verdict,
    /// `None` below two seeds or two configurations.
    pub optimism: Option<Optimism>,
}

/// What the seeds say of the winner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// No configuration has finished.
    Nothing,
    /// There is nothing to compare it with.
    Alone,
    /// No configuration shares two seeds with the winner: nothing can be said of chance.
    TooFewSeeds,
    /// Better than every other that could be compared, whatever the seed: it changes none of them.
    Certain,
    /// Better than every other that could be compared, `p` being the largest of the corrected p-values.
    Winner { p: f64 },
    /// One of several that may be the best. `seeds` in all for the winner and the runner-up would tell the two
    /// apart with 80% probability, were they as far apart as they look; `None` where
    /// [`MOST_SEEDS`] would not do.
    NotToldApart { seeds: Option<usize> },
}

/// Most seeds that [`Verdict::NotToldApart`] and [`Comparison::seeds_needed`] ask for.
pub const MOST_SEEDS: usize = 1000;

/// Mean of one configuration over its seeds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    pub seeds: usize,
    pub mean: f64,
    /// 95% interval of the mean by Student's t, of this configuration alone: not corrected for the others, and cut to
    /// what the metric can be. `None` below two seeds, and where the seed changes nothing.
    pub interval: Option<(f64, f64)>,
    /// Whether the seed changes nothing, so that all its runs are one.
    pub is_repeat: bool,
    /// Whether it cannot be told apart from the best.
    pub is_candidate: bool,
}

/// The winner against one other configuration, on the seeds that both have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// Place of the other in the ranking.
    pub over: usize,
    /// Seeds that both have; 1 where the seed changes neither.
    pub pairs: usize,
    /// Of `pairs`, those in which the winner was better; equal ones count for neither.
    pub won: usize,
    pub lost: usize,
    /// Mean of the differences within pairs, positive where the winner is better. `None` without a pair.
    pub by: Option<f64>,
    /// Standard deviation of a single difference as the test takes it, learned from other configurations too
    /// where there are enough. `None` below two pairs, as are the fields below.
    pub sd: Option<f64>,
    /// Degrees of freedom of `sd`.
    pub degrees: Option<f64>,
    /// Two-sided, of this pair alone.
    pub p: Option<f64>,
    /// `p` corrected for having looked at all configurations.
    pub p_corrected: Option<f64>,
    /// Interval of the difference at the level at which this pair is tested: it leaves out 0 exactly where
    /// `is_told_apart`.
    pub interval: Option<(f64, f64)>,
    /// Whether the winner is better: at 5% after the correction or, where the seed changes neither, for certain.
    pub is_told_apart: bool,
    /// Seeds in all that would tell the two apart with 80% probability, at the level at which they are tested, were they
    /// as far apart as they look; `None` when told apart, without a difference, and where [`MOST_SEEDS`] would not do.
    pub seeds_needed: Option<usize>,
}

impl Comparison {
    /// Whether nothing can be said of chance: neither is there a test, nor is chance without a part in it.
    pub fn is_untested(&self) -> bool {
        self.p.is_none() && !self.is_told_apart
    }
}

/// How much too good the winner's mean is for having been picked as the largest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Optimism {
    /// To be taken off the winner's mean (added to it where lower is better): in the unit of the objective, never
    /// negative.
    pub by: f64,
    /// The winner's mean less the optimism.
    pub honest: f64,
    /// Seeds that were left out in turn.
    pub folds: usize,
    /// In how many of them the choice without that seed was today's winner.
    pub same_choice: usize,
}

impl Inference {
    /// Of the ranking of `summary`.
    pub fn of(summary: &Summary) -> Inference {
        let samples: Vec<Sample> = summary.ranking.iter().map(sample).collect();
        let bounds = Bounds::of(&summary.objective);
        let mut inference = Inference::within(&samples, summary.objective.goal, bounds);
        inference.rivals = rivals(&summary.ranking);
        inference
    }

    /// Of configurations in the order of their ranking, where `goal` says what is better. There are no
    /// [`Inference::rivals`] but the runner-up, and values may be any number.
    pub fn of_samples(samples: &[Sample], goal: Goal) -> Inference {
        Inference::within(samples, goal, Bounds::NONE)
    }

    fn within(samples: &[Sample], goal: Goal, bounds: Bounds) -> Inference {
        let sign = match goal.is_better(1.0, 0.0) {
            true => 1.0,
            false => -1.0,
        };
        let table = table::Table::new(samples, sign);
        let comparisons = compare::winner_against_all(&table, bounds);
        let told_apart = |place: usize| place > 0 && comparisons[place - 1].is_told_apart;
        let may_be_best = |place: usize| !told_apart(place) && !table.is_behind(place);
        let candidates: Vec<usize> = (0..samples.len()).filter(|p| may_be_best(*p)).collect();
        Inference {
            estimates: (samples.iter().enumerate())
                .map(|(place, sample)| sample.estimate(may_be_best(place), table.step, bounds))
                .collect(),
            rivals: (1..samples.len().min(2)).collect(),
            verdict: verdict(&table, &candidates, &comparisons),
            optimism: optimism::leave_one_seed_out(&table, sign, bounds),
            candidates,
            comparisons,
        }
    }

    /// The winner against the configuration at `place` of the ranking; `None` for the winner itself.
    pub fn over(&self, place: usize) -> Option<&Comparison> {
        self.comparisons.get(place.checked_sub(1)?)
    }

    /// Configurations that could not be compared with the winner: they share fewer than two seeds with it.
    pub fn untested(&self) -> usize {
        self.comparisons
            .iter()
            .filter(|one| one.is_untested())
            .count()
    }
}

fn sample(config: &Configuration) -> Sample {
    Sample {
        group: Kind::ALL
            .iter()
            .position(|kind| *kind == config.kind)
            .unwrap_or(0),
        values: (config.runs.iter())
            .map(|run| (run.seed, run.value))
            .collect(),
        is_repeat: config.is_repeat,
    }
}

/// The runner-up, and the first of every kind but the winner's.
fn rivals(ranking: &[Configuration]) -> Vec<usize> {
    let Some(winner) = ranking.first() else {
        return Vec::new();
    };
    let firsts = Kind::ALL
        .into_iter()
        .filter(|kind| *kind != winner.kind)
        .filter_map(|kind| ranking.iter().position(|config| config.kind == kind));
    let mut places: Vec<usize> = (1..ranking.len().min(2)).chain(firsts).collect();
    places.sort_unstable();
    places.dedup();
    places
}

fn verdict(table: &table::Table, candidates: &[usize], comparisons: &[Comparison]) -> Verdict {
    if comparisons.is_empty() {
        return match table.samples.len() {
            0 => Verdict::Nothing,
            _ => Verdict::Alone,
        };
    }
    // What is behind one that has been tested need not be told apart itself.
    let tested = comparisons.iter().filter(|one| !table.is_behind(one.over));
    let corrected = tested.filter_map(|one| one.p_corrected);
    let is_open = |place: &&usize| **place > 0 && comparisons[**place - 1].p.is_some();
    let is_clear = !candidates.iter().any(|place| is_open(&place));
    match (corrected.reduce(f64::max), is_clear) {
        (None, _) if comparisons.iter().any(|one| one.is_told_apart) => Verdict::Certain,
        (None, _) => Verdict::TooFewSeeds,
        (Some(p), true) => Verdict::Winner { p },
        (Some(_), false) => Verdict::NotToldApart {
            seeds: comparisons[0].seeds_needed,
        },
    }
}

#[cfg(test)]
mod tests;
