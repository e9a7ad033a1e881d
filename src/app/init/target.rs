//! Which columns could be the target, for those who have not named one.

use sweep_analysis::text::cut;
use sweep_core::format::{pluralize, pluralize_irregular, shell_word};
use sweep_core::sanitize::{display_width, sanitize};
use sweep_data::View;

use crate::error::Error;

/// How targets are often called, in lower case.
const USUAL_NAMES: [&str; 14] = [
    "target",
    "class",
    "label",
    "labels",
    "y",
    "outcome",
    "category",
    "species",
    "survived",
    "diagnosis",
    "response",
    "churn",
    "result",
    "quality",
];
/// Distinct values up to which a column is a likely target, whatever its name.
const FEW_VALUES: usize = 20;
/// Likewise for whole numbers.
const FEW_NUMBERS: usize = 10;
/// Distinct values up to which one with a usual name is.
const MANY_VALUES: usize = 200;
/// Likely targets that are shown, and other columns.
const MAX_LIKELY: usize = 6;
const MAX_OTHERS: usize = 30;
/// Values that are shown, if there is room.
const MAX_VALUES: usize = 8;
/// Longest value or name that is shown, in characters.
const WIDEST: usize = 40;

/// A column that could be the target.
struct Candidate {
    column: usize,
    distinct: usize,
    score: u32,
}

/// The error that the target is not named, with the columns there are.
pub(super) fn refusal(view: &View) -> Error {
    let candidates = candidates(view);
    let name = |candidate: &Candidate| {
        let name = sanitize(&view.columns[candidate.column].name);
        shell_word(&name)
    };
    let likely = || candidates.iter().take(MAX_LIKELY);
    let width = likely().map(|candidate| display_width(&name(candidate)));
    let width = width.max().unwrap_or(0);
    let lines: Vec<String> = likely()
        .map(|candidate| {
            let name = name(candidate);
            format!(
                "  --target {name}{}  {}: {}",
                " ".repeat(width - display_width(&name)),
                pluralize_irregular(candidate.distinct, "class", "classes"),
                cut(&values(view, candidate.column), WIDEST)
            )
        })
        .collect();
    let is_shown = |column: usize| likely().any(|candidate| candidate.column == column);
    let others: Vec<String> = (0..view.columns.len())
        .filter(|column| !is_shown(*column))
        .map(|column| cut(&view.columns[column].name, WIDEST))
        .collect();
    let mut help = match lines.is_empty() {
        true => "name it with `--target`; no column looks like classes".to_owned(),
        false => format!("name it; these could be classes:\n{}", lines.join("\n")),
    };
    if !others.is_empty() {
        let more = others.len().saturating_sub(MAX_OTHERS);
        let listed = others[..others.len() - more].join(", ");
        help.push_str(&format!("\nother columns: {listed}"));
        if more > 0 {
            help.push_str(&format!(" and {more} more"));
        }
    }
    let message = format!(
        "`--target` is missing: which of the {} of {} is to be predicted?",
        pluralize(view.columns.len(), "column"),
        sanitize(&view.path().display().to_string())
    );
    Error::input(message, &help)
}

/// The likely ones, the likeliest first.
fn candidates(view: &View) -> Vec<Candidate> {
    let last = view.columns.len().saturating_sub(1);
    let mut found = Vec::new();
    for (column, about) in view.columns.iter().enumerate() {
        let name = about.name.trim().to_lowercase();
        let is_usual = USUAL_NAMES.contains(&name.as_str());
        let distinct = view.distinct(column);
        let most = match (is_usual, view.numbers(column).is_some()) {
            (true, _) => MANY_VALUES,
            (false, false) => FEW_VALUES,
            (false, true) => FEW_NUMBERS,
        };
        let is_likely = (2..=most).contains(&distinct) && 2 * distinct <= view.rows();
        if !is_likely || has_fractions(view, column) {
            continue;
        }
        let score =
            4 * u32::from(is_usual) + 2 * u32::from(column == last) + u32::from(column == 0);
        found.push(Candidate {
            column,
            distinct,
            score,
        });
    }
    found.sort_by_key(|candidate| (std::cmp::Reverse(candidate.score), candidate.column));
    found
}

fn has_fractions(view: &View, column: usize) -> bool {
    let numbers = view.numbers(column).unwrap_or_default();
    let mut known = numbers.into_iter().filter(|number| !number.is_nan());
    known.any(|number| number.fract() != 0.0)
}

/// The first few values of a column.
fn values(view: &View, column: usize) -> String {
    let mut values: Vec<String> = Vec::new();
    for row in 0..view.rows() {
        let Some(cell) = view.text(row, column) else {
            continue;
        };
        let cell = cut(&cell, WIDEST);
        if values.contains(&cell) {
            continue;
        }
        values.push(cell);
        if values.len() > MAX_VALUES {
            break;
        }
    }
    values.join(", ")
}
