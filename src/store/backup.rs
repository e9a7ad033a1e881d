//! What becomes of a database whose schema is older than this program's.
//!
//! Invariant: the old file is there, byte for byte what it held, until a copy of it is on the disk; a copy
//! once made is never written again. Who only reads changes nothing.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};

use super::StoreError;
use super::database::Database;
use super::lock::holder_of;
use sweep_core::atomic_fs::{self, parent_dir};
use sweep_core::run_dir::RunDir;

/// Pages copied before other processes get a chance to write; they are few enough for 10 ms.
const PAGES_AT_ONCE: i32 = 4_096;
/// Pause while another process writes.
const RETRY_INTERVAL: Duration = Duration::from_millis(5);

impl Database {
    /// Makes sure that no process of an older program writes to the database, whose statements would fail
    /// once names have changed. Such a process has an open session and holds the lock of its experiment: a
    /// program of this version begins a session only after the migration.
    ///
    /// # Errors
    /// [`StoreError::InUse`] if there is one.
    pub(super) fn check_not_in_use(&self) -> Result<(), StoreError> {
        let fail = self.fail("looking for sweeps that are running");
        let sql = "SELECT e.name, s.pid, s.host FROM sessions s
                   JOIN experiments e ON e.id = s.experiment WHERE s.outcome = 'running'";
        let mut statement = self.connection.prepare(sql).map_err(&fail)?;
        let open = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .and_then(Iterator::collect::<Result<Vec<(String, u32, String)>, _>>)
            .map_err(&fail)?;
        let runs = RunDir::of_database(&self.path);
        for (experiment, pid, host) in open {
            let holder = holder_of(runs.path(), &experiment).ok().flatten();
            if holder.is_some_and(|holder| holder.pid == pid && holder.host == host) {
                return Err(StoreError::InUse {
                    path: self.path.clone(),
                    experiment,
                    pid,
                    host,
                });
            }
        }
        Ok(())
    }

    /// Copies the database, which has schema version `found`, to a file beside it that was not there
    /// before. `None` if another process has brought the database up to date meanwhile, and so made its
    /// own copy.
    pub(super) fn back_up(&self, found: i64) -> Result<Option<PathBuf>, StoreError> {
        let fail =
            |copy: &Path, source: Box<dyn std::error::Error + Send + Sync>| StoreError::Backup {
                path: self.path.clone(),
                copy: copy.to_path_buf(),
                source,
            };
        // Process and count make the name private, so that two that do this do not meet.
        static COPIES: AtomicU32 = AtomicU32::new(0);
        let private = (std::process::id(), COPIES.fetch_add(1, Ordering::Relaxed));
        let ending = format!("bak-{}-{}.part", private.0, private.1);
        let unfinished = TemporaryFile(self.path.with_added_extension(ending));
        let part = unfinished.0.as_path();
        let version = self.copy_into(part).map_err(|error| match error {
            error @ (StoreError::Full { .. } | StoreError::FileSizeLimit { .. }) => error,
            error => fail(part, Box::new(error)),
        })?;
        if version != found {
            return Ok(None);
        }
        let kept = File::open(part).and_then(|file| {
            file.sync_all()?;
            self.publish(part, found)
        });
        kept.map(Some).map_err(|error| fail(part, Box::new(error)))
    }

    /// Copies the database to the file `copy`; gives the schema version of what was copied.
    fn copy_into(&self, copy: &Path) -> Result<i64, StoreError> {
        // One that was left by a process of the same number.
        let _ = fs::remove_file(copy);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut target = Database::connect(copy, copy.to_path_buf(), flags)?;
        let copied = transfer(&self.connection, &mut target.connection)
            // A copy that could be opened by two processes would need files beside it.
            .and_then(|()| {
                target
                    .connection
                    .query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))
            })
            .and_then(|()| {
                target
                    .connection
                    .query_row("PRAGMA user_version", [], |row| row.get(0))
            });
        copied.map_err(|error| target.explain(target.fail("copying the database")(error)))
    }

    /// Gives the finished copy `part` the first name that no file has; names reach the disk with their
    /// folder.
    fn publish(&self, part: &Path, found: i64) -> io::Result<PathBuf> {
        let run_dir = RunDir::of_database(&self.path);
        for number in 1.. {
            let name = run_dir.backup(found, number);
            // A link, unlike a rename, never takes the place of a file.
            match fs::hard_link(part, &name) {
                Ok(()) => {}
                Err(_) if name.exists() => continue,
                // A file system without links.
                Err(_) => fs::rename(part, &name)?,
            }
            atomic_fs::sync_folder(parent_dir(&name))?;
            return Ok(name);
        }
        unreachable!("some number is free")
    }

    /// A copy in memory, with all `steps` of the schema taken, for reading alone.
    pub(super) fn upgraded_copy(&self, steps: &[&str]) -> Result<Database, StoreError> {
        let fail = self.fail("reading a copy of it");
        let mut connection = Connection::open_in_memory().map_err(&fail)?;
        transfer(&self.connection, &mut connection).map_err(&fail)?;
        let mut copy = Database {
            connection,
            path: self.path.clone(),
            upgraded: None,
            writable: true,
        };
        copy.migrate(steps)?;
        copy.writable = false;
        Ok(copy)
    }
}

/// Copies one database into another.
fn transfer(from: &Connection, to: &mut Connection) -> rusqlite::Result<()> {
    Backup::new(from, to)?.run_to_completion(PAGES_AT_ONCE, RETRY_INTERVAL, None)
}

/// A file that goes away, whatever name it was given besides.
struct TemporaryFile(PathBuf);

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        // One that stays is of no harm.
        let _ = fs::remove_file(&self.0);
    }
}
