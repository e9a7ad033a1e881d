//! `sweep mv` and `sweep cp`: a sweep under another name.

use serde_json::json;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal;
use sweep_app::rename;
use sweep_core::format::pluralize;

#[derive(Debug, clap::Args)]
pub struct MvArguments {
    /// The sweep
    old: String,

    /// Its new name
    new: String,
}

#[derive(Debug, clap::Args)]
pub struct CpArguments {
    /// The sweep
    old: String,

    /// The name of the copy
    new: String,
}

/// `sweep mv OLD NEW`.
pub fn mv(context: &Context, arguments: &MvArguments) -> Result<Exit, Failure> {
    let (old, new) = (&arguments.old, &arguments.new);
    let renamed = rename::rename(&context.app, context, old, new)?;
    if context.json {
        terminal::print_json(&json!({ "old": old, "new": new, "flag": renamed.flag }));
    } else {
        terminal::note(&format!(
            "renamed {old} to {new}; its file still has the old name: run it with `--set '{}'`, or edit it",
            renamed.flag
        ));
    }
    Ok(Exit::Success)
}

/// `sweep cp OLD NEW`.
pub fn cp(context: &Context, arguments: &CpArguments) -> Result<Exit, Failure> {
    let (old, new) = (&arguments.old, &arguments.new);
    let copied = rename::copy(&context.app, context, old, new)?;
    if context.json {
        terminal::print_json(&json!({
            "old": old,
            "new": new,
            "flag": copied.flag,
            "trials": copied.trials,
        }));
    } else {
        let trials = pluralize(copied.trials, "trial");
        terminal::note(&format!(
            "copied {old} to {new}: {trials}, the same ones; continue with `sweep resume {new}`"
        ));
    }
    Ok(Exit::Success)
}
