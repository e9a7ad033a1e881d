//! Brings the files that trials leave to the disk before anything says that the trials finished.
//!
//! Engines write a file under another name and rename it, without waiting for the disk. Flushed together, many files cost a
//! tenth of what each costs alone, and no trial waits for them.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::trial::{TrialId, TrialResult};

/// A file that could not be flushed, or is no longer there.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct SyncError {
    pub path: PathBuf,
    pub source: io::Error,
}

/// Flushes the artifacts of every trial of `finished`; each trial has a folder named after it in `trials`.
///
/// # Errors
/// When a file cannot be flushed, or is no longer there.
pub fn sync<'a>(
    trials: &Path,
    finished: impl Iterator<Item = (&'a TrialId, &'a TrialResult)>,
) -> Result<(), SyncError> {
    let mut folders = BTreeSet::new();
    for (trial, result) in finished {
        let folder = trials.join(trial.as_str());
        for artifact in &result.artifacts {
            flush(folder.join(&artifact.path))?;
        }
        if !result.artifacts.is_empty() {
            folders.insert(folder);
        }
    }
    if !folders.is_empty() {
        folders.insert(trials.to_owned());
    }
    // Names reach the disk with the folder that they stand in.
    folders.into_iter().try_for_each(flush)
}

fn flush(path: PathBuf) -> Result<(), SyncError> {
    let flushed = File::open(&path).and_then(|file| file.sync_all());
    flushed.map_err(|source| SyncError { path, source })
}
