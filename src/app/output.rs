//! Output files that the user names.
//!
//! Invariant: an existing file is replaced only with `--force`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// The file to write for `path`; an existing one only with `force`. `other` is the help if `path` is no file.
pub fn file(path: &Path, force: bool, other: &str) -> Result<PathBuf, Error> {
    let Ok(there) = fs::metadata(path) else {
        return Ok(path.to_owned());
    };
    if !there.is_file() {
        let message = format!("{} exists and is not a file", path.display());
        return Err(Error::input(message, other));
    }
    if !force {
        let message = format!("{} already exists", path.display());
        return Err(Error::input(
            message,
            "name another file, or replace this one with --force",
        ));
    }
    // A link is kept: the file it points to is replaced.
    fs::canonicalize(path).map_err(|error| Error::environment(error, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_existing_file_is_replaced_only_with_force() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.csv");
        assert_eq!(file(&path, false, "").unwrap(), path);
        fs::write(&path, "hi").unwrap();
        let error = file(&path, false, "").unwrap_err();
        assert!(error.help().contains("--force"), "{error}");
        assert!(file(&path, true, "").is_ok());
        let error = file(folder.path(), true, "name a file").unwrap_err();
        assert!(error.help().contains("name a file"), "{error}");
    }
}
