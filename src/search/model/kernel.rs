//! Distances between points: squared differences of numbers, Hamming distance of categories, and 1 between an active
//! and an inactive coordinate; weighed for each dimension (automatic relevance determination) under a Matérn 5/2
//! kernel.

use crate::space::{Coord, DimKind, Point, Space};

/// The place of an inactive coordinate, outside of all others.
const INACTIVE: f64 = -1.0;

/// The coordinates of a point as numbers: positions in [0, 1], levels of categories.
pub(crate) type Features = Vec<f64>;

/// Which dimensions are categories.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Metric {
    is_category: Vec<bool>,
}

impl Metric {
    pub fn new(space: &Space) -> Metric {
        let is_category = |kind: &DimKind| matches!(kind, DimKind::Categories { .. });
        Metric {
            is_category: space
                .dims
                .iter()
                .map(|dim| is_category(&dim.kind))
                .collect(),
        }
    }

    pub fn dims(&self) -> usize {
        self.is_category.len()
    }

    /// The squared distance along one dimension.
    pub fn along(&self, dim: usize, a: f64, b: f64) -> f64 {
        if a == b {
            0.0
        } else if self.is_category[dim] || a == INACTIVE || b == INACTIVE {
            1.0
        } else {
            (a - b) * (a - b)
        }
    }

    /// The weighed squared distance.
    pub fn distance(&self, a: &[f64], b: &[f64], weights: &[f64]) -> f64 {
        (0..a.len())
            .map(|dim| weights[dim] * self.along(dim, a[dim], b[dim]))
            .sum()
    }
}

/// A point as numbers.
pub(crate) fn features(space: &Space, point: &Point) -> Features {
    let place = |(coord, dim): (&Coord, &crate::space::Dim)| match coord {
        Coord::Inactive => INACTIVE,
        _ => dim.position(*coord),
    };
    point.0.iter().zip(&space.dims).map(place).collect()
}

/// The Matérn 5/2 correlation at a squared distance.
pub(crate) fn matern(squared: f64) -> f64 {
    let r = (5.0 * squared).sqrt();
    (1.0 + r + r * r / 3.0) * (-r).exp()
}

/// Its derivative by the squared distance.
pub(crate) fn matern_slope(squared: f64) -> f64 {
    let r = (5.0 * squared).sqrt();
    -(5.0 / 6.0) * (1.0 + r) * (-r).exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::{Dim, When};

    #[test]
    fn slope_is_the_derivative() {
        for squared in [0.01, 0.3, 2.0, 9.0] {
            let step = 1e-6;
            let numeric = (matern(squared + step) - matern(squared - step)) / (2.0 * step);
            assert!((numeric - matern_slope(squared)).abs() < 1e-7);
        }
    }

    #[test]
    fn categories_and_inactive_coordinates_are_equal_or_one_apart() {
        let space = Space {
            dims: vec![
                Dim {
                    name: "optimizer".into(),
                    kind: DimKind::Categories { levels: 3 },
                    when: None,
                },
                Dim {
                    name: "momentum".into(),
                    kind: DimKind::Real,
                    when: Some(When {
                        dim: 0,
                        levels: vec![0],
                    }),
                },
            ],
        };
        let metric = Metric::new(&space);
        let at = |coords: Vec<Coord>| features(&space, &Point(coords));
        let sgd = at(vec![Coord::Level(0), Coord::Unit(0.5)]);
        let adam = at(vec![Coord::Level(2), Coord::Inactive]);
        let distance = |a: &[f64], b: &[f64]| metric.distance(a, b, &[3.0, 10.0]);
        assert_eq!(distance(&sgd, &adam), 13.0);
        assert_eq!(distance(&adam, &adam), 0.0);
        assert_eq!(
            distance(&sgd, &at(vec![Coord::Level(0), Coord::Unit(0.25)])),
            10.0 * 0.0625
        );
    }
}
