//! `sweep logs`: what the program of a trial wrote.

use serde_json::json;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal;
use sweep_app::logs::{self, Piece};

/// What is said where output may be missing.
const GAP: &str = "... output may be missing here: the program wrote more than is kept of it before it could be followed";

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The first digits of a trial; the one that started last if left out
    trial: Option<String>,

    /// Print what is added until the trial has ended
    #[arg(short, long)]
    follow: bool,
}

/// `sweep logs [TRIAL] [-f]`.
pub fn logs(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    print(context, arguments.trial.as_deref(), arguments.follow)
}

/// Prints the output of the trial that `what` names, or the files that it is in as JSON.
pub fn print(context: &Context, what: Option<&str>, follow: bool) -> Result<Exit, Failure> {
    let output = logs::output(&context.app, what)?;
    if context.json {
        terminal::print_json(&json!({
            "trial": output.trial.as_str(),
            "files": output.files,
        }));
        return Ok(Exit::Success);
    }
    if let Some(missing) = &output.missing {
        terminal::note(missing);
    }
    output.pass_on(&context.app, follow, |piece| {
        match piece {
            Piece::Bytes(bytes) => terminal::print_bytes(bytes),
            Piece::Gap => terminal::note(GAP),
        }
        Ok(())
    })?;
    Ok(Exit::Success)
}
