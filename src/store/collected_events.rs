//! What is collected from the journals of agents, into the database.
//!
//! Invariant: the events of a journal and the place up to which it was read are written in one transaction, so that no event
//! is ever in the database twice, whoever collects and whenever that is killed. Attempts are numbered within the session
//! as they are collected; an agent's own numbers are kept beside.

use rusqlite::{OptionalExtension as _, params};

use super::StoreError;
use super::agents::{AgentRow, CollectedEvents};
use super::cells::{to_int, to_json_object};
use super::event_transaction::EventTransaction;
use sweep_core::event::{AttemptNo, Event};

impl<F: Fn(rusqlite::Error) -> StoreError> EventTransaction<'_, F> {
    /// Writes what an agent has done, and up to where its journal was read.
    pub(super) fn collected(&mut self, collected: &CollectedEvents) -> Result<(), StoreError> {
        let agent = &collected.agent;
        self.agent(agent)?;
        for (event, at_ms) in &collected.events {
            self.collected_event(agent.number, event.clone(), *at_ms)?;
        }
        Ok(())
    }

    fn agent(&self, agent: &AgentRow) -> Result<(), StoreError> {
        self.run(
            "INSERT INTO agents (session, number, name, host, pid, job, slots, version, environment, place, began_ms,
                                 ended_ms, ended)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
             ON CONFLICT (session, number) DO UPDATE SET place = excluded.place, ended_ms = excluded.ended_ms,
                 ended = excluded.ended",
            params![
                self.session,
                agent.number,
                agent.name,
                agent.host,
                agent.pid,
                agent.job,
                to_int("the number of slots", agent.slots as u64)?,
                agent.version,
                to_json_object(&agent.environment),
                to_int("the place in a journal", agent.place)?,
                agent.began_ms,
                agent.ended_ms,
                agent.ended,
            ],
        )
        .map(drop)
    }

    fn collected_event(
        &mut self,
        agent: u32,
        mut event: Event,
        at_ms: i64,
    ) -> Result<(), StoreError> {
        let is_start = matches!(event, Event::TrialStarted { .. });
        let Some(attempt) = event.attempt_mut() else {
            return self.event(&event, at_ms);
        };
        let own = *attempt;
        *attempt = match is_start {
            true => self.next_number(agent, own)?,
            false => self.known_number(agent, own)?,
        };
        let attempt = *attempt;
        match &event {
            Event::TrialProgressed { .. } if self.is_superseded(attempt)? => {
                return Ok(());
            }
            Event::TrialInterrupted { .. } | Event::TrialPaused { .. }
                if self.is_superseded(attempt)? =>
            {
                // The trial is what the later attempt makes of it.
                return self.end_attempt(attempt, "interrupted", None, at_ms);
            }
            _ => self.event(&event, at_ms)?,
        }
        if is_start {
            self.run(
                "UPDATE attempts SET agent = ?3, agent_attempt = ?4 WHERE session = ?1 AND number = ?2",
                params![
                    self.session,
                    to_int("the number of an attempt", attempt.0)?,
                    agent,
                    to_int("the number of an attempt", own.0)?
                ],
            )?;
            self.note_begun(attempt)?;
        }
        Ok(())
    }

    /// Whether another agent has begun the trial of `attempt` later, and not let go of it.
    fn is_superseded(&mut self, attempt: AttemptNo) -> Result<bool, StoreError> {
        if let Some(known) = self.keys.agents.superseded.get(&attempt) {
            return Ok(*known);
        }
        let is_superseded = self.holds(
            "SELECT EXISTS (SELECT 1 FROM attempts own
             JOIN attempts later ON later.session = own.session AND later.trial = own.trial
             WHERE own.session = ?1 AND own.number = ?2 AND later.number > own.number
                 AND later.outcome <> 'interrupted')",
            attempt,
        )?;
        self.keys.agents.superseded.insert(attempt, is_superseded);
        Ok(is_superseded)
    }

    /// Takes note that `attempt` has begun: it may supersede others.
    fn note_begun(&mut self, attempt: AttemptNo) -> Result<(), StoreError> {
        let has_others = self.holds(
            "SELECT EXISTS (SELECT 1 FROM attempts own
             JOIN attempts other ON other.session = own.session AND other.trial = own.trial
             WHERE own.session = ?1 AND own.number = ?2 AND other.number <> own.number)",
            attempt,
        )?;
        if has_others {
            self.keys.agents.superseded.clear();
        }
        Ok(())
    }

    /// The answer to `sql`, a yes or no question about `attempt`.
    fn holds(&self, sql: &str, attempt: AttemptNo) -> Result<bool, StoreError> {
        let number = to_int("the number of an attempt", attempt.0)?;
        let mut query = self.transaction.prepare_cached(sql).map_err(self.fail)?;
        let answer = query.query_row(params![self.session, number], |row| row.get(0));
        answer.map_err(self.fail)
    }

    /// The number of a new attempt.
    fn next_number(&mut self, agent: u32, own: AttemptNo) -> Result<AttemptNo, StoreError> {
        let last = match self.keys.agents.last {
            Some(last) => last,
            None => self
                .transaction
                .query_row(
                    "SELECT coalesce(max(number), 0) FROM attempts WHERE session = ?1",
                    [self.session],
                    |row| row.get::<_, i64>(0),
                )
                .map_err(self.fail)? as u64,
        };
        let next = AttemptNo(last + 1);
        self.keys.agents.last = Some(next.0);
        self.keys.agents.numbers.insert((agent, own), next);
        Ok(next)
    }

    fn known_number(&mut self, agent: u32, own: AttemptNo) -> Result<AttemptNo, StoreError> {
        if let Some(number) = self.keys.agents.numbers.get(&(agent, own)) {
            return Ok(*number);
        }
        let found = self
            .transaction
            .query_row(
                "SELECT number FROM attempts WHERE session = ?1 AND agent = ?2 AND agent_attempt = ?3",
                params![
                    self.session,
                    agent,
                    to_int("the number of an attempt", own.0)?
                ],
                |row| row.get::<_, i64>(0),
            )
            .optional()
            .map_err(self.fail)?;
        let number = found.ok_or_else(|| StoreError::UnknownReference {
            what: format!("attempt {} of agent {agent}", own.0),
        })?;
        let number = AttemptNo(number as u64);
        self.keys.agents.numbers.insert((agent, own), number);
        Ok(number)
    }
}
