//! One connection to the database, and the errors of SQLite with the file's name.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior, ffi};
use sweep_core::atomic_fs::parent_dir;

use super::StoreError;
use super::system::{is_disk_full, may_write_in};

/// Marks our databases in SQLite's header: `swep`. `file` and `sqlite3` show it.
pub(super) const APPLICATION_ID: i64 = 0x7377_6570;

/// How long a connection waits for another process's lock. Generous: a sweep should outlive a copy
/// or a vacuum of its record.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(60);
/// Statements kept prepared by a connection; more than any module uses.
const STATEMENTS: usize = 64;

/// A connection, with the path that its errors name.
pub(super) struct Database {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    /// What was done to bring it up to date when it was opened.
    pub(super) upgraded: Option<Upgrade>,
    pub(super) writable: bool,
}

/// A database that was brought up to date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgrade {
    /// Schema version that it had.
    pub from: i64,
    /// Schema version that it has now.
    pub to: i64,
    /// The file as it was before.
    pub backup: PathBuf,
}

impl Database {
    pub(super) fn connect(
        path: &Path,
        target: PathBuf,
        flags: OpenFlags,
    ) -> Result<Database, StoreError> {
        let fail = StoreError::naming(path, "opening it");
        let connection = Connection::open_with_flags(target, flags).map_err(&fail)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(fail)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(Database {
            connection,
            path: path.to_path_buf(),
            upgraded: None,
            writable: true,
        })
    }

    /// Begins a transaction that may write, waiting for its turn.
    pub(super) fn begin(&mut self, action: &'static str) -> Result<Transaction<'_>, StoreError> {
        if !self.writable {
            return Err(StoreError::ReadOnly {
                path: self.path.clone(),
                action,
            });
        }
        let fail = StoreError::naming(&self.path, action);
        self.connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(fail)
    }

    /// Begins a transaction that only reads: one moment of the database, however many queries.
    pub(super) fn snapshot(&self) -> Result<Transaction<'_>, StoreError> {
        Transaction::new_unchecked(&self.connection, TransactionBehavior::Deferred)
            .map_err(self.fail("reading it"))
    }

    /// Turns SQLite's errors into ours, naming this file.
    pub(super) fn fail(
        &self,
        action: &'static str,
    ) -> impl Fn(rusqlite::Error) -> StoreError + use<> {
        StoreError::naming(&self.path, action)
    }

    /// Sets how long another process's lock is waited for.
    pub(super) fn wait_for_locks(&self, timeout: Duration) -> Result<(), StoreError> {
        let set = self.connection.busy_timeout(timeout);
        set.map_err(self.fail("setting it up"))
    }

    /// Moves all of the write-ahead log into the file and makes it empty, unless a reader still needs
    /// it after `timeout`: then as much as can be. Nothing is lost either way.
    pub(super) fn truncate_wal(&self, timeout: Duration) {
        let waits = self
            .connection
            .query_row("PRAGMA busy_timeout", [], |row| row.get::<_, u32>(0))
            .map_or(BUSY_TIMEOUT, |ms| Duration::from_millis(ms.into()));
        // What fails here is tried again some time, and costs space alone.
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
