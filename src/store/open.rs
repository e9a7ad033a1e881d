//! Opening a database: recognised, migrated to the schema of this version.
//!
//! A file that is not ours is never written to, not even to change its journal: it is recognised
//! before anything else happens to it.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{ErrorCode, OpenFlags};

use super::StoreError;
use super::database::{APPLICATION_ID, BUSY_TIMEOUT, Database, Upgrade};
use super::migrate::MIGRATIONS;
use super::other_name;
use super::system::wal_path;
use sweep_core::atomic_fs;
use sweep_core::format::percent_encode_path;

/// Pause between attempts where SQLite does not wait by itself.
const BUSY_PAUSE: Duration = Duration::from_millis(5);
/// What a file turned out to be.
enum Found {
    /// No table, no mark: a new or an empty file.
    Nothing,
    /// Ours, with this schema version.
    Version(i64),
}

impl Database {
    /// Opens the database at `path` for reading and writing; creates folder, file and schema where
    /// they are missing, and steps an older schema up.
    pub(super) fn create(path: &Path) -> Result<Database, StoreError> {
        refuse_folder(path)?;
        if let Some(folder) = path.parent() {
            atomic_fs::create_folder(folder).map_err(|source| StoreError::Folder {
                path: folder.to_path_buf(),
                source,
            })?;
        }
        other_name::check(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut database = Database::connect(path, path.to_path_buf(), flags)?;
        let known = MIGRATIONS.len() as i64;
        let found = database
            .recognise(known)
            .map_err(|error| database.explain(error))?;
        database.use_write_ahead_log()?;
        if let Found::Version(found) = found
            && found < known
        {
            database.check_not_in_use()?;
            let backup = database.back_up(found)?;
            database.upgraded = backup.map(|backup| Upgrade {
                from: found,
                to: known,
                backup,
            });
        }
        database.migrate(MIGRATIONS)?;
        let fail = database.fail("setting it up");
        database
            .connection
            .execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")
            .map_err(fail)?;
        Ok(database)
    }

    /// Opens the database at `path`, which must exist, for reading only. Works while a sweep writes,
    /// and on a file system that cannot be written.
    pub(super) fn read(path: &Path) -> Result<Database, StoreError> {
        let steps = MIGRATIONS;
        let known = steps.len() as i64;
        if !path.exists() {
            return Err(StoreError::Missing {
                path: path.to_path_buf(),
            });
        }
        refuse_folder(path)?;
        other_name::check(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut database = Database::connect(path, path.to_path_buf(), flags)?;
        database.writable = false;
        let found = match database.recognise(known) {
            Err(StoreError::HalfWritten { .. }) => {
                Database::undo_half_write(path)?;
                database.recognise(known)?
            }
            Err(error) if lacks_log_index(&error) => {
                database = Database::read_immutable(path)?;
                database.recognise(known)?
            }
            found => found?,
        };
        match found {
            Found::Nothing => Err(StoreError::Empty {
                path: path.to_path_buf(),
            }),
            // The file is left as it is: only who writes to it changes its schema.
            Found::Version(found) if found < known => database.upgraded_copy(steps),
            Found::Version(_) => Ok(database),
        }
    }

    /// Undoes a change that a crash or a power cut ended while the file kept a rollback journal: before its first
    /// change to a write-ahead log, or where there can be none. SQLite does that for whoever may write.
    fn undo_half_write(path: &Path) -> Result<(), StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let database = Database::connect(path, path.to_path_buf(), flags)?;
        let read = (database.connection).query_row("PRAGMA user_version", [], |_| Ok(()));
        read.map_err(database.fail("opening it"))
    }

    /// Where SQLite can make no shared memory beside the file. No process can be writing then: a writer
    /// keeps its log there.
    pub(super) fn read_immutable(path: &Path) -> Result<Database, StoreError> {
        if std::fs::metadata(wal_path(path)).is_ok_and(|log| log.len() > 0) {
            return Err(StoreError::UnreadableLog {
                path: path.to_path_buf(),
            });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_URI;
        let mut database = Database::connect(path, immutable_uri(path), flags)?;
        database.writable = false;
        Ok(database)
    }

    /// Whether the header of the file at `path` is SQLite's and bears our mark.
    pub(super) fn is_ours(path: &Path) -> bool {
        // https://www.sqlite.org/fileformat.html, "The Database Header"
        let mut header = [0_u8; 72];
        let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut header));
        read.is_ok()
            && header.starts_with(b"SQLite format 3\0")
            && header.ends_with(&(APPLICATION_ID as u32).to_be_bytes())
    }

    fn recognise(&self, known: i64) -> Result<Found, StoreError> {
        let fail = self.fail("opening it");
        let (application_id, version, tables) = self
            .connection
            .query_row(
                "SELECT (SELECT application_id FROM pragma_application_id),
                        (SELECT user_version FROM pragma_user_version),
                        (SELECT count(*) FROM sqlite_schema)",
                [],
                |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?)),
            )
            .map_err(fail)?;
        match (application_id, version, tables) {
            (0, 0, 0) => Ok(Found::Nothing),
            (APPLICATION_ID, found, _) if found > known => Err(StoreError::Newer {
                path: self.path.clone(),
                found,
                known,
            }),
            (APPLICATION_ID, found, _) if found > 0 => Ok(Found::Version(found)),
            (application_id, _, _) => Err(StoreError::ForeignDatabase {
                path: self.path.clone(),
                application_id,
            }),
        }
    }

    /// Readers and the writer then never wait for each other. The setting stays in the file.
    fn use_write_ahead_log(&self) -> Result<(), StoreError> {
        let deadline = Instant::now() + BUSY_TIMEOUT;
        loop {
            let mode = self
                .connection
                .query_row("PRAGMA journal_mode = WAL", [], |row| {
                    row.get::<_, String>(0)
                });
            match mode {
                // SQLite does not wait by itself when two connections turn it on at once.
                Err(error)
                    if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                        && Instant::now() < deadline =>
                {
                    std::thread::sleep(BUSY_PAUSE);
                }
                // A file system without shared memory keeps its rollback journal: slower, as safe.
                other => return other.map(drop).map_err(self.fail("setting it up")),
            }
        }
    }
}

fn refuse_folder(path: &Path) -> Result<(), StoreError> {
    match path.is_dir() {
        true => Err(StoreError::IsAFolder {
            path: path.to_path_buf(),
        }),
        false => Ok(()),
    }
}

/// Whether SQLite failed because it may not create its `-shm` file.
fn lacks_log_index(error: &StoreError) -> bool {
    match error {
        StoreError::ReadOnly { .. } => true,
        StoreError::Sqlite { source, .. } => {
            source.sqlite_error_code() == Some(ErrorCode::CannotOpen)
        }
        _ => false,
    }
}

/// `path` as an SQLite URI that promises that no process changes the file.
fn immutable_uri(path: &Path) -> PathBuf {
    let uri = format!("file:{}", percent_encode_path(path));
    // A second slash at the front would make a host name of the first folder.
    PathBuf::from(uri.replacen("file://", "file:///", 1) + "?immutable=1")
}
