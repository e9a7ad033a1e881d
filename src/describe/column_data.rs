//! A column of a view with what several statistics need of it.

use super::codes::codes;
use super::number::Numbers;
use sweep_data::{ColumnKind, View};

/// A column of the view with what several statistics need of it.
pub(super) struct ColumnData<'a> {
    pub(super) name: &'a str,
    /// What its numbers are called: as the features of an experiment, so a date's are `name.year`.
    pub(super) number_name: String,
    pub(super) kind: ColumnKind,
    /// For columns that are numbers, or dates (their years).
    pub(super) numbers: Option<Numbers>,
    /// The code of each row's value, below `levels`, or [`NONE`].
    pub(super) codes: Vec<u32>,
    pub(super) levels: usize,
}

impl ColumnData<'_> {
    pub(super) fn of(view: &View, column: usize) -> ColumnData<'_> {
        let about = &view.columns[column];
        let numbers = view.numbers(column).map(Numbers::new);
        let (codes, levels) = match (&numbers, about.kind) {
            (Some(numbers), ColumnKind::Number) => numbers.codes(),
            _ => codes(view.codes(column).unwrap_or_default()),
        };
        ColumnData {
            name: &about.name,
            number_name: match about.kind {
                ColumnKind::Date => year_name(&about.name),
                _ => about.name.clone(),
            },
            kind: about.kind,
            numbers,
            codes,
            levels,
        }
    }
}

/// What the years of the dates in column `name` are called.
pub(super) fn year_name(name: &str) -> String {
    format!("{name}.year")
}
