//! Whether the name of an experiment is taken: by a sweep that was run from another file, which still exists.
//!
//! Invariant: a file that was moved, and the same file by another path, are no other file.

use std::fmt;
use std::path::{Path, PathBuf};

use sweep_store::ExperimentRecord;

use crate::app::App;
use crate::error::Error;
use crate::loaded::LoadedExperiment;

/// A sweep of the database has the name of an experiment, and was run from another file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameConflict {
    pub sweep: String,
    /// The file that the sweep was last run from.
    pub recorded: PathBuf,
    /// The file that has the same name for its experiment.
    pub given: PathBuf,
}

impl NameConflict {
    /// The conflict of the experiment `loaded` with the database of `app`, if there is one.
    pub fn find(app: &App, loaded: &LoadedExperiment) -> Result<Option<NameConflict>, Error> {
        let (Some(store), Some(given)) = (app.read_if_any()?, &loaded.file) else {
            return Ok(None);
        };
        let Some(record) = store.experiment(&loaded.experiment.name)? else {
            return Ok(None);
        };
        let recorded = recorded_file(&record);
        let text = &loaded.source.text;
        let is_other = is_other_file(&recorded, given)
            && *text != record.file_text
            // Both may have been edited alike since.
            && std::fs::read_to_string(&recorded).is_ok_and(|other| other != *text);
        Ok(is_other.then(|| NameConflict {
            sweep: record.name,
            recorded,
            given: given.clone(),
        }))
    }

    /// The refusal to run the file under this name.
    pub fn refusal(&self) -> Error {
        Error::input(
            self,
            "give this experiment another name (`name` under [experiment], or `--set experiment.name=NAME`), or let \
             this file replace the other one with --accept-new-file: trials of the other file stay in the database, \
             out of the plan",
        )
    }
}

impl fmt::Display for NameConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "sweep `{}` was run from another file: {}, not {}",
            self.sweep,
            self.recorded.display(),
            self.given.display()
        )
    }
}

/// The file that `record` was last run from. Where only the path as it was given is recorded, the working directory of
/// then is not known, and that of now is taken.
fn recorded_file(record: &ExperimentRecord) -> PathBuf {
    let name = record.file_path.file_name();
    // A session of another sweep may have come here when that was removed.
    let is_own = |file: &&PathBuf| file.file_name() == name;
    let files = record
        .sessions
        .iter()
        .rev()
        .flat_map(|session| &session.file);
    files
        .clone()
        .find(is_own)
        .cloned()
        .unwrap_or_else(|| std::path::absolute(&record.file_path).unwrap_or_default())
}

/// Whether both paths lead to files, and not to the same one.
fn is_other_file(one: &Path, other: &Path) -> bool {
    match (std::fs::canonicalize(one), std::fs::canonicalize(other)) {
        (Ok(one), Ok(other)) => one != other && one.is_file(),
        _ => false,
    }
}
