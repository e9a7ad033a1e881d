//! A database that another process has open by another name: a hard link, or a bind mount of the file alone.
//!
//! Locks lie beside the database by the name that it is opened by, and so does SQLite's write-ahead log. Two names at
//! once would train everything twice and damage the file ("How To Corrupt An SQLite Database File", 2.5), so the second
//! one is refused. A symbolic link, or another way to the folder, is no other name: it leads to the same log.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::error::StoreError;
use super::system::{identity, open_descriptors};

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
        let mut names =
            open_descriptors(pid, wanted).filter_map(|descriptor| fs::read_link(descriptor).ok());
        if let Some(other) = names.find(|name| *name != own) {
            return Some((pid, other));
        }
    }
    None
}

/// Whether something is mounted at just this file.
fn is_mount_point(path: &Path) -> bool {
    let Ok(path) = fs::canonicalize(path) else {
        return false;
    };
    let mounts = fs::read("/proc/self/mountinfo").unwrap_or_default();
    let mut lines = mounts.split(|byte| *byte == b'\n');
    lines.any(|line| mount_point(line).is_some_and(|place| place == path.as_os_str().as_bytes()))
}

/// The mount point in a line of `/proc/PID/mountinfo`, as the path that it is.
fn mount_point(line: &[u8]) -> Option<Vec<u8>> {
    /// Its field, counted from 0 (proc(5)).
    const FIELD: usize = 4;
    /// What the kernel writes in octal: that which separates fields and lines, and the sign itself.
    const ESCAPED: [(&[u8], u8); 4] = [
        (b"\\011", b'\t'),
        (b"\\012", b'\n'),
        (b"\\040", b' '),
        (b"\\134", b'\\'),
    ];
    let mut rest = line.split(|byte| *byte == b' ').nth(FIELD)?;
    let mut path = Vec::with_capacity(rest.len());
    while let [first, after @ ..] = rest {
        let escaped = ESCAPED.iter().find(|(code, _)| rest.starts_with(code));
        match escaped {
            Some((code, byte)) => {
                path.push(*byte);
                rest = &rest[code.len()..];
            }
            None => {
                path.push(*first);
                rest = after;
            }
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_read_as_the_kernel_escapes_them() {
        let line =
            |place: &str| format!("36 35 98:0 /a {place} rw,noatime master:1 - ext3 /dev/a rw");
        for (place, path) in [
            ("/mnt/plain", "/mnt/plain"),
            (r"/a\040b\011c\012d\134e", "/a b\tc\nd\\e"),
            // A backslash before digits is escaped itself, and is not escaped twice.
            (r"/a\134040", r"/a\040"),
            (r"/\134", "/\\"),
        ] {
            assert_eq!(
                mount_point(line(place).as_bytes()).as_deref(),
                Some(path.as_bytes()),
                "{place}"
            );
        }
        assert_eq!(mount_point(b"36 35"), None);
    }

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
