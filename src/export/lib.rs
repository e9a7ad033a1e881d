//! The record of a sweep for other programs: CSV, Parquet, JSON, TensorBoard, MLflow.
//!
//! Pure until [`write`]: a [`Sweep`] gives the same files every time. Invariant: what is exported is what
//! the record holds; nothing is ranked, rounded or left out, and what a format cannot hold is said in
//! `docs/EXPORT.md`.

mod csv;
mod json;
mod mlflow;
mod parquet;
mod protobuf;
mod table;
mod tensorboard;
mod times;

use std::collections::HashMap;
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

/// What to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Three tables: trials, metrics, attempts.
    Csv,
    /// The same tables as Parquet files.
    Parquet,
    /// One file with everything.
    Json,
    /// A run for each trial, for `tensorboard --logdir FOLDER`.
    Tensorboard,
    /// An MLflow file store, for `mlflow ui --backend-store-uri FOLDER`.
    Mlflow,
}

impl Format {
    pub const ALL: [Format; 5] = [
        Format::Csv,
        Format::Parquet,
        Format::Json,
        Format::Tensorboard,
        Format::Mlflow,
    ];

    /// As written on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Parquet => "parquet",
            Format::Json => "json",
            Format::Tensorboard => "tensorboard",
            Format::Mlflow => "mlflow",
        }
    }

    /// How to open a `folder` of this format.
    pub fn opener(self, folder: &Path) -> Option<String> {
        match self {
            Format::Tensorboard => Some(format!("tensorboard --logdir {}", folder.display())),
            Format::Mlflow => Some(format!(
                "mlflow ui --backend-store-uri {}",
                folder.display()
            )),
            Format::Csv | Format::Parquet | Format::Json => None,
        }
    }
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
pub fn write(to: &Path, format: Format, sweep: &Sweep) -> Result<usize, ExportError> {
    if atomic_fs::is_occupied(to) {
        let path = to.to_owned();
        return Err(ExportError::Taken { path });
    }
    let failed = |source| ExportError::Write {
        path: to.to_owned(),
        source,
    };
    let files = files(format, sweep, &std::path::absolute(to).map_err(failed)?)?;
    let folders = match format {
        Format::Mlflow => mlflow::folders(sweep),
        Format::Csv | Format::Parquet | Format::Json | Format::Tensorboard => Vec::new(),
    };
    atomic_fs::write_folder(to, &folders, &files).map_err(failed)?;
    Ok(files.len())
}

/// Every file of the export by its path within the folder that will stand at `place`.
fn files(
    format: Format,
    sweep: &Sweep,
    place: &Path,
) -> Result<Vec<(PathBuf, Vec<u8>)>, ExportError> {
    match format {
        Format::Csv => tables(sweep, "csv", csv::bytes),
        Format::Parquet => tables(sweep, "parquet", parquet::bytes),
        Format::Json => Ok(json::files(sweep)),
        Format::Tensorboard => Ok(tensorboard::files(sweep)),
        Format::Mlflow => Ok(mlflow::files(sweep, place)),
    }
}

/// A file for each table of `sweep`, as `bytes` makes it.
fn tables<E: std::fmt::Display>(
    sweep: &Sweep,
    ending: &str,
    bytes: fn(&Table) -> Result<Vec<u8>, E>,
) -> Result<Vec<(PathBuf, Vec<u8>)>, ExportError> {
    let file = |table: Table| {
        let name = format!("{}.{ending}", table.name);
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
