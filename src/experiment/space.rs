//! The search space of one kind of model: fixed settings, axes, and points left out.
//!
//! Every value in a [`Space`] has passed [`ModelSpec::set`] and reads as the model shows it, so
//! that `1` and `1.0` are one value; expanding a space cannot fail.

use sweep_core::trial::{ModelSpec, Value};

/// Most trials an experiment may ask for, replicate seeds included. A planned trial takes about
/// half a kilobyte, so that a plan stays below a gigabyte.
pub const MAX_TRIALS: u64 = 1_000_000;

/// Every combination of the groups' rows on top of the fixed settings, less the exclusions.
#[derive(Debug, Clone, PartialEq)]
pub struct Space {
    /// The fixed settings, everything else at its default.
    pub base: ModelSpec,
    /// The keys that the file fixes, in file order.
    pub fixed: Vec<String>,
    /// The axes in file order; the last moves fastest.
    pub groups: Vec<Group>,
    pub exclusions: Vec<Exclusion>,
    /// Dotted path of the table with the fixed settings: `model`, `baseline[0]`.
    pub path: String,
    /// Dotted path of the table with the axes: `grid`, `baseline[0].grid`.
    pub grid_path: String,
}

/// An axis, or several that move together.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The keys set by this group; more than one when zipped.
    pub keys: Vec<String>,
    /// Values [row][key]; no row occurs twice.
    pub rows: Vec<Vec<Value>>,
}

impl Space {
    /// The number of combinations, before points are left out.
    pub fn combinations(&self) -> u64 {
        let lengths = self.groups.iter().map(|group| group.rows.len() as u64);
        lengths.fold(1, u64::saturating_mul)
    }

    /// Whether the combination of these rows, one for each group, is left out.
    pub fn is_excluded(&self, rows: &[usize]) -> bool {
        self.exclusions
            .iter()
            .any(|exclusion| exclusion.matches(rows))
    }

    /// The model of the combination of these rows, one for each group.
    pub fn model(&self, rows: &[usize]) -> ModelSpec {
        let mut model = self.base.clone();
        for (group, row) in self.groups.iter().zip(rows) {
            for (key, value) in group.keys.iter().zip(&group.rows[*row]) {
                let set = model.set(key, value);
                debug_assert_eq!(set, Ok(()), "{key} = {value} was accepted before");
            }
        }
        model
    }

    /// The rows of combination `index` of [`Space::combinations`]; the last group moves fastest.
    pub fn rows(&self, mut index: u64) -> Vec<usize> {
        let mut rows = vec![0; self.groups.len()];
        for (row, group) in rows.iter_mut().zip(&self.groups).rev() {
            let length = group.rows.len() as u64;
            *row = (index % length) as usize;
            index /= length;
        }
        rows
    }
}

/// Combinations that are left out: those with one of the rows in each of the groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exclusion {
    /// (index of a group, its rows that match in ascending order)
    parts: Vec<(usize, Vec<usize>)>,
}

impl Exclusion {
    pub(super) fn new(parts: Vec<(usize, Vec<usize>)>) -> Exclusion {
        Exclusion { parts }
    }

    /// (index of a group, its rows that match in ascending order)
    pub(super) fn parts(&self) -> &[(usize, Vec<usize>)] {
        &self.parts
    }

    /// Whether the combination of these rows, one for each group, is meant.
    pub fn matches(&self, rows: &[usize]) -> bool {
        self.parts
            .iter()
            .all(|(group, matching)| matching.binary_search(&rows[*group]).is_ok())
    }
}
