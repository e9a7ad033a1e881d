//! A copy of a data set in the temporary folder of a node, so that many trials do not read it over the network.

use std::path::{Path, PathBuf};

use sweep_core::atomic_fs;
use sweep_pool::PoolData;

use super::create::sha256;
use crate::error::Error;

/// The copy of `data` in the temporary folder; made unless a whole one is there.
///
/// # Errors
/// When it cannot be made, or is not the same to the byte.
pub fn copy(data: &PoolData) -> Result<PathBuf, Error> {
    // SAFETY: getuid takes nothing and cannot fail.
    let user = unsafe { libc::getuid() };
    let folder = std::env::temp_dir().join(format!("sweep-data-{user}"));
    let name = data.path.file_name().unwrap_or_default();
    let copy = folder.join(name);
    if copy.is_file() && sha256(&copy).is_ok_and(|sha256| sha256 == data.sha256) {
        return Ok(copy);
    }
    let fail = |error: std::io::Error| {
        Error::environment(
            format!(
                "cannot copy {} to {}: {error}",
                data.path.display(),
                copy.display()
            ),
            "set TMPDIR to a folder with enough space, or remove `local_data` from [[schedule.slurm]]",
        )
    };
    make_private(&folder).map_err(fail)?;
    atomic_fs::write(&copy, |out| {
        let mut from = std::fs::File::open(&data.path)?;
        std::io::copy(&mut from, out).map(drop)
    })
    .map_err(fail)?;
    match sha256(&copy)? == data.sha256 {
        true => Ok(copy),
        false => Err(Error::environment(
            format!(
                "{} is not what it was when the sweep began: its copy has another SHA-256",
                data.path.display()
            ),
            "stop the sweep, and resume it: the data are prepared again",
        )),
    }
}

/// Makes `folder`, which other users must not be able to write.
fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
    let made = std::fs::DirBuilder::new().mode(0o700).create(folder);
    match made {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = std::fs::symlink_metadata(folder)?;
    // SAFETY: getuid takes nothing and cannot fail.
    let is_own = found.is_dir() && found.uid() == unsafe { libc::getuid() };
    match is_own {
        true => Ok(()),
        false => Err(std::io::Error::other("the folder belongs to another user")),
    }
}
