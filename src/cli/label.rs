//! `sweep tag` and `sweep note`: what people put on trials.

use serde_json::json;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal;
use sweep_app::resolve;
use sweep_core::sanitize::sanitize;
use sweep_store::StoreError;

#[derive(Debug, clap::Args)]
pub struct TagArguments {
    /// The first digits of a trial, or of a configuration with one trial
    trial: String,

    /// Words to put on it: letters, digits, `.`, `_` and `-`; its tags are listed if left out
    tags: Vec<String>,

    /// Take the words off instead
    #[arg(long, short, requires = "tags")]
    remove: bool,
}

#[derive(Debug, clap::Args)]
pub struct NoteArguments {
    /// The first digits of a trial, or of a configuration with one trial
    trial: String,

    /// What to write about it; its notes are listed if left out
    text: Option<String>,
}

/// `sweep tag TRIAL [TAG ...]`.
pub fn tag(context: &Context, arguments: &TagArguments) -> Result<Exit, Failure> {
    let trial = resolve::single(&context.app.read()?, &arguments.trial)?;
    if !arguments.tags.is_empty() {
        let mut store = context.app.write(context)?;
        for tag in &arguments.tags {
            let changed = match arguments.remove {
                true => store.untag(&trial.id, tag),
                false => store.tag(&trial.id, tag),
            };
            if !changed.map_err(refused)? && !context.json {
                let state = if arguments.remove {
                    "is not tagged"
                } else {
                    "is tagged already"
                };
                terminal::note(&format!("{} {state} {}", trial.id.short(), sanitize(tag)));
            }
        }
    }
    let trial = resolve::single(&context.app.read()?, trial.id.as_str())?;
    terminal::print(&match context.json {
        true => json!({ "trial": trial.id, "tags": trial.tags }).to_string(),
        false if trial.tags.is_empty() => format!("{}: no tags", trial.id.short()),
        false => format!("{}: {}", trial.id.short(), sanitize(&trial.tags.join(" "))),
    });
    Ok(Exit::Success)
}

/// `sweep note TRIAL [TEXT]`.
pub fn note(context: &Context, arguments: &NoteArguments) -> Result<Exit, Failure> {
    let trial = resolve::single(&context.app.read()?, &arguments.trial)?;
    if let Some(text) = &arguments.text {
        let mut store = context.app.write(context)?;
        store.note(&trial.id, text).map_err(refused)?;
    }
    let trial = resolve::single(&context.app.read()?, trial.id.as_str())?;
    if context.json {
        let notes = sweep_analysis::json::notes(&trial.notes);
        terminal::print(&json!({ "trial": trial.id, "notes": notes }).to_string());
    } else if trial.notes.is_empty() {
        terminal::print(&format!("{}: no notes", trial.id.short()));
    } else {
        for note in &trial.notes {
            let when = sweep_analysis::text::utc(note.written_ms);
            terminal::print(&format!("{when}  {}", sanitize(&note.text)));
        }
    }
    Ok(Exit::Success)
}

/// What the user asked for cannot be done, or the record cannot be written.
fn refused(error: StoreError) -> Failure {
    match error {
        StoreError::InvalidValue { .. } => Failure::input(error, ""),
        error => error.into(),
    }
}
