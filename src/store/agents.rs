//! Agents of a session, and what is collected from their journals.
//!
//! What is collected is written in `collected_events`.

use std::collections::HashMap;

use super::session::{OpenSession, SessionId};
use super::{Store, StoreError};
use sweep_core::event::{AttemptNo, Event};
use sweep_core::trial::TrialId;

/// An agent of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentRow {
    /// From 1 within its session.
    pub number: u32,
    pub name: String,
    pub host: String,
    pub pid: u32,
    /// Of the cluster.
    pub job: Option<String>,
    /// Trials that it runs at a time.
    pub slots: usize,
    /// Of its program.
    pub version: String,
    pub environment: Vec<(String, String)>,
    pub began_ms: i64,
    /// Bytes of its journal that have been collected.
    pub place: u64,
    pub ended_ms: Option<i64>,
    pub ended: Option<String>,
}

/// What was read of an agent's journal at once.
#[derive(Debug, Clone, PartialEq)]
pub struct CollectedEvents {
    /// The agent, with the place of its journal after these events.
    pub agent: AgentRow,
    /// With the time of each, in milliseconds since 1970; attempts by the agent's own numbers.
    pub events: Vec<(Event, i64)>,
}

/// What need not be asked of the database again.
#[derive(Debug, Default)]
pub(super) struct AgentKeys {
    /// The numbers of attempts within the session, by agent and its own number.
    pub(super) numbers: HashMap<(u32, AttemptNo), AttemptNo>,
    pub(super) last: Option<u64>,
    /// Whether attempts are superseded; forgotten when a trial is begun again.
    pub(super) superseded: HashMap<AttemptNo, bool>,
}

impl Store {
    /// The session with this key, if it has not ended.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn open_session(&self, key: i64) -> Result<Option<OpenSession>, StoreError> {
        let found = self.rows(
            &self.database.connection,
            "SELECT id, started_ms FROM sessions WHERE id = ?1 AND outcome = 'running'",
            [key],
            ("sessions", "id"),
            |cells| {
                Ok(OpenSession {
                    id: SessionId(cells.int("id")?),
                    began_ms: cells.int("started_ms")?,
                })
            },
        )?;
        Ok(found.into_iter().next())
    }

    /// Writes a copy of the whole database to `path`, where nothing may be.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn copy_to(&self, path: &std::path::Path) -> Result<(), StoreError> {
        let fail = self.database.fail("copying it");
        let copied = self
            .database
            .connection
            .execute("VACUUM INTO ?1", [path.to_string_lossy()]);
        copied.map(drop).map_err(fail)
    }

    /// Trials that agents of `session` have begun and not ended, as far as was collected, and the name of the agent.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn running_of_agents(
        &self,
        session: SessionId,
    ) -> Result<HashMap<TrialId, String>, StoreError> {
        let found = self.rows(
            &self.database.connection,
            "SELECT t.name AS trial, g.name AS agent FROM attempts a JOIN trials t ON t.id = a.trial
             JOIN agents g ON g.session = a.session AND g.number = a.agent
             WHERE a.session = ?1 AND a.outcome = 'running' ORDER BY a.number",
            [session.get()],
            ("attempts", "trial"),
            |cells| Ok((TrialId::from_hex(cells.hex("trial", 32)?), cells.text("agent")?)),
        )?;
        Ok(found.into_iter().collect())
    }

    /// The agents of `session`, in the order of their numbers.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn agents(&self, session: SessionId) -> Result<Vec<AgentRow>, StoreError> {
        self.rows(
            &self.database.connection,
            "SELECT number, name, host, pid, job, slots, version, environment, place, began_ms, ended_ms, ended
             FROM agents WHERE session = ?1 ORDER BY number",
            [session.get()],
            ("agents", "name"),
            |cells| {
                Ok(AgentRow {
                    number: cells.int("number")?,
                    name: cells.text("name")?,
                    host: cells.text("host")?,
                    pid: cells.int("pid")?,
                    job: cells.optional_text("job")?,
                    slots: cells.int("slots")?,
                    version: cells.text("version")?,
                    environment: cells.named_texts("environment")?,
                    began_ms: cells.int("began_ms")?,
                    place: cells.int("place")?,
                    ended_ms: cells.optional_int("ended_ms")?,
                    ended: cells.optional_text("ended")?,
                })
            },
        )
    }
}
