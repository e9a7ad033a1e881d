//! Removal of the files of a scan, in batches between which sessions may begin.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::{fs, io};

use sweep_store::lock::DataLock;
use sweep_store::{Store, SweepLock};

use super::check::Now;
use super::files::{GarbageFile, Precondition, ScanResult};
use crate::app::App;
use crate::error::Error;

/// Files per batch, during which writers wait: a few milliseconds.
const BATCH: usize = 100;

/// What came of a removal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removed {
    pub files: Vec<GarbageFile>,
    /// Files that were needed after all or could not be removed, and why.
    pub kept: Vec<(PathBuf, String)>,
}

impl Removed {
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// Removes the files of `found` that nothing needs now.
pub fn remove(app: &App, store: &mut Store, found: ScanResult) -> Result<Removed, Error> {
    let hold = DataLock::exclusive(app.runs()).ok().flatten();
    let (targets, folders) = (found.files, found.folders);
    let preconditions = targets.iter().map(|file| &file.precondition);
    let gone: HashSet<&str> = (preconditions
        .chain(folders.iter().map(|(_, precondition)| precondition)))
    .filter_map(|precondition| match precondition {
        Precondition::NoExperiment(name) => Some(name.as_str()),
        _ => None,
    })
    .collect();
    // Held to the end, so that no sweep of that name begins in folders that are being removed.
    let locks: HashMap<&str, SweepLock> = (gone.into_iter())
        .filter_map(|name| Some((name, SweepLock::acquire(app.runs(), name).ok()?)))
        .collect();
    let is_locked = |name: &str| locks.contains_key(name);
    let mut removed = Removed::default();
    for batch in targets.chunks(BATCH) {
        let done = store.with_gc_references(|known| {
            let now = Now::of(app, known, hold.is_some(), &is_locked)?;
            for file in batch {
                match now.holds(&file.precondition)? {
                    Err(why) => removed.kept.push((file.path.clone(), why.to_owned())),
                    Ok(()) => match fs::remove_file(&file.path) {
                        Ok(()) => removed.files.push(file.clone()),
                        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                        Err(error) => removed.kept.push((file.path.clone(), error.to_string())),
                    },
                }
            }
            Ok(())
        });
        done?;
    }
    for batch in folders.chunks(BATCH) {
        let done = store.with_gc_references(|known| {
            let now = Now::of(app, known, hold.is_some(), &is_locked)?;
            for (folder, precondition) in batch {
                if now.holds(precondition)?.is_ok() {
                    // Fails while the folder is not empty.
                    let _ = fs::remove_dir(folder);
                }
            }
            Ok(())
        });
        done?;
    }
    let done = store.with_gc_references(|known| {
        for (name, lock) in locks {
            if !known.has_experiment(name)? {
                // Most were removed above; taking the lock may have created one.
                let _ = lock.remove();
            }
        }
        Ok(())
    });
    done?;
    Ok(removed)
}

/// Frees the space in the database that removed sweeps have left.
///
/// # Errors
/// When a sweep is running: it would wait for the database.
pub fn vacuum(app: &App, store: &mut Store) -> Result<(), Error> {
    let running = (store.experiments()?)
        .into_iter()
        .find(|experiment| app.is_running(&experiment.name));
    if let Some(running) = running {
        let message = format!(
            "the database cannot be compacted while sweep {} is running",
            running.name
        );
        return Err(Error::busy(message, "try again when it has ended"));
    }
    Ok(store.vacuum()?)
}
