//! How far a difference may be from what it would be on all rows and with all seeds.
//!
//! Rows and seeds are crossed: each seed is scored on the same rows. So the mean over both has the variance
//! rows + seeds − overlap, where `rows` is the variance of the means of rows over their number, `seeds` that of the means of
//! seeds over theirs, and `overlap` what is left of a single row and seed over the number of both, which either of the two
//! has in it (Searle, Casella and McCulloch, "Variance components", 1992; Owen, "The pigeonhole bootstrap", Annals of
//! Applied Statistics 1, 2007).
//!
//! Each part is known with its own degrees of freedom: thousands of rows, two or three seeds. Satterthwaite's approximation
//! for their sum fails there (12% false positives instead of 5% with two seeds). The squared half width of the interval is
//! therefore the sum of the squared half widths by each part, which keeps its level whatever the parts (Banerjee,
//! "Approximate confidence interval for linear functions of means of k populations when the population variances are not
//! equal", Sankhya 22, 1960), and is exact where one part dominates.

use crate::distributions::{t_quantile, t_two_sided};

/// Degrees of freedom of the seeds below which the overlap is not taken off them: two seeds that happen to agree would look
/// like certainty.
const FEW_DEGREES: f64 = 2.0;
/// Smallest p-value that is computed; smaller ones are given as this.
pub const LEAST_P: f64 = 1e-12;

/// A variance of a mean, and how well it is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    pub variance: f64,
    pub degrees: f64,
}

/// The variance of a mean over rows and seeds, in its parts; squares of the unit of the metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// From the means of units (rows or groups) over seeds; `overlap` is in it.
    pub rows: Part,
    /// From the means of seeds over rows; `overlap` is in it. Nothing where the seed changes nothing, and where nothing
    /// is known of seeds.
    pub seeds: Part,
    pub overlap: f64,
    /// What the means of folds differ by beyond their rows.
    pub folds: Part,
}

impl Part {
    pub const NOTHING: Part = Part {
        variance: 0.0,
        degrees: 1.0,
    };

    fn square(self, quantile: impl Fn(f64) -> f64) -> f64 {
        match self.variance > 0.0 {
            true => self.variance * quantile(self.degrees).powi(2),
            false => 0.0,
        }
    }
}

impl Spread {
    /// The estimate of the standard error, without regard to how well it is known.
    pub fn standard_error(&self) -> f64 {
        let seeds = (self.seeds.variance - self.overlap).max(0.0);
        (self.rows.variance + seeds + self.folds.variance).sqrt()
    }

    /// Half the width of the interval of confidence 1 − `level`.
    pub fn half_width(&self, level: f64) -> f64 {
        self.reach(|degrees| t_quantile(1.0 - level / 2.0, degrees))
    }

    /// The root of the sum of the squares of `quantile` (of degrees of freedom) times each part's standard error.
    pub(super) fn reach(&self, quantile: impl Fn(f64) -> f64) -> f64 {
        let less = |part: Part| Part {
            variance: (part.variance - self.overlap).max(0.0),
            ..part
        };
        let (rows, seeds) = match self.seeds.degrees < FEW_DEGREES {
            true => (less(self.rows), self.seeds),
            false => (self.rows, less(self.seeds)),
        };
        let crossed = rows.square(&quantile) + seeds.square(&quantile);
        let rows_alone = self.rows.square(&quantile);
        (crossed.max(rows_alone) + self.folds.square(&quantile)).sqrt()
    }

    /// Two-sided p-value of a difference `by`: the level at which its interval ends at 0. Not below [`LEAST_P`].
    pub fn p(&self, by: f64) -> f64 {
        let by = by.abs();
        if by == 0.0 {
            return 1.0;
        }
        if self.seeds.variance <= 0.0 && self.folds.variance <= 0.0 {
            let t = by / self.rows.variance.sqrt();
            return t_two_sided(t, self.rows.degrees).max(LEAST_P);
        }
        let (mut low, mut high) = (LEAST_P.ln(), 0.0f64);
        while high - low > 1e-6 {
            let middle = low.midpoint(high);
            match self.half_width(middle.exp()) > by {
                true => low = middle,
                false => high = middle,
            }
        }
        high.exp()
    }
}
