//! The CSV files of a description: UTF-8, comma, one header line, numbers in full, undefined ones
//! empty.

use super::drawing::classes as classes_of;
use crate::csv_table::{CsvTable, number};
use sweep_describe::{Association, Conflicts, Correlation, Description, NumberSummary};

/// Every file that [`all`] may give.
pub const NAMES: [&str; 7] = [
    "columns.csv",
    "classes.csv",
    "by_class.csv",
    "pearson.csv",
    "spearman.csv",
    "association.csv",
    "repeats.csv",
];

const NUMBERS: [&str; 7] = ["mean", "sd", "min", "q1", "median", "q3", "max"];

/// All CSV files that `description` has rows for, by name.
pub fn all(description: &Description) -> Vec<(String, Vec<u8>)> {
    let matrix = |of: fn(&Correlation) -> &[Vec<f64>]| {
        let correlation = description.correlation.as_ref();
        correlation.map(|correlation| matrix(correlation, of(correlation)))
    };
    let has_association = !description.association.is_empty();
    let tables = [
        Some(columns(description)),
        classes(description),
        by_class(description),
        matrix(|correlation| &correlation.pearson),
        matrix(|correlation| &correlation.spearman),
        has_association.then(|| association(&description.association)),
        Some(repeats(description)),
    ];
    NAMES
        .into_iter()
        .zip(tables)
        .filter_map(|(name, csv)| Some((name.to_owned(), csv?.into_bytes())))
        .collect()
}

/// One row a column of the table.
fn columns(description: &Description) -> CsvTable {
    let mut header = vec!["column", "kind", "role", "count", "missing", "distinct"];
    header.extend(NUMBERS);
    header.extend([
        "most_frequent",
        "most_frequent_count",
        "used_as",
        "identifier",
        "detail",
        "line",
    ]);
    let mut csv = CsvTable::new(&header);
    for column in &description.columns {
        let mut row = vec![
            column.name.clone(),
            column.kind.to_owned(),
            column.role.to_owned(),
            column.count.to_string(),
            column.missing.to_string(),
            column.distinct.to_string(),
        ];
        row.extend(numbers(column.numbers));
        let most = column.most_frequent.as_ref();
        row.push(most.map_or(String::new(), |most| most.value.clone()));
        row.push(most.map_or(String::new(), |most| most.count.to_string()));
        row.extend([
            column.used_as.to_owned(),
            column.identifier.to_string(),
            column.detail.clone(),
            column.line.clone().unwrap_or_default(),
        ]);
        csv.push(&row);
    }
    csv
}

fn classes(description: &Description) -> Option<CsvTable> {
    let target = classes_of(description)?;
    let mut csv = CsvTable::new(&["class", "rows", "share"]);
    for class in &target.classes {
        let share = defined(class.share);
        csv.push(&[class.name.clone(), class.rows.to_string(), share]);
    }
    Some(csv)
}

/// One row a numeric column and class.
fn by_class(description: &Description) -> Option<CsvTable> {
    let target = classes_of(description)?;
    let mut header = vec!["column", "class", "count", "missing"];
    header.extend(NUMBERS);
    let mut csv = CsvTable::new(&header);
    for part in &description.by_class {
        let mut row = vec![
            part.column.clone(),
            target.classes[part.class].name.clone(),
            part.count.to_string(),
            part.missing.to_string(),
        ];
        row.extend(numbers(part.numbers));
        csv.push(&row);
    }
    (!description.by_class.is_empty()).then_some(csv)
}

/// A row and a column for each numeric column.
fn matrix(correlation: &Correlation, values: &[Vec<f64>]) -> CsvTable {
    let names: Vec<String> = correlation.columns.to_vec();
    let mut header = vec!["column"];
    header.extend(names.iter().map(String::as_str));
    let mut csv = CsvTable::new(&header);
    for (name, values) in names.iter().zip(values) {
        let mut row = vec![name.clone()];
        row.extend(values.iter().map(|value| defined(*value)));
        csv.push(&row);
    }
    csv
}

fn association(columns: &[Association]) -> CsvTable {
    let mut csv = CsvTable::new(&[
        "column",
        "kind",
        "count",
        "mutual_information",
        "chance",
        "explained",
        "eta_squared",
        "cramers_v",
        "cramers_v_corrected",
        "uncertainty_coefficient",
        "adjusted_mutual_information",
        "pearson",
        "spearman",
        "identifier",
    ]);
    for column in columns {
        csv.push(&[
            column.column.clone(),
            column.kind.to_owned(),
            column.count.to_string(),
            defined(column.mutual_information),
            defined(column.chance),
            defined(column.explained),
            column.eta_squared.map_or(String::new(), defined),
            column.cramers_v.map_or(String::new(), defined),
            column.cramers_v_corrected.map_or(String::new(), defined),
            defined(column.with_missing.uncertainty_coefficient),
            defined(column.with_missing.adjusted_mutual_information),
            column.pearson.map_or(String::new(), defined),
            column.spearman.map_or(String::new(), defined),
            column.identifier.to_string(),
        ]);
    }
    csv
}

/// Whole rows, groups and rows with the same features: sets of more than one row by how many classes
/// they have, where that is known.
fn repeats(description: &Description) -> CsvTable {
    let mut csv = CsvTable::new(&["equal_in", "classes", "sets", "rows", "best_accuracy"]);
    let whole = description.duplicates;
    csv.push(&[
        "every column".to_owned(),
        String::new(),
        whole.sets.to_string(),
        (whole.sets + whole.repeated).to_string(),
        String::new(),
    ]);
    let mut push = |name: &str, conflicts: &Conflicts| {
        for with in &conflicts.by_labels {
            csv.push(&[
                name.to_owned(),
                with.labels.to_string(),
                with.sets.to_string(),
                with.rows.to_string(),
                number(conflicts.bound),
            ]);
        }
    };
    if let Some(groups) = &description.groups {
        push("group", groups);
    }
    if let Some(alike) = &description.alike {
        push("every feature", alike);
    }
    csv
}

fn numbers(numbers: Option<NumberSummary>) -> [String; 7] {
    match numbers {
        Some(of) => [of.mean, of.sd, of.min, of.q1, of.median, of.q3, of.max].map(defined),
        None => Default::default(),
    }
}

/// A number that reads back as itself; nothing for NaN.
fn defined(value: f64) -> String {
    number(Some(value).filter(|value| !value.is_nan()))
}
