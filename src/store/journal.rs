//! Batches of events: one is one transaction, so all of it is in the record or nothing of it.

use super::database::{Database, identity};
use super::page::{Keys, Page};
use super::{SessionId, StoreError};
use crate::event::Event;

const ACTION: &str = "recording a sweep";

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Every trial of the plan that could be trained was.
    Finished,
    /// Stopped on request.
    Interrupted,
    /// Given up on an error.
    Failed,
}

impl Outcome {
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Finished => "finished",
            Outcome::Interrupted => "interrupted",
            Outcome::Failed => "failed",
        }
    }
}

/// One thing to write.
pub(super) enum Entry {
    Event { event: Event, at_ms: i64 },
    Ended { outcome: Outcome, at_ms: i64 },
}

/// The writing side of the record for one session. Fit for nothing more after an error: what it
/// remembers may then be of a transaction that was rolled back.
pub(super) struct Journal {
    database: Database,
    session: i64,
    file: Option<(u64, u64)>,
    keys: Keys,
}

impl Journal {
    pub(super) fn new(database: Database, session: SessionId) -> Journal {
        Journal {
            file: identity(&database.path),
            database,
            session: session.0,
            keys: Keys::default(),
        }
    }

    /// Writes `entries` in one transaction; they are durable when this returns.
    pub(super) fn write(&mut self, entries: &[Entry]) -> Result<(), StoreError> {
        let fail = self.database.fail(ACTION);
        let path = self.database.path.clone();
        let transaction = self.database.begin(ACTION)?;
        let mut page = Page {
            transaction: &transaction,
            session: self.session,
            keys: &mut self.keys,
            fail: &fail,
        };
        for entry in entries {
            match entry {
                Entry::Event { event, at_ms } => page.event(event, *at_ms)?,
                Entry::Ended { outcome, at_ms } => page.ended(*outcome, *at_ms)?,
            }
        }
        // SQLite would go on writing to a file that has lost its name.
        if self.file != identity(&path) {
            return Err(StoreError::Moved { path });
        }
        transaction.commit().map_err(&fail)
    }
}
