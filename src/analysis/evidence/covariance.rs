//! How the means of all configurations vary together, over rows and seeds, and draws of that.
//!
//! Draws are normal with the estimated covariance: a mean of a hundred rows or more is close to normal, and so is the largest of many
//! (Chernozhukov, Chetverikov and Kato, "Gaussian approximations and multiplier bootstrap for maxima of sums", Annals of
//! Statistics 41, 2013). What all configurations have in common is left out, as it decides nothing.

use super::units::SEED;
use sweep_core::random::{Purpose, Stream};

/// Draws; one less than a round number, so that levels of whole per cents are exact.
pub(super) const DRAWS: usize = 1999;
/// Share of a variance below which what is left of it is rounding of f32.
const ROUNDING: f64 = 1e-6;
/// f32 products that are summed in f32 before the sum is carried on in f64, in so many lanes.
const BLOCK: usize = 512;
const LANES: usize = 16;

/// Covariance of the means of configurations.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Covariance {
    count: usize,
    /// [configurations, configurations]
    matrix: Vec<f64>,
}

/// Errors of the means, as drawn.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Draws {
    /// [configurations][DRAWS]
    pub errors: Vec<Vec<f32>>,
}

impl Covariance {
    /// `deviations` [configurations][units] are what units add to the means; `seeds` [configurations] is the variance of each
    /// mean from seeds, beyond what is in the deviations.
    pub fn new(mut deviations: Vec<Vec<f32>>, seeds: &[f64]) -> Covariance {
        let count = deviations.len();
        let units = deviations.first().map_or(0, Vec::len);
        let mut common = vec![0.0f32; units];
        for own in &deviations {
            let share = 1.0 / count as f32;
            (common.iter_mut().zip(own)).for_each(|(sum, value)| *sum += value * share);
        }
        for own in &mut deviations {
            (own.iter_mut().zip(&common)).for_each(|(value, common)| *value -= common);
        }
        let unbiased = units as f64 / (units as f64 - 1.0).max(1.0);
        let mut matrix = vec![0.0; count * count];
        for a in 0..count {
            for b in 0..=a {
                let mut value = dot(&deviations[a], &deviations[b]) * unbiased;
                if a == b {
                    value += seeds[a];
                }
                matrix[a * count + b] = value;
                matrix[b * count + a] = value;
            }
        }
        Covariance { count, matrix }
    }

    /// Standard deviation of the difference of two means; 0 for two that are the same.
    pub fn of_difference(&self, a: usize, b: usize) -> f64 {
        let at = |a: usize, b: usize| self.matrix[a * self.count + b];
        let variance = at(a, a) + at(b, b) - 2.0 * at(a, b);
        match variance > ROUNDING * (at(a, a) + at(b, b)) {
            true => variance.sqrt(),
            false => 0.0,
        }
    }

    /// Errors of all means, [`DRAWS`] times.
    pub fn draws(&self) -> Draws {
        let root = self.root();
        let normal: Vec<Vec<f32>> = (0..self.count)
            .map(|place| {
                let stream = Stream::new(SEED, Purpose::Evidence, 0, place as u32);
                (0..DRAWS as u32)
                    .map(|draw| stream.normal(draw) as f32)
                    .collect()
            })
            .collect();
        let errors = (0..self.count).map(|a| {
            let mut error = vec![0.0f32; DRAWS];
            for (b, normal) in normal.iter().enumerate().take(a + 1) {
                let weight = root[a * self.count + b] as f32;
                (error.iter_mut().zip(normal)).for_each(|(sum, value)| *sum += weight * value);
            }
            error
        });
        Draws {
            errors: errors.collect(),
        }
    }

    /// Lower triangular Cholesky factor. Where configurations depend on each other, as those that score all rows alike, a column is 0.
    fn root(&self) -> Vec<f64> {
        let count = self.count;
        let mut root = vec![0.0; count * count];
        for a in 0..count {
            for b in 0..=a {
                let (above, own) = (
                    &root[b * count..b * count + b],
                    &root[a * count..a * count + b],
                );
                let known: f64 = above.iter().zip(own).map(|(x, y)| x * y).sum();
                let rest = self.matrix[a * count + b] - known;
                let pivot = root[b * count + b];
                root[a * count + b] = match (a == b, pivot > 0.0) {
                    (true, _) if rest > ROUNDING * self.matrix[a * count + a] => rest.sqrt(),
                    (false, true) => rest / pivot,
                    _ => 0.0,
                };
            }
        }
        root
    }
}

/// The scalar product.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    let mut sum = 0.0;
    for (a, b) in a.chunks(BLOCK).zip(b.chunks(BLOCK)) {
        let mut lanes = [0.0f32; LANES];
        let (a_lanes, b_lanes) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
        let rest = a_lanes.remainder().iter().zip(b_lanes.remainder());
        sum += rest.map(|(x, y)| f64::from(x * y)).sum::<f64>();
        for (a, b) in a_lanes.zip(b_lanes) {
            for lane in 0..LANES {
                lanes[lane] += a[lane] * b[lane];
            }
        }
        sum += lanes.iter().map(|lane| f64::from(*lane)).sum::<f64>();
    }
    sum
}
