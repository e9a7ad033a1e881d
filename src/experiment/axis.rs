//! The axes of a grid, their values, and which of them move together.

use std::collections::{HashMap, HashSet};

use super::diagnostic::{Diagnostic, Place, Problems, listed};
use super::keys;
use super::node::{Entry, Node};
use super::range::{self, FORMS, Range};
use super::setting::{canonical, is_known, refuse, setting, shown};
use super::space::Group;
use super::table::must_be;
use sweep_core::trial::models::InvalidParam;
use sweep_core::trial::{Kind, ModelSpec, Value};

/// One key of a grid and its values as written.
#[derive(Debug, Clone)]
pub(super) struct Axis<'a> {
    pub key: &'a str,
    pub key_place: &'a Place,
    node: &'a Node,
    values: Values<'a>,
}

#[derive(Debug, Clone)]
enum Values<'a> {
    List(&'a [Node]),
    Range(Range),
}

impl Axis<'_> {
    /// The number of values.
    pub(super) fn len(&self) -> u64 {
        match &self.values {
            Values::List(items) => items.len() as u64,
            Values::Range(range) => range.len(),
        }
    }
}

/// The axes of `grid` in file order, those that are zipped in one group.
pub(super) fn read<'a>(
    kind: Kind,
    grid: Option<&'a Node>,
    path: &str,
    problems: &mut Problems,
) -> Vec<Vec<Axis<'a>>> {
    let Some(grid) = grid else {
        return Vec::new();
    };
    let Some(entries) = grid.entries() else {
        must_be(
            path,
            "a table of axes, such as lr = [0.1, 0.01]",
            grid,
            problems,
        );
        return Vec::new();
    };
    let mut groups = Vec::new();
    for entry in entries {
        if !keys::GRID.contains(&entry.key.as_str())
            && let Some(axis) = axis(kind, entry, path, problems)
        {
            groups.push(vec![axis]);
        }
    }
    if let Some(zip) = grid.entry("zip") {
        groups = zipped(groups, &zip.value, path, problems);
    }
    groups
}

/// The rows of `group`, every value checked.
pub(super) fn write_out(
    kind: Kind,
    group: &[Axis<'_>],
    path: &str,
    problems: &mut Problems,
) -> Group {
    let columns: Vec<Vec<Value>> = group
        .iter()
        .map(|axis| column(kind, axis, path, problems))
        .collect();
    let length = columns.iter().map(Vec::len).min().unwrap_or(0);
    let rows: Vec<Vec<Value>> = (0..length)
        .map(|row| columns.iter().map(|column| column[row].clone()).collect())
        .collect();
    // A column short of a refused value has rows that the file does not have.
    let complete = group
        .iter()
        .zip(&columns)
        .all(|(axis, column)| axis.len() == column.len() as u64);
    if complete {
        report_duplicates(kind, group, &rows, path, problems);
    }
    Group {
        keys: group.iter().map(|axis| axis.key.to_owned()).collect(),
        rows,
    }
}

fn axis<'a>(kind: Kind, entry: &'a Entry, path: &str, problems: &mut Problems) -> Option<Axis<'a>> {
    if !is_known(kind, entry, path, keys::GRID.into_iter(), problems) {
        return None;
    }
    let full = format!("{path}.{}", entry.key);
    let values = match (entry.value.items(), entry.value.entries()) {
        (Some([]), _) => {
            problems.add(
                Diagnostic::new(
                    &entry.value.place,
                    format!("the axis `{full}` has no values"),
                )
                .help("give it at least one value, or remove it"),
            );
            return None;
        }
        (Some(items), _) => Values::List(items),
        (_, Some(_)) => Values::Range(range::read(&entry.value, &full, problems)?),
        _ => {
            let message = format!("the axis `{full}` must be {FORMS}");
            problems.add(
                Diagnostic::new(&entry.value.place, message)
                    .label(format!("this is {}", entry.value.found()))
                    .help(match path {
                        "grid" if kind.is_open() => format!(
                            "a single value belongs in `settings` of [program]: {} = ..",
                            entry.key
                        ),
                        "grid" => format!("a single value belongs in [model]: {} = ..", entry.key),
                        _ => format!("a single value belongs beside `grid`: {} = ..", entry.key),
                    }),
            );
            return None;
        }
    };
    Some(Axis {
        key: &entry.key,
        key_place: &entry.key_place,
        node: &entry.value,
        values,
    })
}

/// Moves the axes that `zip` names together to the place of the first of them.
fn zipped<'a>(
    mut groups: Vec<Vec<Axis<'a>>>,
    zip: &Node,
    path: &str,
    problems: &mut Problems,
) -> Vec<Vec<Axis<'a>>> {
    const ALLOWED: &str = "a list of lists of axes, such as [[\"layers\", \"lr\"]]";
    let full = format!("{path}.zip");
    let Some(wanted) = zip.items() else {
        must_be(&full, ALLOWED, zip, problems);
        return groups;
    };
    for names in wanted {
        let Some(names @ [_, _, ..]) = names.items() else {
            must_be(
                &full,
                &format!("{ALLOWED}, each of at least two"),
                names,
                problems,
            );
            continue;
        };
        let mut together: Vec<Axis<'a>> = Vec::new();
        let mut first = groups.len();
        let mut sound = true;
        for name in names {
            let Some(text) = name.text() else {
                must_be(&full, ALLOWED, name, problems);
                sound = false;
                continue;
            };
            let twice = together.iter().any(|axis| axis.key == text);
            let at = groups
                .iter()
                .position(|group| group.iter().any(|axis| axis.key == text));
            match at {
                Some(at) if groups[at].len() == 1 && !twice => {
                    first = first.min(at);
                    together.push(groups[at][0].clone());
                }
                Some(_) => {
                    problems.add(
                        Diagnostic::new(&name.place, format!("`{text}` is zipped twice"))
                            .help("an axis may stand in `zip` once"),
                    );
                    sound = false;
                }
                None => {
                    problems.add(
                        Diagnostic::new(&name.place, format!("`{text}` is not an axis"))
                            .help(axes_listed(&groups)),
                    );
                    sound = false;
                }
            }
        }
        if !sound || !same_length(&together, names, problems) {
            continue;
        }
        groups[first] = together;
        let keys: HashSet<&str> = groups[first].iter().map(|axis| axis.key).collect();
        groups = groups
            .into_iter()
            .enumerate()
            .filter(|(at, group)| *at == first || !keys.contains(group[0].key))
            .map(|(_, group)| group)
            .collect();
    }
    groups
}

fn same_length(axes: &[Axis<'_>], names: &[Node], problems: &mut Problems) -> bool {
    let odd = axes.iter().position(|axis| axis.len() != axes[0].len());
    if let Some(odd) = odd {
        let length = |axis: &Axis<'_>| format!("`{}` has {} values", axis.key, axis.len());
        problems.add(
            Diagnostic::new(
                &names[odd].place,
                format!("{}, but {}", length(&axes[odd]), length(&axes[0])),
            )
            .label("of another length")
            .help("axes that move together need as many values each"),
        );
    }
    odd.is_none()
}

/// The values of one axis as models show them; reports those that are refused.
fn column(kind: Kind, axis: &Axis<'_>, path: &str, problems: &mut Problems) -> Vec<Value> {
    let full = format!("{path}.{}", axis.key);
    let default = shown(&ModelSpec::new(kind), axis.key);
    let items = match &axis.values {
        Values::List(items) => *items,
        Values::Range(range) => {
            let whole = matches!(default, Value::Int(_));
            let values = range.values(whole);
            let checked: Result<Vec<Value>, InvalidParam> = values
                .iter()
                .map(|value| canonical(kind, axis.key, value))
                .collect();
            return checked.unwrap_or_else(|rejected| {
                if let InvalidParam::Value { allowed } = rejected {
                    let message = format!("every value of `{full}` must be {allowed}");
                    let span = format!("{} to {}", values[0], values[values.len() - 1]);
                    problems.add(Diagnostic::new(&axis.node.place, message).label(span));
                }
                Vec::new()
            });
        }
    };
    let is_flat = matches!(default, Value::List(_))
        && items
            .iter()
            .all(|item| item.items().is_none() && item.entries().is_none());
    if is_flat {
        let inner: Vec<String> = items.iter().map(Node::found).collect();
        problems.add(
            Diagnostic::new(
                &axis.node.place,
                format!("one value of `{full}` is itself a list, so the axis is a list of lists"),
            )
            .label("a list of single values")
            .help(format!(
                "for one value write [[{0}]]; for several, [[{0}], [..]]",
                inner.join(", ")
            )),
        );
        return Vec::new();
    }
    let mut column = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        match setting(kind, axis.key, item) {
            Ok(value) => column.push(value),
            Err(rejected) => refuse(&format!("{full}[{at}]"), item, rejected, problems),
        }
    }
    column
}

fn report_duplicates(
    kind: Kind,
    group: &[Axis<'_>],
    rows: &[Vec<Value>],
    path: &str,
    problems: &mut Problems,
) {
    let mut seen: HashMap<String, usize> = HashMap::with_capacity(rows.len());
    for (at, row) in rows.iter().enumerate() {
        let shown: Vec<String> = row.iter().map(Value::to_string).collect();
        let shown = shown.join(" with ");
        // To a program, `1` and `1.0` are different arguments.
        let key = match kind.is_open() {
            true => format!("{row:?}"),
            false => shown.clone(),
        };
        if seen.insert(key, at).is_none() {
            continue;
        }
        let place = match &group[0].values {
            Values::List(items) => &items[at].place,
            Values::Range(_) => &group[0].node.place,
        };
        let keys: Vec<&str> = group.iter().map(|axis| axis.key).collect();
        problems.add(
            Diagnostic::new(
                place,
                format!("{shown} occurs twice in `{path}.{}`", keys.join("` with `")),
            )
            .label("again here")
            .help(match &group[0].values {
                Values::List(_) => "remove one of the two",
                Values::Range(_) => "values are rounded to integers here: reduce `steps`",
            }),
        );
        if let Values::Range(_) = &group[0].values {
            return;
        }
    }
}

/// `allowed here: ...`
fn axes_listed(groups: &[Vec<Axis<'_>>]) -> String {
    let keys = groups.iter().flatten().map(|axis| axis.key);
    format!("the axes are {}", listed(keys))
}
