//! `[program]`: what a trial needs of the machine, what its exit codes mean, and what does not go with programs.

use std::collections::BTreeMap;

use super::diagnostic::{Diagnostic, Problems};
use super::node::{Content, Node};
use super::program_keys as keys;
use super::table::{Table, must_be};
use super::upkeep;
use sweep_core::program::{ExitMeaning, Resources};

/// Most cores and GPUs of a trial.
const MAX_CPUS: i64 = 1024;
const MAX_GPUS: i64 = 64;
/// Most trials that may share a GPU.
const MAX_SHARES: f64 = 16.0;

/// What a trial needs when the file says nothing.
pub(super) const NO_RESOURCES: Resources = Resources {
    cpus: 1,
    gpus: 0.0,
    memory: None,
};

/// Reads `resources`.
pub(super) fn resources(node: &Node, problems: &mut Problems) -> Resources {
    let Some(table) = Table::open(node, "program.resources", keys::RESOURCES, problems) else {
        return NO_RESOURCES;
    };
    let cpus = table.read("cpus", problems, |node| match node.content {
        Content::Int(count) if (1..=MAX_CPUS).contains(&count) => Ok(count as u32),
        _ => Err(node),
    });
    let gpus = table.read("gpus", problems, |node| match node.content {
        Content::Int(count) if (0..=MAX_GPUS).contains(&count) => Ok(count as f64),
        Content::Float(part) if (1.0 / MAX_SHARES..1.0).contains(&part) => Ok(part),
        Content::Float(whole)
            if whole.fract() == 0.0 && (0.0..=MAX_GPUS as f64).contains(&whole) =>
        {
            Ok(whole)
        }
        _ => Err(node),
    });
    let memory = table.read("memory", problems, upkeep::memory).flatten();
    Resources {
        cpus: cpus.unwrap_or(NO_RESOURCES.cpus),
        gpus: gpus.unwrap_or(NO_RESOURCES.gpus),
        memory,
    }
}

/// Reads `exit_codes`.
pub(super) fn exit_codes(table: Table<'_>, problems: &mut Problems) -> BTreeMap<i32, ExitMeaning> {
    let Some(node) = table.get("exit_codes") else {
        return BTreeMap::new();
    };
    let mut codes = BTreeMap::new();
    for entry in node.entries().unwrap_or_default() {
        let code = entry
            .key
            .parse()
            .ok()
            .filter(|code: &i32| (0..=255).contains(code));
        let meaning = entry.value.text().and_then(|name| {
            let mut all = ExitMeaning::ALL.into_iter();
            all.find(|meaning| meaning.name() == name)
        });
        match (code, meaning) {
            (Some(code), Some(meaning)) => drop(codes.insert(code, meaning)),
            (None, _) => problems.add(
                Diagnostic::new(
                    &entry.key_place,
                    format!("`{}` is not an exit code", entry.key),
                )
                .help("an exit code is an integer from 0 to 255"),
            ),
            (_, None) => must_be(
                &format!("program.exit_codes.{}", entry.key),
                "\"finished\", \"diverged\", \"failed\" or \"retry\"",
                &entry.value,
                problems,
            ),
        }
    }
    if node.entries().is_none() {
        table.refuse("exit_codes", node, problems);
    }
    codes
}

/// What goes with networks and trees that `sweep` trains, and not with programs.
const NOT_WITH_PROGRAMS: [(&str, &str, &str); 9] = [
    (
        "data",
        "",
        "a program reads its data itself: name the files in `inputs` of [program]",
    ),
    (
        "model",
        "",
        "put settings that are the same in every trial in `settings` of [program]",
    ),
    (
        "baseline",
        "",
        "run baselines from an experiment file of their own",
    ),
    ("transfer", "", "remove it"),
    (
        "experiment",
        "objective",
        "put it in [program]: objective = { metric = \"val_loss\", goal = \"min\" }",
    ),
    (
        "experiment",
        "learning_curve",
        "add an axis to [grid] that the program reads",
    ),
    ("experiment", "refit", "remove it"),
    (
        "schedule",
        "trial_timeout",
        "put it in [program] as `timeout`",
    ),
    (
        "schedule",
        "memory_limit",
        "put it in [program]: resources = { memory = \"2GB\" }",
    ),
];
/// Keys of `[schedule]` that are about training by `sweep`.
const ENGINE_KEYS: [&str; 5] = [
    "engine",
    "gpu_shares",
    "tf32",
    "checkpoint",
    "keep_predictions",
];

/// Reports what stands beside `[program]` in the file at `root` and has no effect there.
pub(super) fn refuse_others(root: &Node, problems: &mut Problems) {
    let engine = ENGINE_KEYS.map(|key| {
        (
            "schedule",
            key,
            "remove it: it is about models that `sweep` trains itself",
        )
    });
    for (table, key, help) in NOT_WITH_PROGRAMS.into_iter().chain(engine) {
        let Some(mut entry) = root.entry(table) else {
            continue;
        };
        let mut shown = format!("[{table}]");
        if !key.is_empty() {
            let Some(inner) = entry.value.entry(key) else {
                continue;
            };
            (entry, shown) = (inner, format!("`{key}` of [{table}]"));
        }
        problems.add(
            Diagnostic::new(
                &entry.key_place,
                format!("{shown} does not go with [program]"),
            )
            .help(help),
        );
    }
}
