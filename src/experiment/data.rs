//! The `[data]` table: which file, columns, rows and split. Columns are looked for in the file later.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::columns;
use super::diagnostic::{Diagnostic, Problems};
use super::encoders;
use super::features;
use super::format::{self, AUTO};
use super::keys;
use super::node::{Content, Node};
use super::split::split;
use super::table::{Table, boolean, must_be, text, texts};
use sweep_core::data_config::{
    DataSpec, Edition, MissingPolicy, MissingRules, Scale, TargetTransform,
};
use sweep_core::trial::Task;

const POLICIES: [(&str, MissingPolicy); 7] = [
    ("error", MissingPolicy::Error),
    ("drop", MissingPolicy::Drop),
    ("median", MissingPolicy::Median),
    ("mode", MissingPolicy::Mode),
    ("impute", MissingPolicy::Impute),
    ("category", MissingPolicy::Category),
    ("keep", MissingPolicy::Keep),
];
const POLICY: &str =
    "\"error\", \"drop\", \"impute\", \"median\", \"mode\", \"category\" or \"keep\"";

/// Reads `[data]`, with the defaults of `edition`; `None` when something in it was reported.
pub(super) fn read(root: &Node, edition: Edition, problems: &mut Problems) -> Option<DataSpec> {
    let Some(node) = root.entry("data").map(|entry| &entry.value) else {
        problems.add(
            Diagnostic::new(&root.place, "the table [data] is missing").help(
                "it names the file and the column to predict:\n\
                 [data]\npath = \"data/songs.csv\"\ntarget = \"class\"",
            ),
        );
        return None;
    };
    let table = Table::open(node, "data", keys::DATA, problems)?;
    for key in ["path", "target"] {
        if table.get(key).is_none() {
            let known = keys::DATA.iter().find(|known| known.name == key)?;
            problems.add(
                Diagnostic::new(table.place(), format!("`data.{key}` is missing"))
                    .help(format!("add `{key} = ...`: {}", known.allowed)),
            );
        }
    }
    let test_path = table.read("test_path", problems, path);
    let names =
        |key: &str, problems: &mut Problems| table.read(key, problems, texts).unwrap_or_default();
    let spec = DataSpec {
        paths: table.read("path", problems, paths).unwrap_or_default(),
        format: format::read(table, edition, problems),
        target: target(table, problems),
        task: table.read("task", problems, task).flatten(),
        target_transform: table
            .read("target_transform", problems, transform)
            .unwrap_or_default(),
        weight: table.read("weight", problems, text),
        group: table.read("group", problems, text),
        exclude: exclude(table, problems),
        drop: names("drop", problems),
        numeric: table.read("numeric", problems, texts),
        year: names("year", problems),
        dates: features::dates(table, edition, problems),
        categorical: features::categorical(table, edition, problems),
        categories: features::categories(table, problems),
        text: encoders::read(table, problems),
        missing: missing(table, problems),
        scale: table
            .read("scale", problems, scale)
            .unwrap_or(Scale::Standard),
        split: split(table, test_path, problems),
    };
    columns::check_parts(table, problems);
    columns::check_split(table, &spec.split.by, problems);
    columns::check_policies(table, &spec, problems);
    Some(spec)
}

fn path(node: &Node) -> Result<PathBuf, &Node> {
    text(node).map(PathBuf::from)
}

/// A path, or a list of them.
fn paths(node: &Node) -> Result<Vec<PathBuf>, &Node> {
    match node.items() {
        None => Ok(vec![path(node)?]),
        Some([]) => Err(node),
        Some(items) => items.iter().map(path).collect(),
    }
}

fn target(table: Table<'_>, problems: &mut Problems) -> String {
    if let Some(node) = table.get("target")
        && node.items().is_some()
    {
        problems.add(
            Diagnostic::new(&node.place, "`data.target` names several columns")
                .label("one target is predicted at a time")
                .help("write one experiment file for each target"),
        );
        return String::new();
    }
    table.read("target", problems, text).unwrap_or_default()
}

/// `None` is found from the values.
fn task(node: &Node) -> Result<Option<Task>, &Node> {
    match node.text() {
        Some(AUTO) => Ok(None),
        Some(name) => Task::named(name).map(Some).ok_or(node),
        None => Err(node),
    }
}

fn transform(node: &Node) -> Result<TargetTransform, &Node> {
    let mut transforms = TargetTransform::ALL.into_iter();
    let found = transforms.find(|transform| node.text() == Some(transform.name()));
    found.ok_or(node)
}

fn scale(node: &Node) -> Result<Scale, &Node> {
    match node.text() {
        Some("standard") => Ok(Scale::Standard),
        Some("quantile") => Ok(Scale::Quantile),
        Some("none") => Ok(Scale::None),
        _ => Err(node),
    }
}

/// Values are compared with cells, so an integer stands for its digits.
fn exclude(table: Table<'_>, problems: &mut Problems) -> BTreeMap<String, Vec<String>> {
    let cell = |node: &Node| match &node.content {
        Content::Text(text) => Some(text.clone()),
        Content::Int(int) => Some(int.to_string()),
        _ => None,
    };
    let mut excluded = BTreeMap::new();
    let Some(node) = table.get("exclude") else {
        return excluded;
    };
    let Some(entries) = node.entries() else {
        table.refuse("exclude", node, problems);
        return excluded;
    };
    for entry in entries {
        let path = format!("data.exclude.{}", entry.key);
        let items = entry.value.items().unwrap_or_default();
        if items.is_empty() {
            let allowed = "a list of values, such as [\"edm\", \"pop\"]";
            must_be(&path, allowed, &entry.value, problems);
        }
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            match cell(item) {
                Some(value) => values.push(value),
                None => must_be(&path, "a list of strings or integers", item, problems),
            }
        }
        excluded.insert(entry.key.clone(), values);
    }
    excluded
}

fn missing(table: Table<'_>, problems: &mut Problems) -> MissingRules {
    let policy = |node: &Node| {
        let text = node.text()?;
        let found = POLICIES.into_iter().find(|(name, _)| *name == text);
        found.map(|(_, policy)| policy)
    };
    let mut rules = MissingRules {
        default: MissingPolicy::Error,
        columns: BTreeMap::new(),
        indicator: table
            .read("missing_indicator", problems, boolean)
            .unwrap_or(false),
    };
    let Some(node) = table.get("missing") else {
        return rules;
    };
    let Some(entries) = node.entries() else {
        match policy(node) {
            Some(policy) => rules.default = policy,
            None => table.refuse("missing", node, problems),
        }
        return rules;
    };
    for entry in entries {
        let Some(policy) = policy(&entry.value) else {
            let path = format!("data.missing.{}", entry.key);
            must_be(&path, POLICY, &entry.value, problems);
            continue;
        };
        match entry.key.as_str() {
            "default" => rules.default = policy,
            column => {
                rules.columns.insert(column.to_owned(), policy);
            }
        }
    }
    rules
}
