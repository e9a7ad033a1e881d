//! Columns that take no room: constant and empty ones share a line where there are many, and no
//! statistic of the numbers of an identifier is shown.

use std::collections::HashSet;

use sweep_analysis::text;

use super::cells::NAME;
use sweep_describe::{ColumnSummary, Description};

/// Columns that do not vary and still have a row and a panel each, at most.
const MAX_SHOWN: usize = 3;
/// Names in a line.
const MAX_NAMED: usize = 20;

/// The columns that take no room.
pub struct Omitted<'a> {
    constant: Vec<&'a str>,
    empty: Vec<&'a str>,
    /// Constant and empty ones, also the names of their numbers; nothing where all are shown.
    hidden: HashSet<String>,
    /// Names of the numbers of identifiers.
    identifiers: HashSet<String>,
}

impl<'a> Omitted<'a> {
    pub fn of(description: &'a Description) -> Omitted<'a> {
        let plays_no_part = |column: &&ColumnSummary| !matches!(column.role, "target" | "group");
        let columns = || description.columns.iter().filter(plays_no_part);
        let names = |is: fn(&ColumnSummary) -> bool| -> Vec<&str> {
            let columns = columns().filter(|column| is(column));
            columns.map(|column| column.name.as_str()).collect()
        };
        let (constant, empty) = (
            names(ColumnSummary::is_constant),
            names(ColumnSummary::is_empty),
        );
        let mut hidden = HashSet::new();
        if constant.len() + empty.len() > MAX_SHOWN {
            for column in columns().filter(|column| column.is_constant() || column.is_empty()) {
                hidden.insert(column.name.clone());
                hidden.insert(column.number_name());
            }
        }
        Omitted {
            constant,
            empty,
            hidden,
            identifiers: columns()
                .filter(|column| column.identifier)
                .map(ColumnSummary::number_name)
                .collect(),
        }
    }

    /// Whether `column`, or the years of one, is left to [`Omitted::lines`].
    pub fn has_no_row(&self, column: &str) -> bool {
        self.hidden.contains(column)
    }

    /// Whether nothing is shown of the numbers of `column`.
    pub fn is_not_drawn(&self, column: &str) -> bool {
        self.hidden.contains(column) || self.identifiers.contains(column)
    }

    /// A sentence on each kind of column that is hidden.
    pub fn lines(&self) -> Vec<String> {
        if self.hidden.is_empty() {
            return Vec::new();
        }
        let kinds = [(&self.constant, "constant"), (&self.empty, "empty")];
        let kinds = kinds.into_iter().filter(|(names, _)| !names.is_empty());
        kinds
            .map(|(names, what)| match names.as_slice() {
                [only] => format!("1 column is {what}: {}", text::cut(only, NAME)),
                _ => format!(
                    "{} are {what}: {}",
                    text::pluralize(names.len() as u64, "column"),
                    listed(names)
                ),
            })
            .collect()
    }
}

fn listed(names: &[&str]) -> String {
    let shown = names.iter().take(MAX_NAMED);
    let mut words: Vec<String> = shown.map(|name| text::cut(name, NAME)).collect();
    let more = names.len().saturating_sub(MAX_NAMED);
    if more > 0 {
        words.push(format!("and {more} more"));
    }
    words.join(", ")
}
