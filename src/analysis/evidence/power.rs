//! How many seeds, or how many validation rows, would make a difference significant.

use super::spread::{Part, Spread};
use crate::distributions::t_quantile;
use crate::inference::MOST_SEEDS;

/// Probability with which the difference is significant with that many.
const POWER: f64 = 0.8;
/// Most validation rows that are asked for, as a multiple of those there are.
const MOST_TIMES: usize = 1000;

/// The fewest seeds in all at which a difference `by` that is the true one is significant at `level` with 80% probability on
/// the same number of rows; `None` where [`MOST_SEEDS`] would not do, as where rows alone leave too much open.
pub(super) fn seeds_needed(by: f64, spread: &Spread, seeds: usize, level: f64) -> Option<usize> {
    fewest(seeds, MOST_SEEDS, |wanted| {
        let share = seeds as f64 / wanted as f64;
        let seeds_part = Part {
            variance: spread.seeds.variance * share,
            degrees: spread.seeds.degrees + (wanted - seeds) as f64,
        };
        let rows_part = Part {
            variance: (spread.rows.variance - spread.overlap * (1.0 - share)).max(0.0),
            ..spread.rows
        };
        let then = Spread {
            rows: rows_part,
            seeds: seeds_part,
            overlap: spread.overlap * share,
            ..*spread
        };
        is_enough(by, &then, level)
    })
}

/// The fewest validation rows in all, in groups as large as now, at which it is, with the same number of seeds.
pub(super) fn rows_needed(by: f64, spread: &Spread, rows: usize, level: f64) -> Option<usize> {
    fewest(rows, rows.saturating_mul(MOST_TIMES), |wanted| {
        let share = rows as f64 / wanted as f64;
        let fewer = spread.overlap * (1.0 - share);
        let then = Spread {
            rows: Part {
                variance: spread.rows.variance * share,
                degrees: spread.rows.degrees / share,
            },
            seeds: Part {
                variance: (spread.seeds.variance - fewer).max(0.0),
                ..spread.seeds
            },
            overlap: spread.overlap * share,
            ..*spread
        };
        is_enough(by, &then, level)
    })
}

/// As for one t-test: the difference must reach the sum of the two quantiles times the standard error (Guenther, "Sample
/// size formulas for normal theory t tests", The American Statistician 35, 1981).
fn is_enough(by: f64, spread: &Spread, level: f64) -> bool {
    let wanted = |degrees| t_quantile(1.0 - level / 2.0, degrees) + t_quantile(POWER, degrees);
    by >= spread.reach(wanted)
}

/// The smallest number above `now`, up to `most`, that is enough; more are always enough where fewer are.
fn fewest(now: usize, most: usize, is_enough: impl Fn(usize) -> bool) -> Option<usize> {
    let (mut few, mut many) = (now, most);
    if many <= few || !is_enough(many) {
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
