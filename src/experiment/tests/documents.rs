//! The reference is held to what the code takes.

use std::collections::HashSet;

use super::{DATA, drawn, source};
use crate::{keys, parse, program_keys, slot_keys};
use sweep_core::data_config::Edition;
use sweep_core::trial::models::ParamType;
use sweep_core::trial::{Kind, METRICS, ModelSpec, Task};

const REFERENCE: &str = include_str!("../../../docs/EXPERIMENT.md");
const PROGRAMS: &str = include_str!("../../../docs/PROGRAMS.md");

#[test]
fn every_example_of_the_reference_is_accepted() {
    let blocks: Vec<&str> = [REFERENCE, PROGRAMS]
        .iter()
        .flat_map(|page| page.split("```toml\n").skip(1))
        .map(|block| block.split("```").next().unwrap_or_default())
        .collect();
    assert!(blocks.len() >= 10);
    for block in blocks {
        let has = |heading: &str| block.lines().any(|line| line.trim_end() == heading);
        let mut text = block.to_owned();
        // A program reads its own data, and needs no model.
        if !has("[data]") && !has("[program]") {
            text = format!("{DATA}{text}");
        }
        let names_trials = ["[model]", "[grid]", "[[baseline]]", "[program]"];
        if !names_trials.iter().any(|heading| has(heading)) {
            text += "\n[model]\n";
        }
        if let Err(diagnostics) = parse(&source(&text), &[], Edition::default()) {
            panic!("{}", drawn(&text, &[], &diagnostics));
        }
    }
}

#[test]
fn the_reference_lists_every_key_with_its_values_and_default() {
    for (heading, keys) in [
        ("## `[experiment]`", keys::EXPERIMENT),
        ("## `[data]`", keys::DATA),
        ("### `split`", keys::SPLIT),
        ("### `date`", keys::DATE),
        ("### `categories`", keys::CATEGORIES),
        ("### `text`", keys::TEXT),
        ("## `[transfer]`", keys::TRANSFER),
        ("## `[program]`", program_keys::PROGRAM),
        ("### `objective`", program_keys::OBJECTIVE),
        ("### `resources`", program_keys::RESOURCES),
        ("### `config`", program_keys::CONFIG),
        ("## `[schedule]`", keys::SCHEDULE),
        ("### `slots`", slot_keys::SLOTS),
        ("### `checkpoint`", keys::CHECKPOINT),
        ("### `slurm`", keys::SLURM),
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
fn the_reference_lists_every_entry_of_settings_that_are_tables() {
    for (heading, name) in [
        ("### `lr_schedule`", "lr_schedule"),
        ("### `early_stopping`", "early_stopping"),
    ] {
        let ParamType::Table(table) = &Kind::MLP.param(name).unwrap().ty else {
            panic!("{name} is no table");
        };
        let rows = rows_under(heading);
        let entries = table.entries();
        assert_eq!(
            names(&rows),
            entries.iter().map(|entry| entry.name).collect()
        );
        for entry in entries {
            let row = rows.iter().find(|row| row[0] == entry.name).unwrap();
            assert_eq!((row[1], row[3]), (entry.allowed.as_str(), entry.about));
        }
    }
}

#[test]
fn the_reference_lists_every_setting_of_every_model() {
    // The settings of programs have any names.
    for kind in Kind::all().filter(|kind| !kind.is_open()) {
        let heading = match kind.is_baseline() {
            true => format!("### `kind = \"{}\"`", kind.name()),
            false => "## `[model]`".to_owned(),
        };
        let expected: Vec<String> = ModelSpec::of_edition(kind, Edition::default())
            .iter()
            .map(|(param, default)| {
                let (allowed, about) = (param.allowed(), param.about);
                format!("{} | {allowed} | {default} | {about}", param.name)
            })
            .collect();
        let written: Vec<String> = rows_under(&heading)
            .into_iter()
            .map(|row| row.join(" | "))
            .collect();
        assert_eq!(written, expected, "the table under {heading}");
    }
}

#[test]
fn the_reference_lists_every_metric() {
    let (_, below) = REFERENCE.split_once("\n### Metrics\n").unwrap();
    let rows = below.lines().skip_while(|line| !line.starts_with('|'));
    let rows = rows.take_while(|line| line.starts_with('|')).skip(2);
    let expected = METRICS.iter().map(|metric| {
        format!(
            "| `{}` | {} | {} | {} | {} |",
            metric.pattern(),
            metric.task.map_or("both", Task::name),
            metric.goal.name(),
            if metric.is_cheap { "yes" } else { "no" },
            metric.about
        )
    });
    assert_eq!(rows.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
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
