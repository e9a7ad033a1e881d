//! What the keys of `[data]` say about columns must go together: one part for each column, and
//! policies that can be carried out.

use std::collections::HashMap;

use super::diagnostic::{Diagnostic, Problems};
use super::format::AUTO;
use super::node::Node;
use super::table::Table;
use sweep_core::data_config::{DataSpec, MissingPolicy};
use sweep_core::split_spec::SplitBy;

/// Keys of `[data]` that name columns and give them a part.
const PARTS: [&str; 8] = [
    "target",
    "group",
    "weight",
    "drop",
    "numeric",
    "year",
    "date",
    "categorical",
];

/// Every column may play one part.
pub(super) fn check_parts(table: Table<'_>, problems: &mut Problems) {
    let mut parts: HashMap<&str, &str> = HashMap::new();
    for part in PARTS {
        // What is found from the file names no column.
        let Some(node) = table.get(part).filter(|node| !is_auto(part, node)) else {
            continue;
        };
        let columns = node.items().unwrap_or(std::slice::from_ref(node));
        for column in columns {
            let named = column.entry("column").map(|entry| &entry.value);
            let Some(name) = named.unwrap_or(column).text() else {
                continue;
            };
            let Some(other) = parts.insert(name, part) else {
                continue;
            };
            let label = match other == part {
                true => "again here".to_owned(),
                false => format!("already in `data.{other}`"),
            };
            let help = match other {
                "target" => "the target cannot be a feature: remove it here",
                _ => "a column has one role: remove it from one of the two",
            };
            problems.add(
                Diagnostic::new(&column.place, format!("the column {name:?} is named twice"))
                    .label(label)
                    .help(help),
            );
        }
    }
    check_texts(table, &parts, problems);
}

/// The column that decides on the split is neither target nor weight. One that names the sides is
/// nothing else; one of times may also become a feature.
pub(super) fn check_split(table: Table<'_>, by: &SplitBy, problems: &mut Problems) {
    let (Some(name), Some(split)) = (by.column(), table.get("split")) else {
        return;
    };
    let is_time = matches!(by, SplitBy::Time { .. });
    let key = by.key().rsplit('.').next().unwrap_or_default();
    let parts: &[&str] = match is_time {
        true => &["target", "weight"],
        false => &PARTS,
    };
    let names = |node: &Node| {
        let columns = node.items().unwrap_or(std::slice::from_ref(node));
        columns.iter().any(|column| {
            let named = column.entry("column").map(|entry| &entry.value);
            named.unwrap_or(column).text() == Some(name)
        })
    };
    let is_named = |part: &&&str| {
        let node = table.get(part).filter(|node| !is_auto(part, node));
        node.is_some_and(names)
    };
    if let (Some(other), Some(node)) = (parts.iter().find(is_named), split.entry(key)) {
        problems.add(
            Diagnostic::new(
                &node.value.place,
                format!("the column {name:?} is named twice"),
            )
            .label(format!("already in `data.{other}`"))
            .help("a column has one role: remove it from one of the two"),
        );
    }
}

fn is_auto(part: &str, node: &Node) -> bool {
    ["date", "categorical"].contains(&part) && node.text() == Some(AUTO)
}

/// A column of text may be encoded in several ways, and be the group: its words recur in others.
fn check_texts(table: Table<'_>, parts: &HashMap<&str, &str>, problems: &mut Problems) {
    let Some(node) = table.get("text") else {
        return;
    };
    for text in node.items().unwrap_or(std::slice::from_ref(node)) {
        let columns = text.entry("columns").and_then(|entry| entry.value.items());
        let mut before: Vec<&str> = Vec::new();
        for column in columns.unwrap_or_default() {
            let Some(name) = column.text() else {
                continue;
            };
            let other = parts.get(name).filter(|other| **other != "group");
            let label = match other {
                Some(other) => format!("already in `data.{other}`"),
                None if before.contains(&name) => "again here".to_owned(),
                None => {
                    before.push(name);
                    continue;
                }
            };
            let help = match other {
                Some(&"target") => "the target cannot be a feature: remove it here",
                _ => "remove it from one of the two places",
            };
            problems.add(
                Diagnostic::new(&column.place, format!("the column {name:?} is named twice"))
                    .label(label)
                    .help(help),
            );
        }
    }
}

/// A policy must be for a column that is used, and be able to fill it.
pub(super) fn check_policies(table: Table<'_>, spec: &DataSpec, problems: &mut Problems) {
    let Some(node) = table.get("missing") else {
        return;
    };
    let categorical = |column: &str| spec.categorical.iter().flatten().any(|name| name == column);
    let numeric = |column: &str| {
        let dates = spec.dates.iter().flatten().map(|date| &date.column);
        let mut names = spec.numeric.iter().flatten().chain(&spec.year).chain(dates);
        names.any(|name| name == column)
    };
    let is_closed = spec.numeric.is_some() && spec.categorical.is_some() && spec.dates.is_some();
    let textual = |column: &str| {
        let mut columns = spec.text.iter().flat_map(|text| &text.columns);
        columns.any(|name| name == column)
    };
    for entry in node.entries().unwrap_or_default() {
        let Some(policy) = spec.missing.columns.get(&entry.key) else {
            continue;
        };
        let decides = spec.split.by.column() == Some(&entry.key) && !numeric(&entry.key);
        let is_label =
            spec.target == entry.key || spec.group.as_deref() == Some(&entry.key) || decides;
        let is_known =
            is_label || categorical(&entry.key) || textual(&entry.key) || numeric(&entry.key);
        let is_without_median = matches!(policy, MissingPolicy::Median | MissingPolicy::Keep);
        if is_label && policy.fills() {
            problems.add(
                Diagnostic::new(
                    &entry.value.place,
                    match decides {
                        true => "what decides on the split cannot be filled in",
                        false => "a missing target or group cannot be filled in",
                    },
                )
                .help("use \"error\" or \"drop\""),
            );
        } else if textual(&entry.key) && policy.fills() {
            problems.add(
                Diagnostic::new(
                    &entry.value.place,
                    format!("{:?} is text, which cannot be filled in", entry.key),
                )
                .help("use \"drop\" or \"error\"; without a rule, a missing text is empty"),
            );
        } else if categorical(&entry.key) && is_without_median {
            problems.add(
                Diagnostic::new(
                    &entry.value.place,
                    match policy {
                        MissingPolicy::Keep => {
                            format!(
                                "{:?} is categorical, and \"keep\" is for numbers",
                                entry.key
                            )
                        }
                        _ => format!("{:?} is categorical and has no median", entry.key),
                    },
                )
                .help("use \"impute\", \"category\", \"drop\" or \"error\""),
            );
        } else if numeric(&entry.key) && *policy == MissingPolicy::Category {
            problems.add(
                Diagnostic::new(
                    &entry.value.place,
                    format!("{:?} is a number, for which missing is no level", entry.key),
                )
                .help("use \"impute\", \"keep\", \"drop\" or \"error\""),
            );
        } else if !is_known && is_closed {
            problems.add(
                Diagnostic::new(
                    &entry.key_place,
                    format!("the column {:?} is not used", entry.key),
                )
                .help("name it in `numeric`, `date`, `categorical` or `text`, or remove it here"),
            );
        }
    }
}
