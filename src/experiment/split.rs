//! `split` of `[data]`: which rows train, validate and test.
//!
//! Invariant: no key is taken that the others leave without effect.

use std::path::PathBuf;

use super::diagnostic::{Diagnostic, Problems};
use super::keys;
use super::table::{Table, boolean, number, seed, text};
use sweep_core::split_spec::{SplitBy, SplitSpec};

/// Share of rows for validation, and for test, when the file says nothing.
const DEFAULT_SHARE: f64 = 0.2;
const DEFAULT_SPLIT_SEED: u64 = 42;

pub(super) fn split(
    table: Table<'_>,
    test_path: Option<PathBuf>,
    problems: &mut Problems,
) -> SplitSpec {
    let node = table.get("split");
    let split = node.and_then(|node| Table::open(node, "data.split", keys::SPLIT, problems));
    let by = split.map_or(SplitBy::Chance, |split| decided_by(split, problems));
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
    let valid = read("valid", DEFAULT_SHARE, |share| share > 0.0 && share < 1.0);
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
    match by {
        SplitBy::Chance => SplitSpec {
            valid,
            test,
            test_path,
            stratify,
            seed: split_seed,
            by,
        },
        SplitBy::Time { .. } | SplitBy::Column(_) => SplitSpec {
            valid,
            test,
            test_path,
            stratify: false,
            seed: DEFAULT_SPLIT_SEED,
            by,
        },
    }
}

/// What decides on the sides; reports keys that then have no effect.
fn decided_by(split: Table<'_>, problems: &mut Problems) -> SplitBy {
    let time = split.read("time", problems, text);
    let column = split.read("column", problems, text);
    let format = split.read("time_format", problems, text);
    let without_effect: (&str, &[&str]) = match (&time, &column) {
        (Some(_), Some(_)) => {
            let at = split
                .entry("column")
                .map_or(split.place(), |entry| &entry.key_place);
            problems.add(
                Diagnostic::new(at, "the split is defined twice")
                    .label("by this column, and by `time`")
                    .help("remove `time` or `column`"),
            );
            return SplitBy::Chance;
        }
        (Some(_), None) => ("with `time`, which orders the rows", &["stratify", "seed"]),
        (None, Some(_)) => (
            "with `column`, which names the side of every row",
            &["valid", "test", "stratify", "seed", "time_format"],
        ),
        (None, None) => ("without `time`", &["time_format"]),
    };
    for key in without_effect.1 {
        if let Some(entry) = split.entry(key) {
            problems.add(
                Diagnostic::new(&entry.key_place, format!("`{key}` has no effect"))
                    .label(without_effect.0)
                    .help(format!("remove `{key}`")),
            );
        }
    }
    match (time, column) {
        (Some(column), _) => SplitBy::Time { column, format },
        (None, Some(column)) => SplitBy::Column(column),
        (None, None) => SplitBy::Chance,
    }
}
