//! The reference is held to what the code takes.

use std::collections::HashSet;

use super::{DATA, drawn, source};
use crate::{data, encoders, head, parse, schedule, transfer, upkeep};
use sweep_core::trial::{EARLY_STOPPING_KEYS, Key, Kind, LR_SCHEDULE_KEYS};

const REFERENCE: &str = include_str!("../../../docs/EXPERIMENT.md");

#[test]
fn every_example_of_the_reference_is_accepted() {
    let blocks: Vec<&str> = REFERENCE
        .split("```toml\n")
        .skip(1)
        .map(|block| block.split("```").next().unwrap_or_default())
        .collect();
    assert!(blocks.len() >= 5);
    for block in blocks {
        let has = |heading: &str| block.lines().any(|line| line.trim_end() == heading);
        let mut text = block.to_owned();
        if !has("[data]") {
            text = format!("{DATA}{text}");
        }
        if !has("[model]") && !has("[grid]") && !has("[[baseline]]") {
            text += "\n[model]\n";
        }
        if let Err(diagnostics) = parse(&source(&text), &[]) {
            panic!("{}", drawn(&text, &[], &diagnostics));
        }
    }
}

#[test]
fn the_reference_lists_every_key_with_its_values_and_default() {
    for (heading, keys) in [
        ("## `[experiment]`", head::KEYS),
        ("## `[data]`", data::KEYS),
        ("### `split`", data::SPLIT_KEYS),
        ("### `text`", encoders::KEYS),
        ("### `lr_schedule`", LR_SCHEDULE_KEYS),
        ("### `early_stopping`", EARLY_STOPPING_KEYS),
        ("## `[transfer]`", transfer::KEYS),
        ("## `[schedule]`", schedule::KEYS),
        ("### `checkpoint`", upkeep::CHECKPOINT_KEYS),
    ] {
        let rows = rows_under(heading);
        assert_eq!(
            names(&rows),
            keys.iter().map(|key| key.name).collect::<HashSet<_>>()
        );
        for key in keys {
            let row = rows.iter().find(|row| row[0] == key.name);
            let row = row.unwrap_or_else(|| panic!("{} in {heading}", key.name));
            assert_eq!((row[1], row[3]), (key.allowed, key.about), "{}", key.name);
        }
    }
}

#[test]
fn the_reference_lists_every_setting_of_every_model() {
    for (heading, kind) in [
        ("## `[model]`", Kind::Mlp),
        ("### `kind = \"xgboost\"`", Kind::Boost),
        ("### `kind = \"random_forest\"`", Kind::Forest),
    ] {
        let expected: Vec<String> = kind
            .default_model()
            .params()
            .into_iter()
            .zip(kind.keys())
            .map(|((_, default), key): (_, &Key)| {
                format!("{} | {} | {default} | {}", key.name, key.allowed, key.about)
            })
            .collect();
        let written: Vec<String> = rows_under(heading)
            .into_iter()
            .map(|row| row.join(" | "))
            .collect();
        assert_eq!(written, expected, "the table under {heading}");
    }
}

/// The cells of the first table below `heading`, less its head and the backquotes of keys and
/// defaults.
fn rows_under(heading: &str) -> Vec<[&'static str; 4]> {
    let (_, below) = REFERENCE
        .split_once(&format!("\n{heading}\n"))
        .unwrap_or_else(|| panic!("no heading {heading}"));
    let lines = below.lines().skip_while(|line| !line.starts_with("| ---"));
    let table = lines.skip(1).take_while(|line| line.starts_with('|'));
    table
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            let [key, allowed, default, about] = cells[..] else {
                panic!("four cells in {line}");
            };
            [
                key.trim_matches('`'),
                allowed,
                default.trim_matches('`'),
                about,
            ]
        })
        .collect()
}

fn names<'a>(rows: &[[&'a str; 4]]) -> HashSet<&'a str> {
    rows.iter().map(|row| row[0]).collect()
}
