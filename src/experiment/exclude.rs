//! Points of a grid that are left out. An exclusion that matches nothing, or leaves nothing, is an
//! error: it is not what its writer meant.

use super::diagnostic::{Diagnostic, Problems};
use super::node::{Entry, Node};
use super::setting::{refuse, setting, shown, some_of};
use super::space::{Exclusion, Space};
use super::table::{must_be, unknown_key};
use sweep_core::trial::Value;
use sweep_core::trial::models::InvalidParam;

/// Most exclusions in one grid: each is compared with every combination.
const MAX_EXCLUSIONS: usize = 1000;

/// Reads `exclude` into `space`, whose groups are written out.
pub(super) fn read(space: &mut Space, node: &Node, problems: &mut Problems) {
    let path = format!("{}.exclude", space.grid_path);
    let allowed = "a list of tables, such as [{ layers = [64, 32], lr = 0.1 }]";
    let Some(items) = node.items() else {
        must_be(&path, allowed, node, problems);
        return;
    };
    if items.len() > MAX_EXCLUSIONS {
        problems.add(Diagnostic::new(
            &node.place,
            format!(
                "`{path}` has {} entries; at most {MAX_EXCLUSIONS} are allowed",
                items.len()
            ),
        ));
        return;
    }
    // With a refused value somewhere, what does not match may only be missing.
    let sound = problems.is_empty();
    for item in items {
        match item.entries() {
            Some(entries) if !entries.is_empty() => {
                if let Some(exclusion) = exclusion(space, item, entries, &path, problems) {
                    space.exclusions.push(exclusion);
                }
            }
            _ => must_be(&path, allowed, item, problems),
        }
    }
    if sound && problems.is_empty() && !items.is_empty() && nothing_is_left(space) {
        problems.add(
            Diagnostic::new(
                &node.place,
                format!("`{path}` excludes every configuration"),
            )
            .help("remove an entry, or add keys to one so that it matches fewer configurations"),
        );
    }
}

fn nothing_is_left(space: &Space) -> bool {
    (0..space.combinations()).all(|index| space.is_excluded(&space.rows(index)))
}

fn exclusion(
    space: &Space,
    item: &Node,
    entries: &[Entry],
    path: &str,
    problems: &mut Problems,
) -> Option<Exclusion> {
    let mut parts: Vec<(usize, Vec<usize>)> = Vec::new();
    let mut sound = true;
    for entry in entries {
        let Some((group, matching)) = part(space, entry, path, problems, &mut sound) else {
            continue;
        };
        match parts.iter_mut().find(|(other, _)| *other == group) {
            Some((_, rows)) => rows.retain(|row| matching.contains(row)),
            None => parts.push((group, matching)),
        }
    }
    if sound && parts.iter().any(|(_, rows)| rows.is_empty()) {
        problems.add(
            Diagnostic::new(
                &item.place,
                "these values never occur together in one configuration",
            )
            .label("excludes nothing")
            .help("the axes are zipped: name values of one row"),
        );
        sound = false;
    }
    sound.then(|| Exclusion::new(parts))
}

/// The group and rows that one key of an exclusion means; `None` when it is fixed at that value,
/// or was reported.
fn part(
    space: &Space,
    entry: &Entry,
    path: &str,
    problems: &mut Problems,
    sound: &mut bool,
) -> Option<(usize, Vec<usize>)> {
    let kind = space.base.kind();
    let value = match setting(kind, &entry.key, &entry.value) {
        Ok(value) => value,
        Err(rejected) => {
            *sound = false;
            match rejected {
                InvalidParam::Unknown => {
                    let names = kind.params().iter().map(|param| param.name);
                    unknown_key(entry, path, names, problems);
                }
                rejected => {
                    let full = format!("{path}.{}", entry.key);
                    refuse(&full, &entry.value, rejected, problems);
                }
            }
            return None;
        }
    };
    let never = |takes: String| {
        Diagnostic::new(
            &entry.value.place,
            format!(
                "`{}` never has the value {value}, so this excludes nothing",
                entry.key
            ),
        )
        .help(format!("`{}` takes {takes}", entry.key))
    };
    let at = space.groups.iter().enumerate().find_map(|(group, axes)| {
        let key = axes.keys.iter().position(|key| *key == entry.key)?;
        Some((group, key))
    });
    let Some((group, key)) = at else {
        let fixed = shown(&space.base, &entry.key);
        if fixed != value {
            problems.add(never(format!("`{fixed}` alone")));
            *sound = false;
        }
        return None;
    };
    let rows = &space.groups[group].rows;
    let matching: Vec<usize> = (0..rows.len())
        .filter(|row| rows[*row][key] == value)
        .collect();
    if matching.is_empty() {
        let mut values: Vec<&Value> = Vec::new();
        for row in rows {
            if !values.contains(&&row[key]) && values.len() <= 100 {
                values.push(&row[key]);
            }
        }
        problems.add(never(some_of(values.into_iter())));
        *sound = false;
        return None;
    }
    Some((group, matching))
}
