//! Where a report comes from: a small file in its folder, so that no other database's report replaces it unnoticed.
//!
//! Invariant: a folder without this file, which an earlier version wrote, belongs to no database.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The name of the file.
pub(super) const NAME: &str = "origin.json";

/// The database that a report was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// By its canonical path.
    pub database: PathBuf,
    pub experiment: String,
}

impl Origin {
    /// The origin of the report in `folder`; `None` if there is none that says so.
    pub fn of(folder: &Path) -> Option<Origin> {
        serde_json::from_slice(&fs::read(folder.join(NAME)).ok()?).ok()
    }

    /// Whether the report of `folder` is of another database, which still exists; gives its origin.
    pub fn of_other(&self, folder: &Path) -> Option<Origin> {
        let other = Origin::of(folder)?;
        let is_there = fs::canonicalize(&other.database).is_ok_and(|path| path != self.database);
        is_there.then_some(other)
    }

    pub(super) fn file(&self) -> (String, Vec<u8>) {
        let origin = Origin {
            database: PathBuf::from(self.database.to_string_lossy().into_owned()),
            experiment: self.experiment.clone(),
        };
        let text = serde_json::to_string(&origin).expect("plain data");
        (NAME.to_owned(), format!("{text}\n").into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_belongs_to_the_database_that_it_names_while_that_exists() {
        let folder = tempfile::tempdir().unwrap();
        let folder = fs::canonicalize(folder.path()).unwrap();
        let origin = |database: &str| Origin {
            database: folder.join(database),
            experiment: "genres".to_owned(),
        };
        let (mine, theirs) = (origin("mine.db"), origin("theirs.db"));
        assert_eq!(mine.of_other(&folder), None);
        let (name, bytes) = theirs.file();
        fs::write(folder.join(name), bytes).unwrap();
        // Moved or removed since.
        assert_eq!(mine.of_other(&folder), None);
        fs::write(&theirs.database, "").unwrap();
        assert_eq!(mine.of_other(&folder), Some(theirs.clone()));
        assert_eq!(theirs.of_other(&folder), None);
        // The same file by another name.
        std::os::unix::fs::symlink(&theirs.database, &mine.database).unwrap();
        fs::remove_file(folder.join(NAME)).unwrap();
        fs::write(folder.join(NAME), mine.file().1).unwrap();
        assert_eq!(theirs.of_other(&folder), None);
    }
}
