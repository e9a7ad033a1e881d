//! Sweeps in the formats of other programs: CSV, Parquet, JSON, TensorBoard, MLflow.
//!
//! Pure until [`write`]: a [`Sweep`] gives the same files every time. Invariant: an export holds what the database
//! holds. Nothing is ranked, rounded or left out; `docs/EXPORT.md` lists what a format cannot hold.

mod csv;
mod json;
mod mlflow;
mod parquet;
mod protobuf;
mod table;
mod tensorboard;
mod times;

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use table::Table;

use sweep_core::atomic_fs;
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
    fn attempts_at(&self, trial: &TrialId) -> &[AttemptRecord] {
        self.attempts.get(trial).map_or(&[], Vec::as_slice)
    }

    fn curves_of(&self, trial: &TrialId) -> &[Curve] {
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

/// Every format, in the order of the help.
pub const FORMATS: [&dyn Exporter; 5] = [
    &csv::Csv,
    &parquet::Parquet,
    &json::Json,
    &tensorboard::Tensorboard,
    &mlflow::Mlflow,
];

/// The format called `name`.
pub fn format(name: &str) -> Option<&'static dyn Exporter> {
    FORMATS.into_iter().find(|format| format.name() == name)
}

/// Why there is no export.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("{} is there already, and not empty", path.display())]
    Taken { path: PathBuf },
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot make {name}: {message}")]
    Make { name: String, message: String },
}

/// Writes `sweep` to the folder `to`, which is new or empty, and gives the number of files.
///
/// # Errors
/// When `to` holds something, or cannot be written; nothing is left behind then.
pub fn write(to: &Path, format: &dyn Exporter, sweep: &Sweep) -> Result<usize, ExportError> {
    if atomic_fs::is_occupied(to) {
        let path = to.to_owned();
        return Err(ExportError::Taken { path });
    }
    let failed = |source| ExportError::Write {
        path: to.to_owned(),
        source,
    };
    let files = format.files(sweep, &std::path::absolute(to).map_err(failed)?)?;
    atomic_fs::write_folder(to, &format.folders(sweep), &files).map_err(failed)?;
    Ok(files.len())
}

/// A file for each table of `sweep`, as `bytes` makes it.
fn tables<E: std::fmt::Display>(
    sweep: &Sweep,
    extension: &str,
    bytes: fn(&Table) -> Result<Vec<u8>, E>,
) -> Result<Vec<File>, ExportError> {
    let file = |table: Table| {
        let name = format!("{}.{extension}", table.name);
        match bytes(&table) {
            Ok(bytes) => Ok((PathBuf::from(name), bytes)),
            Err(error) => Err(ExportError::Make {
                name,
                message: error.to_string(),
            }),
        }
    };
    table::all(sweep).into_iter().map(file).collect()
}

#[cfg(test)]
mod tests;
