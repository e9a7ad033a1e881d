//! The record of every sweep: one SQLite database, documented in `docs/STORE.md`.
//!
//! One [`Writer`] a session, any number of readers, which never wait for it nor it for them. What was
//! committed is durable, and a batch of events is in the record whole or not at all.

mod annotations;
mod backup;
mod batch_writer;
mod cells;
mod claim;
mod clock;
mod database;
mod error;
mod event_transaction;
mod extra_seeds;
mod gc_references;
pub mod lock;
mod read;
mod records;
mod remove;
mod session;
mod stop_request;
mod sync_artifacts;
mod system;
mod test_evaluations;
#[cfg(test)]
mod tests;
mod trial_detail;
mod writer;
mod writer_state;

use std::path::Path;
use std::time::{Duration, SystemTime};

pub use backup::Upgrade;
pub use batch_writer::Outcome;
pub use claim::Claim;
pub use error::StoreError;
pub use gc_references::GcReferences;
pub use lock::SweepLock;
pub use records::{
    ArtifactRecord, AttemptRecord, Curve, DatasetRecord, EvaluationRecord, ExperimentFile,
    ExperimentRecord, ExperimentSummary, NoteRecord, SessionRecord, SlotEventRecord,
    TestEvaluation, TrialRecord,
};
pub use remove::Removal;
pub use session::{NewSession, NewTrial, SessionId};
pub use stop_request::{StopMode, StopRequest};
pub use writer::{TrialFiles, Writer};

use database::Database;

/// The record, opened.
pub struct Store {
    database: Database,
}

/// How long the writer waits for another process's lock before it says so and goes on waiting.
const QUIET_LOCK_TIMEOUT: Duration = Duration::from_secs(3);

/// What a committed batch of events is safe against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Loss of power: every batch waits for the disk.
    Power,
    /// The end of any process, but not of the machine: the last seconds may then be missing.
    Process,
}

impl Store {
    /// Opens the record at `path` for writing; creates folder, file and schema where they are
    /// missing, and brings an older schema up to date, with a copy of the old file beside it.
    pub fn open(path: &Path) -> Result<Store, StoreError> {
        Database::create(path).map(|database| Store { database })
    }

    /// Opens the record at `path` for reading only: while a sweep writes it, or on a file system
    /// that cannot be written. There must be one. Of one with an older schema, an up-to-date copy in
    /// memory is read.
    pub fn open_existing(path: &Path) -> Result<Store, StoreError> {
        Database::read(path).map(|database| Store { database })
    }

    /// Whether the file at `path` is a record, of whatever schema, by its first bytes.
    pub fn is_database(path: &Path) -> bool {
        Database::is_ours(path)
    }

    /// What was done to the file when it was opened, if its schema was older than this program's.
    pub fn upgraded(&self) -> Option<&Upgrade> {
        self.database.upgraded.as_ref()
    }

    pub fn path(&self) -> &Path {
        &self.database.path
    }

    /// The observer that writes the events of `session`, safe against loss of power, and with
    /// `files` what trials leave behind as well.
    pub fn writer(
        &self,
        session: SessionId,
        files: Option<TrialFiles>,
    ) -> Result<Writer, StoreError> {
        self.writer_with(session, Durability::Power, files)
    }

    /// As [`Store::writer`], with another `durability`.
    pub fn writer_with(
        &self,
        session: SessionId,
        durability: Durability,
        files: Option<TrialFiles>,
    ) -> Result<Writer, StoreError> {
        let database = Database::create(&self.database.path)?;
        // The journal reads every key it writes from this very file; checking each again would
        // cost more than writing.
        let mut setup = "PRAGMA foreign_keys = OFF;".to_owned();
        if durability == Durability::Process {
            setup.push_str("PRAGMA synchronous = NORMAL;");
        }
        database
            .connection
            .execute_batch(&setup)
            .map_err(database.fail("setting it up"))?;
        database.wait_for_locks(QUIET_LOCK_TIMEOUT)?;
        Writer::start(database, session, files)
    }
}

/// Milliseconds since 1970, UTC.
fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as i64)
}
