//! Rows that repeat: whole rows, rows of one group, rows with the same features; and how many of
//! their classes can be named right at all.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use rayon::prelude::{IntoParallelIterator, ParallelIterator};
use serde::Serialize;

use super::codes::{Labels, NONE};
use sweep_data::View;

/// Rows that equal others in every column of the file, letter by letter; missing equals missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Duplicates {
    /// Rows that equal an earlier one.
    pub repeated: usize,
    /// Different rows that stand more than once.
    pub sets: usize,
}

/// Rows that belong together: how many, and with how many classes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Conflicts {
    /// The columns in which such rows are equal.
    pub columns: Vec<String>,
    /// Rows that belong to a set.
    pub rows: usize,
    /// Sets of rows that belong together; a row alone is one.
    pub sets: usize,
    /// Sets of more than one row.
    pub repeated_sets: usize,
    /// Rows of the largest set.
    pub largest: usize,
    /// Sets by the number of their classes, from 1; empty without a target.
    pub by_labels: Vec<WithLabels>,
    /// The best accuracy of anyone who gives all rows of a set the same class: each set its most
    /// frequent one. Over rows with a class; `None` without a target.
    pub bound: Option<f64>,
}

/// Sets with so many classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct WithLabels {
    pub labels: usize,
    pub sets: usize,
    pub rows: usize,
}

impl Conflicts {
    /// Sets, and rows in them, that have more than one class.
    pub fn torn(&self) -> (usize, usize) {
        let torn = self.by_labels.iter().filter(|with| with.labels > 1);
        torn.fold((0, 0), |(sets, rows), with| {
            (sets + with.sets, rows + with.rows)
        })
    }
}

pub(super) fn duplicates(view: &View) -> Duplicates {
    let hashes: Vec<u64> = (0..view.rows())
        .into_par_iter()
        .map(|row| {
            let mut hasher = DefaultHasher::new();
            view.whole_row(row).for_each(|cell| cell.hash(&mut hasher));
            hasher.finish()
        })
        .collect();
    // By hash, the rows that stand for each different one, and how often it stands.
    let mut known: HashMap<u64, Vec<(usize, usize)>> = HashMap::with_capacity(view.rows());
    for (row, hash) in hashes.into_iter().enumerate() {
        let alike = known.entry(hash).or_default();
        let found = alike
            .iter_mut()
            .find(|(first, _)| view.whole_row(*first).eq(view.whole_row(row)));
        match found {
            Some((_, times)) => *times += 1,
            None => alike.push((row, 1)),
        }
    }
    let mut duplicates = Duplicates {
        repeated: 0,
        sets: 0,
    };
    for (_, times) in known.into_values().flatten() {
        duplicates.repeated += times - 1;
        duplicates.sets += usize::from(times > 1);
    }
    duplicates
}

/// A number for each row, the same for rows with the same code in every one of `columns`; and how
/// many there are. Missing equals missing.
pub(super) fn sets(columns: &[&[u32]]) -> (Vec<u32>, usize) {
    let rows = columns.first().map_or(0, |codes| codes.len());
    let mut sets = vec![0u32; rows];
    let mut number = usize::from(rows > 0);
    for codes in columns {
        let mut known: HashMap<(u32, u32), u32> = HashMap::with_capacity(number);
        for (set, code) in sets.iter_mut().zip(*codes) {
            let next = known.len() as u32;
            *set = *known.entry((*set, *code)).or_insert(next);
        }
        number = known.len();
    }
    (sets, number)
}

/// Looks at the classes of rows with the same number in `sets`, which is [`NONE`] for rows that
/// belong nowhere and else below `number`.
pub(super) fn conflicts(
    columns: Vec<String>,
    sets: Vec<u32>,
    number: usize,
    labels: Option<&Labels>,
) -> Conflicts {
    let mut sizes = vec![0usize; number];
    for set in sets.iter().filter(|set| **set != NONE) {
        sizes[*set as usize] += 1;
    }
    let mut conflicts = Conflicts {
        columns,
        rows: sizes.iter().sum(),
        sets: sizes.iter().filter(|size| **size > 0).count(),
        repeated_sets: sizes.iter().filter(|size| **size > 1).count(),
        largest: sizes.iter().copied().max().unwrap_or(0),
        by_labels: Vec::new(),
        bound: None,
    };
    let Some(labels) = labels else {
        return conflicts;
    };
    let mut pairs: Vec<(u32, u32)> = (sets.iter().copied())
        .zip(labels.codes.iter().copied())
        .filter(|(set, class)| *set != NONE && *class != NONE)
        .collect();
    pairs.sort_unstable();
    let mut by_labels: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    let mut right = 0;
    for set in pairs.chunk_by(|a, b| a.0 == b.0) {
        let classes = set.chunk_by(|a, b| a.1 == b.1);
        let entry = by_labels.entry(classes.clone().count()).or_default();
        entry.0 += 1;
        entry.1 += set.len();
        right += classes.map(<[_]>::len).max().unwrap_or(0);
    }
    conflicts.by_labels = by_labels
        .into_iter()
        .map(|(labels, (sets, rows))| WithLabels { labels, sets, rows })
        .collect();
    conflicts.bound = (!pairs.is_empty()).then(|| right as f64 / pairs.len() as f64);
    conflicts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_what_naming_the_most_frequent_class_of_each_set_gets() {
        let labels = Labels {
            codes: vec![0, 0, 1, 2, 1, 1, NONE, 0],
            classes: 3,
        };
        let found = conflicts(
            vec!["id".to_owned()],
            vec![0, 0, 0, 0, 1, 1, 1, NONE],
            2,
            Some(&labels),
        );
        assert_eq!((found.rows, found.sets, found.largest), (7, 2, 4));
        // Of six rows with a set and a class, two of the first four and both of the others.
        assert_eq!(found.bound, Some(4.0 / 6.0));
        let with = |labels, sets, rows| WithLabels { labels, sets, rows };
        assert_eq!(found.by_labels, [with(1, 1, 2), with(3, 1, 4)]);
        assert_eq!(found.torn(), (1, 4));
    }

    #[test]
    fn rows_are_one_set_when_every_code_is_equal() {
        let (sets, number) = sets(&[&[0, 0, 1, 0, NONE], &[5, 6, 5, 5, 5]]);
        assert_eq!(sets, [0, 1, 2, 0, 3]);
        assert_eq!(number, 4);
    }
}
