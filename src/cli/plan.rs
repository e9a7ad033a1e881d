//! `sweep plan FILE`: what would run, how much of it is done, and, with `--pilot`, for how long.

use std::path::PathBuf;

use serde_json::json;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::flags::SlotFlags;
use crate::listing;
use crate::terminal;
use sweep_app::estimate::{self, Estimate};
use sweep_app::loaded;
use sweep_app::placement;
use sweep_app::prepare::{self, PreparedSweep};
use sweep_app::run::{notice_missing_library, record};
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
    slots: SlotFlags,
}

/// `sweep plan FILE`.
pub fn plan(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    let loaded = loaded::read(&arguments.file, &arguments.set)?;
    let scratch = scratch(context)?;
    let folder = scratch.as_ref().map(TemporaryFolder::path);
    let prepared = prepare::prepare_or_in(&context.app, context, loaded, None, folder)?;
    if let Some(folder) = folder.filter(|folder| prepared.data.path.starts_with(folder)) {
        terminal::note(&format!(
            "note: {} cannot be written, so that the data are prepared in {} for this once",
            context.app.runs().display(),
            folder.display()
        ));
    }
    for note in &prepared.data.summary.notes {
        terminal::note(&sanitize(&note.to_string()));
    }
    let slots = placement::place(&prepared, &arguments.slots.options())?.slots;
    let store = context.app.read_if_any()?;
    let statuses = match &store {
        Some(store) => record::statuses(store, &prepared.plan)?,
        None => Default::default(),
    };
    let retry = arguments.slots.retry.options();
    let retry = retry.of(store.as_ref())?;
    let todo = plan::remaining(&prepared.plan, |id| statuses.get(id).copied(), retry);
    notice_missing_library(context, &todo);
    let estimate = match arguments.pilot {
        true => Some(estimate::estimate(&prepared, &todo, slots.len())?),
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
        print_json(&prepared, &counts, &slots, estimate.as_ref());
        return Ok(Exit::Success);
    }
    let preview = plan::preview(&prepared.plan, arguments.limit);
    let mut text = format!("{}: {}\n", prepared.loaded.experiment.name, preview.summary);
    text.push_str(&format!(
        "done {done}, failed {failed}, to train {}\n",
        todo.len()
    ));
    text.push_str(&format!("slots: {}\n", slots.join(", ")));
    for axis in &prepared.plan.axes {
        let values: Vec<String> = axis.values.iter().map(ToString::to_string).collect();
        text.push_str(&format!(
            "axis {} {}: {}\n",
            axis.kind.name(),
            axis.name,
            values.join(" | ")
        ));
    }
    if let [_, shares @ ..] = prepared.plan.shares.as_slice()
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
    if atomic_fs::is_writable(&context.app.run_dir().datasets()) {
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
    prepared: &PreparedSweep,
    counts: &[(&str, usize)],
    slots: &[String],
    estimate: Option<&Estimate>,
) {
    let trials: Vec<_> = prepared
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
        "experiment": prepared.loaded.experiment.name,
        "data": prepared.data.meta.digest,
        "counts": counts,
        "duplicates": prepared.plan.duplicates,
        "excluded": prepared.plan.excluded,
        "slots": slots,
        "trials": trials,
        "estimate": estimate,
    });
    terminal::print_json(&object);
}
