//! Paths that a session hands to its workers.

use std::path::{Path, PathBuf};

use sweep_core::atomic_fs;

use crate::error::Error;

/// Checks that models can be written before any is trained. On a full disk, workers wait for space.
pub fn writable(trials: &Path) -> Result<(), Error> {
    let made = atomic_fs::create_folder(trials);
    match made.and_then(|()| sweep_worker::make_ready(trials)) {
        Err(error) if !atomic_fs::is_full(&error) => Err(Error::environment(
            format!("cannot write in {}: {error}", trials.display()),
            "make the folder writable, or choose another one with --store",
        )),
        _ => Ok(()),
    }
}

/// Workers are started by absolute paths, so that nothing depends on where they run.
pub fn absolute(path: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(path).map_err(|error| {
        Error::environment(format!("cannot resolve {}: {error}", path.display()), "")
    })
}
