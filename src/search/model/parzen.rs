//! Parzen densities over mixed spaces, for the tree-structured Parzen estimator: a mixture of product kernels, one for
//! each result, and a uniform component (Bergstra, Bardenet, Bengio, Kégl 2011; all dimensions jointly as in Falkner,
//! Klein, Hutter 2018). Categories have a kernel with a share for every other level (Aitchison and Aitken 1976),
//! ordered levels a Gaussian over their places, numbers a Gaussian cut off at the edges.

use super::kernel::{Features, features};
use super::normal::cdf;
use crate::random::Random;
use crate::space::{Coord, Dim, DimKind, Point, Space};

/// Integers with more values are treated as continuous.
const MAX_LEVELS: u64 = 64;
/// The narrowest kernel, as a share of the range, once there are many results.
const NARROWEST: f64 = 0.01;

/// A density that is made of results.
pub(crate) struct Parzen<'a> {
    space: &'a Space,
    kernels: Vec<Kernel>,
    results: Vec<Vec<Place>>,
    /// Log probability that a coordinate is active where the result's is, and where it is not.
    activity: (f64, f64),
    uniform: Vec<f64>,
}

/// A coordinate as kernels see it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    Inactive,
    Level(usize),
    /// With the log of the mass of a kernel that is centred there and cut off at the edges.
    Unit(f64, f64),
}

enum Kernel {
    /// Log weights by level of the result, then of the candidate.
    Levels {
        count: usize,
        log_weights: Vec<f64>,
    },
    Continuous {
        width: f64,
    },
}

impl<'a> Parzen<'a> {
    pub fn new(space: &'a Space, points: &[&Point]) -> Parzen<'a> {
        let count = points.len() as f64;
        let same = (1.0 + 1.0 / (count + 1.0)) / (1.0 + 2.0 / (count + 1.0));
        let kernels: Vec<Kernel> = space
            .dims
            .iter()
            .map(|dim| kernel(dim, count, space.dims.len()))
            .collect();
        let uniform = kernels
            .iter()
            .map(|kernel| match kernel {
                Kernel::Levels { count, .. } => -(*count as f64).ln(),
                Kernel::Continuous { .. } => 0.0,
            })
            .collect();
        let mut parzen = Parzen {
            space,
            kernels,
            results: Vec::new(),
            activity: (same.ln(), (1.0 - same).ln()),
            uniform,
        };
        parzen.results = points.iter().map(|point| parzen.places(point)).collect();
        parzen
    }

    fn places(&self, point: &Point) -> Vec<Place> {
        let units: Features = features(self.space, point);
        let place = |index: usize| match (&self.kernels[index], point.0[index]) {
            (_, Coord::Inactive) => Place::Inactive,
            (Kernel::Levels { .. }, coord) => {
                Place::Level(self.space.dims[index].index(coord).unwrap_or(0) as usize)
            }
            (Kernel::Continuous { width }, _) => {
                let (unit, scale) = (units[index], width * std::f64::consts::TAU.sqrt());
                let mass = cdf((1.0 - unit) / width) - cdf(-unit / width);
                Place::Unit(unit, (scale * mass).ln())
            }
        };
        (0..self.kernels.len()).map(place).collect()
    }

    /// The logarithm of the density at a point.
    pub fn log_density(&self, point: &Point) -> f64 {
        let places = self.places(point);
        let active = places
            .iter()
            .zip(&self.uniform)
            .filter(|(place, _)| **place != Place::Inactive);
        let uniform: f64 = active.map(|(_, uniform)| uniform).sum();
        let terms: Vec<f64> = self
            .results
            .iter()
            .map(|result| self.term(result, &places))
            .collect();
        let most = terms.iter().copied().fold(uniform, f64::max);
        let sum: f64 = terms.iter().map(|term| (term - most).exp()).sum();
        most + (sum + (uniform - most).exp()).ln() - (terms.len() as f64 + 1.0).ln()
    }

    fn term(&self, result: &[Place], places: &[Place]) -> f64 {
        let mut sum = 0.0;
        for ((kernel, from), to) in self.kernels.iter().zip(result).zip(places) {
            sum += match (kernel, from, to) {
                (_, Place::Inactive, Place::Inactive) => self.activity.0,
                (Kernel::Levels { count, log_weights }, Place::Level(from), Place::Level(to)) => {
                    log_weights[from * count + to]
                }
                (Kernel::Continuous { width }, Place::Unit(from, log_mass), Place::Unit(to, _)) => {
                    let z = (to - from) / width;
                    -0.5 * z * z - log_mass
                }
                _ => self.activity.1,
            };
        }
        sum
    }

    /// A point drawn from the density, from the counters that follow `first`.
    pub fn draw(&self, random: Random, first: u32) -> Point {
        let dims = self.kernels.len() as u32;
        let component = random.below(first, self.results.len() + 1);
        let result = self.results.get(component);
        let coord = |index: usize| {
            let unit = random.uniform(first + 1 + index as u32);
            let dim = &self.space.dims[index];
            match (&self.kernels[index], result.map(|result| result[index])) {
                (Kernel::Levels { count, log_weights }, Some(Place::Level(from))) => {
                    let weights = &log_weights[from * count..(from + 1) * count];
                    let mut left = unit;
                    let level = weights.iter().position(|weight| {
                        left -= weight.exp();
                        left < 0.0
                    });
                    dim.coord_of(level.unwrap_or(count - 1) as u64)
                }
                (Kernel::Continuous { width }, Some(Place::Unit(from, _))) => {
                    let radius = (-2.0 * (1.0 - unit).ln()).sqrt();
                    let angle = random.uniform(first + 1 + dims + index as u32);
                    let step = radius * (std::f64::consts::TAU * angle).cos();
                    dim.coord_at((from + width * step).clamp(0.0, 1.0))
                }
                _ => dim.coord_at(unit),
            }
        };
        let point = Point((0..self.kernels.len()).map(coord).collect());
        self.space.canonical(point)
    }

    /// Counters that `draw` uses.
    pub fn counters(&self) -> u32 {
        2 * self.kernels.len() as u32 + 1
    }
}

fn kernel(dim: &Dim, results: f64, dims: usize) -> Kernel {
    let narrowest = (1.0 / (results + 2.0)).max(NARROWEST);
    // Scott's rule, from a spread of a half of the range's.
    let width = narrowest.max(0.25 * results.max(1.0).powf(-1.0 / (dims as f64 + 4.0)));
    let Some(count) = dim.levels().filter(|&levels| levels <= MAX_LEVELS) else {
        return Kernel::Continuous { width };
    };
    let count = count as usize;
    let is_category = matches!(dim.kind, DimKind::Categories { .. });
    let weight = |from: usize, to: usize| {
        if is_category {
            let own = if from == to { 1.0 } else { 0.0 };
            own + 1.0 / (results + 1.0)
        } else {
            let z = (from as f64 - to as f64) / (width * count as f64);
            (-0.5 * z * z).exp()
        }
    };
    let mut log_weights = Vec::with_capacity(count * count);
    for from in 0..count {
        let sum: f64 = (0..count).map(|to| weight(from, to)).sum();
        log_weights.extend((0..count).map(|to| (weight(from, to) / sum).ln()));
    }
    Kernel::Levels { count, log_weights }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Use;
    use crate::space::When;

    fn space() -> Space {
        let dim = |kind: DimKind, when: Option<When>| Dim {
            name: String::new(),
            kind,
            when,
        };
        Space {
            dims: vec![
                dim(DimKind::Categories { levels: 3 }, None),
                dim(
                    DimKind::Ordered {
                        positions: vec![0.0, 0.4, 1.0],
                    },
                    None,
                ),
                dim(
                    DimKind::Real,
                    Some(When {
                        dim: 0,
                        levels: vec![1, 2],
                    }),
                ),
            ],
        }
    }

    #[test]
    fn densities_sum_to_one_over_active_coordinates() {
        let space = space();
        let points: Vec<Point> = [[0.1, 0.2, 0.3], [0.5, 0.9, 0.95], [0.9, 0.5, 0.1]]
            .iter()
            .map(|unit| space.at(unit))
            .collect();
        let parzen = Parzen::new(&space, &points.iter().collect::<Vec<_>>());
        // Where the third dimension is inactive, and over a fine grid of it where it is active.
        let (same, differs) = (parzen.activity.0.exp(), parzen.activity.1.exp());
        let mut sums = [0.0, 0.0];
        for level in 0..3u32 {
            for order in 0..3u32 {
                let steps = if level == 0 { 1 } else { 2000 };
                for step in 0..steps {
                    let third = match level {
                        0 => Coord::Inactive,
                        _ => Coord::Unit((f64::from(step) + 0.5) / f64::from(steps)),
                    };
                    let point = Point(vec![Coord::Level(level), Coord::Level(order), third]);
                    sums[usize::from(level > 0)] +=
                        parzen.log_density(&point).exp() / f64::from(steps);
                }
            }
        }
        // By hand, from category weights of three results and the uniform component; a coordinate has density only
        // where it and the result's are both active.
        let (own, other) = (1.25 / 1.75, 0.25 / 1.75);
        let inactive = (same * own + 2.0 * differs * other + 1.0 / 3.0) / 4.0;
        let active = (2.0 * differs * other + 2.0 * (own + other) + 2.0 / 3.0) / 4.0;
        assert!((sums[0] - inactive).abs() < 1e-9, "{} {inactive}", sums[0]);
        assert!((sums[1] - active).abs() < 1e-5, "{} {active}", sums[1]);
    }

    #[test]
    fn draws_are_points_of_the_space_near_the_results() {
        let space = space();
        let point = space.at(&[0.5, 0.9, 0.8]);
        let parzen = Parzen::new(&space, &vec![&point; 30]);
        let random = Random::new(1, Use::Candidates, 0);
        let draws: Vec<Point> = (0..200)
            .map(|draw| parzen.draw(random, draw * parzen.counters()))
            .collect();
        assert!(draws.iter().all(|draw| space.contains(draw)));
        let alike = draws.iter().filter(|draw| draw.0[0] == point.0[0]).count();
        assert!(alike > 150, "{alike}");
    }
}
