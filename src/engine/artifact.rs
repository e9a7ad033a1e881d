//! Model files in the folder of a trial: whole, or not there. They need not be on the disk yet: the
//! record brings them there before it says that their trial finished.

use std::fs;
use std::path::{Path, PathBuf};

use super::EngineError;
use crate::trial::Artifact;

/// Writes `bytes` to `name` in the job's folder: whole or not at all.
pub(super) fn write(
    folder: &Path,
    kind: &str,
    name: &str,
    bytes: &[u8],
) -> Result<Artifact, EngineError> {
    let path = folder.join(name);
    let partial = folder.join(format!("{name}.partial"));
    let whole = || {
        fs::write(&partial, bytes)?;
        fs::rename(&partial, &path)
    };
    whole().map_err(|source| EngineError::Write {
        path: path.display().to_string(),
        source,
    })?;
    Ok(Artifact {
        kind: kind.to_owned(),
        path: PathBuf::from(name),
        bytes: bytes.len() as u64,
    })
}
