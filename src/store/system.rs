//! The record as the operating system sees it: its write-ahead log, and what is behind SQLite's errors.

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{ErrorCode, ffi};
use sweep_core::atomic_fs::parent_dir;

use super::StoreError;
use super::database::{BUSY_TIMEOUT, Database};

impl Database {
    /// Moves all of the write-ahead log into the file and makes it empty, unless a reader still needs
    /// it after `timeout`: then as much as can be. Nothing is lost either way.
    pub(super) fn truncate_wal(&self, timeout: Duration) {
        let waits = self
            .connection
            .query_row("PRAGMA busy_timeout", [], |row| row.get::<_, u32>(0))
            .map_or(BUSY_TIMEOUT, |ms| Duration::from_millis(ms.into()));
        // What fails here is tried again some time, and costs room alone.
        let _ = self.connection.busy_timeout(timeout);
        let _ = self
            .connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        let _ = self.connection.busy_timeout(waits);
    }

    /// Tells apart what SQLite calls an input or output error by what the system said last.
    pub(super) fn explain(&self, error: StoreError) -> StoreError {
        let StoreError::Sqlite {
            path,
            action,
            source,
        } = error
        else {
            return error;
        };
        let of_system = matches!(
            source.sqlite_error_code(),
            Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen)
        );
        // SAFETY: the handle is that of an open connection, which this thread alone uses.
        let errno = unsafe { ffi::sqlite3_system_errno(self.connection.handle()) };
        if of_system && is_disk_full(errno) {
            return StoreError::Full { path, action };
        }
        if of_system && (errno == libc::EROFS || !may_write_in(parent_dir(&path))) {
            return StoreError::ReadOnly { path, action };
        }
        StoreError::Sqlite {
            path,
            action,
            source,
        }
    }
}

/// Whether files may be made in `folder`, as far as the system says; one that is not there is not at
/// fault.
fn may_write_in(folder: &Path) -> bool {
    let Ok(name) = CString::new(folder.as_os_str().as_bytes()) else {
        return true;
    };
    // SAFETY: `name` is a C string that outlives the call.
    let code = unsafe { libc::access(name.as_ptr(), libc::W_OK) };
    let refused = [libc::EROFS, libc::EACCES];
    code == 0 || !refused.contains(&io::Error::last_os_error().raw_os_error().unwrap_or(0))
}

/// Whether the system means that there is no more room: a full disk, a quota, a limit to the size of
/// files. SQLite itself knows the first alone.
fn is_disk_full(errno: i32) -> bool {
    matches!(errno, libc::ENOSPC | libc::EDQUOT | libc::EFBIG)
}

/// The write-ahead log of the record at `path`.
pub(super) fn wal_path(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    PathBuf::from(log)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_and_a_limit_to_files_are_full_disks_too() {
        for errno in [libc::ENOSPC, libc::EDQUOT, libc::EFBIG] {
            assert!(is_disk_full(errno), "{errno}");
        }
        for errno in [0, libc::EIO, libc::EROFS, libc::EINTR] {
            assert!(!is_disk_full(errno), "{errno}");
        }
    }
}
