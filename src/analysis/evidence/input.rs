//! What evidence is computed from: scores of the same validation rows by every trial.
//!
//! Scores are read one trial at a time, so that whoever keeps predictions in a byte or two a row decodes one trial at a
//! time. In memory stay the trials of two configurations and one f32 a unit for every configuration.

use super::units::Units;
use sweep_core::trial::Goal;

/// One configuration; trials are numbered as its seeds are.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Configurations of one kind (of model) lend each other what they know of the variance over seeds.
    pub kind: usize,
    /// Seeds of the trials, ascending, each once; at least one.
    pub seeds: Vec<u64>,
    /// Whether the seed changes nothing, so that one trial stands for every seed.
    pub is_deterministic: bool,
}

/// Scores of validation rows. A closure `Fn(configuration, trial, out)` is one.
///
/// Where the metric is a mean over rows (accuracy, a loss, an absolute error), the scores are what it is the mean of. Else
/// they are pseudo-values ([`super::pseudo_values`]), whose mean is the metric. With cross-validation, a trial is one
/// configuration and seed with all its folds, and each row has the score by the model that was trained without it.
pub trait RowScores {
    /// Writes the scores of all rows by trial `trial` of configuration `configuration` into `out` [rows], in which old values
    /// may stand. A trial with a score that is not finite is left out, as if it had not finished.
    fn read(&self, configuration: usize, trial: usize, out: &mut [f32]);
}

impl<F: Fn(usize, usize, &mut [f32])> RowScores for F {
    fn read(&self, configuration: usize, trial: usize, out: &mut [f32]) {
        self(configuration, trial, out);
    }
}

/// Folds of a cross-validation.
#[derive(Debug, Clone, PartialEq)]
pub struct Folds {
    count: usize,
    /// Fold of each unit [units], of each seed, or one for all seeds.
    of_units: Vec<Vec<u16>>,
    /// The seeds of `of_units`; empty where one assignment is for all.
    seeds: Vec<u64>,
}

impl Folds {
    /// The same folds with every seed: `of_rows` [rows], from 0; rows of a unit are in one fold.
    pub fn same(of_rows: &[u16], units: &Units) -> Folds {
        Folds::by_seed(vec![], &[of_rows], units)
    }

    /// Folds of their own for each of `seeds`: `of_rows` [seeds][rows].
    pub fn by_seed(seeds: Vec<u64>, of_rows: &[&[u16]], units: &Units) -> Folds {
        let of_units = of_rows.iter().map(|folds| {
            let mut by_unit = vec![0; units.count()];
            for (row, fold) in folds.iter().enumerate() {
                by_unit[units.of_row(row)] = *fold;
            }
            by_unit
        });
        let last = of_rows.iter().flat_map(|folds| folds.iter()).max();
        Folds {
            count: last.map_or(0, |last| usize::from(*last) + 1),
            of_units: of_units.collect(),
            seeds,
        }
    }

    pub fn count(&self) -> usize {
        self.count
    }

    /// Fold of each unit with `seed`; that of the first assignment for a seed that has none.
    pub(super) fn with(&self, seed: u64) -> &[u16] {
        let place = self.seeds.iter().position(|own| *own == seed);
        &self.of_units[place.unwrap_or(0)]
    }
}

/// What was tried, on which rows.
#[derive(Debug, Clone)]
pub struct Design<'a> {
    /// In the order of their ranking: the first is the winner.
    pub entries: &'a [Entry],
    pub units: &'a Units,
    /// `None` for a single split.
    pub folds: Option<&'a Folds>,
    pub goal: Goal,
}
