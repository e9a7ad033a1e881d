//! `sweep plan FILE`: what would run, how much of it is done, and, with `--pilot`, for how long.

use std::path::PathBuf;

use serde_json::json;

use super::pilot::{self, Estimate};
use super::prepare::{self, Ready};
use super::run::{self, Choice};
use super::{Context, Exit, Failure, listing, placement, terminal};
use sweep_core::atomic_fs::{self, TemporaryFolder};
use sweep_core::sanitize::sanitize;
use sweep_core::trial::Status;
use sweep_experiment::plan;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The experiment file
    file: PathBuf,

    /// Set a key of the file, as in `--set model.epochs=5`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,

    /// Train a few trials for a moment, and estimate time and memory
    #[arg(long)]
    pilot: bool,

    /// Trials of each kind to list
    #[arg(long, default_value_t = 8)]
    limit: usize,

    #[command(flatten)]
    choice: Choice,
}

/// `sweep plan FILE`.
pub fn plan(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    let checked = prepare::read(&arguments.file, &arguments.set)?;
    let scratch = scratch(context)?;
    let folder = scratch.as_ref().map(TemporaryFolder::path);
    let ready = prepare::prepare_or_in(context, checked, None, folder)?;
    if let Some(folder) = folder.filter(|folder| ready.data.path.starts_with(folder)) {
        terminal::note(&format!(
            "note: {} cannot be written, so that the data are prepared in {} for this once",
            context.runs().display(),
            folder.display()
        ));
    }
    for note in &ready.data.summary.notes {
        terminal::note(&sanitize(&note.to_string()));
    }
    let slots = placement::place(&ready, &arguments.choice)?.slots;
    let store = context.read_if_any()?;
    let statuses = match &store {
        Some(store) => run::statuses(store, &ready.plan)?,
        None => Default::default(),
    };
    let retry = arguments.choice.retry.of(store.as_ref())?;
    let todo = plan::remaining(&ready.plan, |id| statuses.get(id).copied(), retry);
    run::note_missing_library(context, &todo);
    let estimate = match arguments.pilot {
        true => Some(pilot::estimate(&ready, &todo, slots.len())?),
        false => None,
    };
    let done = statuses.values().filter(|status| status.is_final()).count();
    let failed = statuses
        .values()
        .filter(|status| **status == Status::Failed)
        .count();
    let slots: Vec<String> = slots.into_iter().map(|slot| slot.0).collect();
    if context.json {
        let counts = [("done", done), ("failed", failed), ("to_train", todo.len())];
        print_json(&ready, &counts, &slots, estimate.as_ref());
        return Ok(Exit::Success);
    }
    let preview = plan::preview(&ready.plan, arguments.limit);
    let mut text = format!("{}: {}\n", ready.checked.experiment.name, preview.summary);
    text.push_str(&format!(
        "done {done}, failed {failed}, to train {}\n",
        todo.len()
    ));
    text.push_str(&format!("slots: {}\n", slots.join(", ")));
    for axis in &ready.plan.axes {
        let values: Vec<String> = axis.values.iter().map(ToString::to_string).collect();
        text.push_str(&format!(
            "axis {} {}: {}\n",
            axis.kind.name(),
            axis.name,
            values.join(" | ")
        ));
    }
    if let [_, shares @ ..] = ready.plan.shares.as_slice()
        && !shares.is_empty()
    {
        let shares: Vec<String> = shares.iter().map(ToString::to_string).collect();
        let shares = shares.join(" | ");
        text.push_str(&format!(
            "learning curve: 1 | {shares} of the training rows\n"
        ));
    }
    for part in &preview.tables {
        text.push_str(&format!("\n{}\n", part.kind.name()));
        text.push_str(&listing::plain(&part.columns, &part.rows));
        if part.hidden > 0 {
            text.push_str(&format!(
                "\n... and {} more (--limit shows more)",
                part.hidden
            ));
        }
        text.push('\n');
    }
    if let Some(estimate) = estimate {
        text.push_str(&format!("\n{estimate}\n"));
    }
    terminal::print(&text);
    Ok(Exit::Success)
}

/// A folder for prepared data that goes away, where those of the record cannot be written: a plan is only looked at.
fn scratch(context: &Context) -> Result<Option<TemporaryFolder>, Failure> {
    if atomic_fs::is_writable(&context.run_dir().datasets()) {
        return Ok(None);
    }
    let scratch = TemporaryFolder::new("sweep-plan");
    scratch.map(Some).map_err(|error| {
        let folder = std::env::temp_dir();
        let help = "TMPDIR names another folder for what is needed for a moment";
        Failure::environment(format!("{}: {error}", folder.display()), help)
    })
}

fn print_json(
    ready: &Ready,
    counts: &[(&str, usize)],
    slots: &[String],
    estimate: Option<&Estimate>,
) {
    let trials: Vec<_> = ready
        .plan
        .trials
        .iter()
        .map(|trial| {
            let params: serde_json::Map<_, _> = trial
                .spec
                .params()
                .into_iter()
                .map(|(key, value)| (key, json!(value)))
                .collect();
            json!({
                "trial": trial.id,
                "config": trial.config,
                "kind": trial.spec.model.kind(),
                "seed": trial.spec.seed,
                "params": params,
            })
        })
        .collect();
    let counts: serde_json::Map<_, _> = counts
        .iter()
        .map(|(name, count)| ((*name).to_owned(), json!(count)))
        .collect();
    let estimate = estimate.map(|estimate| {
        json!({ "seconds": estimate.wall_seconds, "worker_bytes": estimate.worker_bytes })
    });
    let object = json!({
        "experiment": ready.checked.experiment.name,
        "data": ready.data.meta.digest,
        "counts": counts,
        "duplicates": ready.plan.duplicates,
        "excluded": ready.plan.excluded,
        "slots": slots,
        "trials": trials,
        "estimate": estimate,
    });
    terminal::print_json(&object);
}
