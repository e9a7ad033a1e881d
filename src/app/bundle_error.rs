//! What to do about an exported folder that cannot be read.

use std::io;
use std::path::Path;

use sweep_engine::predict::BundleError;

use crate::error::Error;

/// Why `folder` cannot be read, with what to do.
pub fn bundle_error(folder: &Path, error: &BundleError) -> Error {
    let help = match error {
        BundleError::Read { .. } => "name a complete folder that `sweep export` wrote",
        BundleError::Format { .. } | BundleError::Damaged { .. } => "",
        // The folder is intact; the message names what is missing elsewhere.
        BundleError::Preprocessor(error) if error.kind() == io::ErrorKind::Other => "",
        _ => "export the model again, or use an intact copy of the folder",
    };
    match error {
        BundleError::Read { .. } if !folder.is_dir() => {
            Error::input(format!("there is no folder {}", folder.display()), help)
        }
        _ => Error::environment(error, help),
    }
}
