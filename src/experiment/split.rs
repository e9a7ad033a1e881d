//! `split` of `[data]`: which rows train, validate and test.
//!
//! Invariant: no key is taken that the others leave without effect.

use std::path::PathBuf;

use super::diagnostic::{Diagnostic, Problems};
use super::keys;
use super::node::Node;
use super::table::{Table, boolean, number, seed, text};
use sweep_core::split_spec::{Folds, MAX_FOLDS, SplitBy, SplitSpec};

/// Share of rows for validation, and for test, when the file says nothing.
const DEFAULT_SHARE: f64 = 0.2;
const DEFAULT_SPLIT_SEED: u64 = 42;
/// What `folds` may be instead of a number.
const LEAVE_ONE_GROUP_OUT: &str = "leave-one-group-out";

pub(super) fn split(
    table: Table<'_>,
    test_path: Option<PathBuf>,
    problems: &mut Problems,
) -> SplitSpec {
    let node = table.get("split");
    let split = node.and_then(|node| Table::open(node, "data.split", keys::SPLIT, problems));
    let has_group = table.get("group").is_some();
    let (by, folds) = split.map_or((SplitBy::Chance, None), |split| {
        let by = decided_by(split, problems);
        let folds = folds(split, &by, has_group, problems);
        (by, folds)
    });
    let mut read = |key: &str, default: f64, holds: fn(f64) -> bool| {
        let share = |node| number(node).and_then(|x| if holds(x) { Ok(x) } else { Err(node) });
        split
            .and_then(|split| split.read(key, problems, share))
            .unwrap_or(default)
    };
    let default_test = match test_path {
        Some(_) => 0.0,
        None => DEFAULT_SHARE,
    };
    let valid = match folds {
        None => read("valid", DEFAULT_SHARE, |share| share > 0.0 && share < 1.0),
        Some(_) => 0.0,
    };
    let test = read("test", default_test, |share| (0.0..1.0).contains(&share));
    let mut stratify = true;
    let mut split_seed = DEFAULT_SPLIT_SEED;
    if let Some(split) = split {
        stratify = split.read("stratify", problems, boolean).unwrap_or(true);
        split_seed = split.read("seed", problems, seed).unwrap_or(split_seed);
        if valid + test >= 1.0 {
            problems.add(
                Diagnostic::new(split.place(), "the split leaves no rows to train on")
                    .label(format!("valid {valid} + test {test} = {}", valid + test))
                    .help("`valid` and `test` together must be below 1, such as 0.2 and 0.2"),
            );
        }
        if let (Some(_), Some(asked)) = (&test_path, split.get("test"))
            && test > 0.0
        {
            problems.add(
                Diagnostic::new(&asked.place, "the test rows are defined twice")
                    .label("from this file, and from `test_path`")
                    .help("remove `test` from `split`, or remove `test_path`"),
            );
        }
    }
    let (stratify, seed) = match by {
        SplitBy::Chance => (stratify, split_seed),
        _ => (false, DEFAULT_SPLIT_SEED),
    };
    SplitSpec {
        valid,
        test,
        test_path,
        stratify,
        seed,
        by,
        folds,
    }
}

/// The keys that have no effect where a column names the side or the fold of every row.
const ALL_OTHERS: &[&str] = &[
    "valid",
    "test",
    "stratify",
    "seed",
    "time_format",
    "gap",
    "folds",
    "repeats",
];

/// Keys of which one at most decides on the sides, and the keys that then have no effect, with the reason.
const DECIDE: [(&str, &str, &[&str]); 3] = [
    (
        "time",
        "with `time`, which orders the rows",
        &["stratify", "seed", "repeats"],
    ),
    (
        "column",
        "with `column`, which names the side of every row",
        ALL_OTHERS,
    ),
    (
        "fold_column",
        "with `fold_column`, which names the fold of every row",
        ALL_OTHERS,
    ),
];

/// What decides on the sides; reports keys that then have no effect.
fn decided_by(split: Table<'_>, problems: &mut Problems) -> SplitBy {
    let columns = DECIDE.map(|(key, ..)| split.read(key, problems, text));
    let format = split.read("time_format", problems, text);
    let gap = split.read("gap", problems, |node| whole(node, 1));
    let named: Vec<usize> = (0..columns.len())
        .filter(|place| columns[*place].is_some())
        .collect();
    if let [first, second, ..] = named[..] {
        let (first, second) = (DECIDE[first].0, DECIDE[second].0);
        let at = split
            .entry(second)
            .map_or(split.place(), |entry| &entry.key_place);
        problems.add(
            Diagnostic::new(at, "the split is defined twice")
                .label(format!("by this column, and by `{first}`"))
                .help(format!("remove `{first}` or `{second}`")),
        );
        return SplitBy::Chance;
    }
    let (why, without_effect): (&str, &[&str]) = match named.first() {
        Some(place) => (DECIDE[*place].1, DECIDE[*place].2),
        None => ("without `time`", &["time_format", "gap"]),
    };
    no_effect(split, without_effect, why, problems);
    let [time, column, fold_column] = columns;
    match (time, column, fold_column) {
        (Some(column), ..) => SplitBy::Time {
            column,
            format,
            gap: gap.unwrap_or(0),
        },
        (_, Some(column), _) => SplitBy::Column(column),
        (.., Some(column)) => SplitBy::FoldColumn(column),
        _ => SplitBy::Chance,
    }
}

/// The folds, if there are any; reports what they contradict.
fn folds(
    split: Table<'_>,
    by: &SplitBy,
    has_group: bool,
    problems: &mut Problems,
) -> Option<Folds> {
    match by {
        SplitBy::FoldColumn(_) => return Some(Folds::Column),
        SplitBy::Column(_) => return None,
        SplitBy::Chance | SplitBy::Time { .. } => {}
    }
    let folds = split.read("folds", problems, |node| match node.text() {
        Some(LEAVE_ONE_GROUP_OUT) => Ok(None),
        Some(_) => Err(node),
        None => whole(node, 2).map(Some),
    });
    let repeats = split.read("repeats", problems, |node| whole(node, 1));
    let Some(folds) = folds else {
        if split.get("folds").is_none() {
            no_effect(split, &["repeats"], "without `folds`", problems);
        }
        return None;
    };
    no_effect(
        split,
        &["valid"],
        "with `folds`, each of which holds the validation rows in turn",
        problems,
    );
    let node = split.get("folds")?;
    let Some(folds) = folds else {
        let why = "with one fold for each group";
        no_effect(split, &["repeats"], why, problems);
        let refused = match (by, has_group) {
            (SplitBy::Time { .. }, _) => Some((
                "folds in the order of time are not by group",
                "set `folds` to a number, or remove `time`",
            )),
            (_, false) => Some((
                "there are no groups to leave out",
                "name the column of the groups: `group = \"COLUMN\"` in [data]",
            )),
            _ => None,
        };
        if let Some((message, help)) = refused {
            problems.add(Diagnostic::new(&node.place, message).help(help));
        }
        return Some(Folds::LeaveOneGroupOut);
    };
    let repeats = repeats.unwrap_or(1);
    if u64::from(folds) * u64::from(repeats) > MAX_FOLDS as u64 {
        problems.add(
            Diagnostic::new(&node.place, "too many folds")
                .label(match repeats {
                    1 => format!("{folds} folds"),
                    _ => format!("{folds} folds, {repeats} times"),
                })
                .help(format!(
                    "at most {MAX_FOLDS}, repeats included: each has prepared data of its own"
                )),
        );
    }
    Some(Folds::Number { folds, repeats })
}

/// Reports each of `keys` that is there, for the reason `why`.
fn no_effect(split: Table<'_>, keys: &[&str], why: &str, problems: &mut Problems) {
    for key in keys {
        if let Some(entry) = split.entry(key) {
            problems.add(
                Diagnostic::new(&entry.key_place, format!("`{key}` has no effect"))
                    .label(why)
                    .help(format!("remove `{key}`")),
            );
        }
    }
}

/// A whole number from `least` to 2^32 - 1.
fn whole(node: &Node, least: u32) -> Result<u32, &Node> {
    let number = seed(node)?;
    let number = u32::try_from(number).map_err(|_| node)?;
    if number < least {
        return Err(node);
    }
    Ok(number)
}
