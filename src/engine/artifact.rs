//! Model files in the folder of a trial: whole and on the disk, or not there.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::EngineError;
use crate::trial::Artifact;

/// Writes `bytes` to `name` in the job's folder: whole or not at all, even across a power cut.
pub(super) fn write(
    folder: &Path,
    kind: &str,
    name: &str,
    bytes: &[u8],
) -> Result<Artifact, EngineError> {
    let path = folder.join(name);
    let partial = folder.join(format!("{name}.partial"));
    let whole = || {
        let mut file = fs::File::create(&partial)?;
        file.write_all(bytes)?;
        file.sync_all()?;
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
