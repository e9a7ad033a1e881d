//! What rows and seeds say of a ranking.

use super::spread::Spread;

/// What would hold on other rows of the same kind, with models trained again on the same training rows with other seeds.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// Validation rows.
    pub rows: usize,
    /// What was drawn when these were drawn: rows, or groups of them.
    pub units: usize,
    /// By place in the ranking; `None` without a finished trial and below two units.
    pub estimates: Vec<Option<Estimate>>,
    /// The winner against each other one, in the order of the ranking. Empty where the winner has no finished trial.
    pub comparisons: Vec<Comparison>,
    /// If the winner is significantly better than every other that could be compared, the largest of the corrected p-values. For other
    /// seeds it holds only if [`Evidence::covers_seeds`].
    pub winner: Option<f64>,
    /// Places that are not significantly worse than the winner, ascending. The configuration that is best on all
    /// rows with all seeds is among them with 95% confidence.
    pub may_be_best: Vec<usize>,
    /// `None` below two configurations or two units.
    pub optimism: Option<Optimism>,
}

/// The mean of one configuration over rows and seeds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    pub seeds: usize,
    pub mean: f64,
    pub spread: Spread,
    pub coverage: SeedCoverage,
    /// 95%, of this configuration alone. It may reach beyond what the metric can be.
    pub interval: (f64, f64),
}

/// Whether a variance has the part of seeds in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeedCoverage {
    /// From two seeds or more.
    Measured,
    /// One seed alone: from other configurations of the kind.
    Borrowed,
    /// The seed changes nothing.
    Deterministic,
    /// One seed alone, and no other configuration of the kind has more: what is said is of these trained models.
    NotCovered,
}

/// The winner against one other configuration, on the rows of both and the seeds that both have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// Place of the other in the ranking.
    pub over: usize,
    /// Seeds that both have; 1 where the seed changes neither, 0 where they share none.
    pub seeds: usize,
    /// Mean difference, positive where the winner is better. `None` without a common seed.
    pub by: Option<f64>,
    /// `None` without a common seed and below two units, as are the fields below.
    pub test: Option<Test>,
}

/// The test of a difference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Test {
    pub spread: Spread,
    pub coverage: SeedCoverage,
    /// Two-sided, of this pair alone.
    pub p: f64,
    /// Corrected for all comparisons with the winner, and for its having been picked.
    pub p_corrected: f64,
    /// Level at which `p` decides.
    pub level: f64,
    /// Of the difference, with confidence 1 − `level`: leaves out 0 exactly where `is_significant`.
    pub interval: (f64, f64),
    /// Whether the winner is better.
    pub is_significant: bool,
    /// Seeds in all with which the difference would be significant with 80% probability on as many rows, were it
    /// the true one. `None` if it is significant, if the seed changes nothing, and where no number up to
    /// [`crate::inference::MOST_SEEDS`] would do.
    pub seeds_needed: Option<usize>,
    /// Validation rows in all with which it would be, with as many seeds; `None` if it is, and above a thousand times as many.
    pub rows_needed: Option<usize>,
}

/// How much too good the winner's mean is for having been picked as the best.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Optimism {
    /// In the unit of the metric, never negative.
    pub by: f64,
    /// The winner's mean less the optimism (plus it, where lower is better).
    pub bias_corrected: f64,
}

impl Evidence {
    /// Whether all that was tested holds for other seeds too. Where not, single seeds are all there is of some: a winner is
    /// then the best of these trained models, and another seed may turn it round.
    pub fn covers_seeds(&self) -> bool {
        let mut tests = self.comparisons.iter().filter_map(|one| one.test);
        tests.all(|test| test.coverage != SeedCoverage::NotCovered)
    }
}
