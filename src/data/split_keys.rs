//! What decides on the split besides the seed: the time of each row, or the side that it names.
//!
//! Invariant: there is one for every place, and times are finite.

use std::collections::HashMap;

use jiff::civil::DateTime;

use sweep_core::data_config::DataSpec;
use sweep_core::format::pluralize;
use sweep_core::split_spec::SplitBy;
use sweep_table::date::{DateFormat, Guess};
use sweep_table::error::quote;
use sweep_table::{Column, DataError, NumberStyle, Table, Texts};

use super::cells::in_order;
use super::columns::{Form, Roles};
use super::date_fields::either;
use super::parse::{Part, texts};
use super::split::{SPLITS, TEST, TRAIN, VALID};

/// What cells of a column that names sides may read, and the side.
const SIDES: [(&str, usize); 6] = [
    ("train", TRAIN),
    ("training", TRAIN),
    ("valid", VALID),
    ("validation", VALID),
    ("val", VALID),
    ("test", TEST),
];
const ALLOWED: &str =
    "allowed: train, valid (or validation), test; `exclude` leaves rows of other values out";

/// What decides on the split, by place.
pub(super) enum SplitKeys {
    /// Nothing but the seed.
    Chance,
    Times {
        /// Numbers that rise with time.
        times: Vec<f64>,
        /// How many different times before the first validation row are not trained on.
        gap: u32,
    },
    Sides(Vec<u8>),
    Folds {
        /// Indices into `names`; `None` for a test row.
        of_rows: Vec<Option<u32>>,
        names: Vec<String>,
    },
}

impl SplitKeys {
    /// Of the rows of `part`; nothing of a test file, whose rows are all on one side.
    pub fn read(
        spec: &DataSpec,
        table: &Table,
        roles: &Roles,
        part: &Part<'_>,
    ) -> Result<SplitKeys, Vec<DataError>> {
        let Some(column) = roles.split else {
            return Ok(SplitKeys::Chance);
        };
        let keys = match &spec.split.by {
            SplitBy::Chance => Ok(SplitKeys::Chance),
            SplitBy::Time { format, gap, .. } => {
                let format = format_of(format.as_deref(), roles, column);
                let times = times(table, column, format, part);
                times.map(|times| SplitKeys::Times { times, gap: *gap })
            }
            SplitBy::FoldColumn(_) => folds(table, column, part, spec.split.test_path.is_some()),
            SplitBy::Column(_) => {
                let has_file = spec.split.test_path.is_some();
                sides(table, column, part, has_file).map(SplitKeys::Sides)
            }
        };
        let name = &table.names[column];
        keys.map_err(|error| vec![error.key(spec.split.by.key()).column(name)])
    }
}

/// How the times are written, if the experiment says so, or a field of the same column does.
fn format_of(given: Option<&str>, roles: &Roles, column: usize) -> Option<DateFormat> {
    let fields = roles.fields.iter();
    let mut own = fields.filter_map(|field| match &field.form {
        Form::Date { format, .. } if field.column == column => Some(format.clone()),
        _ => None,
    });
    given.map(DateFormat::named).or_else(|| own.next())
}

fn times(
    table: &Table,
    column: usize,
    format: Option<DateFormat>,
    part: &Part<'_>,
) -> Result<Vec<f64>, DataError> {
    let texts = match table.column(column) {
        Column::Numbers { values, .. } => {
            let values = part.rows.iter().map(|row| (*row, values[*row as usize]));
            let finite = |(row, value): (u32, f64)| match value.is_finite() {
                true => Ok(value + 0.0),
                false => {
                    let message = format!("{value} is no time");
                    Err(table.error_at(row, message, "correct the cell, or exclude the row"))
                }
            };
            return values.map(finite).collect();
        }
        Column::Texts(texts) => texts,
    };
    let levels = match format {
        Some(format) => by_format(texts, &format),
        None => {
            found(texts).map_err(|(message, help)| DataError::new(&table.path, message, help))?
        }
    };
    let time = |row: &u32| {
        levels[texts.codes[*row as usize] as usize].ok_or_else(|| {
            let message = format!(
                "{} is no date of this column",
                quote(texts.cell(*row as usize))
            );
            let help =
                "correct the cell, exclude the row, or set `time_format` to how dates are written";
            table.error_at(*row, message, help)
        })
    };
    part.rows.iter().map(time).collect()
}

/// The time of each level of a column of dates, written in `format` if that is known.
pub(super) fn level_times(texts: &Texts, format: Option<&DateFormat>) -> Option<Vec<Option<f64>>> {
    match format {
        Some(format) => Some(by_format(texts, format)),
        None => found(texts).ok(),
    }
}

/// The time of each level: dates by their rank, so that no precision is lost.
fn by_format(texts: &Texts, format: &DateFormat) -> Vec<Option<f64>> {
    ranked(texts, |level| format.parse(level))
}

fn ranked(texts: &Texts, parse: impl Fn(&str) -> Option<DateTime>) -> Vec<Option<f64>> {
    let levels = texts.levels.iter().zip(&texts.is_missing);
    let moments: Vec<Option<DateTime>> = levels
        .map(|(level, is_missing)| if *is_missing { None } else { parse(level) })
        .collect();
    let mut order: Vec<DateTime> = moments.iter().flatten().copied().collect();
    order.sort_unstable();
    order.dedup();
    let rank = |moment: DateTime| order.partition_point(|other| *other < moment) as f64;
    moments.into_iter().map(|moment| moment.map(rank)).collect()
}

/// The time of each level, written as dates of any known kind, years and months, or numbers.
fn found(texts: &Texts) -> Result<Vec<Option<f64>>, (String, String)> {
    let levels = || texts.present_levels().map(|(_, level)| level);
    if levels().all(|level| month(level).is_some()) {
        return Ok(ranked(texts, month));
    }
    match DateFormat::guess(levels().collect::<Vec<_>>().into_iter()) {
        Guess::Found(format) => Ok(by_format(texts, &format)),
        Guess::Ambiguous(formats) => Err((
            format!("the dates may be written as {}", either(&formats)),
            format!("say which: `time_format = {}` in `split`", quoted(&formats[0])),
        )),
        Guess::NoDates => numbers(texts).ok_or_else(|| {
            let message = "the cells are neither numbers nor dates of one kind";
            let help = "name a column of dates or numbers, correct the cells, or set `time_format` in \
                        `split`";
            (message.to_owned(), help.to_owned())
        }),
    }
}

fn numbers(texts: &Texts) -> Option<Vec<Option<f64>>> {
    let style = NumberStyle::find(texts.present_levels().map(|(_, level)| level), None)?;
    let number = |(level, is_missing): (&str, &bool)| match is_missing {
        true => None,
        false => style.number(level).filter(|number| number.is_finite()),
    };
    let levels = texts.levels.iter().zip(&texts.is_missing);
    Some(levels.map(number).collect())
}

fn quoted(format: &str) -> String {
    sweep_core::format::toml_string(format)
}

/// `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
fn month(cell: &str) -> Option<DateTime> {
    let cell = cell.trim();
    DateFormat::Iso
        .parse(cell)
        .or_else(|| DateFormat::Iso.parse(&format!("{cell}-01")))
        .or_else(|| DateFormat::Iso.parse(&format!("{cell}-01-01")))
}

/// The fold of each row by the cells of `column`, none of which is missing: names in the order in which people count, and
/// `test`.
fn folds(
    table: &Table,
    column: usize,
    part: &Part<'_>,
    has_test_file: bool,
) -> Result<SplitKeys, DataError> {
    let texts = texts(table, column);
    let is_test = |cell: &str| cell.trim().eq_ignore_ascii_case(SPLITS[TEST]);
    let cell = |row: &u32| texts.present(*row as usize);
    let named = part.rows.iter().filter_map(cell).map(str::trim);
    let names = in_order(named.filter(|cell| !is_test(cell)));
    let places: HashMap<&str, u32> = (names.iter().copied()).zip(0..).collect();
    let fold = |row: &u32| places.get(cell(row)?.trim()).copied();
    let of_rows: Vec<Option<u32>> = part.rows.iter().map(fold).collect();
    if has_test_file && let Some(place) = of_rows.iter().position(Option::is_none) {
        return Err(test_row_twice(table, part.rows[place]));
    }
    Ok(SplitKeys::Folds {
        of_rows,
        names: names.into_iter().map(str::to_owned).collect(),
    })
}

fn test_row_twice(table: &Table, row: u32) -> DataError {
    let message = "this is a test row, and `test_path` names a file of test rows".to_owned();
    let help = "remove `test_path`, or leave the test rows of this file out with `exclude`";
    table.error_at(row, message, help)
}

fn sides(
    table: &Table,
    column: usize,
    part: &Part<'_>,
    has_test_file: bool,
) -> Result<Vec<u8>, DataError> {
    let texts = texts(table, column);
    let side = |level: &str| {
        let level = level.trim().to_lowercase();
        let found = SIDES.iter().find(|(name, _)| *name == level);
        found.map(|(_, side)| *side as u8)
    };
    let levels: Vec<Option<u8>> = texts.levels.iter().map(side).collect();
    let side_of = |row: &u32| levels[texts.codes[*row as usize] as usize];
    let mut sides = Vec::with_capacity(part.rows.len());
    for row in &part.rows {
        let Some(side) = side_of(row) else {
            let bad = part
                .rows
                .iter()
                .filter(|row| side_of(row).is_none())
                .count();
            let cell = texts.cell(*row as usize);
            let more = match bad {
                1 => String::new(),
                _ => format!(" (and {} further down)", pluralize(bad - 1, "more cell")),
            };
            let message = format!("{} names no side of the split{more}", quote(cell));
            return Err(table.error_at(*row, message, ALLOWED));
        };
        if usize::from(side) == TEST && has_test_file {
            return Err(test_row_twice(table, *row));
        }
        sides.push(side);
    }
    Ok(sides)
}
