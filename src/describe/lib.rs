//! What a table holds: each column, its classes, how columns go together, and which rows repeat.
//!
//! Pure: a [`View`] in, a [`Description`] out; the same view gives the same description to the bit,
//! whatever the number of threads. A number that is not defined (the deviation of one value, the
//! correlation of a constant) is NaN, never a guess.

mod association;
mod codes;
mod column;
mod column_data;
mod correlation;
mod cross;
mod number;
mod repeats;
mod shape;
#[cfg(test)]
mod tests;

pub use association::{Association, BINS, TARGET_BINS, WithMissing};
pub use column::{ByClass, ColumnSummary, MostFrequent, NumberSummary};
pub use correlation::{Correlation, MOST_CORRELATED};
pub use repeats::{Conflicts, Duplicates, WithLabels};
pub use shape::{BoxPlot, Histogram, Shape};

use rayon::prelude::{IntoParallelIterator, ParallelIterator};
use serde::Serialize;

use association::Goal;
use codes::{Labels, NONE};
use column_data::ColumnData;
use sweep_data::View;

/// Everything about a table. Serialised, it is `describe.json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Description {
    pub source: Source,
    /// In the order of the file.
    pub columns: Vec<ColumnSummary>,
    pub target: Option<Target>,
    /// Numeric columns by class, columns first.
    pub by_class: Vec<ByClass>,
    /// `None` with fewer than two numeric columns.
    pub correlation: Option<Correlation>,
    /// Every column but the target, in the order of the file; empty without a target.
    pub association: Vec<Association>,
    pub duplicates: Duplicates,
    /// Rows with the same value in the group column.
    pub groups: Option<Conflicts>,
    /// Rows with the same value in every feature.
    pub alike: Option<Conflicts>,
    /// Numeric columns, for drawing.
    pub shapes: Vec<Shape>,
    /// What is odd about the table or was left out, one sentence each.
    pub notes: Vec<String>,
}

/// Which rows of which file were looked at.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Source {
    pub path: String,
    pub sha256: String,
    pub rows_in_file: usize,
    pub columns_in_file: usize,
    /// Rows that were looked at.
    pub rows: usize,
    /// Rows that the experiment excludes.
    pub excluded: usize,
    /// Rows that the experiment leaves out because a cell is missing.
    pub dropped: usize,
}

/// The column to predict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Target {
    pub column: String,
    /// Rows without a class; they are left out of everything that is told by class.
    pub missing: usize,
    /// Entropy of the classes, in nats: the cross-entropy of always saying their shares. Of a number,
    /// that of its [`TARGET_BINS`] ranges.
    pub entropy: f64,
    /// In the order of the data set's classes; none of a target that is a number.
    pub classes: Vec<ClassCount>,
    /// Of a target that is a number to be predicted, and no class.
    pub numbers: Option<NumberSummary>,
}

/// How often a class stands in the rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassCount {
    pub name: String,
    pub rows: usize,
    /// Of the rows that have a class.
    pub share: f64,
}

/// Describes the rows and columns of `view`.
pub fn describe(view: &View) -> Description {
    let columns: Vec<ColumnData<'_>> = (0..view.columns.len())
        .into_par_iter()
        .map(|column| ColumnData::of(view, column))
        .collect();
    let goal = view.target.and_then(|target| goal(view, target, &columns));
    let labels = goal.as_ref().map(|goal| &goal.labels);
    // Without classes nothing is told by class.
    let labels = labels.filter(|_| !view.is_target_number);
    let numeric: Vec<&ColumnData<'_>> = columns
        .iter()
        .filter(|column| column.numbers.is_some())
        .collect();
    let mut notes: Vec<String> = view.notes.iter().map(ToString::to_string).collect();
    let correlation = correlation::of(&numeric, &mut notes);
    let is_identifier = |column: usize| view.columns[column].is_identifier;
    let association = match (&goal, view.target) {
        (Some(goal), Some(target)) => association::of(&columns, target, goal, is_identifier),
        _ => Vec::new(),
    };
    let whole = || repeats::duplicates(view);
    let shapes = || shape::of(&numeric, labels);
    let (duplicates, shapes) = rayon::join(whole, shapes);
    Description {
        source: source(view),
        columns: (0..columns.len())
            .into_par_iter()
            .map(|column| column::summary(view, column, &columns[column]))
            .collect(),
        target: (goal.as_ref().zip(view.target))
            .map(|(goal, target)| target_of(view, target, goal)),
        by_class: labels.map_or(Vec::new(), |labels| column::by_class(&numeric, labels)),
        correlation,
        association,
        duplicates,
        groups: view.group.map(|group| {
            let held = &columns[group];
            let names = vec![held.name.to_owned()];
            repeats::conflicts(names, held.codes.clone(), held.levels, labels)
        }),
        alike: alike(view, &columns, labels),
        shapes,
        notes,
    }
}

fn source(view: &View) -> Source {
    let (rows_in_file, columns_in_file) = view.file_size();
    Source {
        path: view.path().to_string_lossy().into_owned(),
        sha256: view.sha256().to_owned(),
        rows_in_file,
        columns_in_file,
        rows: view.rows(),
        excluded: view.excluded,
        dropped: view.dropped,
    }
}

/// The target as columns are measured against it.
fn goal<'a>(view: &View, target: usize, columns: &'a [ColumnData<'_>]) -> Option<Goal<'a>> {
    if view.is_target_number {
        return columns[target].numbers.as_ref().map(Goal::of_numbers);
    }
    Some(Goal {
        labels: labels(view, target),
        numbers: None,
    })
}

fn labels(view: &View, target: usize) -> Labels {
    let known: std::collections::HashMap<&str, u32> = (view.classes.iter())
        .zip(0..)
        .map(|(name, code)| (name.as_str(), code))
        .collect();
    let code = |row| {
        view.text(row, target)
            .map_or(NONE, |text| known[text.as_ref()])
    };
    Labels {
        codes: (0..view.rows()).map(code).collect(),
        classes: view.classes.len(),
    }
}

fn target_of(view: &View, target: usize, goal: &Goal<'_>) -> Target {
    let labels = &goal.labels;
    let mut rows = vec![0usize; labels.classes];
    let known = labels.codes.iter().filter(|code| **code != NONE);
    known.for_each(|code| rows[*code as usize] += 1);
    let all: usize = rows.iter().sum();
    let classes: Vec<ClassCount> = (view.classes.iter())
        .zip(&rows)
        .map(|(name, rows)| ClassCount {
            name: name.clone(),
            rows: *rows,
            share: *rows as f64 / all as f64,
        })
        .collect();
    Target {
        column: view.columns[target].name.clone(),
        missing: view.rows() - all,
        entropy: cross::entropy(&rows),
        classes,
        numbers: (goal.numbers).and_then(|numbers| NumberSummary::of(&numbers.sorted())),
    }
}

/// Rows that no model can tell apart: those with the same features. Without a target, or without
/// features, there is nothing to say.
fn alike(view: &View, columns: &[ColumnData<'_>], labels: Option<&Labels>) -> Option<Conflicts> {
    view.target?;
    let features: Vec<usize> = (0..columns.len())
        .filter(|column| view.columns[*column].is_feature)
        .collect();
    if features.is_empty() {
        return None;
    }
    // Of `data.year` a model sees the year alone.
    let is_year = |column: usize| view.columns[column].usage.role == "year";
    let years: Vec<Option<Vec<u32>>> = (features.iter())
        .map(|column| match &columns[*column].numbers {
            Some(numbers) if is_year(*column) => Some(numbers.codes().0),
            _ => None,
        })
        .collect();
    let codes: Vec<&[u32]> = (features.iter().zip(&years))
        .map(|(column, years)| years.as_ref().unwrap_or(&columns[*column].codes).as_slice())
        .collect();
    let (sets, number) = repeats::sets(&codes);
    let name = |column: &usize| match is_year(*column) {
        true => columns[*column].number_name.clone(),
        false => columns[*column].name.to_owned(),
    };
    let names = features.iter().map(name).collect();
    Some(repeats::conflicts(names, sets, number, labels))
}
