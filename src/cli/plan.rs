//! `sweep plan FILE`: what would run, how much of it is done, and, with `--pilot`, for how long.

use std::path::PathBuf;

use serde_json::{Value as Json, json};

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::flags::SlotFlags;
use crate::limits::Retry;
use crate::listing;
use crate::terminal;
use sweep_app::loaded;
use sweep_app::plan::{self, Options, Outcome};
use sweep_experiment::plan::preview;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The experiment file
    file: PathBuf,

    /// Set a key of the file, as in `--set model.epochs=5`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,

    /// Train a few trials briefly to estimate time and memory
    #[arg(long)]
    pilot: bool,

    /// Trials of each kind to list
    #[arg(long, default_value_t = 8)]
    limit: usize,

    #[command(flatten)]
    slots: SlotFlags,

    #[command(flatten)]
    retry: Retry,
}

/// `sweep plan FILE`.
pub fn plan(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    let loaded = loaded::read(&arguments.file, &arguments.set)?;
    let options = Options {
        slots: arguments.slots.options(),
        retry: arguments.retry.options(),
        pilot: arguments.pilot,
    };
    let outcome = plan::plan(&context.app, context, loaded, &options)?;
    match context.json {
        true => terminal::print_json(&as_json(&outcome)),
        false => terminal::print(&as_text(&outcome, arguments.limit)),
    }
    Ok(Exit::Success)
}

/// Counts, slots and axes, then `limit` trials of each kind.
fn as_text(outcome: &Outcome, limit: usize) -> String {
    let prepared = &outcome.prepared;
    let preview = preview(&prepared.plan, limit);
    let slots: Vec<&str> = outcome.slots.iter().map(|slot| slot.0.as_str()).collect();
    let trials = match prepared.plan.trials.is_empty() && !prepared.searches.is_empty() {
        true => "no trials beside its search".to_owned(),
        false => preview.summary,
    };
    let mut text = format!(
        "{}: {}\ndone {}, failed {}, to train {}\nslots: {}\n",
        prepared.loaded.experiment.name,
        trials,
        outcome.done,
        outcome.failed,
        outcome.to_train,
        slots.join(", ")
    );
    for axis in &prepared.plan.axes {
        let values: Vec<String> = axis.values.iter().map(ToString::to_string).collect();
        text.push_str(&format!(
            "axis {} {}: {}\n",
            axis.kind.name(),
            axis.name,
            values.join(" | ")
        ));
    }
    for search in &prepared.searches {
        text.push_str(&format!("{}\n", search.summary()));
        for line in search.describe() {
            text.push_str(&format!("  {line}\n"));
        }
    }
    if let [_, fractions @ ..] = prepared.plan.train_fractions.as_slice()
        && !fractions.is_empty()
    {
        let fractions: Vec<String> = fractions.iter().map(ToString::to_string).collect();
        text.push_str(&format!(
            "learning curve: 1 | {} of the training rows\n",
            fractions.join(" | ")
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
    if let Some(estimate) = &outcome.estimate {
        text.push_str(&format!("\n{estimate}\n"));
    }
    text
}

fn as_json(outcome: &Outcome) -> Json {
    let prepared = &outcome.prepared;
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
                "fold": trial.fold,
                "params": params,
            })
        })
        .collect();
    let searches: Vec<_> = (prepared.searches.iter())
        .map(|search| {
            json!({
                "path": search.problem.spec().path,
                "method": search.problem.spec().method.name(),
                "kind": search.problem.kind(),
                "rungs": search.plan.rungs,
                "about": search.summary(),
                "details": search.describe(),
            })
        })
        .collect();
    let slots: Vec<&str> = outcome.slots.iter().map(|slot| slot.0.as_str()).collect();
    let estimate = outcome.estimate.as_ref().map(|estimate| {
        json!({ "seconds": estimate.wall_seconds, "worker_bytes": estimate.worker_bytes })
    });
    json!({
        "experiment": prepared.loaded.experiment.name,
        "data": prepared.data().meta.digest,
        "counts": { "done": outcome.done, "failed": outcome.failed, "to_train": outcome.to_train },
        "duplicates": prepared.plan.duplicates,
        "deterministic": prepared.plan.deterministic,
        "excluded": prepared.plan.excluded,
        "slots": slots,
        "searches": searches,
        "trials": trials,
        "estimate": estimate,
    })
}
