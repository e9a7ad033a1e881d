//! Lines of `[data]` that would use the columns that are not used.
//!
//! Invariant: a key that is set is no longer found from the file, so that each line also names what
//! is used already; there is one line for each key.

use sweep_core::format::toml_string;
use sweep_data::{View, ViewColumn};

/// Columns up to which a line lists them all.
const MAX_LISTED: usize = 40;

/// What would use more columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Uses {
    /// Columns of text that nothing uses.
    pub texts: Vec<String>,
    /// Whether they are all that there is to learn from.
    pub has_texts_alone: bool,
    /// Whole lines for other columns.
    pub lines: Vec<String>,
}

impl Uses {
    pub fn of(view: &View) -> Uses {
        let named: Vec<usize> = (0..view.columns.len())
            .filter(|column| key(&view.columns[*column]) == "text")
            .collect();
        let texts: Vec<usize> = named
            .iter()
            .copied()
            .filter(|column| !view.is_called_identifier(*column))
            .collect();
        let with_roles = |roles: &[&str]| -> Vec<String> {
            let used = view.columns.iter();
            let used = used.filter(|column| roles.contains(&column.usage.role));
            used.map(|column| toml_string(&column.name)).collect()
        };
        let mut lines = Vec::new();
        for (wanted, roles) in [
            ("categorical", ["category", "binary"].as_slice()),
            ("date", &["date"]),
            ("missing_values", &[]),
        ] {
            let used = with_roles(roles);
            let new = values(view, wanted, &used);
            let all = [used, new.clone()].concat();
            if !new.is_empty() && all.len() <= MAX_LISTED {
                lines.push(format!("{wanted} = [{}]", all.join(", ")));
            }
        }
        let years = with_roles(&["year"]);
        if !values(view, "date", &with_roles(&["date"])).is_empty() && !years.is_empty() {
            lines.push(format!("year = [{}]", years.join(", ")));
        }
        Uses {
            texts: texts
                .iter()
                .map(|column| view.columns[*column].name.clone())
                .collect(),
            has_texts_alone: !view.columns.iter().any(|column| column.is_feature),
            lines,
        }
    }
}

/// The key that would use a column; empty if none would, or it is used.
fn key(column: &ViewColumn) -> &str {
    let line = column.usage.line.as_deref().unwrap_or_default();
    line.split(' ').next().unwrap_or_default()
}

/// What the lines of the columns that `wanted` would use list, besides what is `used` already.
fn values(view: &View, wanted: &str, used: &[String]) -> Vec<String> {
    let mut beginning = format!("{wanted} = [");
    used.iter().for_each(|name| {
        beginning.push_str(name);
        beginning.push_str(", ");
    });
    let mut values: Vec<String> = Vec::new();
    for column in view.columns.iter().filter(|column| key(column) == wanted) {
        let line = column.usage.line.as_deref().unwrap_or_default();
        let value = line.strip_prefix(&beginning);
        let value = value.and_then(|rest| rest.strip_suffix(']'));
        if let Some(value) = value.filter(|value| !values.iter().any(|own| own == value)) {
            values.push(value.to_owned());
        }
    }
    values
}
