//! Corrections for the winner having been compared with many others, and picked as the best of them.
//!
//! The winner against all others at once: as in [`crate::inference`], the largest p-value (Gutmann and Maymin 1987, Hung and
//! Fithian 2019).
//!
//! Else one by one: would a configuration that is as good as any other trail the best of them by as much as this one trails the
//! winner? The largest of all its differences from the others, each over its standard deviation, is drawn with the covariance of
//! the means (one-sided comparisons with the best: Hsu, "Simultaneous confidence intervals for all distances from the best", Annals
//! of Statistics 9, 1981; the largest of correlated differences by resampling: Hansen, "A test for superior predictive
//! ability", Journal of Business and Economic Statistics 23, 2005). Models of one table err on the same rows, so a hundred of
//! them count as far fewer. Bonferroni's correction holds where it is milder, as far in the tail where nothing is drawn.
//!
//! For a configuration that is truly best to be ruled out by the second, one of the others has to lead it by what happens in 2.5% of sweeps;
//! a wrong winner by the first, where another one is the best, happens in no more. Together that is 5%.

use super::covariance::{Covariance, DRAWS, Draws};
use crate::distributions::{ALPHA, normal_quantile, normal_upper};

/// A p-value, corrected, and the level at which the p-value itself decides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Corrected {
    pub p: f64,
    pub level: f64,
}

/// Corrects `p` [configurations], the two-sided p-values of the winner being better than each (1 where it is not); `None` where
/// it was not tested, as the winner itself.
pub(super) fn correct(
    p: &[Option<f64>],
    covariance: &Covariance,
    draws: &Draws,
) -> Vec<Option<Corrected>> {
    let tested = p.iter().flatten().count() as f64;
    let least_clear = p.iter().flatten().fold(0.0f64, |most, p| most.max(*p));
    let beats_all = tested > 0.0 && least_clear <= ALPHA;
    let one = |(place, p): (usize, &Option<f64>)| {
        let p = (*p)?;
        let largest = largest_differences(place, covariance, draws);
        let z = normal_quantile(1.0 - p / 2.0);
        let beyond = largest
            .iter()
            .filter(|value| f64::from(**value) >= z)
            .count();
        let drawn = 2.0 * (beyond + 1) as f64 / (DRAWS + 1) as f64;
        let singly = drawn.min(p * tested).clamp(p, 1.0);
        let level = level(largest).max(ALPHA / tested);
        Some(Corrected {
            p: singly.min(least_clear.max(p)),
            level: if beats_all { ALPHA } else { level.min(ALPHA) },
        })
    };
    p.iter().enumerate().map(one).collect()
}

/// By how many standard deviations the best of the others is ahead of `place` by chance, in each draw.
fn largest_differences(place: usize, covariance: &Covariance, draws: &Draws) -> Vec<f32> {
    let own = &draws.errors[place];
    let mut largest = vec![f32::NEG_INFINITY; DRAWS];
    for (other, errors) in draws.errors.iter().enumerate() {
        let deviation = covariance.of_difference(place, other);
        if deviation == 0.0 {
            continue;
        }
        let scale = 1.0 / deviation as f32;
        for ((largest, own), error) in largest.iter_mut().zip(own).zip(errors) {
            *largest = largest.max((error - own) * scale);
        }
    }
    largest
}

/// The two-sided level whose quantile the `largest` exceed in half of [`ALPHA`] of the draws.
fn level(mut largest: Vec<f32>) -> f64 {
    // With so many draws at or beyond a difference, its p-value from draws is just above ALPHA.
    let most = (ALPHA / 2.0 * (DRAWS + 1) as f64).round() as usize;
    let from_below = DRAWS - most;
    let (_, quantile, _) = largest.select_nth_unstable_by(from_below, f32::total_cmp);
    2.0 * normal_upper(f64::from(quantile.max(0.0)))
}
