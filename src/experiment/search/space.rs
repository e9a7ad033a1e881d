//! The space of a search: axes with single values, as in a grid, ranges of numbers, and what is active when.
//!
//! Every point of a [`SearchSpace`] makes a model: values have passed [`ModelSpec::set`], ranges at both ends.

use super::super::space::Space;
use sweep_core::trial::{ModelSpec, Value};

/// Digits that are kept of a value from a range: names of trials stay short, and no result depends on more.
const DIGITS: usize = 6;
/// The space of a search.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchSpace {
    /// The fixed settings, and the axes with single values.
    pub grid: Space,
    /// The axes that are ranges of numbers, in file order; their dimensions come after those of the grid's groups.
    pub ranges: Vec<RangeAxis>,
    /// The dimensions that are not always active.
    pub activities: Vec<Activity>,
}

/// An axis that is a range of numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct RangeAxis {
    pub key: String,
    pub domain: Domain,
}

/// A range of numbers, both ends included.
#[derive(Debug, Clone, PartialEq)]
pub enum Domain {
    Real { low: f64, high: f64, log: bool },
    Integer { low: i64, high: i64, log: bool },
}

/// When a dimension is active; otherwise its settings are the fixed ones, or the defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    pub dimension: usize,
    /// The group of the grid that decides, and the rows with which the dimension is active, ascending.
    pub group: usize,
    pub rows: Vec<usize>,
}

/// Where a point stands on one dimension.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Coordinate {
    /// A row of a group of the grid.
    Row(usize),
    /// The fraction of a range of real numbers, in [0, 1].
    Unit(f64),
    Integer(i64),
    Inactive,
}

impl SearchSpace {
    /// The number of dimensions.
    pub fn dimensions(&self) -> usize {
        self.grid.groups.len() + self.ranges.len()
    }

    /// The settings of a dimension.
    pub fn keys(&self, dimension: usize) -> Vec<&str> {
        match self.grid.groups.get(dimension) {
            Some(group) => group.keys.iter().map(String::as_str).collect(),
            None => vec![&self.ranges[dimension - self.grid.groups.len()].key],
        }
    }

    /// When a dimension is active; `None` is always.
    pub fn activity(&self, dimension: usize) -> Option<&Activity> {
        let mut all = self.activities.iter();
        all.find(|activity| activity.dimension == dimension)
    }

    /// The model of the `point`, with a coordinate for each dimension.
    pub fn model(&self, point: &[Coordinate]) -> ModelSpec {
        let mut model = self.grid.base.clone();
        let mut set = |key: &str, value: &Value| {
            let set = model.set(key, value);
            debug_assert_eq!(set, Ok(()), "{key} = {value} was accepted before");
        };
        for (dimension, coordinate) in point.iter().enumerate() {
            match (coordinate, self.grid.groups.get(dimension)) {
                (Coordinate::Row(row), Some(group)) => {
                    let row = &group.rows[*row];
                    (group.keys.iter().zip(row)).for_each(|(key, value)| set(key, value));
                }
                (Coordinate::Unit(_) | Coordinate::Integer(_), None) => {
                    let axis = &self.ranges[dimension - self.grid.groups.len()];
                    set(&axis.key, &axis.domain.value(*coordinate));
                }
                _ => debug_assert_eq!(*coordinate, Coordinate::Inactive),
            }
        }
        model
    }

    /// Whether the `point` is left out by `exclude`. An exclusion that names an inactive dimension does not hold.
    pub fn is_excluded(&self, point: &[Coordinate]) -> bool {
        self.grid.exclusions.iter().any(|exclusion| {
            exclusion
                .parts()
                .iter()
                .all(|(group, rows)| match point[*group] {
                    Coordinate::Row(row) => rows.binary_search(&row).is_ok(),
                    _ => false,
                })
        })
    }
}

impl Domain {
    /// The value at a coordinate of this domain.
    pub fn value(&self, coordinate: Coordinate) -> Value {
        match (self, coordinate) {
            (Domain::Real { low, high, log }, Coordinate::Unit(unit)) => {
                Value::Float(real(*low, *high, *log, unit))
            }
            (Domain::Integer { .. }, Coordinate::Integer(value)) => Value::Int(value),
            _ => unreachable!("a coordinate of another domain"),
        }
    }

    /// The coordinate of `value`, if it lies in this domain.
    pub fn coordinate(&self, value: &Value) -> Option<Coordinate> {
        match *self {
            Domain::Real { low, high, log } => {
                let value = value
                    .as_f64()
                    .filter(|value| (low..=high).contains(value))?;
                Some(Coordinate::Unit(match log {
                    true => (value / low).ln() / (high / low).ln(),
                    false => (value - low) / (high - low),
                }))
            }
            Domain::Integer { low, high, .. } => match value {
                Value::Int(value) => (low..=high)
                    .contains(value)
                    .then_some(Coordinate::Integer(*value)),
                _ => None,
            },
        }
    }
}

/// The number at the fraction `unit` of a range, as a person would write it; never outside the range.
fn real(low: f64, high: f64, log: bool, unit: f64) -> f64 {
    let exact = match log {
        true => (low.ln() + (high.ln() - low.ln()) * unit).exp(),
        false => low + (high - low) * unit,
    };
    let written: f64 = format!("{exact:.*e}", DIGITS - 1).parse().unwrap_or(exact);
    written.clamp(low, high)
}
