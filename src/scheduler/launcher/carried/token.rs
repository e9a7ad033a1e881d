//! A file by which a worker on another host knows that it sees the folder of the sweep.
//!
//! Its name is new for every session: a host that has cached names of an earlier one looks anew.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use sweep_core::run_dir::{is_token_name, token_name};

/// The file, until dropped.
#[derive(Debug)]
pub(super) struct Token {
    path: PathBuf,
}

impl Token {
    /// Makes one in `folder`, which belongs to this session alone, and removes those that dead sessions have left.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn new(folder: &Path) -> io::Result<Token> {
        for entry in fs::read_dir(folder)?.flatten() {
            if entry.file_name().to_str().is_some_and(is_token_name) {
                fs::remove_file(entry.path())?;
            }
        }
        let time = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |time| time.as_nanos() as u64);
        let path = folder.join(token_name(
            time.rotate_left(16) ^ u64::from(std::process::id()),
        ));
        fs::write(&path, "")?;
        Ok(Token { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        // The next session removes it otherwise.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_token_at_a_time_and_none_in_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("cpu-0.log");
        fs::write(&log, "").unwrap();
        let first = Token::new(folder.path()).unwrap();
        let left = first.path().to_owned();
        std::mem::forget(first);
        let second = Token::new(folder.path()).unwrap();
        assert!(!left.exists() && second.path().exists());
        drop(second);
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "{names:?}");
        assert!(log.exists());
    }
}
