//! What can be said of a ranking, as values.

/// What can be said of a ranking. Places are those of [`Summary::ranking`], from 0; place 0 is the winner.
#[derive(Debug, Clone, PartialEq)]
pub struct Inference {
    /// Of every configuration of the ranking, in its order.
    pub estimates: Vec<Estimate>,
    /// The winner against every other configuration, in the order of the ranking: that over place `p` is
    /// `comparisons[p - 1]`.
    pub comparisons: Vec<Comparison>,
    /// Places of those that are not significantly worse than the best, ascending; the winner is one of them. Of those that are the
    /// same with every seed, only the best may be among them. The configuration that is best in the long run is among them with 95% confidence.
    pub candidates: Vec<usize>,
    /// Configurations that share the first rank: 1 where one leads, 0 where none has finished.
    pub tied: usize,
    /// Places of the first that is behind those of the first rank (the runner-up), and of the best configuration of every kind
    /// that has none of the first rank; in the order of the ranking.
    pub rivals: Vec<usize>,
    pub verdict: Verdict,
    /// `None` below two seeds (two rows, where they are covered) or two configurations.
    pub optimism: Option<Optimism>,
    /// What intervals and tests allow for.
    pub coverage: Coverage,
    /// Likewise, of seeds alone, where `coverage` is of rows too.
    pub of_seeds: Option<Box<Inference>>,
}

/// What intervals and tests allow for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage {
    /// Training again with other seeds, on the same rows.
    Seeds,
    /// That, and other validation rows of the same kind.
    RowsAndSeeds { rows: usize, units: usize },
    /// Other validation rows alone: some configurations have a single seed, so that what is said is of these trained
    /// models.
    Rows { rows: usize, units: usize },
}

impl Coverage {
    /// Validation rows, where they are covered.
    pub fn rows(self) -> Option<usize> {
        match self {
            Coverage::Seeds => None,
            Coverage::RowsAndSeeds { rows, .. } | Coverage::Rows { rows, .. } => Some(rows),
        }
    }
}

/// What is known of the winner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// No configuration has finished.
    Nothing,
    /// There is nothing to compare it with.
    Alone,
    /// Models are ranked by losses that are not the same, so that no comparison means anything.
    Incomparable,
    /// Several share the first rank, so that none leads. The winner is the first of them.
    Tied,
    /// No configuration shares two seeds with the winner: nothing can be said of chance.
    TooFewSeeds,
    /// Better than every other that could be compared, whatever the seed: it changes none of them.
    Certain,
    /// Better than every other that could be compared, `p` being the largest of the corrected p-values.
    Winner { p: f64 },
    /// One of several that may be the best. With `seeds` in all for the winner and the runner-up, the difference
    /// would be significant with 80% probability, were they as far apart as they look; `None` where
    /// [`MOST_SEEDS`] would not do.
    NotSignificant { seeds: Option<usize> },
}

/// Most seeds that [`Verdict::NotSignificant`] and [`Comparison::seeds_needed`] ask for.
pub const MOST_SEEDS: usize = 1000;

/// Mean of one configuration over its seeds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    pub seeds: usize,
    pub mean: f64,
    /// 95% interval of the mean, of this configuration alone: not corrected for the others, and cut to
    /// what the metric can be. Of seeds alone it is by Student's t, and `None` below two seeds and where the seed changes nothing.
    pub interval: Option<(f64, f64)>,
    /// Whether the seed changes nothing, so that all its runs are one.
    pub is_deterministic: bool,
    /// Whether it is not significantly worse than the best.
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
    /// Standard deviation over seeds of a single difference, learned from other configurations too
    /// where there are enough. `None` below two pairs.
    pub sd: Option<f64>,
    /// Degrees of freedom of `sd`.
    pub degrees: Option<f64>,
    /// Two-sided, of this pair alone. `None` below two pairs, or without one where rows are covered, as are the fields below.
    pub p: Option<f64>,
    /// `p` corrected for multiple comparisons.
    pub p_corrected: Option<f64>,
    /// Interval of the difference at the level at which this pair is tested: it leaves out 0 exactly where
    /// `is_significant`.
    pub interval: Option<(f64, f64)>,
    /// Whether the winner is better: at 5% after the correction or, where the seed changes neither, for certain.
    pub is_significant: bool,
    /// Seeds in all with which the difference would be significant with 80% probability, at the level at which they are tested, were they
    /// as far apart as they look; `None` if it is significant, without a difference, and where [`MOST_SEEDS`] would not do.
    pub seeds_needed: Option<usize>,
    /// Validation rows in all with which it would be, with the same seeds; `None` likewise, above a thousand times as many, and
    /// where rows are not covered.
    pub rows_needed: Option<usize>,
}

impl Comparison {
    /// With the configuration at `over`, of which nothing is known but how many seeds there are to compare.
    pub(crate) fn untested(over: usize, pairs: usize) -> Comparison {
        Comparison {
            over,
            pairs,
            won: 0,
            lost: 0,
            by: None,
            sd: None,
            degrees: None,
            p: None,
            p_corrected: None,
            interval: None,
            is_significant: false,
            seeds_needed: None,
            rows_needed: None,
        }
    }

    /// Whether nothing can be said of chance: neither is there a test, nor is chance without a part in it.
    pub fn is_untested(&self) -> bool {
        self.p.is_none() && !self.is_significant
    }
}

/// How much too good the winner's mean is for having been picked as the largest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Optimism {
    /// To be taken off the winner's mean (added to it where lower is better): in the unit of the objective, never
    /// negative.
    pub by: f64,
    /// The winner's mean less the optimism.
    pub bias_corrected: f64,
    /// Seeds that were left out in turn; 0 below two.
    pub folds: usize,
    /// In how many of them the choice without that seed was today's winner.
    pub same_choice: usize,
}

impl Inference {
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
