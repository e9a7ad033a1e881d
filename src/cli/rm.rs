//! `sweep rm`: removes a sweep, or one trial of it, from the database, with its files.

use serde_json::{Value as Json, json};

use crate::confirm;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal;
use sweep_app::remove::{self, PreparedRemoval, Removed};
use sweep_core::format::{format_bytes, pluralize};
use sweep_core::sanitize::sanitize;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The sweep
    name: String,

    /// Only this trial: its first digits, or those of a configuration with one trial
    #[arg(long, value_name = "TRIAL")]
    trial: Option<String>,

    /// Show what would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,

    /// Remove without asking
    #[arg(long)]
    yes: bool,
}

/// `sweep rm NAME`.
pub fn rm(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    let (name, trial) = (&arguments.name, arguments.trial.as_deref());
    let prepared = remove::prepare(&context.app, context, name, trial)?;
    if !context.json {
        terminal::print(&as_text(&prepared));
    }
    let mut object = as_json(&prepared);
    let subject = match &prepared.trial {
        Some(trial) => format!("trial {} of sweep {name}", trial.short()),
        None => format!("sweep {name}"),
    };
    let confirmed = || confirm::confirmed(&format!("remove {subject}?"), arguments.yes);
    if !arguments.dry_run && confirmed()? {
        let removed = prepared.execute()?;
        object["removed"] = json!(true);
        print_removed(context, &subject, &removed);
    } else if !context.json {
        terminal::note("nothing was removed");
    }
    if context.json {
        terminal::print_json(&object);
    }
    Ok(Exit::Success)
}

fn print_removed(context: &Context, subject: &str, removed: &Removed) {
    if !context.json {
        let (files, size) = (
            pluralize(removed.files, "file"),
            format_bytes(removed.bytes),
        );
        terminal::note(&format!("removed {subject}: {files}, {size}"));
    }
    if removed.is_planned && !context.json {
        terminal::note(&format!(
            "the experiment file still asks for the trial: `sweep resume {}` trains it again; edit the file and `sweep run` it \
             to leave it out",
            removed.sweep
        ));
    }
    for name in removed.ensembles.iter().filter(|_| !context.json) {
        terminal::note(&format!(
            "the ensemble of {name} had it as a member, and is removed: `sweep ensemble {name}` selects another"
        ));
    }
    for (path, why) in &removed.kept {
        let (path, why) = (sanitize(&path.display().to_string()), sanitize(why));
        terminal::note(&format!("left {path}: {why}; `sweep gc` tries again"));
    }
    if !removed.unused_data.is_empty() && !context.json {
        terminal::note("its prepared data are not used any more: `sweep gc` removes them");
    }
}

/// What is removed and what is kept, one line each.
fn as_text(prepared: &PreparedRemoval<'_>) -> String {
    let (name, removal, files) = (&prepared.sweep, &prepared.removal, &prepared.files);
    let mut removed = match &prepared.trial {
        Some(trial) => vec![format!("trial {trial} of sweep {name}")],
        None => vec![
            format!("sweep {name}"),
            pluralize(removal.trials.len(), "trial"),
        ],
    };
    if removal.whole {
        removed.push(pluralize(removal.sessions, "session"));
    }
    removed.push(pluralize(removal.attempts, "attempt"));
    removed.push(pluralize(removal.metrics, "metric value"));
    for (number, noun) in [(removal.tags, "tag"), (removal.notes, "note")] {
        if number > 0 {
            removed.push(pluralize(number, noun));
        }
    }
    let mut lines = vec![
        format!("removes: {}", removed.join(", ")),
        format!(
            "         {} in {}",
            format_bytes(files.bytes()),
            pluralize(files.files.len(), "file")
        ),
    ];
    if removal.shared > 0 {
        let trials = match removal.whole {
            true => pluralize(removal.shared, "trial"),
            false => "the trial itself".to_owned(),
        };
        lines.push(format!(
            "keeps:   {trials}, in the plan of other sweeps as well"
        ));
    }
    if removal.sessions_kept > 0 {
        let sessions = pluralize(removal.sessions_kept, "session");
        lines.push(format!(
            "keeps:   {sessions} that trained such trials, under those sweeps"
        ));
    }
    if removal.test_evaluations > 0 {
        let evaluations = pluralize(removal.test_evaluations, "test-set evaluation");
        lines.push(format!(
            "keeps:   the count of its {evaluations}; their scores are removed"
        ));
    }
    if !removal.ensembles.is_empty() {
        let sweeps = removal.ensembles.join(", ");
        lines.push(format!(
            "removes: the ensembles of {sweeps} that have such trials; `sweep ensemble` selects others"
        ));
    }
    for (path, why) in &files.alone {
        let (path, why) = (sanitize(&path.display().to_string()), sanitize(why));
        lines.push(format!("keeps:   {path}: {why}"));
    }
    lines.join("\n")
}

fn as_json(prepared: &PreparedRemoval<'_>) -> Json {
    let (removal, files) = (&prepared.removal, &prepared.files);
    json!({
        "removed": false,
        "experiment": prepared.sweep,
        "trial": prepared.trial,
        "trials": removal.trials,
        "trials_kept": removal.shared,
        "sessions": removal.sessions,
        "sessions_kept": removal.sessions_kept,
        "attempts": removal.attempts,
        "metrics": removal.metrics,
        "tags": removal.tags,
        "notes": removal.notes,
        "test_evaluations": removal.test_evaluations,
        "ensembles": removal.ensembles,
        "data": removal.datasets,
        "files": files.files.len(),
        "bytes": files.bytes(),
    })
}
