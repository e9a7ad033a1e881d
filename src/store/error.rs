//! What can go wrong with the database, each said with its file and with what to do about it.
//!
//! SQLite's own codes are distinguished here and nowhere else: [`StoreError::sqlite`] is the one way
//! in for them.

use std::path::{Path, PathBuf};

use rusqlite::{ErrorCode, ffi};

use super::system::file_size_limit;

use sweep_core::trial::TrialId;

/// How a database is copied.
pub const COPY: &str = "Copy a database with `sqlite3 FILE \".backup COPY\"`, at any time, or with its -wal file beside it";

/// Why the database could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("cannot create the folder {}: {source}", path.display())]
    Folder {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(
        "there is no database at {}: it is written by the first `sweep run`; name another file, or \
         run an experiment",
        path.display()
    )]
    Missing { path: PathBuf },
    #[error(
        "{} is a folder: the database is a file in it; name that, such as {}",
        path.display(), path.join("sweep.sqlite").display()
    )]
    IsAFolder { path: PathBuf },
    #[error(
        "{} holds no tables: nothing was ever recorded in it, or it is a copy without its write-ahead log {}-wal, in which \
         everything still was. {COPY}",
        path.display(), path.display()
    )]
    Empty { path: PathBuf },
    #[error(
        "{} lacks a part of what its schema has: {source}; it was changed by another program, or it is a copy without its \
         write-ahead log {}-wal. {COPY}",
        path.display(), path.display()
    )]
    Incomplete {
        path: PathBuf,
        source: rusqlite::Error,
    },
    #[error(
        "{} is not an SQLite database, or its first bytes are damaged: name another file, or put \
         back a copy",
        path.display()
    )]
    NotADatabase { path: PathBuf },
    #[error(
        "{} is an SQLite database of another program (application_id {application_id}): it is \
         left as it is; name another file",
        path.display()
    )]
    ForeignDatabase { path: PathBuf, application_id: i64 },
    #[error(
        "{} is in use by process {pid} by another name, {}: use that name, or wait until the process has ended",
        path.display(), other.display()
    )]
    OtherName {
        path: PathBuf,
        other: PathBuf,
        pid: u32,
    },
    #[error(
        "{} has schema version {found}, this sweep knows versions up to {known}: use the newer \
         sweep that wrote it",
        path.display()
    )]
    Newer {
        path: PathBuf,
        found: i64,
        known: i64,
    },
    #[error(
        "{} can only be read: {action} needs to write to it; make it and its folder writable, or \
         name another file",
        path.display()
    )]
    ReadOnly { path: PathBuf, action: &'static str },
    #[error(
        "{} cannot be read where it stands, since its write-ahead log {}-wal is not empty and the \
         folder cannot be written: copy both files to a folder that can",
        path.display(), path.display()
    )]
    UnreadableLog { path: PathBuf },
    #[error(
        "{} holds half of a change, which a crash or a power cut ended, and {}-journal holds what was there \
         before: reading it puts that back, for which the file and its folder must be writable",
        path.display(), path.display()
    )]
    HalfWritten { path: PathBuf },
    #[error(
        "another process has kept {} locked for too long: {action} was given up; see which \
         program has it open, and resume",
        path.display()
    )]
    Locked { path: PathBuf, action: &'static str },
    #[error(
        "there is no space left for {}: {action} was given up, what was recorded before stands; \
         free some space and resume",
        path.display()
    )]
    Full { path: PathBuf, action: &'static str },
    #[error(
        "{} would grow beyond the limit to the size of files (`ulimit -f`, {limit} bytes): {action} was given up, \
         what was recorded before stands; raise the limit and resume",
        path.display()
    )]
    FileSizeLimit {
        path: PathBuf,
        action: &'static str,
        /// In bytes.
        limit: u64,
    },
    #[error(
        "{} is damaged: {source}; put back a copy, or name another file. If it is a copy itself, it may lack its write-ahead \
         log {}-wal. {COPY}",
        path.display(), path.display()
    )]
    Damaged {
        path: PathBuf,
        source: rusqlite::Error,
    },
    #[error(
        "{} was moved, removed or replaced while it was written: nothing more is recorded; put it \
         back and resume",
        path.display()
    )]
    Moved { path: PathBuf },
    #[error("{}: {action} failed: {source}", path.display())]
    Sqlite {
        path: PathBuf,
        action: &'static str,
        source: rusqlite::Error,
    },
    #[error(
        "{}: table {table}, row {key}: {column} is {found}, allowed is {allowed}; the file was \
         changed by another program",
        path.display()
    )]
    Value {
        path: PathBuf,
        table: &'static str,
        key: String,
        column: &'static str,
        found: String,
        allowed: Box<str>,
    },
    #[error("{what} cannot be recorded: {found}, allowed is {allowed}")]
    InvalidValue {
        what: String,
        found: String,
        allowed: &'static str,
    },
    #[error("no trial is called `{prefix}`: `sweep ls NAME` lists those of a sweep")]
    NoSuchTrial { prefix: String },
    #[error(
        "{count} trials have a name that begins with `{prefix}`: {}{}; give more digits",
        candidates.iter().map(TrialId::as_str).collect::<Vec<_>>().join(", "),
        if candidates.len() as u64 == *count { "" } else { ", ..." }
    )]
    Ambiguous {
        prefix: String,
        /// The first of them, by name.
        candidates: Vec<TrialId>,
        /// How many there are in all.
        count: u64,
    },
    #[error("there is a sweep `{name}` already")]
    NameTaken { name: String },
    #[error("the database has no {what} any more")]
    NotFound { what: String },
    #[error(
        "trial {trial} is what networks of sweep `{by}` begin with: remove that sweep first, or keep \
         this one"
    )]
    UsedByTransfer { trial: String, by: String },
    #[error(
        "trial {trial} was evaluated on the held-out test set for sweep `{by}`, and evaluations are \
         kept: remove the whole sweep instead"
    )]
    HasTestScores { trial: String, by: String },
    #[error("an event came for {what}, which the database does not know of")]
    UnknownReference { what: String },
    #[error(
        "a model cannot be kept: {}: {source}; its trial does not count as finished, and is \
         trained again on `sweep resume`",
        path.display()
    )]
    Artifact {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(
        "{source}; {}",
        match results {
            1 => "1 result was not recorded, its trial is trained again".to_owned(),
            _ => format!("{results} results were not recorded, their trials are trained again"),
        }
    )]
    NotRecorded {
        source: Box<StoreError>,
        results: usize,
    },
    #[error(
        "the copy {} could not be made: {source}; {} is left as it is, with its old schema",
        copy.display(), path.display()
    )]
    Backup {
        path: PathBuf,
        copy: PathBuf,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error(
        "{} has an older schema, and an older sweep (process {pid} on {}) is running `{}` in it: it is \
         migrated once that sweep has ended; wait for it, or stop it with `sweep stop {}`",
        path.display(), host.escape_debug(), experiment.escape_debug(), experiment.escape_debug()
    )]
    InUse {
        path: PathBuf,
        experiment: String,
        pid: u32,
        host: String,
    },
    #[error("the thread that writes {} ended without a word", path.display())]
    WriterGone { path: PathBuf },
    #[error("cannot start the thread that writes the database: {0}")]
    Thread(std::io::Error),
}

impl StoreError {
    /// [`StoreError::sqlite`] with all but SQLite's error filled in.
    pub(super) fn naming(
        path: &Path,
        action: &'static str,
    ) -> impl Fn(rusqlite::Error) -> StoreError + use<> {
        let path = path.to_path_buf();
        move |source| StoreError::sqlite(&path, action, source)
    }

    /// That a row which names `what` is not there or, of any other error, what `fail` says.
    pub(super) fn unknown_or(
        what: String,
        fail: impl Fn(rusqlite::Error) -> StoreError,
    ) -> impl FnOnce(rusqlite::Error) -> StoreError {
        move |error| match error {
            rusqlite::Error::QueryReturnedNoRows => StoreError::UnknownReference { what },
            error => fail(error),
        }
    }

    /// What is waited for, if this is an error that time may mend.
    pub(super) fn retry_reason(&self) -> Option<String> {
        match self {
            StoreError::Full { path, .. } => Some(format!(
                "there is no space left for {}: free some space",
                path.display()
            )),
            StoreError::FileSizeLimit { path, limit, .. } => Some(format!(
                "{} would grow beyond the limit to the size of files (`ulimit -f`, {limit} bytes): raise it with \
                 `prlimit --fsize=unlimited --pid {}`, or stop the sweep, raise it and resume",
                path.display(),
                std::process::id()
            )),
            StoreError::Locked { path, .. } => Some(format!(
                "another process keeps {} locked: see which program has it open",
                path.display()
            )),
            _ => None,
        }
    }

    /// The same, saying that `results` of trials were given up with it.
    pub(super) fn with_lost_results(self, results: usize) -> StoreError {
        match results {
            0 => self,
            results => StoreError::NotRecorded {
                source: Box::new(self),
                results,
            },
        }
    }

    /// Tells apart what SQLite reports while `action` is under way on the database at `path`.
    fn sqlite(path: &Path, action: &'static str, source: rusqlite::Error) -> StoreError {
        let path = path.to_path_buf();
        if let Some(error) = source.sqlite_error()
            && error.extended_code == ffi::SQLITE_READONLY_ROLLBACK
        {
            return StoreError::HalfWritten { path };
        }
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => StoreError::NotADatabase { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                StoreError::Locked { path, action }
            }
            Some(ErrorCode::DatabaseCorrupt) => StoreError::Damaged { path, source },
            Some(ErrorCode::DiskFull) => StoreError::Full { path, action },
            Some(ErrorCode::SystemIoFailure) => match file_size_limit(&path) {
                Some(limit) => StoreError::FileSizeLimit {
                    path,
                    action,
                    limit,
                },
                None => StoreError::Sqlite {
                    path,
                    action,
                    source,
                },
            },
            Some(ErrorCode::ReadOnly) => StoreError::ReadOnly { path, action },
            _ if lacks_schema(&source) => StoreError::Incomplete { path, source },
            _ => StoreError::Sqlite {
                path,
                action,
                source,
            },
        }
    }
}

/// Whether a table or a column is not there that the schema version promises.
fn lacks_schema(source: &rusqlite::Error) -> bool {
    let text = source.to_string();
    text.starts_with("no such table") || text.starts_with("no such column")
}
