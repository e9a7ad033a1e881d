//! Batches of events: one is one transaction, so all of it is in the database or nothing of it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::StoreError;
use super::agents::CollectedEvents;
use super::database::Database;
use super::event_transaction::{EventTransaction, Keys};
use super::session::{Outcome, SessionId};
use super::system::{identity, wal_path};
use sweep_core::event::Event;

const ACTION: &str = "recording a sweep";

/// One thing to write.
pub(super) enum Entry {
    Event {
        event: Event,
        at_ms: i64,
    },
    /// What an agent has done, with the place of its journal: both or nothing.
    Collected(Box<CollectedEvents>),
    Ended {
        outcome: Outcome,
        at_ms: i64,
    },
}

impl Entry {
    /// The events in it.
    pub(super) fn events(&self) -> impl Iterator<Item = &Event> {
        let (one, many): (Option<&Event>, &[(Event, i64)]) = match self {
            Entry::Event { event, .. } => (Some(event), &[]),
            Entry::Collected(collected) => (None, &collected.events),
            Entry::Ended { .. } => (None, &[]),
        };
        one.into_iter().chain(many.iter().map(|(event, _)| event))
    }
}

/// Longest the write-ahead log may get before it is checkpointed, in bytes: many times what it takes
/// when there is no reader for long.
const WAL_LIMIT: u64 = 64 << 20;
/// How long readers are waited for when the log is to be emptied; others cannot write meanwhile.
const WAL_TIMEOUT: Duration = Duration::from_millis(250);
/// Least time between two tries to empty a log that a reader held on to.
const WAL_RETRY_INTERVAL: Duration = Duration::from_secs(10);

/// The writing side of the database for one session.
pub(super) struct BatchWriter {
    database: Database,
    session: i64,
    file: Option<(u64, u64)>,
    keys: Keys,
    log: Log,
}

/// The write-ahead log, which grows while a reader holds on to an old state of the database.
struct Log {
    path: PathBuf,
    bound: u64,
    /// When it could last not be emptied.
    tried: Option<Instant>,
    /// The length from which on it is told of.
    warn_above: u64,
}

impl BatchWriter {
    pub(super) fn new(database: Database, session: SessionId) -> BatchWriter {
        BatchWriter {
            file: identity(&database.path),
            log: Log {
                path: wal_path(&database.path),
                bound: WAL_LIMIT,
                tried: None,
                warn_above: WAL_LIMIT,
            },
            session: session.0,
            keys: Keys::default(),
            database,
        }
    }

    /// With another bound for the log, in bytes.
    #[cfg(test)]
    pub(super) fn with_wal_limit(mut self, bound: u64) -> BatchWriter {
        self.log.bound = bound;
        self.log.warn_above = bound;
        self
    }

    pub(super) fn path(&self) -> &Path {
        &self.database.path
    }

    /// Whether the file still has its name.
    ///
    /// # Errors
    /// When it does not.
    pub(super) fn is_in_place(&self) -> Result<(), StoreError> {
        let path = &self.database.path;
        match self.file == identity(path) {
            true => Ok(()),
            false => Err(StoreError::Moved { path: path.clone() }),
        }
    }

    /// When the session began, in milliseconds since 1970.
    pub(super) fn began_ms(&self) -> Result<i64, StoreError> {
        let sql = "SELECT started_ms FROM sessions WHERE id = ?1";
        let began = self
            .database
            .connection
            .query_row(sql, [self.session], |row| row.get(0));
        began.map_err(self.database.fail(ACTION))
    }

    /// Writes `entries` in one transaction; they are durable when this returns. After an error nothing
    /// of them is in the database, and they may be tried again.
    pub(super) fn write(&mut self, entries: &[Entry]) -> Result<(), StoreError> {
        self.write_all(entries).map_err(|error| {
            // They may be of rows that were taken back.
            self.keys = Keys::default();
            self.database.explain(error)
        })
    }

    /// Empties the write-ahead log when it has got too long. Gives a sentence, at most once for every
    /// doubling, when a reader keeps it from being emptied.
    pub(super) fn checkpoint_wal(&mut self) -> Option<String> {
        let length = |log: &Log| std::fs::metadata(&log.path).map_or(0, |file| file.len());
        let log = &mut self.log;
        if length(log) <= log.bound
            || log
                .tried
                .is_some_and(|at| at.elapsed() < WAL_RETRY_INTERVAL)
        {
            return None;
        }
        self.database.truncate_wal(WAL_TIMEOUT);
        let left = length(log);
        log.tried = (left > log.bound).then(Instant::now);
        if left <= log.warn_above {
            return None;
        }
        log.warn_above = left.saturating_mul(2);
        Some(format!(
            "the write-ahead log {} has grown to {} MB, since another process has been reading the \
             database all the while; it shrinks when that process lets go",
            log.path.display(),
            left / 1_000_000
        ))
    }

    fn write_all(&mut self, entries: &[Entry]) -> Result<(), StoreError> {
        let fail = self.database.fail(ACTION);
        let path = self.database.path.clone();
        let transaction = self.database.begin(ACTION)?;
        let mut page = EventTransaction {
            transaction: &transaction,
            session: self.session,
            keys: &mut self.keys,
            fail: &fail,
        };
        for entry in entries {
            match entry {
                Entry::Event { event, at_ms } => page.event(event, *at_ms)?,
                Entry::Collected(collected) => page.collected(collected)?,
                Entry::Ended { outcome, at_ms } => page.ended(*outcome, *at_ms)?,
            }
        }
        // SQLite would keep writing to a file that has lost its name.
        if self.file != identity(&path) {
            return Err(StoreError::Moved { path });
        }
        transaction.commit().map_err(&fail)
    }
}
