//! What can be wrong with the files of a pool.

use std::io;
use std::path::{Path, PathBuf};

/// A file of a pool that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{}: {reason}", path.display())]
    Invalid { path: PathBuf, reason: String },
}

impl PoolError {
    /// For `map_err` on what was done with the file at `path`.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> PoolError {
        let path = path.to_owned();
        |source| PoolError::Io { path, source }
    }

    pub(crate) fn invalid(path: &Path, reason: impl Into<String>) -> PoolError {
        PoolError::Invalid {
            path: path.to_owned(),
            reason: reason.into(),
        }
    }
}
