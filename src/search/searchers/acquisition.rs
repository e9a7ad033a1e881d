//! What a training is expected to gain: log expected improvement of the final value over the best so far (Ament et
//! al. 2023), plus the log probability that every measured constraint holds (Gardner et al. 2014).

use crate::history::View;
use crate::model::normal::{log_cdf, log_expected_improvement};
use crate::model::posterior::Predictions;
use crate::model::squash::Squash;
use crate::random::{Random, Use};
use crate::searchers::objective::{Objective, objective, violations};
use crate::searchers::score::equal_weights;
use crate::searchers::surrogate::Surrogate;
use crate::space::Point;

/// Random candidates in a space that is too large to look at each point.
const DRAWS: usize = 300;
/// The best configurations whose neighbours are candidates.
const CENTRES: usize = 5;
/// Rounds of local search, and from how many candidates each goes on.
const ROUNDS: usize = 3;
const STARTS: usize = 2;

/// Models of the objective and of each measured constraint.
#[derive(Default)]
pub(crate) struct Acquisition {
    objective: Surrogate,
    constraints: Vec<Surrogate>,
}

/// The models' state for one decision.
pub(crate) struct Prepared {
    whitened: Vec<f64>,
    constraints: Vec<Vec<f64>>,
    best: Option<f64>,
}

/// What is expected of one candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Expected {
    pub score: f64,
    pub mean: f64,
    pub sd: f64,
}

/// Predicted final values on the model's scale, and the way back.
pub(crate) struct Forecast {
    pub mean: Vec<f64>,
    sd: Vec<f64>,
    squash: Squash,
}

impl Forecast {
    /// The value so many standard deviations from the mean.
    pub fn value(&self, index: usize, sds: f64) -> f64 {
        self.squash.invert(self.mean[index] + sds * self.sd[index])
    }
}

impl Acquisition {
    /// Brings the models up to what is seen; `None` before there is enough.
    pub fn prepare(&mut self, view: &View, weights: &[f64]) -> Option<Prepared> {
        let equal = equal_weights(view);
        if !self
            .objective
            .update(view, &|count| objective(view, count, &equal).values)
        {
            return None;
        }
        let Objective { values, best, .. } = objective(view, view.seen.len(), weights);
        self.constraints
            .resize_with(view.plan.constraints, Surrogate::default);
        let mut constraints = Vec::new();
        for (index, surrogate) in self.constraints.iter_mut().enumerate() {
            let told = |count| violations(view, count, index);
            if !surrogate.update(view, &told) {
                return None;
            }
            constraints.push(surrogate.whiten(&told(view.seen.len())));
        }
        Some(Prepared {
            whitened: self.objective.whiten(&values),
            constraints,
            best,
        })
    }

    /// What is expected of every target: the pool if it is small, and every configuration.
    pub fn targets(&mut self, view: &View, prepared: &Prepared) -> Vec<Expected> {
        let objective = self.objective.predict(view, &prepared.whitened);
        let constraints: Vec<Predictions> = self
            .constraints
            .iter_mut()
            .zip(&prepared.constraints)
            .map(|(surrogate, whitened)| surrogate.predict(view, whitened))
            .collect();
        expected(prepared, &objective, &constraints)
    }

    fn at(&mut self, view: &View, prepared: &Prepared, points: &[Point]) -> Vec<Expected> {
        let objective = self.objective.predict_at(view, &prepared.whitened, points);
        let constraints: Vec<Predictions> = self
            .constraints
            .iter_mut()
            .zip(&prepared.constraints)
            .map(|(surrogate, whitened)| surrogate.predict_at(view, whitened, points))
            .collect();
        expected(prepared, &objective, &constraints)
    }

    pub fn target(&self, config: usize) -> Option<usize> {
        self.objective.target(config)
    }

    /// Predicted final values at points; `None` before there is enough to go by.
    pub fn forecast(&mut self, view: &View, weights: &[f64], points: &[Point]) -> Option<Forecast> {
        let prepared = self.prepare(view, weights)?;
        let Predictions { mean, sd } = self.objective.predict_at(view, &prepared.whitened, points);
        let squash = objective(view, view.seen.len(), weights).squash;
        Some(Forecast { mean, sd, squash })
    }

    /// The best new point of an exhaustive pool, of which `expected` are the targets.
    pub fn best_of_pool(
        &self,
        view: &View,
        expected: &[Expected],
        penalty: &dyn Fn(&Point) -> f64,
    ) -> Option<(Point, Expected)> {
        let new = (0..view.pool.len()).filter(|&place| view.is_untaken(&view.pool.keys[place]));
        let scored = new.map(|place| {
            (
                expected[place].score - penalty(&view.pool.points[place]),
                place,
            )
        });
        let (score, place) =
            scored.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
        Some((
            view.pool.points[place].clone(),
            Expected {
                score,
                ..expected[place]
            },
        ))
    }

    /// The best new point of a space that is too large to look at each: random candidates and the neighbours of the
    /// best configurations, then local search. `penalty` is taken from the score.
    pub fn search(
        &mut self,
        view: &View,
        prepared: &Prepared,
        centres: &[usize],
        penalty: &dyn Fn(&Point) -> f64,
    ) -> Option<(Point, Expected)> {
        let space = view.problem.space();
        let random = Random::new(view.plan.seed, Use::Candidates, view.number);
        let dims = space.dims.len() as u32;
        let draw = |index: u32| {
            let units: Vec<f64> = (0..dims)
                .map(|dim| random.uniform(index * dims + dim))
                .collect();
            space.at(&units)
        };
        let near = centres.iter().take(CENTRES);
        let near = near.flat_map(|&config| space.neighbours(&view.configs[config].point));
        let mut points: Vec<Point> = (0..DRAWS as u32).map(draw).chain(near).collect();
        let mut known: Vec<(Point, Expected)> = Vec::new();
        for _ in 0..=ROUNDS {
            points
                .retain(|point| view.is_new(point) && !known.iter().any(|known| known.0 == *point));
            points.sort();
            points.dedup();
            let found = self.at(view, prepared, &points);
            let scored = points.iter().zip(found).map(|(point, mut expected)| {
                expected.score -= penalty(point);
                (point.clone(), expected)
            });
            known.extend(scored);
            known.sort_by(|a, b| b.1.score.total_cmp(&a.1.score).then(a.0.cmp(&b.0)));
            points = known
                .iter()
                .take(STARTS)
                .flat_map(|known| space.neighbours(&known.0))
                .collect();
        }
        known.into_iter().next()
    }
}

fn expected(
    prepared: &Prepared,
    objective: &Predictions,
    constraints: &[Predictions],
) -> Vec<Expected> {
    (0..objective.mean.len())
        .map(|index| {
            let (mean, sd) = (objective.mean[index], objective.sd[index]);
            // While nothing holds every constraint, what may hold them is worth the most.
            let gain = prepared
                .best
                .map_or(0.0, |best| log_expected_improvement(mean, sd, best));
            let feasible: f64 = constraints
                .iter()
                .map(|constraint| log_cdf(-constraint.mean[index] / constraint.sd[index]))
                .sum();
            Expected {
                score: gain + feasible,
                mean,
                sd,
            }
        })
        .collect()
}
