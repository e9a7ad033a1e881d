//! Reading the space of a search.

use super::super::diagnostic::{Diagnostic, Problems};
use super::super::draft;
use super::super::node::{Content, Entry, Node};
use super::super::range::FORMS;
use super::super::setting::{canonical, is_known, refuse, setting, shown, some_of};
use super::super::space::{MAX_TRIALS, Space};
use super::super::table::{boolean, must_be, number, unknown_key};
use super::space::{Activity, Domain, RangeAxis, SearchSpace};
use sweep_core::data_config::Edition;
use sweep_core::trial::models::InvalidParam;
use sweep_core::trial::{Kind, ModelSpec, Value};

/// Most combinations that are looked through for one that `exclude` leaves.
const MAX_CHECKED: u64 = 1_000_000;

/// Reads the space `node` at `path` over models of a `kind` with the fixed settings `model`.
pub(super) fn read(
    (kind, edition): (Kind, Edition),
    (model_path, model): (&str, Option<&Node>),
    (path, node): (&str, &Node),
    problems: &mut Problems,
) -> Option<SearchSpace> {
    let Some(entries) = node.entries() else {
        must_be(
            path,
            "a table of settings, such as lr = { log = [1e-4, 1e-1] }",
            node,
            problems,
        );
        return None;
    };
    let sound = problems.is_empty();
    let Split {
        listed,
        ranges,
        activities,
    } = split(entries, path, problems);
    let listed = Node {
        place: node.place.clone(),
        content: Content::Table(listed),
    };
    let draft = draft::read(
        (kind, edition),
        (model_path, model),
        (path, Some(&listed)),
        problems,
    );
    if draft.combinations() > u128::from(MAX_TRIALS) * 1000 {
        problems.add(
            Diagnostic::new(
                &node.place,
                format!(
                    "`{path}` has {} combinations of single values",
                    draft.combinations()
                ),
            )
            .help("write long axes as ranges: { log = [1e-4, 1e-2] }"),
        );
        return None;
    }
    let is_small = draft.combinations() <= u128::from(MAX_CHECKED);
    let grid = match is_small || listed.entry("exclude").is_none() {
        true => draft.finish(problems),
        false => {
            problems.add(
                Diagnostic::new(
                    &node.place,
                    format!("`exclude` in `{path}` goes with at most {MAX_CHECKED} combinations"),
                )
                .help("write long axes as ranges, or leave `exclude` out"),
            );
            return None;
        }
    };
    let mut found = Vec::new();
    for entry in &ranges {
        if let Some(axis) = range(kind, &grid, entry, path, problems) {
            found.push(axis);
        }
    }
    let mut space = SearchSpace {
        grid,
        ranges: found,
        activities: Vec::new(),
    };
    for (key, when) in activities {
        if let Some(activity) = activity(&space, key, when, path, problems) {
            space.activities.push(activity);
        }
    }
    if space.dimensions() == 0 && sound && problems.is_empty() {
        problems.add(
            Diagnostic::new(&node.place, format!("`{path}` is empty"))
                .help("add a setting with its values, such as lr = { log = [1e-4, 1e-1] }"),
        );
    }
    Some(space)
}

/// The entries of a space: axes with single values, ranges, and the conditions of both.
struct Split<'a> {
    listed: Vec<Entry>,
    ranges: Vec<Entry>,
    activities: Vec<(&'a str, &'a Node)>,
}

fn split<'a>(entries: &'a [Entry], path: &str, problems: &mut Problems) -> Split<'a> {
    let mut split = Split {
        listed: Vec::new(),
        ranges: Vec::new(),
        activities: Vec::new(),
    };
    for entry in entries {
        let mut bare = entry.clone();
        if let Content::Table(inner) = &mut bare.value.content {
            inner.retain(|entry| entry.key != "when");
            if let Some(at) = entry.value.entry("when") {
                split.activities.push((&entry.key, &at.value));
            }
            if let Some(values) = entry.value.entry("values") {
                if inner.len() > 1 {
                    must_be(
                        &format!("{path}.{}", entry.key),
                        "a table with `values` and `when` alone",
                        &entry.value,
                        problems,
                    );
                    continue;
                }
                bare.value = values.value.clone();
            }
        }
        let has = |name: &str| bare.value.entry(name).is_some();
        let is_range = has("int") || ((has("log") || has("lin")) && !has("steps"));
        match is_range {
            true => split.ranges.push(bare),
            false => split.listed.push(bare),
        }
    }
    split
}

/// The keys of a range: one of them names its ends.
const KEYS: [&str; 3] = ["log", "lin", "int"];
/// What may stand for an axis that is a range.
const RANGES: &str =
    "{ log = [1e-4, 1e-1] }, { lin = [0.0, 0.5] } or { int = [16, 512], log = true }";

fn range(
    kind: Kind,
    grid: &Space,
    entry: &Entry,
    path: &str,
    problems: &mut Problems,
) -> Option<RangeAxis> {
    let full = format!("{path}.{}", entry.key);
    if !is_known(kind, entry, path, std::iter::empty(), problems) {
        return None;
    }
    if grid.fixed.contains(&entry.key) {
        problems.add(
            Diagnostic::new(
                &entry.key_place,
                format!("`{}` is both fixed and searched", entry.key),
            )
            .help(format!("remove it from `{}`, or from `{path}`", grid.path)),
        );
        return None;
    }
    let given = entry.value.entries()?;
    if let Some(other) = given
        .iter()
        .find(|other| !KEYS.contains(&other.key.as_str()))
    {
        unknown_key(
            other,
            &full,
            KEYS.into_iter().chain(["steps", "when"]),
            problems,
        );
        return None;
    }
    let is_integer = entry.value.entry("int").is_some();
    let log = is_log(entry, is_integer, &full, problems)?;
    let is_sound = match is_integer {
        true => entry.value.entry("lin").is_none(),
        false => given.len() == 1,
    };
    if !is_sound {
        must_be(
            &full,
            &format!("{RANGES}, or {FORMS}"),
            &entry.value,
            problems,
        );
        return None;
    }
    let name = KEYS[if is_integer { 2 } else { usize::from(!log) }];
    let at = &entry.value.entry(name)?.value;
    let ends = match at.items() {
        Some([low, high]) => number(low).ok().zip(number(high).ok()),
        _ => None,
    };
    let fits = |(low, high): &(f64, f64)| {
        let is_whole = low.fract() == 0.0 && high.fract() == 0.0 && high.abs() < 1e15;
        low < high && (!log || *low > 0.0) && (!is_integer || is_whole)
    };
    let Some((low, high)) = ends.filter(fits) else {
        let allowed = match (is_integer, log) {
            (true, false) => "two integers, the lower one first, such as [16, 512]",
            (true, true) => "two integers above 0, the lower one first, such as [16, 512]",
            (false, true) => "two numbers above 0, the lower one first, such as [1e-4, 1e-2]",
            (false, false) => "two numbers, the lower one first, such as [0.0, 0.5]",
        };
        must_be(&format!("{full}.{name}"), allowed, at, problems);
        return None;
    };
    let domain = match is_integer {
        true => Domain::Integer {
            low: low as i64,
            high: high as i64,
            log,
        },
        false => Domain::Real { low, high, log },
    };
    takes(kind, &entry.key, &domain, &full, at, problems).then(|| RangeAxis {
        key: entry.key.clone(),
        domain,
    })
}

/// Whether the range `entry`, at `full`, is one of logarithms.
fn is_log(entry: &Entry, is_integer: bool, full: &str, problems: &mut Problems) -> Option<bool> {
    Some(match (is_integer, entry.value.entry("log")) {
        (true, Some(at)) => match boolean(&at.value) {
            Ok(log) => log,
            Err(at) => {
                must_be(
                    &format!("{full}.log"),
                    "true or false beside `int`",
                    at,
                    problems,
                );
                return None;
            }
        },
        (true, None) => false,
        (false, at) => at.is_some(),
    })
}

/// Whether the setting takes both ends of `domain`, and what lies between.
fn takes(
    kind: Kind,
    key: &str,
    domain: &Domain,
    full: &str,
    at: &Node,
    problems: &mut Problems,
) -> bool {
    let (ends, middle) = match *domain {
        Domain::Real { low, high, .. } => (
            [low, high].map(Value::Float),
            Some(Value::Float(low + (high - low) * 0.4142)),
        ),
        Domain::Integer { low, high, .. } => ([low, high].map(Value::Int), None),
    };
    for value in ends.iter().chain(&middle) {
        match canonical(kind, key, value) {
            Ok(_) => {}
            Err(InvalidParam::Value { allowed }) => {
                let whole = matches!(shown(&ModelSpec::new(kind), key), Value::Int(_));
                let problem = Diagnostic::new(
                    &at.place,
                    format!("every value of `{full}` must be {allowed}"),
                )
                .label(format!("{} to {}", ends[0], ends[1]));
                problems.add(match (whole, domain) {
                    (true, Domain::Real { .. }) => problem.help(format!(
                        "for integers write {{ int = [{}, {}] }}",
                        ends[0], ends[1]
                    )),
                    _ => problem,
                });
                return false;
            }
            Err(rejected) => {
                refuse(full, at, rejected, problems);
                return false;
            }
        }
    }
    true
}

/// The condition `when` of the axis `key`.
fn activity(
    space: &SearchSpace,
    key: &str,
    when: &Node,
    path: &str,
    problems: &mut Problems,
) -> Option<Activity> {
    let full = format!("{path}.{key}.when");
    let allowed =
        "a table with one other axis and its value or values, such as { optimizer = \"sgd\" }";
    let Some([entry]) = when.entries() else {
        must_be(&full, allowed, when, problems);
        return None;
    };
    let dimension = (0..space.dimensions()).find(|at| space.keys(*at).contains(&key))?;
    let groups = &space.grid.groups;
    let Some(group) = (groups.iter()).position(|group| group.keys.contains(&entry.key)) else {
        problems.add(
            Diagnostic::new(
                &entry.key_place,
                format!("`{}` is not an axis with single values", entry.key),
            )
            .help(format!(
                "`{key}` can depend on an axis that lists its values"
            )),
        );
        return None;
    };
    let is_chained = space.activity(group).is_some();
    if group == dimension || is_chained {
        let message = match is_chained {
            true => format!("`{}` is itself not always active", entry.key),
            false => format!("`{key}` cannot depend on itself"),
        };
        problems.add(
            Diagnostic::new(&entry.key_place, message).help("name an axis that is always active"),
        );
        return None;
    }
    let rows = rows_of(space, group, entry, &full, problems)?;
    Some(Activity {
        dimension,
        group,
        rows,
    })
}

/// The rows of the group numbered `group` that the condition `entry`, at `full`, names, ascending.
fn rows_of(
    space: &SearchSpace,
    group: usize,
    entry: &Entry,
    full: &str,
    problems: &mut Problems,
) -> Option<Vec<usize>> {
    let groups = &space.grid.groups;
    let column = groups[group]
        .keys
        .iter()
        .position(|key| *key == entry.key)?;
    let values: Vec<&Value> = groups[group].rows.iter().map(|row| &row[column]).collect();
    let kind = space.grid.base.kind();
    // A single value may itself be a list.
    let mut wanted = vec![setting(kind, &entry.key, &entry.value)];
    if wanted[0].is_err()
        && let Some(items) = entry.value.items()
    {
        wanted = items
            .iter()
            .map(|item| setting(kind, &entry.key, item))
            .collect();
    }
    let mut rows = Vec::new();
    for value in wanted {
        let value = match value {
            Ok(value) => value,
            Err(rejected) => {
                refuse(
                    &format!("{full}.{}", entry.key),
                    &entry.value,
                    rejected,
                    problems,
                );
                return None;
            }
        };
        let matching = (0..values.len()).filter(|row| *values[*row] == value);
        let before = rows.len();
        rows.extend(matching);
        if rows.len() == before {
            problems.add(
                Diagnostic::new(
                    &entry.value.place,
                    format!("`{}` is never {value}", entry.key),
                )
                .help(format!("its values are {}", some_of(values.into_iter()))),
            );
            return None;
        }
    }
    rows.sort_unstable();
    rows.dedup();
    Some(rows)
}
