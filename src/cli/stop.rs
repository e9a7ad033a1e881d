//! `sweep stop`: ask a running sweep to end cleanly, wait until it has, and print how it stands.

use serde_json::{Value as Json, json};

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal;
use sweep_app::stop::{self, Options, Outcome, StopMode, Stopped};
use sweep_core::format::pluralize;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The sweep; the one that is running if left out
    name: Option<String>,

    /// End its workers at once; running trials write no checkpoint
    #[arg(long)]
    now: bool,
}

/// `sweep stop [NAME] [--now]`.
pub fn stop(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    let options = Options {
        name: arguments.name.clone(),
        mode: match arguments.now {
            true => StopMode::Immediate,
            false => StopMode::Graceful,
        },
    };
    let outcome = stop::stop(&context.app, context, &options)?;
    match context.json {
        true => terminal::print_json(&as_json(&outcome)),
        false => terminal::print(&as_text(&outcome)),
    }
    Ok(Exit::Success)
}

fn as_text(outcome: &Outcome) -> String {
    let stopped = match outcome {
        Outcome::NotRunning(None) => return "no sweep is running".to_owned(),
        Outcome::NotRunning(Some(name)) => return format!("{name} is not running"),
        Outcome::Stopped(stopped) => stopped,
    };
    let Stopped {
        sweep,
        planned,
        done,
        failed,
        interrupted,
        ..
    } = stopped;
    let state = match stopped.outcome.as_deref() {
        Some("finished" | "failed") => "ended before the request reached it",
        _ => "has stopped",
    };
    let trials = pluralize(*planned, "trial");
    let mut text = format!("{sweep} {state}: {done} of {trials} done");
    if *interrupted > 0 {
        text.push_str(&format!(", {interrupted} interrupted"));
    }
    if *failed > 0 {
        text.push_str(&format!(", {failed} failed"));
    }
    if done + failed < *planned {
        text.push_str(&format!("; continue with `sweep resume {sweep}`"));
    }
    text
}

fn as_json(outcome: &Outcome) -> Json {
    match outcome {
        Outcome::NotRunning(name) => json!({ "experiment": name, "was_running": false }),
        Outcome::Stopped(stopped) => json!({
            "experiment": stopped.sweep,
            "was_running": true,
            "outcome": stopped.outcome,
            "done": stopped.done,
            "failed": stopped.failed,
            "interrupted": stopped.interrupted,
            "planned": stopped.planned,
        }),
    }
}
