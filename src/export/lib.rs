//! Sweeps in the formats of other programs: CSV, Parquet, JSON, TensorBoard, MLflow.
//!
//! Pure until [`write`]: a [`Sweep`] gives the same files every time. Invariant: an export holds what the database
//! holds. Nothing is ranked, rounded or left out; `docs/EXPORT.md` lists what a format cannot hold.

mod best;
mod csv;
mod exporter;
mod json;
mod mlflow;
mod parquet;
mod protobuf;
mod table;
mod tensorboard;
mod times;

pub use exporter::{ExportError, Exporter, File, Sweep};

use std::path::Path;

use sweep_core::atomic_fs;

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

#[cfg(test)]
mod tests;
