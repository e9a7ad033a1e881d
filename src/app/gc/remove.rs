//! Removal of what a scan found, in batches between which sessions may begin.

use std::collections::{HashMap, HashSet};
use std::{fs, io};

use sweep_store::lock::DataLock;
use sweep_store::{Store, SweepLock};

use super::check::Now;
use super::files::{Precondition, ScanResult};
use crate::app::App;
use crate::error::Error;

/// Files that are looked at and removed while writers wait; a few milliseconds.
const BATCH: usize = 100;

/// Removes the files of `found`, all that are still of no use. Gives the number of files and of
/// bytes that went; what did not go joins what was left alone.
pub fn remove(app: &App, store: &mut Store, found: &mut ScanResult) -> Result<(usize, u64), Error> {
    let hold = DataLock::exclusive(app.runs()).ok().flatten();
    let targets = std::mem::take(&mut found.files);
    let folders = std::mem::take(&mut found.folders);
    let preconditions = targets.iter().map(|file| &file.precondition);
    let gone: HashSet<&str> = (preconditions
        .chain(folders.iter().map(|(_, precondition)| precondition)))
    .filter_map(|precondition| match precondition {
        Precondition::NoExperiment(name) => Some(name.as_str()),
        _ => None,
    })
    .collect();
    // Held to the end, so that nobody begins a sweep of that name on folders that go.
    let locks: HashMap<&str, SweepLock> = (gone.into_iter())
        .filter_map(|name| Some((name, SweepLock::acquire(app.runs(), name).ok()?)))
        .collect();
    let is_locked = |name: &str| locks.contains_key(name);
    let (mut files, mut bytes) = (0, 0);
    for batch in targets.chunks(BATCH) {
        let swept = store.with_gc_references(|known| {
            let now = Now::of(app, known, hold.is_some(), &is_locked)?;
            for file in batch {
                match now.holds(&file.precondition)? {
                    Err(why) => found.leave(file.path.clone(), why),
                    Ok(()) => match fs::remove_file(&file.path) {
                        Ok(()) => (files, bytes) = (files + 1, bytes + file.bytes),
                        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                        Err(error) => found.leave(file.path.clone(), error),
                    },
                }
            }
            Ok(())
        });
        swept?;
    }
    for batch in folders.chunks(BATCH) {
        let swept = store.with_gc_references(|known| {
            let now = Now::of(app, known, hold.is_some(), &is_locked)?;
            for (folder, precondition) in batch {
                if now.holds(precondition)?.is_ok() {
                    // It stays while anything is in it.
                    let _ = fs::remove_dir(folder);
                }
            }
            Ok(())
        });
        swept?;
    }
    let swept = store.with_gc_references(|known| {
        for (name, lock) in locks {
            if !known.has_experiment(name)? {
                // Removed above, but for one that had to be made first.
                let _ = lock.remove();
            }
        }
        Ok(())
    });
    swept?;
    Ok((files, bytes))
}
