//! Why there is no report.

use std::path::PathBuf;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error("cannot draw {name}: {message}")]
    Draw { name: String, message: String },
    #[error("cannot write {path}: {source}; the earlier report is as it was", path = .path.display())]
    Stage {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(
        "cannot put {missing} in place in {folder}: {source}; these files are missing or of an \
         earlier report, so write the report again",
        missing = .missing.join(", "),
        folder = .folder.display()
    )]
    Replace {
        folder: PathBuf,
        missing: Vec<String>,
        source: std::io::Error,
    },
}
