//! What an export is made from, and what a format has to do.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use sweep_core::trial::TrialId;
use sweep_store::{AttemptRecord, Curve, ExperimentRecord};

/// A sweep with all that is known of its trials.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    pub experiment: ExperimentRecord,
    /// Oldest first.
    pub attempts: HashMap<TrialId, Vec<AttemptRecord>>,
    pub curves: HashMap<TrialId, Vec<Curve>>,
}

impl Sweep {
    /// Attempts at `trial`, oldest first.
    pub(super) fn attempts_at(&self, trial: &TrialId) -> &[AttemptRecord] {
        self.attempts.get(trial).map_or(&[], Vec::as_slice)
    }

    pub(super) fn curves_of(&self, trial: &TrialId) -> &[Curve] {
        self.curves.get(trial).map_or(&[], Vec::as_slice)
    }
}

/// A format of another program. A new one is a file that implements this, and a line in [`FORMATS`].
pub trait Exporter: fmt::Debug + Sync {
    /// As written on the command line.
    fn name(&self) -> &'static str;

    /// What it writes, for the help of the command line.
    fn help(&self) -> &'static str;

    /// Every file by its path within the folder, which will be at the absolute path `root`.
    ///
    /// # Errors
    /// When the format cannot hold the sweep.
    fn files(&self, sweep: &Sweep, root: &Path) -> Result<Vec<File>, ExportError>;

    /// Folders that there must be even if they stay empty.
    fn folders(&self, _sweep: &Sweep) -> Vec<PathBuf> {
        Vec::new()
    }

    /// The command that opens an exported `folder`, where the format has a viewer.
    fn viewer(&self, _folder: &Path) -> Option<String> {
        None
    }
}

/// A file's path within the folder, and its contents.
pub type File = (PathBuf, Vec<u8>);

/// Why there is no export.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("{} already exists and is not empty", path.display())]
    Taken { path: PathBuf },
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot make {name}: {message}")]
    Make { name: String, message: String },
}
