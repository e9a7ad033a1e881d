//! What the model of a search says of its space: which settings matter, and what it would try next for the best
//! result.

use std::collections::BTreeMap;

use crate::history::View;
use crate::problem::Problem;
use crate::search::Search;
use crate::searchers::acquisition::{Acquisition, Forecast};
use crate::searchers::score::equal_weights;
use crate::searchers::surrogate::is_exhaustive;
use crate::sequence::Sequence;
use crate::space::{Coord, Point};

/// Points that a larger space is judged by.
const SAMPLE: u32 = 512;
/// Parts that the range of a number is cut into.
const PARTS: f64 = 8.0;

/// What a Gaussian process over the results seen says.
#[derive(Debug, Clone, PartialEq)]
pub struct Insight {
    /// For each dimension, the share of the variance of predicted final values that it explains alone: its main effect
    /// (Sobol 1993; Hutter, Hoos, Leyton-Brown 2014). Shares sum to less than 1 where dimensions interact.
    pub importance: Vec<f64>,
    /// The point of the highest predicted final value.
    pub guess: Guess,
}

/// A prediction of one point. With several objectives, of their equally weighted scalarisation.
#[derive(Debug, Clone, PartialEq)]
pub struct Guess {
    pub point: Point,
    /// Its configuration, if it has one.
    pub config: Option<usize>,
    /// The median of the predicted final value, and the ends of its interval of two standard deviations.
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

impl<P: Problem> Search<P> {
    /// `None` before there are enough results for a model. Fits one, so it takes as long as a suggestion.
    pub fn insight(&self) -> Option<Insight> {
        let view = View {
            plan: &self.plan,
            rungs: &self.rungs,
            problem: &self.problem,
            pool: &self.pool,
            configs: &self.configs,
            states: &self.states,
            seen: &self.seen,
            pending: &[],
            keys: &self.keys,
            may_start: true,
            number: self.records.len() as u32,
        };
        let points = points(&view);
        let forecast = Acquisition::default().forecast(&view, &equal_weights(&view), &points)?;
        let best = (0..points.len()).reduce(|best, next| {
            if forecast.mean[next] > forecast.mean[best] {
                next
            } else {
                best
            }
        })?;
        let config = view.keys.get(&view.problem.key(&points[best])).copied();
        Some(Insight {
            importance: importance(&view, &points, &forecast),
            guess: Guess {
                point: points[best].clone(),
                config,
                value: forecast.value(best, 0.0),
                low: forecast.value(best, -2.0),
                high: forecast.value(best, 2.0),
            },
        })
    }
}

/// All points of a small space; a sample and all configurations of a larger one.
fn points(view: &View) -> Vec<Point> {
    if is_exhaustive(view) {
        return view.pool.points.clone();
    }
    let space = view.problem.space();
    let sequence = Sequence::scrambled(space.dims.len(), view.plan.seed);
    let sample = (0..SAMPLE).map(|index| space.at(&sequence.point(index)));
    sample
        .filter(|point| view.problem.is_admissible(point))
        .chain(view.configs.iter().map(|config| config.point.clone()))
        .collect()
}

fn importance(view: &View, points: &[Point], forecast: &Forecast) -> Vec<f64> {
    // The configurations of a larger space crowd around the best and stay out.
    let count = if is_exhaustive(view) {
        points.len()
    } else {
        points.len() - view.configs.len()
    };
    let (points, means) = (&points[..count], &forecast.mean[..count]);
    let mean = means.iter().sum::<f64>() / count.max(1) as f64;
    let total: f64 = means
        .iter()
        .map(|value| (value - mean) * (value - mean))
        .sum();
    let dims = view.problem.space().dims.iter().enumerate();
    dims.map(|(index, dim)| {
        let mut groups: BTreeMap<u64, (f64, f64)> = BTreeMap::new();
        for (point, value) in points.iter().zip(means) {
            let coord = point.0[index];
            let group = match coord {
                Coord::Inactive => u64::MAX,
                Coord::Level(level) => u64::from(level),
                _ => (dim.position(coord) * PARTS) as u64,
            };
            let group = groups.entry(group).or_default();
            *group = (group.0 + value, group.1 + 1.0);
        }
        let between: f64 = groups
            .values()
            .map(|(sum, count)| count * (sum / count - mean) * (sum / count - mean))
            .sum();
        if total > 0.0 { between / total } else { 0.0 }
    })
    .collect()
}
