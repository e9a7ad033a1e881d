//! Rows of one thing in two splits, which make test scores look better than they are.
//!
//! Invariant: says what was found in the data; changes nothing.

use std::collections::HashMap;

use rayon::prelude::{IntoParallelIterator, ParallelIterator};

use sweep_core::format::pluralize;
use sweep_table::error::quote;
use sweep_table::{Column, Table};

use super::columns::{Form, Roles};
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
/// Numbers that are enough to compare rows by.
const MIN_NUMBERS: usize = 3;

/// Held-out rows whose features equal those of a training row, by the hashes of both.
pub(super) fn identical(train: &[u64], held_out: &[u64]) -> usize {
    let mut known = train.to_vec();
    known.sort_unstable();
    let is_known = |hash: &&u64| known.binary_search(hash).is_ok();
    held_out.iter().filter(is_known).count()
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
            && !table.is_unnamed(*column)
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
    let codes = codes(table, column, rows)?;
    if !names_things(table, &feature_columns(roles), rows, &codes) {
        return None;
    }
    let values = codes.iter().max().map_or(0, |most| *most as usize + 1);
    let mut is_known = vec![false; values];
    for place in train {
        is_known[codes[*place as usize] as usize] = true;
    }
    let is_known = |place: &&u32| is_known[codes[**place as usize] as usize];
    let duplicated = held_out.iter().filter(is_known).count();
    (duplicated as f64 >= MIN_DUPLICATED * held_out.len() as f64 && duplicated > 0)
        .then_some(duplicated)
}

fn feature_columns(roles: &Roles) -> Vec<usize> {
    let numbers = roles
        .fields
        .iter()
        .filter(|field| field.form == Form::Number);
    let numbers = numbers.map(|field| field.column).collect();
    compared(numbers, || {
        roles.fields.iter().map(|field| field.column).collect()
    })
}

/// The features by which rows of one thing are known: its numbers if there are a few, since a
/// category may be what differs from row to row, such as the list in which the thing stands.
pub(super) fn compared(numbers: Vec<usize>, all: impl FnOnce() -> Vec<usize>) -> Vec<usize> {
    match numbers.len() >= MIN_NUMBERS {
        true => numbers,
        false => all(),
    }
}

/// Whether a column with these `codes` looks like the identifier of what the rows are about: most of
/// its values differ, and rows that share one agree in nearly all `features`.
pub(super) fn names_things(table: &Table, features: &[usize], rows: &[u32], codes: &[u32]) -> bool {
    let values = codes.iter().max().map_or(0, |most| *most as usize + 1);
    let mut first: Vec<Option<u32>> = vec![None; values];
    let mut distinct = 0;
    let (mut compared, mut agreeing, mut pairs) = (0usize, 0usize, 0);
    for (row, code) in rows.iter().zip(codes) {
        match first[*code as usize] {
            None => {
                first[*code as usize] = Some(*row);
                distinct += 1;
            }
            Some(earlier) if pairs < MAX_PAIRS => {
                pairs += 1;
                for column in features.iter().take(MAX_COMPARED) {
                    compared += 1;
                    agreeing += usize::from(is_equal(table, *column, earlier, *row));
                }
            }
            Some(_) => {}
        }
    }
    let identifies = distinct as f64 >= MIN_DISTINCT * rows.len() as f64;
    identifies && pairs > 0 && agreeing as f64 >= MIN_AGREEMENT * compared as f64
}

/// A number for each of `rows`, equal for equal values of the column; `None` if one is missing.
pub(super) fn codes(table: &Table, column: usize, rows: &[u32]) -> Option<Vec<u32>> {
    match table.column(column) {
        Column::Texts(texts) => {
            let code = |row: &u32| {
                let code = texts.codes[*row as usize];
                (!texts.is_missing[code as usize]).then_some(code)
            };
            rows.iter().map(code).collect()
        }
        Column::Numbers { values, .. } => {
            let mut known: HashMap<u64, u32> = HashMap::with_capacity(rows.len());
            let mut code = |row: &u32| {
                let value = values[*row as usize];
                let next = known.len() as u32;
                let key = (value + 0.0).to_bits();
                (!value.is_nan()).then(|| *known.entry(key).or_insert(next))
            };
            rows.iter().map(&mut code).collect()
        }
    }
}

/// Whether two rows have the same cell in `column`.
fn is_equal(table: &Table, column: usize, one: u32, other: u32) -> bool {
    let (one, other) = (one as usize, other as usize);
    match table.column(column) {
        Column::Texts(texts) => texts.codes[one] == texts.codes[other],
        Column::Numbers { values, .. } => {
            values[one] == values[other] || (values[one].is_nan() && values[other].is_nan())
        }
    }
}
