//! One column at a time: how many values, which, and, for numbers, where they lie; the same by class.

use std::cmp::Reverse;

use rayon::prelude::{IntoParallelRefIterator, ParallelIterator};
use serde::Serialize;

use super::codes::{Labels, NONE};
use super::column_data::{ColumnData, year_name};
use super::number::{moments, quantile};
use sweep_data::{ColumnKind, View};

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnSummary {
    pub name: String,
    /// `number`, `date` or `text`.
    pub kind: &'static str,
    /// Whether it is `target`, `group`, `feature` or nothing of the kind (`other`).
    pub role: &'static str,
    /// Rows with a value.
    pub count: usize,
    /// Rows without.
    pub missing: usize,
    pub distinct: usize,
    /// Of dates, their years.
    pub numbers: Option<NumberSummary>,
    /// Of several, the least number, or the first text or date by its bytes.
    pub most_frequent: Option<MostFrequent>,
    /// What an experiment that does not name the column uses it as: `number`, `category`, `date` and
    /// so on, or `not used`.
    pub used_as: &'static str,
    /// More about it, or why it is not used; may be empty.
    pub detail: String,
    /// A line for `[data]` that uses a column that is not used.
    pub line: Option<String>,
    /// Whether its values seem to name the rows.
    pub identifier: bool,
}

impl ColumnSummary {
    /// Whether every row has the same value.
    pub fn is_constant(&self) -> bool {
        self.distinct == 1 && self.missing == 0
    }

    /// Whether no row has a value.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// What statistics of its numbers call it: of a date, `name.year`.
    pub fn number_name(&self) -> String {
        match self.kind {
            "date" => year_name(&self.name),
            _ => self.name.clone(),
        }
    }
}

/// Where numbers lie.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct NumberSummary {
    pub mean: f64,
    /// Divisor n - 1; NaN of one value.
    pub sd: f64,
    pub min: f64,
    pub q1: f64,
    pub median: f64,
    pub q3: f64,
    pub max: f64,
}

/// The value that most rows have.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MostFrequent {
    pub value: String,
    pub count: usize,
}

/// A numeric column in the rows of one class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ByClass {
    pub column: String,
    /// Index into the classes.
    pub class: usize,
    pub count: usize,
    pub missing: usize,
    /// `None` without a value.
    pub numbers: Option<NumberSummary>,
}

impl NumberSummary {
    /// Of ascending values; `None` of none.
    pub fn of(sorted: &[f64]) -> Option<NumberSummary> {
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let (mean, sd) = moments(sorted);
        Some(NumberSummary {
            mean,
            sd,
            min,
            q1: quantile(sorted, 0.25),
            median: quantile(sorted, 0.5),
            q3: quantile(sorted, 0.75),
            max,
        })
    }
}

pub(super) fn summary(view: &View, column: usize, held: &ColumnData<'_>) -> ColumnSummary {
    let count = held.codes.iter().filter(|code| **code != NONE).count();
    let usage = &view.columns[column].usage;
    ColumnSummary {
        name: held.name.to_owned(),
        kind: kind_name(held.kind),
        role: match column {
            _ if view.target == Some(column) => "target",
            _ if view.group == Some(column) => "group",
            _ if view.columns[column].is_feature => "feature",
            _ => "other",
        },
        count,
        missing: held.codes.len() - count,
        distinct: held.levels,
        numbers: (held.numbers.as_ref()).and_then(|numbers| NumberSummary::of(&numbers.sorted())),
        most_frequent: most_frequent(view, column, held),
        used_as: usage.role,
        detail: usage.detail.clone(),
        line: usage.line.clone(),
        identifier: view.columns[column].is_identifier,
    }
}

pub(super) fn kind_name(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Number => "number",
        ColumnKind::Date => "date",
        ColumnKind::Text => "text",
    }
}

fn most_frequent(view: &View, column: usize, held: &ColumnData<'_>) -> Option<MostFrequent> {
    let mut counts = vec![0usize; held.levels];
    let mut first = vec![0usize; held.levels];
    for (row, code) in held.codes.iter().enumerate().rev() {
        if *code != NONE {
            counts[*code as usize] += 1;
            first[*code as usize] = row;
        }
    }
    let most = *counts.iter().max()?;
    let mut best = (0..held.levels).filter(|code| counts[*code] == most);
    let code = match held.kind {
        // Codes of numbers are in their order.
        ColumnKind::Number => best.next()?,
        _ => best.min_by_key(|code| (view.text(first[*code], column), Reverse(first[*code])))?,
    };
    let value = match (&held.numbers, held.kind) {
        (Some(numbers), ColumnKind::Number) => numbers.values[first[code]].to_string(),
        _ => view.text(first[code], column)?.into_owned(),
    };
    Some(MostFrequent { value, count: most })
}

/// Every numeric column in every class.
pub(super) fn by_class(numeric: &[&ColumnData<'_>], labels: &Labels) -> Vec<ByClass> {
    let rows = |wanted: usize| {
        let codes = labels.codes.iter();
        codes.filter(|code| **code as usize == wanted).count()
    };
    let rows: Vec<usize> = (0..labels.classes).map(rows).collect();
    let one = |held: &&ColumnData<'_>| -> Vec<ByClass> {
        let parts = sorted_by_class(held, labels);
        let rows = parts.iter().zip(&rows).enumerate();
        rows.map(|(class, (sorted, rows))| ByClass {
            column: held.number_name.clone(),
            class,
            count: sorted.len(),
            missing: rows - sorted.len(),
            numbers: NumberSummary::of(sorted),
        })
        .collect()
    };
    let parts: Vec<Vec<ByClass>> = numeric.par_iter().map(one).collect();
    parts.into_iter().flatten().collect()
}

/// The values of each class, ascending.
pub(super) fn sorted_by_class(held: &ColumnData<'_>, labels: &Labels) -> Vec<Vec<f64>> {
    let mut parts = vec![Vec::new(); labels.classes];
    if let Some(numbers) = &held.numbers {
        for row in &numbers.order {
            let class = labels.codes[*row as usize];
            if class != NONE {
                parts[class as usize].push(numbers.values[*row as usize]);
            }
        }
    }
    parts
}
