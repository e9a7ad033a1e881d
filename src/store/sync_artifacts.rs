//! Brings the files that trials leave to the disk before the database says that the trials finished.
//!
//! Engines write a file under another name and rename it, without waiting for the disk. One thread
//! waits here for all files of a batch: flushed together they cost a tenth of what each costs alone,
//! and no trial waits for them.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use super::StoreError;
use super::batch_writer::Entry;
use sweep_core::atomic_fs;
use sweep_core::event::Event;

/// Flushes the artifacts of every trial that finishes in `entries`; each trial has a folder named
/// after it in `trials`.
///
/// # Errors
/// When a file cannot be flushed, or is no longer there.
pub(super) fn sync_artifacts(trials: &Path, entries: &[Entry]) -> Result<(), StoreError> {
    let mut folders = BTreeSet::new();
    for entry in entries {
        if let Entry::Event {
            event: Event::TrialFinished { trial, result, .. },
            ..
        } = entry
        {
            let folder = trials.join(trial.as_str());
            for artifact in &result.artifacts {
                sync(folder.join(&artifact.path))?;
            }
            if !result.artifacts.is_empty() {
                folders.insert(folder);
            }
        }
    }
    if !folders.is_empty() {
        folders.insert(trials.to_owned());
    }
    // Names reach the disk with the folder that they stand in.
    folders.into_iter().try_for_each(sync)
}

fn sync(path: PathBuf) -> Result<(), StoreError> {
    let flushed = File::open(&path).and_then(|file| file.sync_all());
    flushed.map_err(|source| match atomic_fs::is_full(&source) {
        true => StoreError::Full {
            path,
            action: "keeping a model",
        },
        false => StoreError::Artifact { path, source },
    })
}
