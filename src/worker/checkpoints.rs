//! The checkpoints of a trial, in its folder: the last one and the one before it.
//!
//! Invariant: once a first checkpoint has been written, a whole one stands under [`LAST`] whatever happens and
//! whenever; a damaged one never takes the place of a good one.

use std::fs;
use std::io;
use std::path::Path;

use sweep_core::atomic_fs;

/// The newest checkpoint of a trial.
pub const LAST: &str = "checkpoint.safetensors";
/// The one before, for when the newest cannot be used.
pub const PREVIOUS: &str = "checkpoint.before.safetensors";
/// What the names of checkpoints begin with, of whole ones and of others.
const STEM: &[u8] = b"checkpoint.";

/// A checkpoint that was found.
pub(super) struct Found {
    pub name: &'static str,
    pub bytes: io::Result<Vec<u8>>,
}

/// Checkpoints to resume from, the newest first.
pub(super) fn find(folder: &Path) -> Vec<Found> {
    [LAST, PREVIOUS]
        .into_iter()
        .map(|name| Found {
            name,
            bytes: fs::read(folder.join(name)),
        })
        .filter(|found| {
            let missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
            !found.bytes.as_ref().is_err_and(missing)
        })
        .collect()
}

/// Keeps `bytes` as the newest checkpoint in `folder`, on the disk when this returns. A folder that was
/// removed is made again.
pub(super) fn keep(folder: &Path, bytes: &[u8]) -> io::Result<()> {
    let write = || {
        let (last, before) = (folder.join(LAST), folder.join(PREVIOUS));
        atomic_fs::write_keeping_previous(&last, &before, |out| out.write_all(bytes))
    };
    match write() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(folder)?;
            write()
        }
        outcome => outcome,
    }
}

/// Puts the checkpoint before in place of the last one, which is of no use.
pub(super) fn fall_back(folder: &Path) -> io::Result<()> {
    fs::rename(folder.join(PREVIOUS), folder.join(LAST))
}

/// Removes the checkpoints in `folder`, of a trial that has come to its end and is recorded, and what killed
/// workers left half written, be they gone or not: no process writes there any more.
pub fn remove(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        if name.starts_with(STEM) || name.ends_with(b".part") {
            // What stays does no harm: a trial with a result is never begun again.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Removes what processes that are gone left half written in `folder`.
pub(super) fn clear_leftovers(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if entry.file_type()?.is_file() && name.to_str().is_some_and(atomic_fs::is_stale_partial) {
            // Another worker may have been faster.
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn contents(folder: &Path) -> Vec<(&'static str, Vec<u8>)> {
        find(folder)
            .into_iter()
            .map(|found| (found.name, found.bytes.unwrap()))
            .collect()
    }

    #[test]
    fn the_last_two_checkpoints_are_kept_the_newest_first_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        assert!(find(folder).is_empty());
        keep(folder, b"one").unwrap();
        assert_eq!(contents(folder), [(LAST, b"one".to_vec())]);
        keep(folder, b"two").unwrap();
        keep(folder, b"three").unwrap();
        let expected = [(LAST, b"three".to_vec()), (PREVIOUS, b"two".to_vec())];
        assert_eq!(contents(folder), expected);
        assert_eq!(names(folder), [PREVIOUS, LAST]);
        fall_back(folder).unwrap();
        assert_eq!(contents(folder), [(LAST, b"two".to_vec())]);
        remove(folder);
        assert!(names(folder).is_empty());
    }

    #[test]
    fn only_the_model_stays_when_a_trial_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let alive = std::process::id();
        let half = [
            format!("{LAST}.{alive}-3.part"),
            format!("model.json.{alive}.part"),
        ];
        let all = half.iter().map(String::as_str);
        for name in all.chain([LAST, PREVIOUS, "model.json", "checkpoint.reports.jsonl"]) {
            fs::write(folder.join(name), "").unwrap();
        }
        remove(folder);
        assert_eq!(names(folder), ["model.json"]);
        remove(&folder.join("gone"));
    }

    #[test]
    fn a_folder_that_was_removed_is_made_again_for_a_checkpoint() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("trial");
        keep(&folder, b"one").unwrap();
        fs::remove_dir_all(&folder).unwrap();
        keep(&folder, b"two").unwrap();
        assert_eq!(contents(&folder), [(LAST, b"two".to_vec())]);
    }

    #[test]
    fn a_write_that_fails_leaves_both_checkpoints_as_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        keep(folder, b"one").unwrap();
        keep(folder, b"two").unwrap();
        let kept = contents(folder);
        let (last, before) = (folder.join(LAST), folder.join(PREVIOUS));
        let failed = atomic_fs::write_keeping_previous(&last, &before, |out| {
            out.write_all(b"half")?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        });
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(contents(folder), kept);
        assert_eq!(names(folder), [PREVIOUS, LAST]);
    }

    #[test]
    fn what_a_dead_process_left_half_written_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        // A process that has ended, and one that has not: init.
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let dead = child.id();
        child.wait().unwrap();
        let mine = std::process::id();
        let gone = [
            format!("{LAST}.{dead}-3.part"),
            format!("model.json.{dead}.part"),
            format!("{LAST}.{mine}-0.part"),
        ];
        let kept = [
            "model.json".to_owned(),
            format!("{LAST}.1-0.part"),
            "mine.part".to_owned(),
            "chapter.-1.part".to_owned(),
        ];
        for name in gone.iter().chain(&kept) {
            fs::write(folder.join(name), "half").unwrap();
        }
        clear_leftovers(folder).unwrap();
        let mut expected = kept.to_vec();
        expected.sort();
        assert_eq!(names(folder), expected);
    }
}
