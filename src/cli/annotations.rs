//! `sweep tag` and `sweep note`: tags and notes on trials.

use serde_json::json;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal;
use sweep_analysis::text::utc;
use sweep_app::annotations::{self, TagChange};
use sweep_core::sanitize::sanitize;

#[derive(Debug, clap::Args)]
pub struct TagArguments {
    /// The first digits of a trial, or of a configuration with one trial
    trial: String,

    /// Tags of letters, digits, `.`, `_` and `-`; lists the tags of the trial if left out
    tags: Vec<String>,

    /// Remove the tags instead
    #[arg(long, short, requires = "tags")]
    remove: bool,
}

#[derive(Debug, clap::Args)]
pub struct NoteArguments {
    /// The first digits of a trial, or of a configuration with one trial
    trial: String,

    /// The note; lists the notes of the trial if left out
    text: Option<String>,
}

/// `sweep tag TRIAL [TAG ...]`.
pub fn tag(context: &Context, arguments: &TagArguments) -> Result<Exit, Failure> {
    let (change, state) = match arguments.remove {
        true => (TagChange::Remove, "does not have the tag"),
        false => (TagChange::Add, "already has the tag"),
    };
    let (prefix, tags) = (&arguments.trial, &arguments.tags);
    let tagged = annotations::tag(&context.app, context, prefix, tags, change)?;
    let trial = &tagged.trial;
    if context.json {
        terminal::print_json(&json!({ "trial": trial.id, "tags": trial.tags }));
        return Ok(Exit::Success);
    }
    for tag in &tagged.unchanged {
        terminal::note(&format!("{} {state} {}", trial.id.short(), sanitize(tag)));
    }
    terminal::print(&match trial.tags.is_empty() {
        true => format!("{}: no tags", trial.id.short()),
        false => format!("{}: {}", trial.id.short(), sanitize(&trial.tags.join(" "))),
    });
    Ok(Exit::Success)
}

/// `sweep note TRIAL [TEXT]`.
pub fn note(context: &Context, arguments: &NoteArguments) -> Result<Exit, Failure> {
    let text = arguments.text.as_deref();
    let trial = annotations::note(&context.app, context, &arguments.trial, text)?;
    if context.json {
        let notes = sweep_analysis::json::notes(&trial.notes);
        terminal::print_json(&json!({ "trial": trial.id, "notes": notes }));
    } else if trial.notes.is_empty() {
        terminal::print(&format!("{}: no notes", trial.id.short()));
    } else {
        for note in &trial.notes {
            let when = utc(note.written_ms);
            terminal::print(&format!("{when}  {}", sanitize(&note.text)));
        }
    }
    Ok(Exit::Success)
}
