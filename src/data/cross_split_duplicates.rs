//! Rows of one thing in two splits, which make test scores look better than they are.
//!
//! Invariant: says what was found in the data; changes nothing.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use rayon::prelude::{IntoParallelIterator, ParallelIterator};

use super::columns::Roles;
use super::error::{pluralize, quote};
use super::table::Table;
use super::warnings::Note;

/// Share of distinct values from which a column looks like an identifier.
const MIN_DISTINCT: f64 = 0.5;
/// Share of held-out rows that must cross_split_duplicates for a group column to be worth naming.
const MIN_DUPLICATED: f64 = 0.005;
/// Share of feature cells in which two rows of one value must agree to be the same thing twice.
const MIN_AGREEMENT: f64 = 0.9;
/// Pairs of rows, and columns of each, that are compared for that.
const MAX_PAIRS: usize = 2000;
const MAX_COMPARED: usize = 64;

/// Held-out rows whose features equal, bit for bit, those of a training row.
pub(super) fn identical(width: usize, train: &[f32], held_out: &[f32]) -> usize {
    let state = RandomState::new();
    let hash = |row: &[f32]| state.hash_one(row.iter().map(|x| x.to_bits()).collect::<Vec<u32>>());
    let known: HashSet<u64> = train.chunks_exact(width).map(hash).collect();
    held_out
        .chunks_exact(width)
        .filter(|row| known.contains(&hash(row)))
        .count()
}

/// A column outside the experiment that looks like the identifier of things that stand in several
/// rows, and so should be the group: the one with most rows of `held_out` whose value stands in
/// `train` too. `rows` are the rows of the table; `train` and `held_out` are places in it.
pub(super) fn suggest_group(
    table: &Table,
    roles: &Roles,
    rows: &[u32],
    train: &[u32],
    held_out: &[u32],
) -> Option<Note> {
    let free = |column: &usize| {
        *column != roles.target
            && !table.names[*column].is_empty()
            && roles.fields.iter().all(|field| field.column != *column)
    };
    let judge = |column: usize| {
        let duplicated = duplicated(table, roles, column, rows, train, held_out)?;
        Some((duplicated, column))
    };
    let found: Vec<Option<(usize, usize)>> = (0..table.names.len())
        .into_par_iter()
        .filter(free)
        .map(judge)
        .collect();
    let (duplicated, column) = found
        .into_iter()
        .flatten()
        .max_by_key(|(number, column)| (*number, std::cmp::Reverse(*column)))?;
    let name = &table.names[column];
    Some(
        Note::warning(format!(
            "{} of {} ({:.1}%) are duplicates of training rows: they have the same {} and features. \
             Scores will look better than they are; `group = {}` keeps such rows in one split",
            pluralize(duplicated, "held-out row"),
            held_out.len(),
            100.0 * duplicated as f64 / held_out.len() as f64,
            quote(name),
            quote(name).replace('`', "\"")
        ))
        .key("data.group"),
    )
}

/// The number of held-out rows that share their value of `column` with a training row, if the
/// column looks like the identifier of what the rows are about.
fn duplicated(
    table: &Table,
    roles: &Roles,
    column: usize,
    rows: &[u32],
    train: &[u32],
    held_out: &[u32],
) -> Option<usize> {
    let mut first: HashMap<&str, u32> = HashMap::with_capacity(rows.len());
    let (mut compared, mut agreeing) = (0usize, 0usize);
    let mut pairs = 0;
    for row in rows {
        let value = table.present(*row, column)?;
        let earlier = *first.entry(value).or_insert(*row);
        if earlier != *row && pairs < MAX_PAIRS {
            pairs += 1;
            for field in roles.fields.iter().take(MAX_COMPARED) {
                compared += 1;
                let same = table.cell(earlier, field.column) == table.cell(*row, field.column);
                agreeing += usize::from(same);
            }
        }
    }
    let identifies = first.len() as f64 >= MIN_DISTINCT * rows.len() as f64;
    let agree = pairs > 0 && agreeing as f64 >= MIN_AGREEMENT * compared as f64;
    if !(identifies && agree) {
        return None;
    }
    let value = |place: &u32| table.cell(rows[*place as usize], column);
    let known: HashSet<&str> = train.iter().map(value).collect();
    let duplicated = held_out
        .iter()
        .filter(|place| known.contains(value(place)))
        .count();
    (duplicated as f64 >= MIN_DUPLICATED * held_out.len() as f64 && duplicated > 0)
        .then_some(duplicated)
}
