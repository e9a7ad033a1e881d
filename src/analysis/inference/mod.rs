//! How sure a ranking is: intervals over seeds, the winner against everything else, what choosing it was worth.
//!
//! Pure, and the same for the same ranking: nothing is drawn at random. What is computed here is about seeds, that
//! is, about training the same configurations again; it says nothing of other rows. Where scores of single rows are known,
//! [`crate::conclusions`] puts what [`crate::evidence`] says of rows and seeds in its place.
//!
//! What is promised, and held by simulation (`benches/inference.rs`, figures in `docs/SIMULATIONS.md`): where all
//! configurations are equally good, one of them is declared the winner in at most 5% of sweeps; and the best
//! configuration is among [`Inference::candidates`] in at least 95%.

mod compare;
mod moderated_variance;
mod optimism;
mod power;
mod result;
mod table;

pub use result::{Comparison, Coverage, Estimate, Inference, MOST_SEEDS, Optimism, Verdict};
pub use table::Sample;

pub(crate) use compare::moderated;
pub(crate) use moderated_variance::{Prior, prior};
pub(crate) use table::{Table, step};

use crate::bounds::Bounds;
use crate::ranking;
use sweep_core::trial::Goal;

impl Inference {
    /// Of configurations in the order of their ranking, where `goal` says what is better. There are no
    /// [`Inference::rivals`] but the runner-up, and values may be any number.
    pub fn of_samples(samples: &[Sample], goal: Goal) -> Inference {
        let values: Vec<Vec<(u64, f64)>> = samples.iter().map(|one| one.values.clone()).collect();
        let ranks = ranking::ranks(&values);
        let tied = ranks.iter().filter(|rank| **rank == 1).count();
        Inference::within(samples, goal, Bounds::NONE, tied)
    }

    /// Likewise, of values within `bounds`, of which `tied` share the first rank.
    pub(crate) fn within(samples: &[Sample], goal: Goal, bounds: Bounds, tied: usize) -> Inference {
        let sign = match goal.is_better(1.0, 0.0) {
            true => 1.0,
            false => -1.0,
        };
        let table = table::Table::new(samples, sign);
        let comparisons = compare::winner_against_all(&table, bounds);
        let significant = |place: usize| place > 0 && comparisons[place - 1].is_significant;
        let may_be_best = |place: usize| !significant(place) && !table.is_behind(place);
        let candidates: Vec<usize> = (0..samples.len()).filter(|p| may_be_best(*p)).collect();
        Inference {
            estimates: (samples.iter().enumerate())
                .map(|(place, sample)| sample.estimate(may_be_best(place), table.step, bounds))
                .collect(),
            rivals: (tied..samples.len().min(tied + 1)).collect(),
            verdict: verdict(&table, &candidates, &comparisons, tied),
            tied,
            coverage: Coverage::Seeds,
            of_seeds: None,
            optimism: optimism::leave_one_seed_out(&table, sign, bounds),
            candidates,
            comparisons,
        }
    }
}

fn verdict(
    table: &table::Table,
    candidates: &[usize],
    comparisons: &[Comparison],
    tied: usize,
) -> Verdict {
    if comparisons.is_empty() {
        return match table.samples.len() {
            0 => Verdict::Nothing,
            _ => Verdict::Alone,
        };
    }
    if tied > 1 {
        return Verdict::Tied;
    }
    // What is behind one that has been tested need not be significantly worse itself.
    let tested = comparisons.iter().filter(|one| !table.is_behind(one.over));
    let corrected = tested.filter_map(|one| one.p_corrected);
    let is_open = |place: &&usize| **place > 0 && comparisons[**place - 1].p.is_some();
    let is_clear = !candidates.iter().any(|place| is_open(&place));
    match (corrected.reduce(f64::max), is_clear) {
        (None, _) if comparisons.iter().any(|one| one.is_significant) => Verdict::Certain,
        (None, _) => Verdict::TooFewSeeds,
        (Some(p), true) => Verdict::Winner { p },
        (Some(_), false) => Verdict::NotSignificant {
            seeds: comparisons[0].seeds_needed,
        },
    }
}

#[cfg(test)]
mod tests;
