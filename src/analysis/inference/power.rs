//! How many seeds make the difference of two configurations significant.

use super::result::MOST_SEEDS;
use crate::distributions::t_quantile;

/// Probability with which the difference is significant with that many seeds.
const POWER: f64 = 0.8;

/// The fewest seeds in all at which a paired t-test finds a difference `by`, differences having standard deviation `sd`,
/// at `level` with 80% probability; `None` where there is no difference in the winner's favour, and above
/// [`MOST_SEEDS`].
///
/// The usual approximation: the difference over its standard error must reach the sum of the two quantiles (Guenther,
/// "Sample size formulas for normal theory t tests", The American Statistician 35, 1981).
pub(super) fn seeds_needed(by: f64, sd: f64, level: f64) -> Option<usize> {
    if by <= 0.0 {
        return None;
    }
    let is_enough = |seeds: usize| {
        let degrees = (seeds - 1) as f64;
        let wanted = t_quantile(1.0 - level / 2.0, degrees) + t_quantile(POWER, degrees);
        by * (seeds as f64).sqrt() >= wanted * sd
    };
    // More seeds are always enough where fewer are.
    let (mut few, mut many) = (1, MOST_SEEDS);
    if !is_enough(many) {
        return None;
    }
    while many - few > 1 {
        let middle = few.midpoint(many);
        match is_enough(middle) {
            true => many = middle,
            false => few = middle,
        }
    }
    Some(many)
}
