//! Files that commands write where the user says: none is replaced unasked.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// The file that `path` means, which may be written: one that is there only by `force`. `other` says what to name
/// where no file can be.
pub fn file(path: &Path, force: bool, other: &str) -> Result<PathBuf, Error> {
    let Ok(there) = fs::metadata(path) else {
        return Ok(path.to_owned());
    };
    if !there.is_file() {
        let message = format!("{} is there and is no file", path.display());
        return Err(Error::input(message, other));
    }
    if !force {
        let message = format!("{} is there already", path.display());
        return Err(Error::input(
            message,
            "name another file, or replace it with --force",
        ));
    }
    // A link stays one: what it points to is replaced.
    fs::canonicalize(path).map_err(|error| Error::environment(error, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_replaced_by_force_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.csv");
        assert_eq!(file(&path, false, "").unwrap(), path);
        fs::write(&path, "hi").unwrap();
        let refused = file(&path, false, "").unwrap_err();
        assert!(refused.help().contains("--force"), "{refused}");
        assert!(file(&path, true, "").is_ok());
        let refused = file(folder.path(), true, "name a file").unwrap_err();
        assert!(refused.help().contains("name a file"), "{refused}");
    }
}
