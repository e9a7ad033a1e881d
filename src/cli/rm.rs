//! `sweep rm`: takes a sweep, or one trial of it, out of the record, with its files.
//!
//! The record goes first: what is cut off after that leaves files that no trial names, which `sweep gc`
//! removes. The other way round a trial could count as finished without its model.

use serde_json::json;

use crate::confirm;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal;
use sweep_app::gc::{self, ScanResult};
use sweep_app::resolve;
use sweep_app::resolve::Found;
use sweep_app::run::record;
use sweep_core::format::{format_bytes, pluralize};
use sweep_core::trial::TrialId;
use sweep_store::{Removal, Store, StoreError};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The sweep
    name: String,

    /// Only the trial whose name, or whose configuration's with one trial, begins with these digits
    #[arg(long, value_name = "TRIAL")]
    trial: Option<String>,

    /// Show what would go, and remove nothing
    #[arg(long)]
    dry_run: bool,

    /// Remove without asking
    #[arg(long)]
    yes: bool,
}

/// `sweep rm NAME`.
pub fn rm(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    let name = &arguments.name;
    let record = context.app.experiment(Some(name))?;
    let trial = arguments
        .trial
        .as_deref()
        .map(|prefix| match resolve::within(&record, prefix)? {
            Found::Trial(trial) => Ok(*trial),
            Found::Configuration(mut trials) if trials.len() == 1 => Ok(trials.remove(0)),
            Found::Configuration(trials) => Err(resolve::several(&trials)),
        })
        .transpose()?
        .map(|trial| trial.id);
    let lock = record::lock(&context.app, name)?;
    let mut store = Store::open(&context.app.store)?;
    let removal = store.removal(name, trial.as_ref()).map_err(refused)?;
    let whole = removal.whole.then_some(name.as_str());
    let names = || removal.trials.iter().map(TrialId::as_str);
    let found = gc::of_trials(&context.app, names(), whole)?;
    if !context.json {
        terminal::print(&shown(name, trial.as_ref(), &removal, &found));
    }
    let asked = || confirm::confirmed(&format!("remove {name}?"), arguments.yes);
    let subject = trial.as_ref().map_or_else(
        || format!("sweep {name}"),
        |trial| format!("trial {} of sweep {name}", trial.short()),
    );
    let goes = !arguments.dry_run && asked()?;
    if goes {
        let gone = store.remove(name, trial.as_ref()).map_err(refused)?;
        // Nobody can run what the record does not have, and the files name it no more.
        let names = gone.trials.iter().map(TrialId::as_str);
        let mut left = gc::of_trials(&context.app, names, whole)?;
        // What is removed below is only removed under the lock, which is taken for that again.
        drop(lock);
        let before = left.alone.len();
        let (files, size) = gc::remove(&context.app, &mut store, &mut left)?;
        if !context.json {
            let (files, size) = (pluralize(files, "file"), format_bytes(size));
            terminal::note(&format!("removed {subject}: {files}, {size}"));
        }
        for (path, why) in &left.alone[before..] {
            terminal::note(&format!(
                "left {}: {why}; `sweep gc` tries again",
                path.display()
            ));
        }
        if !gone.datasets.is_empty() && !context.json {
            terminal::note("its prepared data are of no use any more: `sweep gc` removes them");
        }
    } else if !context.json {
        terminal::note("nothing was removed");
    }
    if context.json {
        let value = as_json(name, trial.as_ref(), &removal, (&found, goes));
        terminal::print_json(&value);
    }
    Ok(Exit::Success)
}

fn refused(error: StoreError) -> Failure {
    match error {
        StoreError::UsedByTransfer { .. }
        | StoreError::HasTestScores { .. }
        | StoreError::NotFound { .. } => Failure::input(error, ""),
        error => error.into(),
    }
}

/// What goes and what stays, a line each.
fn shown(name: &str, trial: Option<&TrialId>, removal: &Removal, found: &ScanResult) -> String {
    let number = |number: u64, noun: &str| pluralize(number, noun);
    let trials = pluralize(removal.trials.len(), "trial");
    let mut goes = match trial {
        Some(trial) => vec![format!("trial {trial} of sweep {name}")],
        None => vec![format!("sweep {name}"), trials],
    };
    if removal.whole {
        goes.push(number(removal.sessions, "session"));
    }
    goes.push(number(removal.attempts, "attempt"));
    goes.push(number(removal.metrics, "value") + " of metrics");
    for (many, noun) in [(removal.tags, "tag"), (removal.notes, "note")] {
        if many > 0 {
            goes.push(number(many, noun));
        }
    }
    let mut lines = vec![format!("goes:  {}", goes.join(", "))];
    lines.push(format!(
        "       {} in {}",
        format_bytes(found.bytes()),
        pluralize(found.files.len(), "file")
    ));
    if removal.shared > 0 {
        let what = match removal.whole {
            true => number(removal.shared, "trial"),
            false => "the trial itself".to_owned(),
        };
        lines.push(format!(
            "stays: {what}, since other sweeps ask for {} as well",
            if removal.shared == 1 { "it" } else { "them" }
        ));
    }
    if removal.sessions_kept > 0 {
        let sessions = number(removal.sessions_kept, "session");
        lines.push(format!(
            "stays: {sessions} that trained such trials, under those sweeps"
        ));
    }
    if removal.looks > 0 {
        let looks = number(removal.looks, "look");
        lines.push(format!(
            "stays: the count of its {looks} at test rows; what they showed goes"
        ));
    }
    for (path, why) in &found.alone {
        lines.push(format!("stays: {}: {why}", path.display()));
    }
    lines.join("\n")
}

fn as_json(
    name: &str,
    trial: Option<&TrialId>,
    removal: &Removal,
    (found, removed): (&ScanResult, bool),
) -> serde_json::Value {
    json!({
        "removed": removed,
        "experiment": name,
        "trial": trial,
        "trials": removal.trials,
        "trials_kept": removal.shared,
        "sessions": removal.sessions,
        "sessions_kept": removal.sessions_kept,
        "attempts": removal.attempts,
        "metrics": removal.metrics,
        "tags": removal.tags,
        "notes": removal.notes,
        "looks": removal.looks,
        "data": removal.datasets,
        "files": found.files.len(),
        "bytes": found.bytes(),
    })
}
