//! `enqueue`: points that come first.

use super::super::diagnostic::{Diagnostic, Problems};
use super::super::node::{Entry, Node};
use super::super::setting::{refuse, setting};
use super::super::table::{must_be, unknown_key};
use super::space::{Coordinate, SearchSpace};
use sweep_core::trial::Value;

/// Most points that may be enqueued.
const MAX_POINTS: usize = 10_000;

/// The points of `node` at `path`, in file order.
pub(super) fn read(
    space: &SearchSpace,
    node: &Node,
    path: &str,
    problems: &mut Problems,
) -> Vec<Vec<Coordinate>> {
    let Some(items) = node.items().filter(|items| items.len() <= MAX_POINTS) else {
        must_be(
            path,
            "a list of tables of settings, such as [{ lr = 1e-3 }]",
            node,
            problems,
        );
        return Vec::new();
    };
    let points = items.iter().enumerate();
    points
        .filter_map(|(at, item)| point(space, item, &format!("{path}[{at}]"), problems))
        .collect()
}

fn point(
    space: &SearchSpace,
    node: &Node,
    path: &str,
    problems: &mut Problems,
) -> Option<Vec<Coordinate>> {
    let Some(entries) = node.entries() else {
        must_be(
            path,
            "a table of settings, such as { lr = 1e-3 }",
            node,
            problems,
        );
        return None;
    };
    let given = given(space, entries, path, problems)?;
    let value_of = |key: &str| {
        let given = given.iter().find(|(other, _)| *other == key);
        let value = given.map(|(_, value)| value);
        value.or_else(|| space.grid.base.get(key))
    };
    let mut point = Vec::with_capacity(space.dimensions());
    for dimension in 0..space.dimensions() {
        let keys = space.keys(dimension);
        let values: Option<Vec<&Value>> = keys.iter().map(|key| value_of(key)).collect();
        let coordinate = values.and_then(|values| coordinate(space, dimension, &values));
        let Some(coordinate) = coordinate else {
            let is_given = keys
                .iter()
                .any(|key| given.iter().any(|(other, _)| other == key));
            let keys = keys.join("` and `");
            problems.add(match is_given {
                true => Diagnostic::new(
                    &node.place,
                    format!("this value of `{keys}` is not in the space"),
                )
                .help("choose one of those that are searched"),
                false => Diagnostic::new(
                    &node.place,
                    format!("`{path}` does not say what `{keys}` is"),
                )
                .help("its default is not in the space: add it"),
            });
            return None;
        };
        point.push(coordinate);
    }
    for activity in &space.activities {
        let is_active = match point[activity.group] {
            Coordinate::Row(row) => activity.rows.binary_search(&row).is_ok(),
            _ => false,
        };
        if !is_active {
            point[activity.dimension] = Coordinate::Inactive;
        }
    }
    if space.is_excluded(&point) {
        let message = "this point is left out by `exclude`";
        problems.add(Diagnostic::new(&node.place, message).help("remove one of the two"));
        return None;
    }
    Some(point)
}

/// The settings that `entries` give; `None` when one was reported.
fn given<'a>(
    space: &'a SearchSpace,
    entries: &[Entry],
    path: &str,
    problems: &mut Problems,
) -> Option<Vec<(&'a str, Value)>> {
    let kind = space.grid.base.kind();
    let all: Vec<&str> = (0..space.dimensions())
        .flat_map(|at| space.keys(at))
        .collect();
    let mut given: Vec<(&str, Value)> = Vec::new();
    for entry in entries {
        let Some(key) = all.iter().copied().find(|key| *key == entry.key) else {
            match kind.param(&entry.key) {
                None if !kind.is_open() => unknown_key(
                    entry,
                    path,
                    kind.params().iter().map(|param| param.name),
                    problems,
                ),
                _ => problems.add(
                    Diagnostic::new(&entry.key_place, format!("`{}` is not searched", entry.key))
                        .help(format!(
                            "the settings that are searched are {}",
                            all.join(", ")
                        )),
                ),
            }
            return None;
        };
        match setting(kind, key, &entry.value) {
            Ok(value) => given.push((key, value)),
            Err(rejected) => {
                refuse(&format!("{path}.{key}"), &entry.value, rejected, problems);
                return None;
            }
        }
    }
    Some(given)
}

fn coordinate(space: &SearchSpace, dimension: usize, values: &[&Value]) -> Option<Coordinate> {
    match space.grid.groups.get(dimension) {
        Some(group) => {
            let mut rows = group.rows.iter();
            let row = rows.position(|row| row.iter().zip(values).all(|(one, other)| one == *other));
            row.map(Coordinate::Row)
        }
        None => {
            let axis = &space.ranges[dimension - space.grid.groups.len()];
            axis.domain.coordinate(values[0])
        }
    }
}
