//! The comment that lists the columns of a table, and what each is taken as.

use std::fmt::Write as _;

use sweep_analysis::text::cut;
use sweep_core::format::{pluralize, pluralize_irregular};
use sweep_core::sanitize::{display_width, sanitize};
use sweep_data::ColumnUse;

use super::layout::{WIDEST, comment};
use super::survey::{Counts, Survey};

/// Columns from which those that are taken alike share a line.
const MANY_COLUMNS: usize = 30;
/// Columns in a row that then do.
const MIN_RUN: usize = 4;
/// Lines of the table.
const MAX_LINES: usize = 200;

/// What a line says.
#[derive(PartialEq, Eq)]
struct Line {
    name: String,
    role: &'static str,
    detail: String,
}

/// The table of columns, taken as `uses` say.
pub(super) fn table(survey: &Survey, uses: &[ColumnUse]) -> String {
    let all = lines(survey, uses);
    let shown = &all[..all.len().min(MAX_LINES)];
    let names = shown.iter().map(|line| display_width(&line.name)).max();
    let roles = shown.iter().map(|line| line.role.len()).max();
    let (names, roles) = (names.unwrap_or(0), roles.unwrap_or(0));
    let mut text = String::from("#\n");
    text.push_str(&comment(
        "What each column is taken as. To change that, list columns in `numeric`, `categorical`, \
         `date`, `text` or `drop`.",
    ));
    text.push_str("#\n");
    for line in shown {
        let pad = " ".repeat(names - display_width(&line.name));
        let row = format!(
            "#   {}{pad}  {:roles$}  {}",
            line.name, line.role, line.detail
        );
        let _ = writeln!(text, "{}", row.trim_end());
    }
    let more = all.len() - shown.len();
    if more > 0 {
        let _ = writeln!(text, "#   ... and {more} more: `sweep describe` shows all");
    }
    text
}

/// A line for each column; in a wide table one for each run of columns that are taken alike.
fn lines(survey: &Survey, uses: &[ColumnUse]) -> Vec<Line> {
    let lines: Vec<Line> = (uses.iter().zip(&survey.counts))
        .map(|(column, counts)| line(survey, column, counts))
        .collect();
    if lines.len() < MANY_COLUMNS {
        return lines;
    }
    let mut merged = Vec::new();
    let mut rest = lines;
    while let Some(first) = rest.first() {
        let is_alike = |line: &&Line| line.role == first.role && line.detail == first.detail;
        let run = rest.iter().take_while(is_alike).count();
        let after = rest.split_off(run);
        match rest.as_slice() {
            [first, .., last] if run >= MIN_RUN => merged.push(Line {
                name: format!("{} to {}", first.name, last.name),
                role: first.role,
                detail: match first.detail.as_str() {
                    "" => format!("each of {run} columns"),
                    detail => format!("each of {run} columns: {detail}"),
                },
            }),
            _ => merged.append(&mut rest),
        }
        rest = after;
    }
    merged
}

fn line(survey: &Survey, column: &ColumnUse, counts: &Counts) -> Line {
    let mut details: Vec<String> = Vec::new();
    match column.role {
        "target" => details.push(match survey.number {
            Some(_) => "a number".to_owned(),
            None => pluralize_irregular(survey.classes.len(), "class", "classes"),
        }),
        "category" => details.push(pluralize(counts.distinct, "value")),
        _ => {}
    }
    if !column.detail.is_empty() {
        details.push(sanitize(&column.detail));
    }
    if counts.missing > 0 && counts.missing < survey.rows {
        details.push(format!("{} missing", counts.missing));
    }
    Line {
        name: cut(&column.name, WIDEST),
        role: column.role,
        detail: details.join("; "),
    }
}
