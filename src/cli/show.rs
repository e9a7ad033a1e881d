//! `sweep show`: all that is known of one trial, one configuration or one sweep.

use serde_json::Value as Json;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::listing;
use crate::terminal;
use sweep_analysis::json;
use sweep_app::show::{self, Shown, Sweep, Trial};
use sweep_report::details::{self, Details};
use sweep_report::table;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A sweep's name, or the first digits of a trial or of a configuration; the last sweep if left out
    what: Option<String>,
}

/// `sweep show WHAT`. A sweep's name goes before the digits of a trial or a configuration.
pub fn show(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    let shown = show::show(&context.app, arguments.what.as_deref())?;
    match context.json {
        true => terminal::print_json(&as_json(&shown)),
        false => terminal::print(&as_text(&shown)),
    }
    Ok(Exit::Success)
}

fn as_text(shown: &Shown) -> String {
    let look = terminal::look();
    match shown {
        Shown::Sweep(sweep) => {
            let Sweep {
                record,
                slot_events,
                is_running,
            } = &**sweep;
            let sessions = details::sessions(&record.sessions, slot_events, look);
            let text = match is_running {
                true => listing::running_sweep(record, look.is_colored),
                false => listing::sweep(record, look.is_colored),
            };
            format!("{text}\n{sessions}")
        }
        Shown::Configuration(objective, trials) => format!(
            "{}\n`sweep show TRIAL` shows the details of a trial",
            table::configuration_trials(objective, trials, look).trim_end_matches('\n')
        ),
        Shown::Trial(shown) => {
            let text = table::trial(
                &shown.objective,
                &shown.trial,
                &shown.attempts,
                &shown.curves,
                &shown.artifacts,
                look,
            );
            format!("{text}\n{}", details_of(shown).lines())
        }
    }
}

fn as_json(shown: &Shown) -> Json {
    match shown {
        Shown::Sweep(sweep) => merged(
            listing::sweep_json(&sweep.record),
            details::json(&sweep.record, &sweep.slot_events),
        ),
        Shown::Configuration(objective, trials) => json::configuration_trials(objective, trials),
        Shown::Trial(shown) => {
            let object = json::trial(
                &shown.objective,
                &shown.trial,
                &shown.attempts,
                &shown.curves,
                &shown.artifacts,
            );
            merged(object, details_of(shown).json())
        }
    }
}

fn details_of(shown: &Trial) -> Details<'_> {
    Details {
        asked_by: &shown.planned_by,
        folder: &shown.folder,
        logs: &shown.logs,
    }
}

/// An object with the keys of both.
fn merged(mut object: Json, more: Json) -> Json {
    if let (Some(object), Json::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
    object
}
