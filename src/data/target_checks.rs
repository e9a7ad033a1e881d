//! Whether the target can be learned: enough classes, not too many, or numbers; and what is told of it.
//!
//! Invariant: what passes has two classes or numbers at least.

use sweep_core::data_config::DataSpec;
use sweep_core::format::pluralize;
use sweep_core::trial::Task;
use sweep_table::error::quote;
use sweep_table::{DataError, Table};

use super::cells::number;
use super::fit_category::alike_names;
use super::parse::Part;
use super::target_kind::{
    MAX_CLASSES, NUMERIC_HELP, TargetKind, looks_numeric, numeric_classes, numeric_target,
};
use super::target_values::are_numbers;
use super::warnings::Note;

/// Refuses a target that cannot be learned as `task`; `values` are its distinct ones.
pub(super) fn check_target(
    spec: &DataSpec,
    table: &Table,
    part: &Part<'_>,
    (task, values): (Task, &[String]),
) -> Result<(), Vec<DataError>> {
    match task {
        Task::Classification => check_classes(spec, table, part, values),
        Task::Regression => check_numbers(spec, table, part, values),
    }
}

/// What is told of a target that is learned as `task` and whose `values` are of `kind`.
pub(super) fn target_notes(
    spec: &DataSpec,
    part: &Part<'_>,
    (task, kind): (Task, TargetKind),
    values: &[String],
) -> Vec<Note> {
    let (target, count) = (&spec.target, values.len());
    let mut notes = Vec::new();
    match task {
        Task::Classification => {
            notes.extend(alike_classes(spec, values));
            if kind != TargetKind::Classes && spec.task.is_none() {
                notes.push(numeric_classes(target, count).key("data.target"));
            }
        }
        Task::Regression if spec.task.is_none() => {
            notes.push(numeric_target(target, count, part.rows.len()));
        }
        Task::Regression => {}
    }
    notes
}

/// A target that is to be a number must be one in at least two values.
fn check_numbers(
    spec: &DataSpec,
    table: &Table,
    part: &Part<'_>,
    values: &[String],
) -> Result<(), Vec<DataError>> {
    let (message, help) = match values {
        [] => return check_classes(spec, table, part, values),
        [only] => (
            format!("the target is {} in every row", quote(only)),
            "at least two numbers are needed: check `target` and `exclude`",
        ),
        values
            if values.iter().all(|value| number(value).is_none())
                && !are_numbers(part.labels, values) =>
        {
            (
                format!(
                    "the target holds {} distinct texts, such as {}",
                    values.len(),
                    quote(&values[0])
                ),
                "a number is predicted from numbers: choose another `target`, or set `task = \"classification\"`",
            )
        }
        _ => return Ok(()),
    };
    let error = DataError::new(&table.path, message, help).key("data.target");
    Err(vec![error.column(&spec.target)])
}

fn check_classes(
    spec: &DataSpec,
    table: &Table,
    part: &Part<'_>,
    classes: &[String],
) -> Result<(), Vec<DataError>> {
    let (message, help) = match classes {
        [] => {
            let why = format!(
                "no row is left: {} lack a value",
                pluralize(part.dropped, "row")
            );
            (
                why,
                "fill the cells, or choose another `missing` rule".to_owned(),
            )
        }
        [only] => {
            let message = format!("every row has the same class, {}", quote(only));
            (
                message,
                "at least two classes are needed: check `target` and `exclude`".to_owned(),
            )
        }
        many if many.len() > MAX_CLASSES && looks_numeric(many) => (
            format!(
                "it looks numeric: {} rows hold {} different numbers",
                part.rows.len(),
                many.len()
            ),
            NUMERIC_HELP.to_owned(),
        ),
        many if many.len() > MAX_CLASSES => {
            let message = format!(
                "{} in {}: this does not look like a class",
                pluralize(many.len(), "distinct value"),
                pluralize(part.rows.len(), "row")
            );
            (
                message,
                format!("at most {MAX_CLASSES} classes: choose a column with fewer"),
            )
        }
        _ => return Ok(()),
    };
    let error = DataError::new(&table.path, message, help).key("data.target");
    Err(vec![error.column(&spec.target)])
}

/// A warning if classes differ in case or blanks alone.
fn alike_classes(spec: &DataSpec, classes: &[String]) -> Option<Note> {
    let names: Vec<&str> = classes.iter().map(String::as_str).collect();
    let alike = alike_names(&names);
    let first = alike.first()?;
    let shown: Vec<String> = first.iter().map(|name| quote(name)).collect();
    let text = format!(
        "classes of {} differ in case or blanks alone and count as different: {}{}",
        quote(&spec.target),
        shown.join(", "),
        match first.iter().all(|name| name.trim() == first[0].trim()) {
            true => "; `trim = true` makes them one",
            false => "",
        }
    );
    Some(Note::warning(text).key("data.target"))
}
