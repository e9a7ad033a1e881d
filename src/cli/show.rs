//! `sweep show`: all that is known of one trial, or of one sweep.

use super::context::store_failure;
use super::{Context, Exit, Failure, listing, terminal};
use crate::report::{json, table};
use crate::trial::Objective;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A sweep's name, or the first digits of a trial; the last sweep if left out
    what: Option<String>,
}

/// `sweep show WHAT`. A sweep's name goes before a trial's digits.
pub fn show(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    let store = context.read()?;
    let colour = terminal::stdout_has_colour();
    let named = match arguments.what.as_deref() {
        Some(what) => store.experiment(what).map_err(store_failure)?,
        None => Some(context.experiment(None)?),
    };
    if let Some(record) = named {
        terminal::print(&match context.json {
            true => listing::sweep_json(&record).to_string(),
            false => listing::sweep(&record, colour),
        });
        return Ok(Exit::Success);
    }
    let prefix = arguments.what.as_deref().unwrap_or_default();
    let trial = store.find_trial(prefix).map_err(|error| {
        Failure::input(
            error,
            "`sweep ls` lists the sweeps, `sweep show NAME` their trials",
        )
    })?;
    let objective = match store
        .experiments_of(&trial.id)
        .map_err(store_failure)?
        .first()
    {
        Some(name) => context.experiment(Some(name))?.objective,
        None => Objective::default(),
    };
    let attempts = store.attempts(&trial.id).map_err(store_failure)?;
    let curves = store.curves(&trial.id).map_err(store_failure)?;
    let artifacts = store.artifacts(&trial.id).map_err(store_failure)?;
    terminal::print(&match context.json {
        true => json::trial(&objective, &trial, &attempts, &curves, &artifacts).to_string(),
        false => table::trial(&objective, &trial, &attempts, &curves, &artifacts, colour),
    });
    Ok(Exit::Success)
}
