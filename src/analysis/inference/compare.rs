//! The winner against every other configuration: paired by seed, corrected for multiple comparisons.
//!
//! Each pair is a paired t-test. Its variance is that of the differences of the pair, to which the winner's own variance
//! plus the typical one of its kind is added with the weight that [`super::moderate`] allows. The winner's own variance is never
//! replaced by a typical one: a configuration that is noisier than the rest leads the ranking more often than its share, and
//! is then judged by its own noise. Nor are the differences of a pair ever taken to vary less than they do. Without a prior
//! this is the ordinary paired t-test.
//!
//! Two corrections for multiple comparisons, of which the milder one holds.
//!
//! The winner against all others at once: for the best of many to beat every other it must beat the second best, and the
//! two-sided test of those two alone keeps its level however many there are (Gutmann and Maymin, "Is the selected population the best?",
//! Annals of Statistics 15, 1987; Hung and Fithian, "Rank verification for exponential families", Annals of Statistics 47,
//! 2019). So where every p-value is at most 5%, the winner is significantly better than all, at the largest of them.
//!
//! Else, one by one, by Holm's procedure ("A simple sequentially rejective multiple test procedure", Scandinavian Journal of
//! Statistics 6, 1979) over the comparisons with the winner. For the configuration that is truly best to be ruled out by that, one
//! of the others must lead it by the margin of a one-sided test at 2.5% over their number, which happens in at most 2.5% of
//! sweeps; as does a wrong winner by the first correction where another one is the best. Together that is 5%.
//!
//! Where the seed changes neither the winner nor the other, nothing is left to chance, and nothing is tested: the worse of the
//! two is significantly worse.
//!
//! A configuration that shares fewer than two seeds with the winner is not tested, counts for neither correction, and
//! keeps no winner from being declared among the others.

use super::moderated_variance::{Prior, prior};
use super::power::seeds_needed;
use super::result::Comparison;
use super::table::Table;
use crate::bounds::Bounds;
use crate::distributions::{ALPHA, t_quantile, t_two_sided};

/// The configuration at place 0 against every other one, in their order.
pub(super) fn winner_against_all(table: &Table, bounds: Bounds) -> Vec<Comparison> {
    let Some(winner) = table.samples.first() else {
        return Vec::new();
    };
    let prior = prior(table, winner.group);
    let mut comparisons: Vec<Comparison> = (1..table.samples.len())
        .map(|over| pair(table, over, prior))
        .collect();
    holm(&mut comparisons);
    for comparison in &mut comparisons {
        let interval = comparison.interval;
        comparison.interval = interval.map(|interval| bounds.cut_difference(interval));
    }
    comparisons
}

/// The paired test of places 0 and `over`, not corrected yet.
fn pair(table: &Table, over: usize, prior: Option<Prior>) -> Comparison {
    let (winner, other) = (&table.samples[0], &table.samples[over]);
    let mut differences: Vec<f64> = (winner.values.iter())
        .filter_map(|(seed, value)| {
            let place = other.values.binary_search_by_key(seed, |(seed, _)| *seed);
            Some(value - other.values[place.ok()?].1)
        })
        .collect();
    if winner.is_deterministic && other.is_deterministic {
        // One result each, however many seeds: one difference.
        differences.truncate(1);
    }
    let pairs = differences.len();
    let by = (pairs > 0).then(|| differences.iter().sum::<f64>() / pairs as f64);
    let mut comparison = Comparison {
        won: differences.iter().filter(|value| **value > 0.0).count(),
        lost: differences.iter().filter(|value| **value < 0.0).count(),
        by,
        ..Comparison::untested(over, pairs)
    };
    let Some(by) = by.filter(|_| pairs > 1) else {
        let is_certain = winner.is_deterministic && other.is_deterministic;
        comparison.is_significant = is_certain && by.is_some_and(|by| by > 0.0);
        return comparison;
    };
    let degrees = (pairs - 1) as f64;
    let squares = differences.iter().map(|value| (value - by).powi(2));
    let variance = squares.sum::<f64>() / degrees;
    let prior = prior.filter(|_| winner.group == other.group);
    let (variance, degrees) = match (prior, table.residual[0]) {
        (Some(prior), Some(own)) => moderated(variance, degrees, own.variance, prior),
        _ => (variance, degrees),
    };
    // Two values on a grid of such steps are off by at most half a step each, evenly (Sheppard 1898).
    let variance = variance.max(table.step * table.step / 6.0);
    let t = match by == 0.0 {
        true => 0.0,
        false => by / (variance / pairs as f64).sqrt(),
    };
    comparison.sd = Some(variance.sqrt());
    comparison.degrees = Some(degrees);
    comparison.p = Some(t_two_sided(t, degrees));
    comparison
}

/// Variance and degrees of freedom of a difference, of which `variance` was found with `degrees`.
///
/// The degrees are Satterthwaite's ("An approximate distribution of estimates of variance components", Biometrics Bulletin 2, 1946):
/// the winner's share is known with `degrees` only, all else with those of the prior as well. They are `degrees` when the
/// prior is worth nothing, and four times that, for equally noisy configurations, when it is worth everything.
pub(crate) fn moderated(variance: f64, degrees: f64, winner: f64, prior: Prior) -> (f64, f64) {
    let all = degrees + prior.degrees;
    let expected = winner + prior.variance;
    let mixed = (degrees * variance + prior.degrees * expected) / all;
    let own = winner.min(mixed);
    let rest = mixed - own;
    let uncertainty = own * own / degrees + (rest * rest + 2.0 * own * rest) / all;
    (mixed.max(variance), mixed * mixed / uncertainty)
}

/// Corrects the p-values, decides, and gives each interval the level of its decision.
fn holm(comparisons: &mut [Comparison]) {
    // What does not speak for the winner is the last to be tested.
    let order = |one: &Comparison| match (one.p, one.by) {
        (Some(p), Some(by)) if by > 0.0 => p,
        _ => 1.0,
    };
    let mut places: Vec<usize> = (0..comparisons.len())
        .filter(|place| comparisons[*place].p.is_some())
        .collect();
    places.sort_by(|a, b| order(&comparisons[*a]).total_cmp(&order(&comparisons[*b])));
    let (count, mut corrected, mut divisor) = (places.len(), 0.0f64, 1);
    // Of the winner against all others at once: that of the one it beats least clearly.
    let tested = comparisons.iter().filter(|one| one.p.is_some());
    let least_clear = tested.map(order).fold(0.0, f64::max);
    let mut is_closed = false;
    for (step, place) in places.into_iter().enumerate() {
        let comparison = &mut comparisons[place];
        if !is_closed {
            // Once one is not significant, the rest is tested at its level.
            divisor = count - step;
        }
        corrected = corrected.max((order(comparison) * (count - step) as f64).min(1.0));
        is_closed |= corrected > ALPHA;
        let (Some(by), Some(sd), Some(degrees)) =
            (comparison.by, comparison.sd, comparison.degrees)
        else {
            continue;
        };
        let beats_all = least_clear <= ALPHA;
        let level = ALPHA / if beats_all { 1.0 } else { divisor as f64 };
        let half = t_quantile(1.0 - level / 2.0, degrees) * sd / (comparison.pairs as f64).sqrt();
        comparison.interval = Some((by - half, by + half));
        comparison.p_corrected = Some(corrected.min(least_clear));
        comparison.is_significant = beats_all || !is_closed;
        if !comparison.is_significant {
            comparison.seeds_needed = seeds_needed(by, sd, level);
        }
    }
}
