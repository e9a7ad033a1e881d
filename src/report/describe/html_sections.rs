//! The sections of the page of a description.

use std::fmt::Write;

use sweep_analysis::text;

use super::cells::{NAME, VALUE, fraction, per_cent, short};
use super::drawing::{ASSOCIATION, BALANCE, TARGET, classes, largest};
use super::omitted::Omitted;
use super::relations::{ABOUT_MEASURES, Ranking, measured, measures, repeats};
use super::table::{kind, unused_columns, used_as};
use crate::markup::{IN_MEMORY, capital, escape, fact, paragraph, row};
use crate::page::section::{Section, bullets, images, table};
use crate::plot::Picture;
use sweep_describe::{ColumnSummary, Description, NumberSummary, Target};

/// Columns, classes and associations that have a row.
const COLUMNS: usize = 500;
const CLASSES: usize = 40;
const ASSOCIATED: usize = 50;
/// Rows from which a table scrolls by itself.
const TALL: usize = 30;

/// The column to predict.
pub fn target(description: &Description, pictures: &[Picture]) -> Option<Section> {
    let target = description.target.as_ref()?;
    let mut html = match (target.numbers, classes(description)) {
        (Some(numbers), _) => of_number(target, numbers),
        (None, Some(target)) => of_classes(target),
        (None, None) => return None,
    };
    html.push_str(&images_of(pictures, BALANCE));
    html.push_str(&images_of(pictures, TARGET));
    Section::new("target", "Target", html)
}

fn of_number(target: &Target, of: NumberSummary) -> String {
    let mut html = "<dl>\n".to_owned();
    fact(&mut html, "Column", &target.column);
    fact(
        &mut html,
        "Missing",
        &text::with_thousands(target.missing as u64),
    );
    let spread = format!("{} ± {}", short(of.mean), short(of.sd));
    fact(&mut html, "Mean ± sd", &spread);
    let quartiles = [of.q1, of.median, of.q3].map(short).join(", ");
    fact(&mut html, "Quartiles", &quartiles);
    let range = format!("{} to {}", short(of.min), short(of.max));
    fact(&mut html, "Range", &range);
    html.push_str("</dl>\n");
    html
}

fn of_classes(target: &Target) -> String {
    let shown = largest(target, CLASSES);
    let mut rows = String::new();
    for class in &shown {
        let class = &target.classes[*class];
        let cells = [
            (text::cut(&class.name, NAME), true),
            (text::with_thousands(class.rows as u64), false),
            (per_cent(class.share), false),
        ];
        row(&mut rows, "", &cells);
    }
    let name = format!("Class of {}", escape(&text::cut(&target.column, NAME)));
    let heads = [(name.as_str(), true), ("Rows", false), ("Share", false)];
    let mut html = scrolling(table(&heads, &rows), shown.len());
    let most = target.classes.iter().map(|class| class.share);
    let mut note = format!(
        "A model that always predicts the most frequent class is right in {} of the rows.",
        per_cent(most.fold(0.0, f64::max))
    );
    if shown.len() < target.classes.len() {
        let more = target.classes.len() - shown.len();
        note.push_str(&format!(" {more} smaller classes are in `classes.csv`."));
    }
    if target.missing > 0 {
        let rows = text::pluralize(target.missing as u64, "row");
        note.push_str(&format!(" {rows} without a class."));
    }
    paragraph(&mut html, "note", &note);
    html
}

/// Each column: what it holds, and what it would be used as.
pub fn columns(description: &Description, omitted: &Omitted<'_>) -> Option<Section> {
    let shown: Vec<&ColumnSummary> = (description.columns.iter())
        .filter(|column| !omitted.has_no_row(&column.name))
        .collect();
    let mut rows = String::new();
    for column in shown.iter().take(COLUMNS) {
        let all = column.count + column.missing;
        let mut cells = vec![
            (text::cut(&column.name, NAME), true),
            (kind(column).to_owned(), true),
            (used_as(column).to_owned(), true),
            (fraction(column.missing, all), false),
            (text::with_thousands(column.distinct as u64), false),
        ];
        let numbers = column
            .numbers
            .map(|of| [of.mean, of.sd, of.min, of.median, of.max]);
        let numbers = numbers.map_or(Default::default(), |numbers| numbers.map(short));
        cells.extend(numbers.map(|number| (number, false)));
        let most = column.most_frequent.as_ref();
        let value = most.map_or(String::new(), |most| text::cut(&most.value, VALUE));
        let share = most.map_or(String::new(), |most| fraction(most.count, all));
        cells.extend([(value, true), (share, false)]);
        row(&mut rows, "", &cells);
    }
    let heads = [
        ("Column", true),
        ("Kind", true),
        ("Used as", true),
        ("Missing", false),
        ("Distinct", false),
        ("Mean", false),
        ("sd", false),
        ("Min", false),
        ("Median", false),
        ("Max", false),
        ("Most frequent", true),
        ("Rows", false),
    ];
    let mut html = match shown.is_empty() {
        true => String::new(),
        false => scrolling(table(&heads, &rows), shown.len()),
    };
    for line in omitted.lines() {
        paragraph(&mut html, "", &line);
    }
    more(
        &mut html,
        shown.len().saturating_sub(COLUMNS),
        "columns.csv",
    );
    Section::new("columns", "Columns", html)
}

/// Columns without use: why, and the line that would use them.
pub fn unused(description: &Description, omitted: &Omitted<'_>) -> Option<Section> {
    let columns = unused_columns(description, omitted);
    if columns.is_empty() {
        return None;
    }
    let mut html = String::new();
    let about = "An experiment that does not name these columns does not use them. To use one, \
                 write its line under `[data]`.";
    paragraph(&mut html, "note", about);
    let mut rows = String::new();
    for column in columns.iter().take(COLUMNS) {
        let line = column.line.as_deref().map_or("–".to_owned(), escape);
        writeln!(
            rows,
            "<tr><td class=\"text\">{}</td><td class=\"text\">{}</td>\
             <td class=\"text\"><code>{line}</code></td></tr>",
            escape(&text::cut(&column.name, NAME)),
            escape(&column.detail),
        )
        .expect(IN_MEMORY);
    }
    let heads = [("Column", true), ("Why", true), ("To use it", true)];
    html.push_str(&scrolling(table(&heads, &rows), columns.len()));
    more(
        &mut html,
        columns.len().saturating_sub(COLUMNS),
        "columns.csv",
    );
    Section::new("unused", "Not used", html)
}

/// Columns by what they tell of the target.
pub fn association(description: &Description, pictures: &[Picture]) -> Option<Section> {
    let target = description.target.as_ref()?;
    let ranking = Ranking::of(description);
    let mut rows = String::new();
    for (place, column) in ranking.columns.iter().take(ASSOCIATED).enumerate() {
        let [explained, others @ ..] = measured(target, column);
        let share = column.with_missing.uncertainty_coefficient;
        let share = if share.is_nan() {
            0.0
        } else {
            share.clamp(0.0, 1.0)
        };
        write!(
            rows,
            "<tr><td>{}</td><td class=\"text\">{}</td>\
             <td class=\"heat\" style=\"--t:{share:.3}\">{explained}</td><td class=\"text\">{}</td>",
            place + 1,
            escape(&text::cut(&column.column, NAME)),
            column.kind,
        )
        .expect(IN_MEMORY);
        for cell in others {
            write!(rows, "<td>{cell}</td>").expect(IN_MEMORY);
        }
        rows.push_str("</tr>\n");
    }
    // What decides the rank stands beside the name, also where the screen ends there.
    let [explained, others @ ..] = measures(target);
    let mut heads = vec![
        ("Rank", false),
        ("Column", true),
        (explained, false),
        ("Kind", true),
    ];
    heads.extend(others.map(|name| (name, false)));
    let mut html = String::new();
    if !ranking.columns.is_empty() {
        html = scrolling(table(&heads, &rows), ranking.columns.len().min(ASSOCIATED));
        let about = format!("{}.", capital(ABOUT_MEASURES));
        paragraph(&mut html, "note", &about);
    }
    if let Some(line) = ranking.left_out() {
        paragraph(&mut html, "note", &format!("{}.", capital(&line)));
    }
    let left = ranking.columns.len().saturating_sub(ASSOCIATED);
    more(&mut html, left, "association.csv");
    html.push_str(&images_of(pictures, ASSOCIATION));
    Section::new("association", "Association with the target", html)
}

/// Rows that repeat, and what that allows.
pub fn duplicates(description: &Description) -> Option<Section> {
    let lines: Vec<String> = (repeats(description).lines())
        .map(|line| line.trim().to_owned())
        .collect();
    Section::new("duplicates", "Duplicate rows", bullets(&lines))
}

/// Where the rows are that have no place.
fn more(html: &mut String, number: usize, file: &str) {
    if number > 0 {
        let columns = text::pluralize_irregular(number as u64, "more column", "more columns");
        paragraph(html, "note", &format!("{columns} in `{file}`."));
    }
}

/// The picture called `name`; those called `name-2` and so on open at a click.
pub fn images_of(pictures: &[Picture], name: &str) -> String {
    let is_page = |other: &str| {
        let rest = other.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    let names = pictures.iter().map(|picture| picture.name.as_str());
    let names: Vec<&str> = names.filter(|other| is_page(other)).collect();
    let Some((first, others)) = names.split_first() else {
        return String::new();
    };
    let mut html = images(pictures, &[*first]);
    if !others.is_empty() {
        let number =
            text::pluralize_irregular(others.len() as u64, "more picture", "more pictures");
        let others = images(pictures, others);
        write!(
            html,
            "<details>\n<summary>{number}</summary>\n{others}</details>\n"
        )
        .expect(IN_MEMORY);
    }
    html
}

/// `html`, which scrolls by itself where it is of many rows.
fn scrolling(html: String, rows: usize) -> String {
    match rows > TALL {
        true => format!("<div class=\"tall\" tabindex=\"0\">\n{html}</div>\n"),
        false => html,
    }
}
