//! Columns that give the target away.
//!
//! Invariant: judged on training rows alone, each by the others, so that a column of near-unique
//! values, such as an identifier, is not accused of knowing the rows it names.

use rayon::prelude::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};

use sweep_core::trial::Task;
use sweep_table::error::quote;

use super::columns::Field;
use super::parse::{Part, Values};
use super::warnings::Note;

/// Share of rows that must have another row of the same value to be judged by.
const MIN_COVERED: f64 = 0.5;
/// Share of the way from chance to certainty from which a column gives the target away.
const MIN_LIFT: f64 = 0.9;
/// Rows that are judged.
const MAX_JUDGED: usize = 50_000;
/// Ranges into which the numbers of a column are cut.
const BINS: usize = 256;

/// A warning for each field whose value alone names the class of nearly all training rows.
pub(super) fn notes(
    (target, task): (&str, Task),
    fields: &[Field],
    part: &Part<'_>,
    labels: &[u32],
    groups: Option<&[u32]>,
    train: &[u32],
) -> Vec<Note> {
    let judged = few_of(one_of_each_group(train, groups));
    let labels: Vec<u32> = judged.iter().map(|place| labels[*place as usize]).collect();
    let rows: Vec<usize> = judged
        .iter()
        .map(|place| part.rows[*place as usize] as usize)
        .collect();
    let verdict = |(field, values): (&Field, &Values<'_>)| {
        // A column of text may stand in several fields: it is judged, as a whole, in the first.
        let first = fields.iter().find(|other| other.column == field.column)?;
        if first.key != field.key {
            return None;
        }
        let ways = match values {
            Values::Numbers { values, .. } => {
                let values: Vec<f64> = rows.iter().map(|row| values[*row]).collect();
                let ranks = ranks(&values);
                let width = values.len().div_ceil(BINS).max(1) as u32;
                let ranges = ranks.iter().map(|rank| rank / width).collect();
                vec![ranks, ranges]
            }
            Values::Texts(texts) | Values::Dates { texts, .. } => {
                vec![rows.iter().map(|row| texts.codes[*row]).collect()]
            }
        };
        let best = ways
            .iter()
            .filter_map(|codes| purity(codes, &labels))
            .max_by(|a, b| a.lift().total_cmp(&b.lift()))?;
        (best.lift() >= MIN_LIFT).then(|| {
            let (column, target) = (quote(&field.name), quote(target));
            let (right, chance) = (100.0 * best.right, 100.0 * best.chance);
            Note::warning(match task {
                Task::Classification => format!(
                    "column {column} gives the target {target} away: its value alone names the class of \
                     {right:.1}% of the training rows, where always naming the most frequent class is right \
                     for {chance:.1}%; leave it out unless it is known before the class is"
                ),
                Task::Regression => format!(
                    "column {column} gives the target {target} away: its value alone tells in which tenth of \
                     the target {right:.1}% of the training rows are; leave it out unless it is known before \
                     the target is"
                ),
            })
            .key(field.key.clone())
            .leave_out(&field.name)
        })
    };
    let found: Vec<Option<Note>> = fields.par_iter().zip(&part.values).map(verdict).collect();
    found.into_iter().flatten().collect()
}

/// How well the value of a column names the class.
struct Purity {
    /// Share of rows whose class is the most frequent one among the other rows of the same value.
    right: f64,
    /// Share of the most frequent class.
    chance: f64,
}

impl Purity {
    fn lift(&self) -> f64 {
        if self.chance < 1.0 {
            (self.right - self.chance) / (1.0 - self.chance)
        } else {
            0.0
        }
    }
}

/// Judges each row by the other rows with its code; nothing if too few rows have company.
fn purity(codes: &[u32], labels: &[u32]) -> Option<Purity> {
    let mut pairs: Vec<(u32, u32)> = codes.iter().copied().zip(labels.iter().copied()).collect();
    pairs.sort_unstable();
    let classes = labels.iter().max().map_or(0, |most| *most as usize + 1);
    let mut totals = vec![0usize; classes];
    let (mut covered, mut right) = (0usize, 0usize);
    for same in pairs
        .chunk_by(|a, b| a.0 == b.0)
        .filter(|same| same.len() > 1)
    {
        covered += same.len();
        // Sizes of the two most frequent classes among the rows of this value.
        let (mut most, mut second) = (0, 0);
        for class in same.chunk_by(|a, b| a.1 == b.1) {
            totals[class[0].1 as usize] += class.len();
            second = second.max(class.len().min(most));
            most = most.max(class.len());
        }
        // A row of the leading class is named right if that class still leads without it.
        if most > second + 1 {
            right += most;
        }
    }
    let enough = covered as f64 >= MIN_COVERED * codes.len() as f64 && covered > 0;
    enough.then(|| Purity {
        right: right as f64 / covered as f64,
        chance: totals.iter().max().copied().unwrap_or(0) as f64 / covered as f64,
    })
}

/// The first row of each group: rows of one group would vouch for each other.
fn one_of_each_group(train: &[u32], groups: Option<&[u32]>) -> Vec<u32> {
    let Some(groups) = groups else {
        return train.to_vec();
    };
    let mut seen = vec![false; groups.iter().max().map_or(0, |most| *most as usize + 1)];
    let first = |row: &&u32| !std::mem::replace(&mut seen[groups[**row as usize] as usize], true);
    train.iter().filter(first).copied().collect()
}

/// The rank of the first of its equals for each value; what is missing counts as a value.
fn ranks(values: &[f64]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..values.len() as u32).collect();
    let value = |place: u32| values[place as usize];
    order.sort_unstable_by(|a, b| value(*a).total_cmp(&value(*b)));
    let mut codes = vec![0; values.len()];
    let mut first = 0;
    for rank in 0..order.len() {
        if rank > 0 && value(order[rank]) != value(order[rank - 1]) {
            first = rank;
        }
        codes[order[rank] as usize] = first as u32;
    }
    codes
}

/// At most [`MAX_JUDGED`] of `places`, evenly spread: a share is known well enough from those.
fn few_of(places: Vec<u32>) -> Vec<u32> {
    let step = places.len().div_ceil(MAX_JUDGED).max(1);
    places.into_iter().step_by(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_decides_the_class_is_pure_and_an_identifier_is_not_judged() {
        let labels: Vec<u32> = (0..1000).map(|row| row % 5).collect();
        let deciding: Vec<u32> = (0..1000).map(|row| row % 5 + 5 * (row % 3)).collect();
        assert_eq!(purity(&deciding, &labels).unwrap().lift(), 1.0);
        let identifier: Vec<u32> = (0..1000).collect();
        assert!(purity(&identifier, &labels).is_none());
        let unrelated: Vec<u32> = (0..1000).map(|row| row / 5 % 4).collect();
        assert!(purity(&unrelated, &labels).unwrap().lift() < 0.05);
    }

    #[test]
    fn numbers_near_each_other_share_a_range() {
        let values: Vec<f64> = (0..10_000).map(|row| f64::from(row) / 7.0).collect();
        let labels: Vec<u32> = (0..10_000).map(|row| row / 2500).collect();
        assert!(purity(&ranks(&values), &labels).is_none());
        let ranges: Vec<u32> = ranks(&values).iter().map(|rank| rank / 40).collect();
        assert!(purity(&ranges, &labels).unwrap().lift() > 0.95);
    }
}
