//! The exact decomposition on a full grid: every combination of levels once.
//!
//! Marginal means are means over all other factors; what a factor explains is the variance of its marginal means, and what a
//! pair explains is the variance of theirs beyond both (Hutter, Hoos and Leyton-Brown 2014, section 2, on a grid).

use std::collections::HashSet;

use super::result::{Part, Point};

/// Whether `points` are every combination of `sizes` levels, each once.
pub(super) fn is_full(sizes: &[usize], points: &[Point]) -> bool {
    let combinations = sizes
        .iter()
        .try_fold(1usize, |all, size| all.checked_mul(*size));
    let different: HashSet<&[usize]> = points.iter().map(|point| &point.levels[..]).collect();
    combinations == Some(points.len()) && different.len() == points.len()
}

/// Variance explained by every factor and every pair of them, in the unit of the objective squared.
pub(super) fn decompose(sizes: &[usize], points: &[Point], means: &[f64]) -> Vec<Part> {
    let all = means.iter().sum::<f64>() / means.len() as f64;
    let marginal = |key: &dyn Fn(&Point) -> usize, cells: usize| -> Vec<f64> {
        let mut sums = vec![0.0; cells];
        for (point, mean) in points.iter().zip(means) {
            sums[key(point)] += mean - all;
        }
        let each = (points.len() / cells) as f64;
        sums.into_iter().map(|sum| sum / each).collect()
    };
    let mean_square =
        |values: &[f64]| values.iter().map(|v| v * v).sum::<f64>() / values.len() as f64;
    let single: Vec<Vec<f64>> = (0..sizes.len())
        .map(|factor| marginal(&|point| point.levels[factor], sizes[factor]))
        .collect();
    let mut parts: Vec<Part> = (single.iter().enumerate())
        .map(|(first, effects)| Part {
            first,
            second: None,
            amount: mean_square(effects),
        })
        .collect();
    for first in 0..sizes.len() {
        for second in first + 1..sizes.len() {
            let width = sizes[second];
            let key = |point: &Point| point.levels[first] * width + point.levels[second];
            let mut effects = marginal(&key, sizes[first] * width);
            for (cell, effect) in effects.iter_mut().enumerate() {
                *effect -= single[first][cell / width] + single[second][cell % width];
            }
            parts.push(Part {
                first,
                second: Some(second),
                amount: mean_square(&effects),
            });
        }
    }
    parts
}
