//! A description on the terminal: columns, classes, association with the target, correlations,
//! duplicates.
//!
//! Strings from the data cannot move the cursor; a shortened table names the file that has the rest.

use std::path::Path;
use sweep_analysis::text;

use anstyle::Style;

use super::cells::{NAME, VALUE, and_more, per_cent, short};
use super::drawing::{PAGE, classes as classes_of, largest};
use super::omitted::Omitted;
use super::relations::{associations, pairs, repeats};
use crate::table::{Side, TableStyle, TextTable};
use sweep_describe::{ColumnSummary, Description, NumberSummary, Target};

/// Columns that are listed.
const COLUMNS: usize = 100;
/// Classes that have a column, or a row, of their own.
const CLASSES_ACROSS: usize = 8;
const CLASSES: usize = 30;
/// Columns without use that are listed, and characters of why they have none.
const UNUSED: usize = 30;
const WHY: usize = 70;
/// Characters of a class at the head of a column.
const HEAD: usize = 16;

/// Everything worth a look, under `title`.
pub fn tables(
    description: &Description,
    title: &str,
    folder: &Path,
    table_style: impl Into<TableStyle>,
) -> String {
    let table_style = table_style.into();
    let omitted = Omitted::of(description);
    let mut parts = vec![
        head(description, title),
        columns(description, &omitted, table_style),
    ];
    parts.extend(unused(description, &omitted, table_style));
    if let Some(target) = &description.target {
        match target.numbers {
            Some(numbers) => parts.push(number_target(target, numbers, table_style)),
            None => parts.push(classes(target, table_style)),
        }
        parts.extend(by_class(description, &omitted, table_style));
        parts.push(associations(description, target, table_style));
    }
    let correlation = description.correlation.as_ref();
    parts.extend(correlation.and_then(|correlation| pairs(correlation, &omitted, table_style)));
    parts.push(repeats(description));
    let mut shown = parts.join("\n");
    for note in &description.notes {
        shown.push_str(&format!("{}\n", text::sanitize(note)));
    }
    let folder = text::sanitize(&folder.to_string_lossy());
    shown.push_str(&format!(
        "\npage: {folder}/{PAGE}\ntables, plots and describe.json: {folder}\n"
    ));
    shown
}

/// Which rows of which file, a line or two.
pub fn head(description: &Description, title: &str) -> String {
    let source = &description.source;
    let mut lines = format!(
        "{}: {} x {} ({})\n",
        text::sanitize(title),
        text::pluralize(source.rows_in_file as u64, "row"),
        text::pluralize(source.columns_in_file as u64, "column"),
        source.sha256.get(..12).unwrap_or_default()
    );
    let left_out = [
        (source.excluded, "excluded"),
        (source.dropped, "dropped for missing cells"),
    ];
    let left_out: Vec<String> = left_out
        .into_iter()
        .filter(|(rows, _)| *rows > 0)
        .map(|(rows, why)| format!("{} {why}", text::with_thousands(rows as u64)))
        .collect();
    if !left_out.is_empty() {
        lines.push_str(&format!(
            "described: {} ({})\n",
            text::pluralize(source.rows as u64, "row"),
            left_out.join(", ")
        ));
    }
    lines
}

/// What is written of the kind of a column.
pub fn kind(column: &ColumnSummary) -> &'static str {
    match column.role {
        "target" | "group" => column.role,
        _ if column.kind == "date" => "date (year)",
        _ => column.kind,
    }
}

/// What is written of the use of a column.
pub fn used_as(column: &ColumnSummary) -> &'static str {
    match column.identifier {
        true if column.used_as == "not used" => "identifier",
        _ => column.used_as,
    }
}

/// Columns that no experiment uses by default, but for those that hold nothing.
pub fn unused_columns<'a>(
    description: &'a Description,
    omitted: &Omitted<'_>,
) -> Vec<&'a ColumnSummary> {
    let columns = description.columns.iter();
    let unused = columns.filter(|column| column.used_as == "not used");
    unused
        .filter(|column| !omitted.has_no_row(&column.name))
        .collect()
}

fn columns(description: &Description, omitted: &Omitted<'_>, table_style: TableStyle) -> String {
    let mut table = TextTable::new(&[
        ("Column", Side::Left),
        ("Kind", Side::Left),
        ("Used as", Side::Left),
        ("Missing", Side::Right),
        ("Distinct", Side::Right),
        ("Mean", Side::Right),
        ("sd", Side::Right),
        ("Min", Side::Right),
        ("25%", Side::Right),
        ("50%", Side::Right),
        ("75%", Side::Right),
        ("Max", Side::Right),
        ("Most frequent", Side::Left),
        ("Count", Side::Right),
    ])
    .with_optional(&["25%", "75%", "sd", "Min", "Max"]);
    let shown = description.columns.iter();
    let shown: Vec<&ColumnSummary> = shown
        .filter(|column| !omitted.has_no_row(&column.name))
        .collect();
    for column in shown.iter().take(COLUMNS) {
        let mut row = vec![
            text::cut(&column.name, NAME),
            kind(column).to_owned(),
            used_as(column).to_owned(),
            text::with_thousands(column.missing as u64),
            text::with_thousands(column.distinct as u64),
        ];
        match column.numbers {
            Some(of) => {
                let all = [of.mean, of.sd, of.min, of.q1, of.median, of.q3, of.max];
                row.extend(all.map(short));
            }
            None => row.extend(vec![String::new(); 7]),
        }
        let most = column.most_frequent.as_ref();
        row.push(most.map_or(String::new(), |most| text::cut(&most.value, VALUE)));
        row.push(most.map_or(String::new(), |most| {
            text::with_thousands(most.count as u64)
        }));
        table.push(Style::new(), row);
    }
    let more = shown.len().saturating_sub(COLUMNS);
    let mut lines = table.render(table_style) + &and_more(more, "column", "columns.csv");
    for line in omitted.lines() {
        lines.push_str(&format!("{line}\n"));
    }
    lines
}

/// Columns without use: why, and the line that would use them.
fn unused(
    description: &Description,
    omitted: &Omitted<'_>,
    table_style: TableStyle,
) -> Option<String> {
    let columns = unused_columns(description, omitted);
    let mut table = TextTable::new(&[
        ("Not used", Side::Left),
        ("Why", Side::Left),
        ("To use it, write under [data]", Side::Left),
    ]);
    for column in columns.iter().take(UNUSED) {
        let line = column.line.as_deref().unwrap_or("–");
        table.push(
            Style::new(),
            vec![
                text::cut(&column.name, NAME),
                text::cut(&column.detail, WHY),
                text::sanitize(line),
            ],
        );
    }
    let more = and_more(
        columns.len().saturating_sub(UNUSED),
        "column",
        "columns.csv",
    );
    (!columns.is_empty()).then(|| table.render(table_style) + &more)
}

fn number_target(target: &Target, of: NumberSummary, table_style: TableStyle) -> String {
    let name = text::cut(&target.column, NAME);
    let mut table = TextTable::new(&[
        ("Target", Side::Left),
        ("Missing", Side::Right),
        ("Mean", Side::Right),
        ("sd", Side::Right),
        ("Min", Side::Right),
        ("25%", Side::Right),
        ("50%", Side::Right),
        ("75%", Side::Right),
        ("Max", Side::Right),
    ]);
    let mut row = vec![name, text::with_thousands(target.missing as u64)];
    row.extend([of.mean, of.sd, of.min, of.q1, of.median, of.q3, of.max].map(short));
    table.push(Style::new(), row);
    table.render(table_style)
}

fn classes(target: &Target, table_style: TableStyle) -> String {
    let name = text::cut(&target.column, NAME);
    let mut table = TextTable::new(&[
        (&format!("Class of {name}"), Side::Left),
        ("Rows", Side::Right),
        ("Share", Side::Right),
    ]);
    let shown = largest(target, CLASSES);
    for class in &shown {
        let class = &target.classes[*class];
        let cells = vec![
            text::cut(&class.name, NAME),
            text::with_thousands(class.rows as u64),
            per_cent(class.share),
        ];
        table.push(Style::new(), cells);
    }
    let most = target.classes.iter().map(|class| class.share);
    let mut lines = table.render(table_style);
    lines.push_str(&and_more(
        target.classes.len() - shown.len(),
        "smaller class",
        "classes.csv",
    ));
    lines.push_str(&format!(
        "accuracy of the majority class: {}; entropy {:.3} nats\n",
        per_cent(most.fold(0.0, f64::max)),
        target.entropy
    ));
    if target.missing > 0 {
        lines.push_str(&format!(
            "{} without a class, excluded from all tables by class\n",
            text::pluralize(target.missing as u64, "row")
        ));
    }
    lines
}

/// Mean and deviation of numeric columns, a class a column of the table.
fn by_class(
    description: &Description,
    omitted: &Omitted<'_>,
    table_style: TableStyle,
) -> Option<String> {
    let target = classes_of(description)?;
    let shown = largest(target, CLASSES_ACROSS);
    let names: Vec<String> = (shown.iter())
        .map(|class| text::cut(&target.classes[*class].name, HEAD))
        .collect();
    let mut header = vec![("Mean ± sd", Side::Left)];
    header.extend(names.iter().map(|name| (name.as_str(), Side::Right)));
    let mut table = TextTable::new(&header);
    let columns = description.by_class.chunks(target.classes.len().max(1));
    let columns = columns.filter(|parts| !omitted.is_not_drawn(&parts[0].column));
    let number = columns.clone().count();
    for parts in columns.take(COLUMNS) {
        let mut row = vec![text::cut(&parts[0].column, NAME)];
        row.extend(shown.iter().map(|class| match parts[*class].numbers {
            Some(of) if of.sd.is_nan() => short(of.mean),
            Some(of) => format!("{} ± {}", short(of.mean), short(of.sd)),
            None => "–".to_owned(),
        }));
        table.push(Style::new(), row);
    }
    let classes = target.classes.len() - shown.len();
    let rest = and_more(classes, "smaller class", "by_class.csv")
        + &and_more(number.saturating_sub(COLUMNS), "column", "by_class.csv");
    (number > 0).then(|| table.render(table_style) + &rest)
}
