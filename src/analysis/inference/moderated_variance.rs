//! How far the variance of one configuration may be believed, given those of the others of its kind.
//!
//! Three to ten seeds say little of a variance; a grid of a hundred configurations says a lot. Smyth ("Linear models and
//! empirical Bayes methods for assessing differential expression in microarray experiments", Statistical Applications in
//! Genetics and Molecular Biology 3, 2004) learns from all variances a typical one and how many degrees of freedom that
//! is worth: many where all configurations are equally noisy, none where they are not. We take the lower end of what
//! the variances allow, so that with few configurations, or with some far noisier ones, each is left with its own.

use statrs::function::gamma::digamma;

use super::table::Table;
use crate::distributions::{chi_squared_quantile, trigamma, trigamma_inverse};

/// Configurations of a kind below which nothing is learned of one from the others.
const FEWEST: usize = 8;
/// Probability that variances which are all the same scatter less than is assumed.
const CAUTION: f64 = 0.1;
/// Variances below this share of the median are taken as this: equal scores of every seed are a matter of
/// rounding, and their logarithm would drown all others.
const SMALLEST: f64 = 1e-5;

/// What the other configurations of a kind say of the variance of one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Prior {
    pub variance: f64,
    /// Seeds' worth of it.
    pub degrees: f64,
}

/// The prior of the configurations of `group`; `None` where they are too few or scatter too much.
pub(crate) fn prior(table: &Table, group: usize) -> Option<Prior> {
    let members = table.samples.iter().zip(&table.residual);
    let known: Vec<(f64, f64)> = members
        .filter(|(sample, _)| sample.group == group)
        .filter_map(|(_, residual)| residual.map(|known| (known.variance, known.degrees)))
        .collect();
    if known.len() < FEWEST {
        return None;
    }
    let mut variances: Vec<f64> = known.iter().map(|(variance, _)| *variance).collect();
    variances.sort_unstable_by(f64::total_cmp);
    let median = variances[variances.len() / 2];
    if median <= 0.0 {
        return None;
    }
    // Logarithms of scaled chi-squared variables over their degrees, less their expectation.
    let logs: Vec<f64> = (known.iter())
        .map(|(variance, degrees)| {
            let half = degrees / 2.0;
            variance.max(SMALLEST * median).ln() - digamma(half) + half.ln()
        })
        .collect();
    let count = known.len() as f64;
    let mean = logs.iter().sum::<f64>() / count;
    let scatter = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>();
    let cautious = scatter / chi_squared_quantile(CAUTION, count - 1.0);
    let chance = known.iter().map(|(_, degrees)| trigamma(degrees / 2.0));
    let beyond = cautious - chance.sum::<f64>() / count;
    let all: f64 = known.iter().map(|(_, degrees)| degrees).sum();
    if beyond <= 0.0 {
        return Some(Prior {
            variance: mean.exp(),
            degrees: all,
        });
    }
    let half = trigamma_inverse(beyond);
    Some(Prior {
        variance: (mean + digamma(half) - half.ln()).exp(),
        degrees: (2.0 * half).min(all),
    })
}
