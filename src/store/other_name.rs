//! A database that another process has open by another name: a hard link, or a bind mount of the file alone.
//!
//! Locks lie beside the database by the name that it is opened by, and so does SQLite's write-ahead log. Two names at
//! once would train everything twice and damage the file ("How To Corrupt An SQLite Database File", 2.5), so the second
//! one is refused. A symbolic link, or another way to the folder, is no other name: it leads to the same log.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::error::StoreError;
use super::system::identity;

/// Refuses the database at `path` while another process of this machine has it open by another name.
pub(super) fn check(path: &Path) -> Result<(), StoreError> {
    // Costs nothing where there is one name, as nearly always.
    let has_names = fs::metadata(path).is_ok_and(|file| file.nlink() > 1);
    if !has_names && !is_mount_point(path) {
        return Ok(());
    }
    match open_by_other_name(path) {
        Some((pid, other)) => Err(StoreError::OtherName {
            path: path.to_owned(),
            other,
            pid,
        }),
        None => Ok(()),
    }
}

/// A process that has the file at `path` open by another name, and that name.
fn open_by_other_name(path: &Path) -> Option<(u32, PathBuf)> {
    let wanted = identity(path)?;
    let own = fs::canonicalize(path).ok()?;
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    for pid in pids.filter(|pid| *pid != std::process::id()) {
        let files = fs::read_dir(format!("/proc/{pid}/fd"))
            .into_iter()
            .flatten();
        for file in files.flatten() {
            if let Ok(name) = fs::read_link(file.path())
                && name != own
                && identity(&file.path()) == Some(wanted)
            {
                return Some((pid, name));
            }
        }
    }
    None
}

/// Whether something is mounted at just this file.
fn is_mount_point(path: &Path) -> bool {
    /// Where a line of the table names the place, counted from 0 (proc(5)).
    const PLACE: usize = 4;
    let Ok(path) = fs::canonicalize(path) else {
        return false;
    };
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    mounts.lines().any(|line| {
        let place = line.split(' ').nth(PLACE).unwrap_or_default();
        Path::new(&place.replace("\\040", " ")) == path
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_another_process_has_open_by_another_name_is_refused_while_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        fs::write(&one, "").unwrap();
        fs::hard_link(&one, &two).unwrap();
        check(&one).unwrap();
        let held = fs::File::open(&one).unwrap();
        // Its standard input is the file, by the name `one`.
        let mut other = std::process::Command::new("sleep")
            .arg("60")
            .stdin(held)
            .spawn()
            .unwrap();
        check(&one).unwrap();
        let refused = check(&two);
        let StoreError::OtherName {
            pid, other: name, ..
        } = refused.unwrap_err()
        else {
            panic!("another error");
        };
        assert_eq!((pid, name), (other.id(), fs::canonicalize(&one).unwrap()));
        other.kill().unwrap();
        other.wait().unwrap();
        check(&two).unwrap();
    }
}
