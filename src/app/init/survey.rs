//! What an experiment has to say about a table, found from its view.
//!
//! Invariant: plain values; how they are written is decided in `compose` and `settings`.

use std::path::PathBuf;

use sweep_core::data_config::TableFormat;
use sweep_core::sanitize::sanitize;
use sweep_data::{ColumnUse, View};

use super::layout::quoted;
use super::options::Options;
use super::uses::Uses;
use crate::error::Error;

/// Rows that a class needs so that training, validation and test rows all have some.
const MIN_ROWS: usize = 5;
/// Shares of validation and test rows that are written.
const SHARES: (f64, f64) = (0.2, 0.2);
/// Times the smallest number that the largest is, and times the median that the mean is, from which a target is skewed.
const SKEWED_RANGE: f64 = 20.0;
const SKEWED_MEAN: f64 = 1.25;
/// Columns of a table without a header up to which they are named.
const MAX_NAMED: usize = 40;
/// Columns that an error explains.
const MAX_EXPLAINED: usize = 5;

/// A table, as far as an experiment depends on it.
#[derive(Debug, Clone)]
pub(super) struct Survey {
    /// As they were given.
    pub paths: Vec<String>,
    pub rows: usize,
    pub target: String,
    /// What is known of a target that is a number.
    pub number: Option<Number>,
    /// Names and rows of the classes that can be learned.
    pub classes: Vec<(String, usize)>,
    /// Names of those with too few rows.
    pub rare: Vec<String>,
    /// What the columns are taken as when nothing is said of them.
    pub columns: Vec<ColumnUse>,
    /// By column.
    pub counts: Vec<Counts>,
    pub group: Group,
    /// Columns in use with missing cells, besides target and group.
    pub with_missing: usize,
    /// Target and group, if they have missing cells: their rows are dropped.
    pub dropped_for: Vec<String>,
    /// Columns of dates in use.
    pub dates: Vec<String>,
    /// The one of them in whose order the rows stand, so that the split goes by it.
    pub time: Option<String>,
    /// Numbers in use.
    pub numbers: usize,
    pub uses: Uses,
    /// How the table is written, where that is given or not the usual.
    pub format: TableFormat,
}

/// A target that is a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Number {
    pub low: f64,
    pub median: f64,
    pub high: f64,
    /// Whether it is above 0, and its mean far above its median: errors by ratio suit it.
    pub is_skewed: bool,
}

impl Number {
    /// Of the numbers that are there; `None` without any.
    fn of(mut numbers: Vec<f64>) -> Option<Number> {
        numbers.retain(|number| number.is_finite());
        numbers.sort_unstable_by(f64::total_cmp);
        let (low, high) = (*numbers.first()?, *numbers.last()?);
        let median = numbers[numbers.len() / 2];
        let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
        Some(Number {
            low,
            median,
            high,
            is_skewed: low > 0.0 && high > SKEWED_RANGE * low && mean > SKEWED_MEAN * median,
        })
    }
}

/// Cells of a column.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub missing: usize,
    /// Distinct values of a category; 0 for other columns.
    pub distinct: usize,
}

/// The column that keeps rows together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Group {
    None,
    /// It was given.
    Given(String),
    /// It was found: rows of one value are nearly equal.
    Found {
        name: String,
        repeated: usize,
    },
    /// It is only called so, and its values repeat.
    Perhaps(String),
}

impl Survey {
    /// What `view`, whose target is the column `target`, and `options` say.
    ///
    /// # Errors
    /// A path that is no text; too few rows or nothing to learn from.
    pub fn of(view: &View, target: usize, options: &Options) -> Result<Survey, Error> {
        let with_role = |role: &str| -> Vec<String> {
            let columns = view.columns.iter();
            let columns = columns.filter(|column| column.usage.role == role);
            columns.map(|column| column.name.clone()).collect()
        };
        let keys = [Some(target), view.group].into_iter().flatten();
        let with_missing = (0..view.columns.len())
            .filter(|column| view.columns[*column].is_feature && view.missing(*column) > 0);
        let (classes, rare): (Vec<_>, Vec<_>) = (view.classes.iter().cloned())
            .zip(view.class_counts())
            .partition(|(_, rows)| *rows >= MIN_ROWS);
        let (found, given) = (view.found_format(), &options.format);
        let survey = Survey {
            number: match view.is_target_number {
                true => view.numbers(target).and_then(Number::of),
                false => None,
            },
            paths: paths(&options.tables)?,
            rows: view.rows(),
            target: view.columns[target].name.clone(),
            classes,
            rare: rare.into_iter().map(|(class, _)| class).collect(),
            columns: view
                .columns
                .iter()
                .map(|column| column.usage.clone())
                .collect(),
            counts: (0..view.columns.len())
                .map(|column| counts(view, column))
                .collect(),
            group: group(view),
            with_missing: with_missing.count(),
            dropped_for: keys
                .filter(|column| view.missing(*column) > 0)
                .map(|column| view.columns[column].name.clone())
                .collect(),
            time: time(view),
            dates: [with_role("date"), with_role("year")].concat(),
            numbers: with_role("number").len(),
            uses: Uses::of(view),
            format: TableFormat {
                delimiter: given.delimiter.or(found.delimiter),
                decimal: given.decimal,
                encoding: given.encoding.or(found.encoding),
                header: given.header.or(found.header),
                columns: (found.columns.clone()).filter(|names| names.len() <= MAX_NAMED),
                missing_values: given.missing_values.clone(),
                ..TableFormat::default()
            },
        };
        survey.check()?;
        Ok(survey)
    }

    /// Rows of the most frequent class, as a share of all that are kept.
    pub fn majority(&self) -> f64 {
        let counts = || self.classes.iter().map(|(_, rows)| *rows);
        counts().max().unwrap_or(0) as f64 / counts().sum::<usize>().max(1) as f64
    }

    fn check(&self) -> Result<(), Error> {
        if self.number.is_none() && self.classes.len() < 2 {
            let message = format!(
                "{}: too few rows: at least two classes of {} need {MIN_ROWS} rows each, so that some \
                 are left to validate and to test on; {} do",
                self.source(),
                quoted(&self.target),
                self.classes.len(),
            );
            return Err(Error::input(
                message,
                "gather more rows, or name another `--target`",
            ));
        }
        let has_features = !self.uses.has_texts_alone || !self.uses.texts.is_empty();
        if has_features {
            return Ok(());
        }
        let unused = self
            .columns
            .iter()
            .filter(|column| column.role == "not used");
        let why: Vec<String> = (unused.take(MAX_EXPLAINED))
            .map(|column| format!("{}: {}", quoted(&column.name), column.detail))
            .collect();
        let message = format!("{}: no column can be learned from", self.source());
        Err(Error::input(message, &sanitize(&why.join("; "))))
    }

    fn source(&self) -> String {
        sanitize(self.paths.first().map_or("", String::as_str))
    }
}

fn paths(tables: &[PathBuf]) -> Result<Vec<String>, Error> {
    let text = |path: &PathBuf| {
        path.to_str().map(str::to_owned).ok_or_else(|| {
            let message = format!("{} is not UTF-8 text", path.display());
            Error::input(message, "an experiment file is: rename the table")
        })
    };
    tables.iter().map(text).collect()
}

fn counts(view: &View, column: usize) -> Counts {
    Counts {
        missing: view.missing(column),
        distinct: match view.columns[column].usage.role {
            "category" => view.distinct(column),
            _ => 0,
        },
    }
}

/// The only column of dates, if the rows stand in its order and a split by it can be learned from.
fn time(view: &View) -> Option<String> {
    let columns = 0..view.columns.len();
    let mut dates = columns.filter(|column| view.columns[*column].usage.role == "date");
    let (date, None) = (dates.next()?, dates.next()) else {
        return None;
    };
    let has_others =
        (0..view.columns.len()).any(|column| column != date && view.columns[column].is_feature);
    let has_groups = matches!(group(view), Group::Given(_) | Group::Found { .. });
    let is_split = has_others && !has_groups && view.is_in_order_of(date, SHARES, MIN_ROWS);
    is_split.then(|| view.columns[date].name.clone())
}

fn group(view: &View) -> Group {
    let name = |column: usize| view.columns[column].name.clone();
    if let Some(group) = view.group {
        return Group::Given(name(group));
    }
    match view.likely_groups().first() {
        None => Group::None,
        Some(first) if first.is_duplicated => Group::Found {
            name: name(first.column),
            repeated: first.repeated,
        },
        Some(first) => Group::Perhaps(name(first.column)),
    }
}
