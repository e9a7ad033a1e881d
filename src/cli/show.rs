//! `sweep show`: all that is known of one trial, or of one sweep.

use std::path::PathBuf;

use serde_json::Value as Json;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::listing;
use crate::terminal;
use sweep_analysis::json;
use sweep_app::resolve;
use sweep_app::resolve::Found;
use sweep_core::event::Slot;
use sweep_core::trial::Objective;
use sweep_report::details::{self, Details};
use sweep_report::table;
use sweep_store::{AttemptRecord, Store, TrialRecord};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A sweep's name, or the first digits of a trial or of a configuration; the last sweep if left out
    what: Option<String>,
}

/// `sweep show WHAT`. A sweep's name goes before the digits of a trial or a configuration.
pub fn show(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    let store = context.app.read()?;
    let colour = terminal::stdout_has_colour();
    let named = match arguments.what.as_deref() {
        Some(what) if store.experiment(what)?.is_none() => None,
        what => Some(context.app.experiment(what)?),
    };
    if let Some(record) = named {
        let events = store.slot_events(&record.name)?;
        terminal::print(&match context.json {
            true => merged(
                listing::sweep_json(&record),
                details::json(&record, &events),
            )
            .to_string(),
            false => {
                let sessions = details::sessions(&record.sessions, &events, terminal::look());
                let told = match context.app.is_running(&record.name) {
                    true => listing::running_sweep(&record, colour),
                    false => listing::sweep(&record, colour),
                };
                format!("{told}\n{sessions}")
            }
        });
        return Ok(Exit::Success);
    }
    let prefix = arguments.what.as_deref().unwrap_or_default();
    let trial = match resolve::find(&store, prefix)? {
        Found::Trial(mut trial) => {
            context.app.mark_stale(&store, &mut trial)?;
            *trial
        }
        Found::Configuration(mut trials) => {
            for trial in &mut trials {
                context.app.mark_stale(&store, trial)?;
            }
            return configuration(context, &store, &trials);
        }
    };
    let objective = objective(context, &store, &trial)?;
    let attempts = context.app.attempts(&store, &trial.id)?;
    let curves = store.curves(&trial.id)?;
    let artifacts = store.artifacts(&trial.id)?;
    let asked_by = store.planned_by(&trial.id)?;
    let details_of_trial = Details {
        asked_by: &asked_by,
        folder: &context.app.trials().join(trial.id.as_str()),
        logs: &logs(context, &store, &attempts)?,
    };
    terminal::print(&match context.json {
        true => {
            let told = json::trial(&objective, &trial, &attempts, &curves, &artifacts);
            merged(told, details_of_trial.json()).to_string()
        }
        false => {
            let told = table::trial(
                &objective,
                &trial,
                &attempts,
                &curves,
                &artifacts,
                terminal::look(),
            );
            format!("{told}\n{}", details_of_trial.lines())
        }
    });
    Ok(Exit::Success)
}

/// The trials of one configuration.
fn configuration(
    context: &Context,
    store: &Store,
    trials: &[TrialRecord],
) -> Result<Exit, Failure> {
    let Some(first) = trials.first() else {
        return Ok(Exit::Success);
    };
    let objective = objective(context, store, first)?;
    match context.json {
        true => terminal::print_json(&json::configuration_trials(&objective, trials)),
        false => {
            let look = terminal::look();
            terminal::print(&table::configuration_trials(&objective, trials, look));
            terminal::print("`sweep show TRIAL` shows the details of a trial");
        }
    }
    Ok(Exit::Success)
}

/// What `trial` was ranked by.
fn objective(context: &Context, store: &Store, trial: &TrialRecord) -> Result<Objective, Failure> {
    let names = store.experiments_of(&trial.id)?;
    match names.first() {
        Some(name) => Ok(context.app.experiment(Some(name))?.objective),
        None => Ok(Objective::default()),
    }
}

/// The logs of the slots that `attempts` ran on, as far as they are still there.
fn logs(
    context: &Context,
    store: &Store,
    attempts: &[AttemptRecord],
) -> Result<Vec<PathBuf>, Failure> {
    let mut logs = Vec::new();
    for attempt in attempts {
        let Some(name) = store.session_experiment(attempt.session)? else {
            continue;
        };
        let slot = Slot(attempt.slot.clone());
        let log = context.app.run_dir().log(&name, &slot);
        if log.is_file() && !logs.contains(&log) {
            logs.push(log);
        }
    }
    Ok(logs)
}

/// An object with the keys of both.
fn merged(mut object: Json, more: Json) -> Json {
    if let (Some(object), Json::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
    object
}
