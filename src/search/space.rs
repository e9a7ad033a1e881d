//! Search spaces and their points. A point has one coordinate for each dimension; a dimension whose condition does not
//! hold has `Coord::Inactive`, so that two points that differ only in settings without effect are equal.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

/// One coordinate of a space.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dim {
    pub name: String,
    pub kind: DimKind,
    /// The dimension is active only under this condition.
    pub when: Option<When>,
}

/// Active only if an earlier dimension is active and has one of these levels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct When {
    pub dim: usize,
    pub levels: Vec<u32>,
}

/// What values a dimension takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum DimKind {
    /// Levels without an order.
    Categories { levels: u32 },
    /// Levels with an order, at ascending positions in [0, 1]: logarithms are already taken.
    Ordered { positions: Vec<f64> },
    /// A number in [0, 1]; the caller maps it, linearly or by logarithm.
    Real,
    /// Integers from `low` to `high`, both included.
    Integer { low: i64, high: i64, log: bool },
}

/// A search space: dimensions in order; a condition names an earlier one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Space {
    pub dims: Vec<Dim>,
}

/// One coordinate of a point.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Coord {
    Level(u32),
    Unit(f64),
    Int(i64),
    Inactive,
}

/// A point: a coordinate for each dimension of its space.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Point(pub Vec<Coord>);

impl Coord {
    /// A total order through the bits of the number.
    fn rank(self) -> (u8, u64) {
        match self {
            Coord::Inactive => (0, 0),
            Coord::Level(level) => (1, u64::from(level)),
            Coord::Int(value) => (2, value as u64 ^ (1 << 63)),
            Coord::Unit(value) => (3, (value + 0.0).to_bits()),
        }
    }
}

impl PartialEq for Coord {
    fn eq(&self, other: &Coord) -> bool {
        self.rank() == other.rank()
    }
}

impl Eq for Coord {}

impl PartialOrd for Coord {
    fn partial_cmp(&self, other: &Coord) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Coord {
    fn cmp(&self, other: &Coord) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl Hash for Coord {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.rank().hash(state);
    }
}

impl Dim {
    /// The number of values; `None` for real numbers.
    pub fn levels(&self) -> Option<u64> {
        match &self.kind {
            DimKind::Categories { levels } => Some(u64::from(*levels)),
            DimKind::Ordered { positions } => Some(positions.len() as u64),
            DimKind::Real => None,
            DimKind::Integer { low, high, .. } => Some(high.abs_diff(*low).saturating_add(1)),
        }
    }

    /// The value that covers the share of [0, 1) that `unit` lies in.
    pub fn coord_at(&self, unit: f64) -> Coord {
        let index = |levels: u64| ((unit * levels as f64) as u64).min(levels - 1);
        match &self.kind {
            DimKind::Categories { levels } => Coord::Level(index(u64::from(*levels)) as u32),
            DimKind::Ordered { positions } => Coord::Level(index(positions.len() as u64) as u32),
            DimKind::Real => Coord::Unit(unit),
            DimKind::Integer { low, high, log } => {
                // Each integer covers half a step on both sides, on the scale of the dimension.
                let (from, to) = integer_range(*low, *high, *log);
                let value = from + unit * (to - from);
                let value = if *log { value.exp() } else { value };
                Coord::Int((value.round() as i64).clamp(*low, *high))
            }
        }
    }

    /// The value at a place of a discrete dimension.
    pub(crate) fn coord_of(&self, index: u64) -> Coord {
        match &self.kind {
            DimKind::Integer { low, .. } => Coord::Int(low.wrapping_add(index as i64)),
            _ => Coord::Level(index as u32),
        }
    }

    /// The place of a coordinate among the values of a discrete dimension.
    pub(crate) fn index(&self, coord: Coord) -> Option<u64> {
        let index = match (coord, &self.kind) {
            (Coord::Level(level), _) => u64::from(level),
            (Coord::Int(value), DimKind::Integer { low, .. }) if value >= *low => {
                value.abs_diff(*low)
            }
            _ => return None,
        };
        (index < self.levels()?).then_some(index)
    }

    /// Where a value lies in [0, 1]; a category's place is its level.
    pub(crate) fn position(&self, coord: Coord) -> f64 {
        match (&self.kind, coord) {
            (DimKind::Categories { .. }, Coord::Level(level)) => f64::from(level),
            (DimKind::Ordered { positions }, Coord::Level(level)) => positions[level as usize],
            (DimKind::Integer { low, high, log }, Coord::Int(value)) => {
                let (from, to) = integer_range(*low, *high, *log);
                let value = if *log {
                    (value as f64).ln()
                } else {
                    value as f64
                };
                (value - from) / (to - from)
            }
            (_, Coord::Unit(unit)) => unit,
            _ => 0.0,
        }
    }

    fn is_value(&self, coord: Coord) -> bool {
        match (coord, &self.kind) {
            (Coord::Unit(unit), DimKind::Real) => (0.0..=1.0).contains(&unit),
            (Coord::Level(level), DimKind::Categories { levels }) => level < *levels,
            (Coord::Level(level), DimKind::Ordered { positions }) => {
                (level as usize) < positions.len()
            }
            (Coord::Int(value), DimKind::Integer { low, high, .. }) => {
                (*low..=*high).contains(&value)
            }
            _ => false,
        }
    }
}

fn integer_range(low: i64, high: i64, log: bool) -> (f64, f64) {
    let (from, to) = (low as f64 - 0.5, high as f64 + 0.5);
    if log {
        (from.max(0.5).ln(), to.ln())
    } else {
        (from, to)
    }
}

impl Space {
    /// The number of points that differ; `None` if a dimension is continuous, `u64::MAX` if there are more.
    pub fn cardinality(&self) -> Option<u64> {
        self.roots().try_fold(1u64, |product, root| {
            Some(product.saturating_mul(self.tree_size(root)?))
        })
    }

    /// The point of an index below `cardinality`, which must be known; the last dimension moves fastest.
    pub fn nth(&self, index: u64) -> Point {
        let mut coords = vec![Coord::Inactive; self.dims.len()];
        let mut rest = index;
        let roots: Vec<usize> = self.roots().collect();
        for &root in roots.iter().rev() {
            let size = self.tree_size(root).unwrap_or(1);
            self.place(root, rest % size, &mut coords);
            rest /= size;
        }
        Point(coords)
    }

    /// The point at a place of the unit cube, one coordinate for each dimension.
    pub fn at(&self, units: &[f64]) -> Point {
        let coords = self
            .dims
            .iter()
            .zip(units)
            .map(|(dim, &unit)| dim.coord_at(unit))
            .collect();
        self.canonical(Point(coords))
    }

    /// The point with the coordinates of inactive dimensions taken away.
    pub fn canonical(&self, mut point: Point) -> Point {
        for index in 0..self.dims.len() {
            if !self.is_active(index, &point) {
                point.0[index] = Coord::Inactive;
            }
        }
        point
    }

    /// Whether the point has a value for each active dimension and none for the others.
    pub fn contains(&self, point: &Point) -> bool {
        point.0.len() == self.dims.len()
            && self.dims.iter().enumerate().all(|(index, dim)| {
                if self.is_active(index, point) {
                    dim.is_value(point.0[index])
                } else {
                    point.0[index] == Coord::Inactive
                }
            })
    }

    /// Whether the condition of a dimension holds.
    pub fn is_active(&self, index: usize, point: &Point) -> bool {
        match &self.dims[index].when {
            None => true,
            Some(when) => {
                matches!(point.0[when.dim], Coord::Level(level) if when.levels.contains(&level))
            }
        }
    }

    fn roots(&self) -> impl Iterator<Item = usize> {
        (0..self.dims.len()).filter(|&index| self.dims[index].when.is_none())
    }

    fn children(&self, parent: usize, level: u64) -> impl DoubleEndedIterator<Item = usize> {
        (parent + 1..self.dims.len()).filter(move |&index| {
            self.dims[index].when.as_ref().is_some_and(|when| {
                when.dim == parent && when.levels.iter().any(|&known| u64::from(known) == level)
            })
        })
    }

    fn has_children(&self, parent: usize) -> bool {
        self.dims
            .iter()
            .any(|dim| dim.when.as_ref().is_some_and(|when| when.dim == parent))
    }

    /// The number of ways to set a dimension and all that depend on it.
    fn tree_size(&self, root: usize) -> Option<u64> {
        let levels = self.dims[root].levels()?;
        if !self.has_children(root) {
            return Some(levels);
        }
        (0..levels).try_fold(0u64, |sum, level| {
            Some(sum.saturating_add(self.branch_size(root, level)?))
        })
    }

    fn branch_size(&self, root: usize, level: u64) -> Option<u64> {
        self.children(root, level).try_fold(1u64, |product, child| {
            Some(product.saturating_mul(self.tree_size(child)?))
        })
    }

    fn place(&self, root: usize, mut index: u64, coords: &mut [Coord]) {
        let dim = &self.dims[root];
        if !self.has_children(root) {
            coords[root] = dim.coord_of(index);
            return;
        }
        let mut level = 0;
        loop {
            let size = self.branch_size(root, level).unwrap_or(1);
            if index < size {
                break;
            }
            index -= size;
            level += 1;
        }
        coords[root] = dim.coord_of(level);
        for child in self.children(root, level).rev() {
            let size = self.tree_size(child).unwrap_or(1);
            self.place(child, index % size, coords);
            index /= size;
        }
    }

    /// The points that differ from this one in one step of one dimension: every other category, the next levels up and
    /// down, and for numbers steps of a few widths. What becomes active starts at the middle.
    pub(crate) fn neighbours(&self, point: &Point) -> Vec<Point> {
        let mut found = Vec::new();
        for (index, dim) in self.dims.iter().enumerate() {
            if point.0[index] == Coord::Inactive {
                continue;
            }
            for coord in dim.steps_from(point.0[index]) {
                let mut next = point.clone();
                next.0[index] = coord;
                for (child, dim) in self.dims.iter().enumerate() {
                    if next.0[child] == Coord::Inactive && self.is_active(child, &next) {
                        next.0[child] = dim.coord_at(0.5);
                    }
                }
                found.push(self.canonical(next));
            }
        }
        found
    }
}

/// Widths of the steps that a number is moved by, as shares of its range.
const STEPS: [f64; 4] = [0.003, 0.02, 0.07, 0.2];

impl Dim {
    fn steps_from(&self, coord: Coord) -> Vec<Coord> {
        let mut found: Vec<Coord> = match (&self.kind, coord) {
            (DimKind::Categories { levels }, _) => (0..*levels).map(Coord::Level).collect(),
            (DimKind::Ordered { .. }, Coord::Level(level)) => {
                let index = u64::from(level);
                [index.wrapping_sub(1), index + 1]
                    .into_iter()
                    .filter(|&next| Some(next) < self.levels())
                    .map(|next| self.coord_of(next))
                    .collect()
            }
            (DimKind::Integer { low, high, .. }, Coord::Int(value)) => {
                let place = self.position(coord);
                let far = STEPS.iter().flat_map(|step| [place - step, place + step]);
                far.map(|unit| self.coord_at(unit.clamp(0.0, 1.0)))
                    .chain([
                        Coord::Int((value - 1).max(*low)),
                        Coord::Int((value + 1).min(*high)),
                    ])
                    .collect()
            }
            (_, Coord::Unit(unit)) => STEPS
                .iter()
                .flat_map(|step| [unit - step, unit + step])
                .map(|next| Coord::Unit(next.clamp(0.0, 1.0)))
                .collect(),
            _ => Vec::new(),
        };
        found.sort();
        found.dedup();
        found.retain(|&next| next != coord);
        found
    }
}
