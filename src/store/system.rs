//! The database as the operating system sees it: its files, and what is behind SQLite's errors.

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Whether files may be made in `folder`, as far as the system says; one that is not there is not at
/// fault.
pub(super) fn may_write_in(folder: &Path) -> bool {
    let Ok(name) = CString::new(folder.as_os_str().as_bytes()) else {
        return true;
    };
    // SAFETY: `name` is a C string that outlives the call.
    let code = unsafe { libc::access(name.as_ptr(), libc::W_OK) };
    let refused = [libc::EROFS, libc::EACCES];
    code == 0 || !refused.contains(&io::Error::last_os_error().raw_os_error().unwrap_or(0))
}

/// Whether the system means that there is no more space: a full disk, or a quota. SQLite itself knows the first alone.
pub(super) fn is_disk_full(errno: i32) -> bool {
    matches!(errno, libc::ENOSPC | libc::EDQUOT)
}

/// The limit to the size of this process's files, in bytes, if the database at `path` has come to it. SQLite stops within
/// a page of it and calls that an input or output error.
pub(super) fn file_size_limit(path: &Path) -> Option<u64> {
    /// The largest page that SQLite knows, and the frame around it.
    const SLACK: u64 = (64 << 10) + 24;
    let mut limit = libc::rlimit {
        rlim_cur: libc::RLIM_INFINITY,
        rlim_max: libc::RLIM_INFINITY,
    };
    // SAFETY: `limit` outlives the call that fills it in.
    if unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit) } != 0
        || limit.rlim_cur == libc::RLIM_INFINITY
    {
        return None;
    }
    let files = ["", "-wal", "-shm", "-journal"].map(|end| beside(path, end));
    let longest = files
        .iter()
        .filter_map(|file| Some(std::fs::metadata(file).ok()?.len()));
    let has_come = longest.max().unwrap_or(0).saturating_add(SLACK) >= limit.rlim_cur;
    has_come.then_some(limit.rlim_cur)
}

/// The write-ahead log of the database at `path`.
pub(super) fn wal_path(path: &Path) -> PathBuf {
    beside(path, "-wal")
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// Device and inode number, which distinguish a file from another that took its name.
pub(super) fn identity(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path)
        .ok()
        .map(|file| (file.dev(), file.ino()))
}

/// The entries of `/proc/PID/fd` by which the process `pid` of this machine has a file of this `identity` open; none if
/// the system does not show them.
pub(super) fn open_descriptors(pid: u32, file: (u64, u64)) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/fd"));
    let paths = entries.into_iter().flatten().flatten();
    paths
        .map(|entry| entry.path())
        .filter(move |path| identity(path) == Some(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_a_full_disk_too() {
        for errno in [libc::ENOSPC, libc::EDQUOT] {
            assert!(is_disk_full(errno), "{errno}");
        }
        for errno in [0, libc::EIO, libc::EROFS, libc::EINTR, libc::EFBIG] {
            assert!(!is_disk_full(errno), "{errno}");
        }
    }
}
