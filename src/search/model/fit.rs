//! Hyper-parameters of the model of values over settings and rungs, by maximum a posteriori.
//!
//! The value of configuration c with settings x at the last rung is f(x) + own(c): a smooth function and what this one
//! training has of its own, the seed's luck among it. At a lower rung, the gains to come are missing; each gain is a
//! smooth function and a part of its own as well (Kennedy and O'Hagan 2000, from the top down). So an early result
//! says much where gains have been alike and little where they were not, a lucky training is known to stay lucky, and
//! noise of few validation rows is a part of the model.

use super::kernel::{Features, Metric, matern, matern_slope};
use super::lbfgs::minimize;
use super::linalg::{Cholesky, dot};

/// Prior variance of the mean over all settings, in units of the standardised values.
const OFFSET: f64 = 0.1;
/// Prior variance of the mean of a gain, besides the mean that was measured.
const GAIN_OFFSET: f64 = 0.3;
/// What no training tells twice; keeps matrices well conditioned.
const JITTER: f64 = 1e-5;
const ITERATIONS: usize = 30;

/// A result: settings, configuration and rung.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Observation {
    pub features: Features,
    pub config: usize,
    pub rung: usize,
}

/// Hyper-parameters, as logarithms: length scales, variances of f and of own(c), then of each gain's two parts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Hyper {
    values: Vec<f64>,
    dims: usize,
    rungs: usize,
}

/// Variances by rung, and weights of dimensions.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Covariance {
    pub weights: Vec<f64>,
    /// Of the smooth parts, of the offsets, and of one's own parts, of two results the higher of which is at this
    /// rung.
    smooth: Vec<f64>,
    offset: Vec<f64>,
    own: Vec<f64>,
    metric: Metric,
}

impl Hyper {
    /// The means of the priors.
    pub fn prior(dims: usize, rungs: usize) -> Hyper {
        let values = priors(dims, rungs)
            .into_iter()
            .map(|(mean, _)| mean)
            .collect();
        Hyper {
            values,
            dims,
            rungs,
        }
    }

    pub fn covariance(&self, metric: &Metric) -> Covariance {
        let dims = self.dims;
        let gains = self.rungs - 1;
        let variance = |index: usize| self.values[dims + index].exp();
        let from = |top: usize, first: usize, gain: &dyn Fn(usize) -> f64| -> f64 {
            variance(first) + (top..gains).map(gain).sum::<f64>()
        };
        Covariance {
            weights: self.values[..dims]
                .iter()
                .map(|scale| (-2.0 * scale).exp())
                .collect(),
            smooth: (0..=gains)
                .map(|top| from(top, 0, &|gain| variance(2 + gain)))
                .collect(),
            own: (0..=gains)
                .map(|top| from(top, 1, &|gain| variance(2 + gains + gain)))
                .collect(),
            offset: (0..=gains)
                .map(|top| OFFSET + GAIN_OFFSET * (gains - top) as f64)
                .collect(),
            metric: metric.clone(),
        }
    }
}

impl Covariance {
    /// The covariance of two different results.
    pub fn between(&self, a: &Observation, b: &Observation) -> f64 {
        let top = a.rung.max(b.rung);
        let k = matern(
            self.metric
                .distance(&a.features, &b.features, &self.weights),
        );
        let own = if a.config == b.config {
            self.own[top]
        } else {
            0.0
        };
        self.smooth[top] * k + self.offset[top] + own
    }

    /// The variance of a result.
    pub fn variance(&self, rung: usize) -> f64 {
        self.smooth[rung] + self.offset[rung] + self.own[rung]
    }

    /// The same, as measured.
    pub fn noisy_variance(&self, rung: usize) -> f64 {
        self.variance(rung) + JITTER
    }
}

/// Mean and standard deviation of each hyper-parameter.
fn priors(dims: usize, rungs: usize) -> Vec<(f64, f64)> {
    // Distances grow with the number of dimensions, and so do length scales (Hvarfner, Hellsten, Nardi 2024).
    let scale = (0.55 * (dims.max(1) as f64).sqrt()).ln();
    let mut priors = vec![(scale, 1.0); dims];
    priors.extend([(0.0, 0.7), (0.03f64.ln(), 1.2)]);
    priors.extend(vec![(0.1f64.ln(), 1.0); rungs - 1]);
    priors.extend(vec![(0.03f64.ln(), 1.2); rungs - 1]);
    priors
}

/// The hyper-parameters that are most probable given results, from the means of the priors.
pub(crate) fn fit(metric: &Metric, rungs: usize, results: &[Observation], values: &[f64]) -> Hyper {
    let prior = Hyper::prior(metric.dims(), rungs);
    let priors = priors(metric.dims(), rungs);
    let start = prior.values.clone();
    let values = minimize(&start, ITERATIONS, |x| {
        let hyper = Hyper {
            values: x.to_vec(),
            ..prior.clone()
        };
        let (mut loss, mut gradient) = negative_log_likelihood(&hyper, metric, results, values);
        for ((x, (mean, sd)), gradient) in x.iter().zip(&priors).zip(&mut gradient) {
            let z = (x - mean) / sd;
            loss += 0.5 * z * z;
            *gradient += z / sd;
        }
        (loss, gradient)
    });
    Hyper { values, ..prior }
}

/// Up to a constant, with its gradient (Rasmussen and Williams 2006, equations 5.8 and 5.9).
fn negative_log_likelihood(
    hyper: &Hyper,
    metric: &Metric,
    results: &[Observation],
    values: &[f64],
) -> (f64, Vec<f64>) {
    let covariance = hyper.covariance(metric);
    let (dims, gains) = (hyper.dims, hyper.rungs - 1);
    let matrix: Vec<Vec<f64>> = (0..results.len())
        .map(|i| {
            let lower = (0..i).map(|j| covariance.between(&results[i], &results[j]));
            lower
                .chain([covariance.noisy_variance(results[i].rung)])
                .collect()
        })
        .collect();
    let too_far = (f64::INFINITY, vec![0.0; hyper.values.len()]);
    if hyper
        .values
        .iter()
        .any(|value| !(-15.0..=8.0).contains(value))
    {
        return too_far;
    }
    let Some(factor) = Cholesky::new(&matrix) else {
        return too_far;
    };
    let half = factor.solve_lower(values);
    let alpha = factor.solve_upper(&half);
    let loss = 0.5 * dot(&half, &half) + factor.half_log_det();
    let inverse = factor.inverse();
    let mut scales = vec![0.0; dims];
    // Sums over pairs by the higher rung of both: what multiplies the smooth parts and one's own.
    let (mut smooth, mut own) = (vec![0.0; gains + 1], vec![0.0; gains + 1]);
    for (i, a) in results.iter().enumerate() {
        for (j, b) in results[..=i].iter().enumerate() {
            let q = inverse[i][j] - alpha[i] * alpha[j];
            let q = if i == j { 0.5 * q } else { q };
            let top = a.rung.max(b.rung);
            let distance = metric.distance(&a.features, &b.features, &covariance.weights);
            smooth[top] += q * matern(distance);
            if a.config == b.config {
                own[top] += q;
            }
            let slope = -2.0 * q * covariance.smooth[top] * matern_slope(distance);
            for (dim, scale) in scales.iter_mut().enumerate() {
                let along = metric.along(dim, a.features[dim], b.features[dim]);
                *scale += slope * covariance.weights[dim] * along;
            }
        }
    }
    let mut gradient = scales;
    let variance = |index: usize| hyper.values[dims + index].exp();
    let upto = |sums: &[f64], top: usize| sums[..=top].iter().sum::<f64>();
    gradient.push(variance(0) * upto(&smooth, gains));
    gradient.push(variance(1) * upto(&own, gains));
    gradient.extend((0..gains).map(|gain| variance(2 + gain) * upto(&smooth, gain)));
    gradient.extend((0..gains).map(|gain| variance(2 + gains + gain) * upto(&own, gain)));
    (loss, gradient)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::random::{Random, Use};
    use crate::space::{Dim, DimKind, Space};

    pub(crate) fn space() -> Space {
        let dim = |kind: DimKind| Dim {
            name: String::new(),
            kind,
            when: None,
        };
        Space {
            dims: vec![
                dim(DimKind::Real),
                dim(DimKind::Categories { levels: 3 }),
                dim(DimKind::Real),
            ],
        }
    }

    /// Results of `configs` configurations, every second of which goes on to each further rung.
    pub(crate) fn results(configs: usize, rungs: usize) -> (Vec<Observation>, Vec<f64>) {
        let random = Random::new(11, Use::Points, 0);
        let (mut results, mut values) = (Vec::new(), Vec::new());
        for config in 0..configs {
            let at = |index: u32| random.uniform(config as u32 * 8 + index);
            let features = vec![at(0), (at(1) * 3.0).floor(), at(2)];
            for rung in 0..rungs {
                if config % (1 << rung) == 0 {
                    let f = (4.0 * features[0]).sin() + 0.3 * features[1] + 0.2 * at(3);
                    values.push(f - 0.3 * (rungs - 1 - rung) as f64 * (1.0 + at(4)));
                    results.push(Observation {
                        features: features.clone(),
                        config,
                        rung,
                    });
                }
            }
        }
        (results, values)
    }

    #[test]
    fn gradient_is_that_of_finite_differences() {
        let metric = Metric::new(&space());
        let (results, values) = results(12, 3);
        let mut hyper = Hyper::prior(3, 3);
        for (index, value) in hyper.values.iter_mut().enumerate() {
            *value += 0.3 * (index as f64).sin();
        }
        let (_, gradient) = negative_log_likelihood(&hyper, &metric, &results, &values);
        for (index, _) in hyper.values.iter().enumerate() {
            let at = |step: f64| {
                let mut moved = hyper.clone();
                moved.values[index] += step;
                negative_log_likelihood(&moved, &metric, &results, &values).0
            };
            let numeric = (at(1e-5) - at(-1e-5)) / 2e-5;
            let error = (numeric - gradient[index]).abs();
            assert!(
                error < 1e-5 * (1.0 + numeric.abs()),
                "{index}: {numeric} {}",
                gradient[index]
            );
        }
    }

    #[test]
    fn the_fit_finds_which_dimension_matters() {
        let metric = Metric::new(&space());
        let (results, values) = results(60, 1);
        let hyper = fit(&metric, 1, &results, &values);
        assert!(
            hyper.values[0] + 0.7 < hyper.values[2],
            "{:?}",
            hyper.values
        );
    }
}
