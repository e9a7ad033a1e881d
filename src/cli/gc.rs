//! `sweep gc`: removes what lies in the folder of runs and is of no use to the record.

use serde_json::json;

use crate::confirm;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::listing;
use crate::terminal;
use sweep_app::gc::{self, GcOptions, Kind, ScanResult};
use sweep_core::format::{format_bytes, pluralize};
use sweep_core::sanitize::sanitize;
use sweep_store::{Store, SweepLock};

/// Things left alone that are listed.
const LISTED: usize = 10;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Show what would go, file by file, and remove nothing
    #[arg(long)]
    dry_run: bool,

    /// Remove without asking
    #[arg(long)]
    yes: bool,

    /// Also backups of the database, made before its schema was upgraded
    #[arg(long)]
    backups: bool,

    /// Also what sentence encoders have read; it is read again when needed
    #[arg(long)]
    cache: bool,

    /// Also compact the database: free the space that removed sweeps have left in it
    #[arg(long)]
    vacuum: bool,
}

/// `sweep gc`.
pub fn gc(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    // There has to be a record: without one, everything would look unknown.
    drop(context.app.read()?);
    let mut store = Store::open(&context.app.store)?;
    let wanted = GcOptions {
        backups: arguments.backups,
        cache: arguments.cache,
    };
    let mut found = gc::scan(&context.app, &mut store, wanted)?;
    let free = store.free_bytes()?;
    if !context.json {
        terminal::print(&shown(&found, arguments.dry_run));
        if free > 0 && !arguments.vacuum {
            terminal::note(&format!(
                "{} inside {} hold nothing: later sweeps fill them, --vacuum gives them back",
                format_bytes(free),
                context.app.store.display()
            ));
        }
    }
    let idle = found.files.is_empty() && !(arguments.vacuum && free > 0);
    let mut removed = false;
    if !arguments.dry_run && !idle {
        let question = format!(
            "remove {}, {}?",
            pluralize(found.files.len(), "file"),
            format_bytes(found.bytes())
        );
        if confirm::confirmed(&question, arguments.yes)? {
            removed = true;
            clear(context, &mut store, &mut found, arguments.vacuum)?;
        } else {
            terminal::note("nothing was removed");
        }
    }
    if context.json {
        terminal::print_json(&as_json(&found, removed, free));
    }
    Ok(Exit::Success)
}

/// Removes, and says what went.
fn clear(
    context: &Context,
    store: &mut Store,
    found: &mut ScanResult,
    vacuum: bool,
) -> Result<(), Failure> {
    let before = found.alone.len();
    let pieces = found.files.clone();
    let (files, size) = gc::remove(&context.app, store, found)?;
    if vacuum {
        let running = (store.experiments()?)
            .into_iter()
            .find(|experiment| SweepLock::is_held(context.app.runs(), &experiment.name));
        if let Some(running) = running {
            let message = format!(
                "the record is not written anew while sweep {} runs: it would wait for it",
                running.name
            );
            return Err(Failure::new(
                Exit::Busy,
                message,
                "try again when it is over",
            ));
        }
        store.vacuum()?;
    }
    if !context.json {
        terminal::note(&format!(
            "removed {}, {}",
            pluralize(files, "file"),
            format_bytes(size)
        ));
        for (path, why) in &found.alone[before..] {
            let path = path.display().to_string();
            terminal::note(&format!("left {}: {}", sanitize(&path), sanitize(why)));
        }
    }
    let kept: Vec<_> = found.alone[before..].iter().map(|(path, _)| path).collect();
    found.files = pieces;
    let kept: std::collections::HashSet<_> = kept.into_iter().cloned().collect();
    found.files.retain(|piece| !kept.contains(&piece.path));
    Ok(())
}

/// A row a kind, the files themselves if asked for, and what was left alone.
fn shown(found: &ScanResult, each: bool) -> String {
    let mut rows = Vec::new();
    for kind in Kind::ALL {
        let pieces = found.files.iter().filter(|piece| piece.kind == kind);
        let (mut files, mut size) = (0, 0);
        for piece in pieces {
            (files, size) = (files + 1, size + piece.bytes);
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
            rows.push(vec![
                "in all".to_owned(),
                found.files.len().to_string(),
                sum,
            ]);
            listing::plain(&["", "files", "size"].map(str::to_owned), &rows)
        }
    };
    if each {
        for piece in &found.files {
            let path = sanitize(&piece.path.display().to_string());
            text.push_str(&format!("{} {path}\n", piece.kind.name()));
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

fn as_json(found: &ScanResult, removed: bool, free: u64) -> serde_json::Value {
    let pieces: Vec<_> = (found.files.iter())
        .map(|piece| {
            json!({ "kind": piece.kind.name(), "path": piece.path.display().to_string(), "bytes": piece.bytes })
        })
        .collect();
    let alone: Vec<_> = (found.alone.iter())
        .map(|(path, why)| json!({ "path": path.display().to_string(), "why": why }))
        .collect();
    json!({
        "removed": removed,
        "bytes": found.bytes(),
        "files": pieces,
        "left_alone": alone,
        "free_in_record": free,
    })
}
