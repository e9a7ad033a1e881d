//! Predictions at many targets, extended one result at a time: what is kept is a function of the results alone, to the
//! bit.

use super::fit::{Covariance, Observation};
use super::linalg::{Cholesky, dot};

/// The least variance that a prediction has.
const LEAST_VARIANCE: f64 = 1e-9;

/// The conditional distribution of values at the last rung, given results at any.
pub(crate) struct Posterior {
    covariance: Covariance,
    results: Vec<Observation>,
    factor: Cholesky,
    targets: Vec<Target>,
}

/// A point that is predicted, and L⁻¹ times its covariances with the results.
#[derive(Debug, Clone)]
struct Target {
    at: Observation,
    solved: Vec<f64>,
    variance: f64,
}

/// Mean and variance at each target.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Predictions {
    pub mean: Vec<f64>,
    pub sd: Vec<f64>,
}

impl Posterior {
    pub fn new(covariance: Covariance) -> Posterior {
        Posterior {
            covariance,
            results: Vec::new(),
            factor: Cholesky::default(),
            targets: Vec::new(),
        }
    }

    pub fn len(&self) -> usize {
        self.results.len()
    }

    pub fn targets(&self) -> usize {
        self.targets.len()
    }

    /// Conditions on one more result; false, and unchanged, if the results before determine it.
    pub fn push(&mut self, result: Observation) -> bool {
        let row: Vec<f64> = self
            .results
            .iter()
            .map(|before| self.covariance.between(before, &result))
            .collect();
        if !self
            .factor
            .push(&row, self.covariance.noisy_variance(result.rung))
        {
            return false;
        }
        let last = self.factor.row(self.results.len());
        let (row, diagonal) = (&last[..last.len() - 1], last[last.len() - 1]);
        for target in &mut self.targets {
            let covariance = self.covariance.between(&target.at, &result);
            let value = (covariance - dot(row, &target.solved)) / diagonal;
            target.solved.push(value);
            target.variance -= value * value;
        }
        self.results.push(result);
        true
    }

    /// Adds a target; `config` is one with results, or any number that none has.
    pub fn add_target(&mut self, at: Observation) {
        let target = self.solve(at);
        self.targets.push(target);
    }

    fn solve(&self, at: Observation) -> Target {
        let row: Vec<f64> = self
            .results
            .iter()
            .map(|before| self.covariance.between(before, &at))
            .collect();
        let solved = self.factor.solve_lower(&row);
        // One by one, as `push` does, so that the order in which targets and results come makes no difference.
        let variance = self.covariance.variance(at.rung);
        let variance = solved
            .iter()
            .fold(variance, |left, value| left - value * value);
        Target {
            at,
            solved,
            variance,
        }
    }

    /// L⁻¹ times the values of the results.
    pub fn whiten(&self, values: &[f64]) -> Vec<f64> {
        self.factor.solve_lower(values)
    }

    /// Predictions at all targets. What is `pending` is believed to come out as predicted (kriging believer,
    /// Ginsbourger, Le Riche, Carraro 2010): it changes no mean and takes its variance away.
    pub fn predict(&mut self, whitened: &[f64], pending: &[Observation]) -> Predictions {
        let len = self.len();
        let mean = self
            .targets
            .iter()
            .map(|target| dot(whitened, &target.solved))
            .collect();
        let variances: Vec<f64> = self.targets.iter().map(|target| target.variance).collect();
        for result in pending {
            self.push(result.clone());
        }
        let sd = self
            .targets
            .iter()
            .map(|target| sd(target.variance))
            .collect();
        self.results.truncate(len);
        self.factor.truncate(len);
        for (target, variance) in self.targets.iter_mut().zip(variances) {
            target.solved.truncate(len);
            target.variance = variance;
        }
        Predictions { mean, sd }
    }

    /// Predictions at points that are not targets, with what is pending believed.
    pub fn predict_at(
        &mut self,
        whitened: &[f64],
        pending: &[Observation],
        points: Vec<Observation>,
    ) -> Predictions {
        let targets = std::mem::take(&mut self.targets);
        for point in points {
            self.add_target(point);
        }
        let predictions = self.predict(whitened, pending);
        self.targets = targets;
        predictions
    }
}

fn sd(variance: f64) -> f64 {
    variance.max(LEAST_VARIANCE).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fit::Hyper;
    use crate::model::fit::tests::{results, space};
    use crate::model::kernel::Metric;

    fn posterior() -> Posterior {
        let covariance = Hyper::prior(3, 3).covariance(&Metric::new(&space()));
        Posterior::new(covariance)
    }

    fn target(place: f64) -> Observation {
        Observation {
            features: vec![place, 1.0, 0.5],
            config: usize::MAX,
            rung: 2,
        }
    }

    /// By Gauss-Jordan elimination of the joint covariance: no Cholesky factor, no triangular solve.
    fn by_elimination(results: &[Observation], values: &[f64], at: &Observation) -> (f64, f64) {
        let covariance = Hyper::prior(3, 3).covariance(&Metric::new(&space()));
        let len = results.len();
        let mut rows: Vec<Vec<f64>> = (0..len)
            .map(|i| {
                let mut row: Vec<f64> = (0..len)
                    .map(|j| match i == j {
                        true => covariance.noisy_variance(results[i].rung),
                        false => covariance.between(&results[i], &results[j]),
                    })
                    .collect();
                row.extend([values[i], covariance.between(&results[i], at)]);
                row
            })
            .collect();
        for pivot in 0..len {
            let scale = rows[pivot][pivot];
            rows[pivot].iter_mut().for_each(|value| *value /= scale);
            let from = rows[pivot].clone();
            for row in (0..len).filter(|&row| row != pivot) {
                let factor = rows[row][pivot];
                rows[row]
                    .iter_mut()
                    .zip(&from)
                    .for_each(|(value, from)| *value -= factor * from);
            }
        }
        let to: Vec<f64> = results
            .iter()
            .map(|result| covariance.between(result, at))
            .collect();
        let mean = (0..len).map(|i| to[i] * rows[i][len]).sum();
        let explained: f64 = (0..len).map(|i| to[i] * rows[i][len + 1]).sum();
        (mean, (covariance.variance(at.rung) - explained).sqrt())
    }

    #[test]
    fn predictions_are_those_of_gaussian_elimination() {
        let (results, values) = results(10, 3);
        let mut posterior = posterior();
        for place in [0.1, 0.5, 0.95] {
            posterior.add_target(target(place));
        }
        for result in &results {
            assert!(posterior.push(result.clone()));
        }
        let whitened = posterior.whiten(&values);
        let predictions = posterior.predict(&whitened, &[]);
        for (index, place) in [0.1, 0.5, 0.95].into_iter().enumerate() {
            let (mean, sd) = by_elimination(&results, &values, &target(place));
            assert!((predictions.mean[index] - mean).abs() < 1e-8);
            assert!((predictions.sd[index] - sd).abs() < 1e-8);
        }
    }

    #[test]
    fn a_posterior_grown_in_any_order_of_targets_has_the_same_bits() {
        let (results, values) = results(10, 3);
        let mut early = posterior();
        early.add_target(target(0.4));
        let mut late = posterior();
        for (index, result) in results.iter().enumerate() {
            early.push(result.clone());
            late.push(result.clone());
            if index == 5 {
                late.predict(&[], &[target(0.1), target(0.7)]);
            }
        }
        late.add_target(target(0.4));
        let whitened = early.whiten(&values);
        assert_eq!(early.predict(&whitened, &[]), late.predict(&whitened, &[]));
        let at = late.predict_at(&whitened, &[], vec![target(0.4)]);
        assert_eq!(at, late.predict(&whitened, &[]));
    }

    #[test]
    fn what_is_pending_takes_variance_away_and_leaves_means() {
        let (results, values) = results(6, 3);
        let mut posterior = posterior();
        posterior.add_target(target(0.4));
        results
            .iter()
            .for_each(|result| assert!(posterior.push(result.clone())));
        let whitened = posterior.whiten(&values);
        let before = posterior.predict(&whitened, &[]);
        let pending = Observation {
            config: 99,
            ..target(0.45)
        };
        let during = posterior.predict(&whitened, &[pending]);
        assert_eq!(before.mean, during.mean);
        assert!(during.sd[0] < 0.8 * before.sd[0]);
        assert_eq!(posterior.predict(&whitened, &[]), before);
    }
}
