//! The `[experiment]` table: name, replicate seeds, objective, learning curve, refit.

use super::diagnostic::{Diagnostic, Place, Problems, nearest};
use super::keys;
use super::node::{Content, Node};
use super::table::{Table, boolean, entries_of, must_be, number, seed, unknown_key};
use sweep_core::format::one_of;
use sweep_core::trial::{Goal, METRICS, MetricDef, Objective, Task, VALID, metrics_of};

/// Longest name of an experiment, in bytes; it becomes the name of a folder.
const MAX_NAME: usize = 100;

const OBJECTIVE_KEYS: [&str; 2] = ["metric", "goal"];

/// What `[experiment]` says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Head {
    pub name: String,
    pub seeds: Vec<u64>,
    /// `None` is what is usual for the task.
    pub objective: Option<Objective>,
    pub train_fractions: Vec<f64>,
    pub refit: bool,
}

/// Reads `[experiment]`, which may be absent; `stem` is the file name without its extension.
pub(super) fn read(
    node: Option<&Node>,
    stem: &str,
    start: &Place,
    problems: &mut Problems,
) -> Head {
    let table = node.and_then(|node| Table::open(node, "experiment", keys::EXPERIMENT, problems));
    let named = table.and_then(|table| table.get("name"));
    let name = match (table, named) {
        (Some(table), Some(_)) => table.read("name", problems, name).unwrap_or_default(),
        _ => {
            if !is_name(stem) {
                problems.add(
                    Diagnostic::new(
                        start,
                        format!("the file's name {stem:?} cannot be the experiment's name"),
                    )
                    .help(format!(
                        "add `name = \"...\"` to [experiment]: {}",
                        keys::EXPERIMENT[0].allowed
                    )),
                );
            }
            stem.to_owned()
        }
    };
    let seeds = table.and_then(|table| seeds(table, problems));
    let objective = table.and_then(|table| objective(table, problems));
    let train_fractions = table.and_then(|table| train_fractions(table, problems));
    let refit = table.and_then(|table| table.read("refit", problems, boolean));
    Head {
        name,
        seeds: seeds.unwrap_or_else(|| vec![1]),
        objective,
        train_fractions: train_fractions.unwrap_or_else(|| vec![1.0]),
        refit: refit.unwrap_or(false),
    }
}

fn name(node: &Node) -> Result<String, &Node> {
    match node.text() {
        Some(text) if is_name(text) => Ok(text.to_owned()),
        _ => Err(node),
    }
}

/// Whether an experiment can be called `text`.
pub fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    // A point hides a folder, and commands take a dash for the beginning of a flag.
    let begins = !text.starts_with(['.', '-']);
    !text.is_empty() && text.len() <= MAX_NAME && begins && text.bytes().all(fits)
}

fn seeds(table: Table<'_>, problems: &mut Problems) -> Option<Vec<u64>> {
    let node = table.get("seeds")?;
    let items = match node.items() {
        Some(items) if !items.is_empty() => items,
        _ => {
            table.refuse("seeds", node, problems);
            return None;
        }
    };
    let mut seen = std::collections::HashSet::new();
    let mut seeds = Vec::with_capacity(items.len());
    for item in items {
        match seed(item) {
            Ok(seed) if seen.insert(seed) => seeds.push(seed),
            Ok(seed) => problems.add(
                Diagnostic::new(&item.place, format!("seed {seed} occurs twice"))
                    .label("again here")
                    .help("the same seed gives the same result: remove one"),
            ),
            Err(at) => table.refuse("seeds", at, problems),
        }
    }
    Some(seeds)
}

/// All rows first, which rank configurations, then the other fractions in file order.
fn train_fractions(table: Table<'_>, problems: &mut Problems) -> Option<Vec<f64>> {
    const KEY: &str = "learning_curve";
    let node = table.get(KEY)?;
    let items = match node.items() {
        Some(items) if !items.is_empty() => items,
        _ => {
            table.refuse(KEY, node, problems);
            return None;
        }
    };
    let mut seen: Vec<f64> = Vec::with_capacity(items.len());
    for item in items {
        match number(item) {
            Ok(fraction) if !(fraction > 0.0 && fraction <= 1.0) => {
                table.refuse(KEY, item, problems)
            }
            Ok(fraction) if seen.contains(&fraction) => problems.add(
                Diagnostic::new(&item.place, format!("the fraction {fraction} occurs twice"))
                    .label("again here")
                    .help("equal fractions use the same rows and give the same result: remove one"),
            ),
            Ok(fraction) => seen.push(fraction),
            Err(at) => table.refuse(KEY, at, problems),
        }
    }
    seen.retain(|fraction| *fraction < 1.0);
    Some(std::iter::once(1.0).chain(seen).collect())
}

fn objective(table: Table<'_>, problems: &mut Problems) -> Option<Objective> {
    let node = table.get("objective")?;
    objective_at(node, "experiment.objective", &[], problems)
}

/// What stands at `node`, `path` in the file: a metric, or a table of metric and goal. Beside the metrics of validation rows
/// it may be one of `others`.
pub(super) fn objective_at(
    node: &Node,
    path: &str,
    others: &[Objective],
    problems: &mut Problems,
) -> Option<Objective> {
    let metric = |node: &Node, problems: &mut Problems| {
        let other = others
            .iter()
            .find(|other| node.text() == Some(&other.metric));
        other.cloned().or_else(|| metric(node, path, problems))
    };
    if let Content::Text(_) = node.content {
        return metric(node, problems);
    }
    if node.entries().is_none() {
        must_be(path, keys::EXPERIMENT[2].allowed, node, problems);
        return None;
    }
    for entry in entries_of(node, path, OBJECTIVE_KEYS.into_iter(), problems)? {
        if !OBJECTIVE_KEYS.contains(&entry.key.as_str()) {
            unknown_key(entry, path, OBJECTIVE_KEYS.into_iter(), problems);
        }
    }
    let Some(named) = node.entry("metric") else {
        problems.add(
            Diagnostic::new(&node.place, format!("`{path}` has no `metric`"))
                .help(format!("it must be {}", keys::EXPERIMENT[2].allowed)),
        );
        return None;
    };
    let found = metric(&named.value, problems)?;
    if let Some(asked) = node.entry("goal") {
        match asked.value.text() {
            Some(text) if text == found.goal.name() => {}
            Some("min" | "max") => problems.add(
                Diagnostic::new(
                    &asked.value.place,
                    format!(
                        "the goal of `{}` is \"{}\"",
                        found.metric,
                        found.goal.name()
                    ),
                )
                .label("the opposite direction")
                .help(match found.goal {
                    Goal::Min => "a lower value is better: leave `goal` out or set it to \"min\"",
                    Goal::Max => "a higher value is better: leave `goal` out or set it to \"max\"",
                }),
            ),
            _ => must_be(
                &format!("{path}.goal"),
                "\"min\" or \"max\"",
                &asked.value,
                problems,
            ),
        }
    }
    Some(found)
}

/// The objective that `node` names; otherwise a problem that lists what there is.
fn metric(node: &Node, path: &str, problems: &mut Problems) -> Option<Objective> {
    let text = node.text().unwrap_or_default();
    let found = Objective::named(text);
    if found.is_none() {
        let bare = text.strip_prefix(VALID).unwrap_or(text);
        let stem = bare.split('@').next().unwrap_or_default().to_lowercase();
        let is_meant =
            |known: &&MetricDef| known.name == stem || known.spellings.contains(&stem.as_str());
        let patterns: Vec<String> = METRICS.iter().map(MetricDef::pattern).collect();
        let mut meant: Vec<String> = METRICS
            .iter()
            .filter(is_meant)
            .map(MetricDef::pattern)
            .collect();
        if meant.is_empty() {
            let near = nearest(text, patterns.iter().map(String::as_str));
            meant.extend(near.map(str::to_owned));
        }
        let all = |task: Task| {
            let names: Vec<String> = metrics_of(task).map(MetricDef::pattern).collect();
            format!("{}: {}", task.name(), names.join(", "))
        };
        let mut help = String::new();
        if !meant.is_empty() {
            help = format!("did you mean {}?\n", one_of(meant));
        }
        let [classes, numbers] = Task::ALL.map(all);
        help.push_str(&format!("metrics for {classes}\nfor {numbers}"));
        let shown = match node.text() {
            Some(text) => format!("there is no metric {text:?}"),
            None => format!("`{path}` must be the name of a metric"),
        };
        problems.add(
            Diagnostic::new(&node.place, shown)
                .label("not a metric")
                .help(help),
        );
    }
    found
}
