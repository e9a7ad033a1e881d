//! A report on disk.
//!
//! Invariant: every file is first written to a folder beside its place, flushed and then moved, so that a full disk, a
//! failure while drawing or a power cut leaves each file either of the earlier report or of the new one. Files that are
//! not part of a report are never touched.

use std::fs;
use std::path::{Path, PathBuf};
use sweep_analysis::Input;

use super::{Origin, ReportError, best_json, csv_tables, make, plot};
use sweep_core::atomic_fs::{self, StagingFolder};

/// Start and end of the name of the folder for new files. The number of the process is between them, so that two
/// reports at once do not collide, and what a killed one has left can be recognised.
const STAGING: (&str, &str) = (".report.", ".part");

/// A report that has been written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The page to open.
    pub page: PathBuf,
    pub files: Vec<PathBuf>,
    /// What could not be shown, and why, one sentence each.
    pub left_out: Vec<String>,
}

/// Writes the report of `input`, which comes from `origin`, into `folder`, which is made if need be. Files of an earlier
/// report are replaced, or removed where the new one has nothing of the kind.
pub fn write(folder: &Path, input: &Input, origin: &Origin) -> Result<Written, ReportError> {
    let mut report = make(input)?;
    report.files.push(origin.file());
    let tables = (csv_tables::NAMES.into_iter())
        .chain(best_json::NAMES)
        .map(str::to_owned);
    Ok(Written {
        page: folder.join("index.html"),
        files: put(folder, &report.files, tables.chain(plot::names()))?,
        left_out: report.left_out,
    })
}

/// Puts `files` into `folder`, all or none of them; of the other names that an earlier report `may`
/// have left there, none stays.
pub(super) fn put(
    folder: &Path,
    files: &[(String, Vec<u8>)],
    may: impl Iterator<Item = String>,
) -> Result<Vec<PathBuf>, ReportError> {
    clear_abandoned(folder);
    let (before, after) = STAGING;
    let staging = stage(
        folder.join(format!("{before}{}{after}", std::process::id())),
        files,
    )?;
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    replace(staging.path(), folder, &names)?;
    for name in may {
        if !names.contains(&name.as_str()) {
            remove(folder, &name)?;
        }
    }
    Ok(names.iter().map(|name| folder.join(name)).collect())
}

/// Removes what reports that were killed have left in `folder`. What cannot be removed harms nothing.
fn clear_abandoned(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        let is_staging =
            |name: &&str| name.starts_with(STAGING.0) && atomic_fs::is_stale_partial(name);
        if name.to_str().filter(is_staging).is_some() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn stage(path: PathBuf, files: &[(String, Vec<u8>)]) -> Result<StagingFolder, ReportError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| ReportError::Stage { path, source }
    };
    let staging = StagingFolder::create(path.clone()).map_err(failed(&path))?;
    for (name, bytes) in files {
        let path = staging.path().join(name);
        fs::write(&path, bytes).map_err(failed(&path))?;
    }
    atomic_fs::sync_all_below(staging.path()).map_err(failed(&path))?;
    Ok(staging)
}

fn replace(staging: &Path, folder: &Path, names: &[&str]) -> Result<(), ReportError> {
    for (place, name) in names.iter().enumerate() {
        if let Err(source) = fs::rename(staging.join(name), folder.join(name)) {
            return Err(ReportError::Replace {
                folder: folder.to_owned(),
                missing: names[place..]
                    .iter()
                    .map(|name| (*name).to_owned())
                    .collect(),
                source,
            });
        }
    }
    atomic_fs::sync_folder(folder).map_err(|source| ReportError::Stage {
        path: folder.to_owned(),
        source,
    })
}

/// Removes a file of an earlier report, if it is there.
fn remove(folder: &Path, name: &str) -> Result<(), ReportError> {
    match fs::remove_file(folder.join(name)) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(ReportError::Replace {
            folder: folder.to_owned(),
            missing: vec![name.to_owned()],
            source,
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweep_analysis::fixtures as samples;

    fn origin() -> Origin {
        Origin {
            database: PathBuf::from("/runs/sweep.sqlite"),
            experiment: "genres".to_owned(),
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_report_replaces_the_earlier_one_and_nothing_else() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("reports").join("genres");
        let full = write(&folder, &samples::genres(), &origin()).unwrap();
        assert_eq!(full.left_out, Vec::<String>::new());
        assert!(full.files.iter().all(|path| path.is_file()));
        assert!(folder.join("confusion.png").is_file());
        fs::write(folder.join("notes.txt"), "mine").unwrap();

        let mut poorer = samples::genres();
        poorer.confusion.clear();
        let written = write(&folder, &poorer, &origin()).unwrap();
        let mut expected: Vec<String> = written
            .files
            .iter()
            .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
            .chain(["notes.txt".to_owned()])
            .collect();
        expected.sort();
        assert_eq!(names(&folder), expected);
        assert!(!folder.join("confusion.png").exists());
        assert_eq!(written.left_out.len(), 1);
    }

    #[test]
    fn what_a_killed_report_left_is_cleared_and_that_of_a_living_one_is_not() {
        let scratch = tempfile::tempdir().unwrap();
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        // The process that started this one lives as long as it waits for it.
        let (gone, alive) = (child.id(), std::os::unix::process::parent_id());
        let left = [gone, alive].map(|process| format!(".report.{process}.part"));
        for name in &left {
            fs::create_dir(scratch.path().join(name)).unwrap();
        }
        write(scratch.path(), &samples::genres(), &origin()).unwrap();
        assert_eq!(
            left.map(|name| scratch.path().join(name).exists()),
            [false, true]
        );
    }

    #[test]
    fn a_failure_leaves_the_earlier_report_or_says_what_is_missing() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path();
        // A folder where a file belongs cannot be replaced by it.
        fs::create_dir(folder.join("trials.csv")).unwrap();
        fs::write(folder.join("trials.csv").join("x"), "").unwrap();
        let message = write(folder, &samples::genres(), &origin())
            .unwrap_err()
            .to_string();
        assert!(message.contains("trials.csv, best.csv"), "{message}");

        let file = folder.join("file");
        fs::write(&file, "").unwrap();
        let message = write(&file, &samples::genres(), &origin())
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("the earlier report is as it was"),
            "{message}"
        );
    }
}
