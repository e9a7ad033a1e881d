//! `sweep gc`: removes files of the run directory that nothing needs.

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use crate::confirm;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::listing;
use crate::terminal;
use sweep_app::gc::{self, GarbageFile, GcOptions, Kind, Removed, ScanResult};
use sweep_core::format::{format_bytes, pluralize};
use sweep_core::sanitize::sanitize;

/// Files left alone that are listed.
const LISTED: usize = 10;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// List every file that would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,

    /// Remove without asking
    #[arg(long)]
    yes: bool,

    /// Also remove backups of the database from before schema upgrades
    #[arg(long)]
    backups: bool,

    /// Also remove cached outputs of sentence encoders, which are computed again when needed
    #[arg(long)]
    cache: bool,

    /// Also remove kept predictions for validation rows; reports then ask the models again
    #[arg(long)]
    predictions: bool,

    /// Also compact the database to free the space of removed sweeps
    #[arg(long)]
    vacuum: bool,
}

/// `sweep gc`.
pub fn gc(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    // Without a database, every file would seem unknown.
    drop(context.app.read()?);
    let mut store = context.app.write(context)?;
    let options = GcOptions {
        backups: arguments.backups,
        cache: arguments.cache,
        predictions: arguments.predictions,
    };
    let found = gc::scan(&context.app, &mut store, options)?;
    let free = store.free_bytes()?;
    if !context.json {
        terminal::print(&shown(&found, arguments.dry_run));
        if free > 0 && !arguments.vacuum {
            terminal::note(&format!(
                "{} of {} are unused: later sweeps fill them, --vacuum frees them",
                format_bytes(free),
                context.app.store.display()
            ));
        }
    }
    let nothing_to_do = found.files.is_empty() && !(arguments.vacuum && free > 0);
    let question = format!(
        "remove {}, {}?",
        pluralize(found.files.len(), "file"),
        format_bytes(found.bytes())
    );
    let alone = found.alone.clone();
    let mut object = as_json(&found.files, &alone, free);
    if !arguments.dry_run && !nothing_to_do {
        if confirm::confirmed(&question, arguments.yes)? {
            let removed = gc::remove(&context.app, &mut store, found)?;
            if !context.json {
                print_removed(&removed);
            }
            if arguments.vacuum {
                gc::vacuum(&context.app, &mut store)?;
            }
            let alone = [alone, removed.kept].concat();
            object = as_json(&removed.files, &alone, free);
            object["removed"] = json!(true);
        } else {
            terminal::note("nothing was removed");
        }
    }
    if context.json {
        terminal::print_json(&object);
    }
    Ok(Exit::Success)
}

fn print_removed(removed: &Removed) {
    terminal::note(&format!(
        "removed {}, {}",
        pluralize(removed.files.len(), "file"),
        format_bytes(removed.bytes())
    ));
    for (path, why) in &removed.kept {
        let path = path.display().to_string();
        terminal::note(&format!("left {}: {}", sanitize(&path), sanitize(why)));
    }
}

/// One row per kind, the files themselves if asked for, and what was left alone.
fn shown(found: &ScanResult, each: bool) -> String {
    let mut rows = Vec::new();
    for kind in Kind::ALL {
        let files_of_kind = found.files.iter().filter(|file| file.kind == kind);
        let (mut files, mut size) = (0, 0);
        for file in files_of_kind {
            (files, size) = (files + 1, size + file.bytes);
        }
        if files > 0 {
            rows.push(vec![
                kind.title().to_owned(),
                files.to_string(),
                format_bytes(size),
            ]);
        }
    }
    let mut text = match rows.is_empty() {
        true => "nothing to remove\n".to_owned(),
        false => {
            let sum = format_bytes(found.bytes());
            rows.push(vec!["total".to_owned(), found.files.len().to_string(), sum]);
            listing::plain(&["", "files", "size"].map(str::to_owned), &rows)
        }
    };
    if each {
        for file in &found.files {
            let path = sanitize(&file.path.display().to_string());
            text.push_str(&format!("{} {path}\n", file.kind.name()));
        }
    }
    for (path, why) in found.alone.iter().take(LISTED) {
        let path = sanitize(&path.display().to_string());
        text.push_str(&format!("left alone: {path}: {}\n", sanitize(why)));
    }
    if found.alone.len() > LISTED {
        let more = found.alone.len() - LISTED;
        text.push_str(&format!("left alone: {more} more; --json lists them\n"));
    }
    text
}

/// What goes or went, and what was left alone.
fn as_json(files: &[GarbageFile], alone: &[(PathBuf, String)], free: u64) -> Json {
    let path = |path: &Path| path.display().to_string();
    let listed = files.iter().map(
        |file| json!({ "kind": file.kind.name(), "path": path(&file.path), "bytes": file.bytes }),
    );
    let alone = alone
        .iter()
        .map(|(left, why)| json!({ "path": path(left), "why": why }));
    json!({
        "removed": false,
        "bytes": files.iter().map(|file| file.bytes).sum::<u64>(),
        "files": listed.collect::<Json>(),
        "left_alone": alone.collect::<Json>(),
        "free_in_record": free,
    })
}
