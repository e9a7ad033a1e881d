//! What columns are used as, and rows left out, in words.
//!
//! Invariant: says what was decided elsewhere; decides nothing.

use sweep_core::data_config::{DataSpec, Edition};
use sweep_core::format::{pluralize, toml_string};
use sweep_table::Table;
use sweep_table::error::{list, quote};

use super::columns::{Field, Form, Roles, UseAs};
use super::parse::Part;
use super::summary::{ColumnUse, Summary};
use super::warnings::Note;

/// Share of rows from which it is a warning that they are left out.
const MANY_DROPPED: f64 = 0.1;
/// Columns without use that are named; the others are counted.
const MAX_NAMED: usize = 8;
/// Longest line that is shown, in bytes.
const MAX_LINE: usize = 160;
/// What the role of a column without use is called.
pub(super) const NOT_USED: &str = "not used";

/// What each column is used as, in the order of the file.
pub(super) fn uses(table: &Table, roles: &Roles) -> Vec<ColumnUse> {
    let of = |column: usize| -> ColumnUse {
        let name = table.names[column].clone();
        let used = |role: &'static str, detail: String| ColumnUse {
            name: name.clone(),
            role,
            detail,
            line: None,
            is_doubtful: false,
        };
        let fields: Vec<&Field> = roles
            .fields
            .iter()
            .filter(|field| field.column == column)
            .collect();
        if column == roles.target {
            return used("target", String::new());
        }
        if let Some(first) = fields.first() {
            let mut own = used(first.form.role(), first.form.detail());
            if roles.group == Some(column) {
                own.detail = "also the group".to_owned();
            }
            if roles.split == Some(column) {
                own.detail = match own.detail.as_str() {
                    "" => "also orders the split".to_owned(),
                    detail => format!("{detail}; also orders the split"),
                };
            }
            return own;
        }
        if roles.group == Some(column) {
            return used("group", String::new());
        }
        if roles.weight == Some(column) {
            return used("weight", "of the training rows".to_owned());
        }
        if roles.split == Some(column) {
            let about = "decides on the split, and is no feature unless it is named as one";
            return used("split", about.to_owned());
        }
        if roles.dropped.contains(&column) {
            return used(NOT_USED, DROPPED.to_owned());
        }
        let unused = roles.unused.iter().find(|unused| unused.column == column);
        let mut own = used(
            NOT_USED,
            unused.map_or(String::new(), |unused| unused.why.clone()),
        );
        let use_as = unused.and_then(|unused| unused.use_as.as_ref());
        own.line = use_as.and_then(|use_as| line_of(use_as, &table.names[column], roles));
        own.is_doubtful = unused.is_some_and(|unused| unused.is_doubtful);
        own
    };
    (0..table.names.len()).map(of).collect()
}

/// The line that would use the column called `name` besides those of its role that are used; `None` if
/// it is too long to be read.
fn line_of(use_as: &UseAs, name: &str, roles: &Roles) -> Option<String> {
    let list = |key: &str, own: String, is_of_role: &dyn Fn(&Form) -> bool| {
        let fields = roles.fields.iter().filter(|field| is_of_role(&field.form));
        let mut names: Vec<String> = fields.map(|field| toml_string(&field.name)).collect();
        names.push(own);
        format!("{key} = [{}]", names.join(", "))
    };
    let line = match use_as {
        UseAs::Line(line) => line.clone(),
        UseAs::Category => list("categorical", toml_string(name), &|form| {
            matches!(form, Form::Category | Form::Binary { .. })
        }),
        UseAs::Date(format) => {
            let own = match format.as_str() {
                "auto" => toml_string(name),
                format => format!(
                    "{{ column = {}, format = {} }}",
                    toml_string(name),
                    toml_string(format)
                ),
            };
            list("date", own, &|form| matches!(form, Form::Date { .. }))
        }
    };
    (line.len() <= MAX_LINE).then_some(line)
}

/// Which columns are used as what, and which are not used and why, with a line that would use
/// each. The first edition leaves columns of text out without a word.
pub(super) fn usage_notes(columns: &[ColumnUse], spec: &DataSpec) -> Vec<Note> {
    let mut notes = Vec::new();
    let unused: Vec<&ColumnUse> = columns
        .iter()
        .filter(|column| column.role == NOT_USED)
        .collect();
    let is_first = spec.format.edition == Edition::First;
    if !is_first {
        notes.extend(uses_note(columns));
    }
    // What the experiment itself drops needs no word.
    let told = |column: &&&ColumnUse| {
        // Nor does what a list of features leaves out.
        let is_found = !is_first && spec.numeric.is_none() && column.detail != DROPPED;
        column.is_doubtful && spec.numeric.is_none() || is_found
    };
    let mut told: Vec<&&ColumnUse> = unused.iter().filter(told).collect();
    told.sort_by_key(|column| !column.is_doubtful);
    for column in told.iter().take(MAX_NAMED) {
        notes.push(unused_note(column));
    }
    let more = match is_first {
        true => 0,
        false => unused.len() - told.len().min(MAX_NAMED),
    };
    if more > 0 {
        let columns = pluralize(
            more,
            if told.is_empty() {
                "column"
            } else {
                "more column"
            },
        );
        let verb = if more == 1 { "is" } else { "are" };
        let text = format!("{columns} {verb} not used; `sweep data check` says why");
        notes.push(Note::info(text));
    }
    notes
}

/// The columns without use of which it may be wrong to leave them out.
pub(super) fn doubtful_notes(columns: &[ColumnUse]) -> Vec<Note> {
    let doubtful = columns.iter().filter(|column| column.is_doubtful);
    doubtful.map(unused_note).collect()
}

/// Why a column is not used, and a line that would use it.
fn unused_note(column: &ColumnUse) -> Note {
    let mut text = format!(
        "column {} is not used: {}",
        quote(&column.name),
        column.detail
    );
    if let Some(line) = &column.line {
        text.push_str(&format!("; `{}` uses it", shown(line)));
    }
    match column.is_doubtful {
        true => Note::warning(text),
        false => Note::info(text),
    }
}

/// Which columns are used as what.
fn uses_note(columns: &[ColumnUse]) -> Option<Note> {
    let mut roles: Vec<(&str, Vec<&str>)> = Vec::new();
    let used = columns.iter().filter(|column| column.role != NOT_USED);
    for column in
        used.filter(|column| !["target", "group", "weight", "split"].contains(&column.role))
    {
        match roles.iter_mut().find(|(role, _)| *role == column.role) {
            Some((_, names)) => names.push(&column.name),
            None => roles.push((column.role, vec![&column.name])),
        }
    }
    let roles: Vec<String> = roles
        .iter()
        .map(|(role, names)| format!("{}: {}", plural(role), list(names)))
        .collect();
    (!roles.is_empty()).then(|| Note::info(format!("features are made of {}", roles.join("; "))))
}

/// What columns of a role are called.
fn plural(role: &str) -> &str {
    match role {
        "number" => "numbers",
        "year" => "years",
        "date" => "dates",
        "category" => "categories",
        "binary" => "columns of two values",
        "text" => "texts",
        role => role,
    }
}

/// Why a column is not used that the experiment drops.
const DROPPED: &str = "`drop` names it";

/// `line` without what moves a terminal's cursor.
fn shown(line: &str) -> String {
    sweep_core::sanitize::sanitize(line)
}

/// How many rows were left out because of which column; a warning if they are many.
pub(super) fn dropped_note(summary: &Summary, part: &Part<'_>) -> Option<Note> {
    let all = part.rows.len() + part.dropped;
    let share = part.dropped as f64 / all.max(1) as f64;
    let (column, rows) = summary.dropped_by.iter().max_by_key(|(_, rows)| *rows)?;
    let text = format!(
        "{} of {all} ({:.1}%) are left out because a cell is missing, most because of column {} ({})",
        pluralize(part.dropped, "row"),
        100.0 * share,
        quote(column),
        pluralize(*rows, "row"),
    );
    let note = match share > MANY_DROPPED {
        true => Note::warning(format!(
            "{text}: leave the column out with `drop = [{name}]`, or fill it with `missing = {{ {name} = \
             \"impute\" }}`",
            name = shown(&toml_string(column)),
        )),
        false => Note::info(text),
    };
    Some(note.key("data.missing"))
}
