//! What one asks of a table to set up an experiment on it: what is missing, whether the target is a
//! class, which column groups rows.
//!
//! Invariant: looks at the rows of the view alone, and a guess is never taken for granted here.

use std::collections::{HashMap, HashSet};

use rayon::prelude::{IntoParallelIterator, ParallelIterator};

use sweep_core::data_config::TableFormat;
use sweep_table::Column;

use super::cross_split_duplicates::{codes, compared, names_things};
use super::infer::is_called_identifier;
use super::split_by::split_by_time;
use super::view::{View, ViewColumn};

/// Share of rows that must repeat another for their column to be taken for the group.
const MIN_REPEATED: f64 = 0.005;
/// Distinct values from which a column that is called an identifier may be the group.
const MIN_GROUPS: usize = 20;

/// Distinct times from which rows may be split by them.
const MIN_TIMES: usize = 10;

/// A column whose values seem to stand for things that have several rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LikelyGroup {
    /// Index into the columns of the view.
    pub column: usize,
    /// Rows beyond the first of each value.
    pub repeated: usize,
    /// Whether rows of one value are nearly equal, so that it is wrong to split them. Else the column
    /// is only called like an identifier.
    pub is_duplicated: bool,
}

impl View {
    /// How the files were found to be written, without what is usual.
    pub fn found_format(&self) -> &TableFormat {
        &self.table.found
    }

    /// Rows in which the cell of `column` is missing.
    pub fn missing(&self, column: usize) -> usize {
        match self.table.column(self.columns[column].place) {
            Column::Numbers { values, .. } => {
                let is_missing = |row: &&u32| values[**row as usize].is_nan();
                self.rows.iter().filter(is_missing).count()
            }
            Column::Texts(texts) => {
                let is_missing = |row: &&u32| {
                    let code = texts.codes[**row as usize];
                    texts.is_missing[code as usize]
                };
                self.rows.iter().filter(is_missing).count()
            }
        }
    }

    /// Distinct values of `column`, those that are missing apart.
    pub fn distinct(&self, column: usize) -> usize {
        match self.table.column(self.columns[column].place) {
            Column::Numbers { values, .. } => {
                let values = self.rows.iter().map(|row| values[*row as usize] + 0.0);
                let known = values.filter(|value| !value.is_nan());
                known.map(f64::to_bits).collect::<HashSet<u64>>().len()
            }
            Column::Texts(_) => {
                let codes = self.codes(column).unwrap_or_default();
                codes.into_iter().flatten().collect::<HashSet<u32>>().len()
            }
        }
    }

    /// Whether rows stand in the order of the times of `column`, and a split by it, with `shares` of
    /// validation and test rows, has on each side all classes of at least `min_rows` rows.
    pub fn is_in_order_of(&self, column: usize, shares: (f64, f64), min_rows: usize) -> bool {
        let Some(times) = self.times(column) else {
            return false;
        };
        let (mut rises, mut falls) = (true, true);
        for pair in times.windows(2) {
            rises &= pair[0] <= pair[1];
            falls &= pair[0] >= pair[1];
        }
        let distinct: HashSet<u64> = times.iter().map(|time| time.to_bits()).collect();
        if !(rises || falls) || distinct.len() < MIN_TIMES {
            return false;
        }
        let splits = split_by_time(&times, None, shares, 0);
        let place = |class: &String| self.classes.iter().position(|other| other == class);
        let class_of = |row: &u32| {
            let cell = self.text(*row as usize, self.target?)?;
            place(&cell.into_owned())
        };
        let frequent = |(_, rows): &(usize, usize)| *rows >= min_rows;
        let wanted: Vec<usize> = (self.class_counts().into_iter().enumerate())
            .filter(frequent)
            .map(|(class, _)| class)
            .collect();
        splits.iter().all(|side| {
            let has: HashSet<usize> = side.iter().filter_map(class_of).collect();
            !side.is_empty() && wanted.iter().all(|class| has.contains(class))
        })
    }

    /// Rows of each class, in the order of the classes; empty without a target.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        let Some(target) = self.target else {
            return counts;
        };
        let places: HashMap<&str, usize> =
            (self.classes.iter().map(String::as_str)).zip(0..).collect();
        for row in 0..self.rows() {
            let class = self.text(row, target);
            if let Some(place) = class.and_then(|class| places.get(&*class)) {
                counts[*place] += 1;
            }
        }
        counts
    }

    /// Columns that may be the group, besides target and group: those of duplicated rows first, with
    /// most repeated rows.
    pub fn likely_groups(&self) -> Vec<LikelyGroup> {
        let places = |is_compared: fn(&ViewColumn) -> bool| -> Vec<usize> {
            let columns = self.columns.iter().filter(|column| is_compared(column));
            columns.map(|column| column.place).collect()
        };
        let numbers = places(|column| column.is_feature && column.usage.role == "number");
        let features = compared(numbers, || places(|column| column.is_feature));
        let judge = |column: usize| -> Option<LikelyGroup> {
            let about = &self.columns[column];
            if Some(column) == self.target
                || Some(column) == self.group
                || self.table.is_unnamed(about.place)
            {
                return None;
            }
            let is_called = is_called_identifier(&about.name);
            if about.is_feature && !is_called {
                return None;
            }
            let codes = codes(&self.table, about.place, &self.rows)?;
            let distinct = codes.iter().collect::<HashSet<_>>().len();
            let repeated = codes.len() - distinct;
            let is_duplicated = !about.is_feature
                && repeated as f64 >= MIN_REPEATED * codes.len() as f64
                && repeated > 0
                && names_things(&self.table, &features, &self.rows, &codes);
            let may_be = is_called && repeated > 0 && distinct >= MIN_GROUPS;
            (is_duplicated || may_be).then_some(LikelyGroup {
                column,
                repeated,
                is_duplicated,
            })
        };
        let judged: Vec<Option<LikelyGroup>> =
            (0..self.columns.len()).into_par_iter().map(judge).collect();
        let mut found: Vec<LikelyGroup> = judged.into_iter().flatten().collect();
        found.sort_by_key(|group| {
            let repeated = std::cmp::Reverse(group.repeated);
            (!group.is_duplicated, repeated, group.column)
        });
        found
    }

    /// Whether the column is called as identifiers are.
    pub fn is_called_identifier(&self, column: usize) -> bool {
        is_called_identifier(&self.columns[column].name)
    }
}
