//! `sweep show`: all that is known of one trial, one configuration or one sweep.

use serde_json::Value as Json;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::listing;
use crate::logs;
use crate::terminal;
use sweep_analysis::json;
use sweep_app::pool;
use sweep_app::show::{self, Shown, Sweep, Trial};
use sweep_core::format::format_bytes;
use sweep_core::sanitize::sanitize;
use sweep_report::details::{self, Details};
use sweep_report::table;
use sweep_store::Patch;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A sweep's name, or the first digits of a trial or of a configuration; the last sweep if left out
    what: Option<String>,

    /// Print the uncommitted changes with which its last session began, as a patch for `git apply`
    #[arg(long)]
    patch: bool,

    /// Print what the program of a trial wrote
    #[arg(long, conflicts_with = "patch")]
    log: bool,
}

/// `sweep show WHAT`. A sweep's name goes before the digits of a trial or a configuration.
pub fn show(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    if arguments.patch {
        return patch(context, arguments.what.as_deref());
    }
    if arguments.log {
        return logs::print(context, arguments.what.as_deref(), false);
    }
    pool::collect_now(&context.app, context, &[])?;
    let shown = show::show(&context.app, arguments.what.as_deref())?;
    match context.json {
        true => terminal::print_json(&as_json(&shown)),
        false => terminal::print(&as_text(&shown)),
    }
    Ok(Exit::Success)
}

fn patch(context: &Context, what: Option<&str>) -> Result<Exit, Failure> {
    let session = show::session(&context.app, what)?;
    let Some(tree) = session.working_tree.as_ref() else {
        return Err(Failure::input(
            format!(
                "it is not recorded whether session {} began with uncommitted changes",
                session.id
            ),
            "they are recorded if the working directory is in a Git repository",
        ));
    };
    if context.json {
        terminal::print_json(&details::patch_json(&session, tree));
        return Ok(Exit::Success);
    }
    match &tree.patch {
        Patch::Empty => terminal::note(&format!(
            "session {} began without uncommitted changes",
            session.id
        )),
        Patch::Kept(patch) => terminal::print_bytes(patch),
        Patch::TooLong { bytes, sha256 } => {
            let message = format!(
                "the patch of session {} is too long to be stored: {}, SHA-256 {sha256}",
                session.id,
                format_bytes(*bytes)
            );
            return Err(Failure::input(message, ""));
        }
    }
    for name in &tree.untracked {
        terminal::note(&format!("untracked: {}", sanitize(name)));
    }
    let more = tree
        .untracked_count
        .saturating_sub(tree.untracked.len() as u64);
    if more > 0 {
        terminal::note(&format!("untracked: ... and {more} more"));
    }
    Ok(Exit::Success)
}

fn as_text(shown: &Shown) -> String {
    let style = terminal::table_style();
    match shown {
        Shown::Sweep(sweep) => {
            let Sweep {
                record,
                summary,
                slot_events,
            } = &**sweep;
            let sessions = details::sessions(&record.sessions, slot_events, style);
            let text = listing::sweep(record, summary, style.is_colored);
            format!("{text}\n{sessions}")
        }
        Shown::Configuration(objective, trials) => format!(
            "{}\n`sweep show TRIAL` shows the details of a trial",
            table::configuration_trials(objective, trials, style).trim_end_matches('\n')
        ),
        Shown::Trial(shown) => {
            let text = table::trial(
                &shown.objective,
                &shown.trial,
                &shown.attempts,
                &shown.curves,
                &shown.artifacts,
                style,
            );
            format!("{text}\n{}", details_of(shown).lines())
        }
    }
}

fn as_json(shown: &Shown) -> Json {
    match shown {
        Shown::Sweep(sweep) => merged(
            listing::sweep_json(&sweep.record, &sweep.summary),
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
