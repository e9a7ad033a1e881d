//! Collects the journals of agents: reads what has come, and gives it to the database, then to the caller.

use std::collections::{BTreeMap, HashSet};

use sweep_core::event::{AttemptNo, Event, Slot};
use sweep_core::trial::TrialId;
use sweep_pool::{AgentRecord, Collected, EndReason, Entry, JournalReader, PoolError, PoolFolder};
use sweep_store::{AgentRow, CollectedEvents, OpenSession, Store, StoreError, Writer};

use crate::error::Error;
use crate::observer::Observer;

/// Agents count their attempts from 1; for whoever looks on, this many lie between the first ones of two agents.
const ATTEMPTS_OF_AGENT: u64 = 1 << 32;

/// The journals of one pool, as far as they were read.
pub struct Collector {
    folder: PoolFolder,
    journals: BTreeMap<String, Journal>,
    /// Not before this time is anything recorded to have happened: clocks of machines differ.
    began_ms: i64,
    /// Trials that have ended since this was made.
    pub ended: HashSet<TrialId>,
}

struct Journal {
    reader: JournalReader,
    /// `None` until its first line was read.
    agent: Option<AgentRow>,
}

impl Collector {
    /// Continues the pool in `folder`, of `session`, from what `store` has of its journals.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn new(
        folder: &PoolFolder,
        store: &Store,
        session: OpenSession,
    ) -> Result<Collector, StoreError> {
        let OpenSession { id, began_ms } = session;
        let journals = store.agents(id)?.into_iter().map(|agent| {
            let reader = JournalReader::new(&folder.journal(&agent.name), agent.place);
            let name = agent.name.clone();
            let agent = Some(agent);
            (name, Journal { reader, agent })
        });
        Ok(Collector {
            folder: folder.clone(),
            journals: journals.collect(),
            began_ms,
            ended: HashSet::new(),
        })
    }

    /// Gives what has come since the last time to `writer` and `observer`; whether there was anything.
    ///
    /// # Errors
    /// When a journal cannot be read, or the database cannot be written.
    pub fn poll(&mut self, writer: &Writer, observer: &dyn Observer) -> Result<bool, Error> {
        let agents = self.folder.agents().map_err(|error| {
            let path = self.folder.path().display();
            Error::environment(format!("cannot read {path}: {error}"), "")
        })?;
        for name in agents {
            let reader = || JournalReader::new(&self.folder.journal(&name), 0);
            self.journals
                .entry(name.clone())
                .or_insert_with(|| Journal {
                    reader: reader(),
                    agent: None,
                });
        }
        let mut has_any = false;
        let names: Vec<String> = self.journals.keys().cloned().collect();
        for name in names {
            let Some(journal) = self.journals.get_mut(&name) else {
                continue;
            };
            // One piece of each in turn: a collector that catches up shows all of them.
            let Some(read) = journal.reader.read().map_err(unreadable)? else {
                continue;
            };
            has_any = true;
            let number = next_number(&self.journals);
            let Some(journal) = self.journals.get_mut(&name) else {
                continue;
            };
            let events = take_in(journal, read, number, self.began_ms);
            let Some(agent) = journal.agent.clone() else {
                continue;
            };
            let ended = events.iter().filter_map(|(event, _)| ended(event));
            self.ended.extend(ended.cloned());
            for (event, _) in &events {
                // That one agent stops does not mean that the sweep does.
                if !matches!(event, Event::StopRequested { .. }) {
                    observer.event(&as_seen(event.clone(), agent.number));
                }
            }
            writer
                .collect(CollectedEvents { agent, events })
                .map_err(|error| Error::environment(error, "recorded results are kept"))?;
        }
        Ok(has_any)
    }

    /// The agents that have a journal: their names, and whether they have said that they ended.
    pub fn agents(&self) -> impl Iterator<Item = (&str, bool)> {
        self.journals.iter().map(|(name, journal)| {
            let agent = journal.agent.as_ref();
            (
                name.as_str(),
                agent.is_some_and(|agent| agent.ended_ms.is_some()),
            )
        })
    }
}

fn next_number(journals: &BTreeMap<String, Journal>) -> u32 {
    let agents = journals
        .values()
        .filter_map(|journal| journal.agent.as_ref());
    1 + agents.map(|agent| agent.number).max().unwrap_or(0)
}

/// What was read of `journal`, as events with their times; `number` is for an agent that is new.
fn take_in(
    journal: &mut Journal,
    read: Collected,
    number: u32,
    began_ms: i64,
) -> Vec<(Event, i64)> {
    let mut events = Vec::new();
    for entry in read.entries {
        match entry {
            Entry::Agent(record) if journal.agent.is_none() => {
                journal.agent = Some(row(*record, number, began_ms));
            }
            Entry::Agent(_) => {}
            Entry::Event { at_ms, event } => {
                let Some(agent) = &journal.agent else {
                    continue;
                };
                let event = with_place(*event, agent);
                events.push((event, at_ms.max(began_ms)));
            }
            Entry::End { at_ms, reason } => {
                if let Some(agent) = &mut journal.agent {
                    agent.ended_ms = Some(at_ms.max(began_ms));
                    agent.ended = Some(reason_name(reason).to_owned());
                }
            }
        }
    }
    if let Some(agent) = &mut journal.agent {
        agent.place = read.place;
    }
    events
}

fn row(record: AgentRecord, number: u32, began_ms: i64) -> AgentRow {
    AgentRow {
        number,
        name: record.name,
        host: record.host,
        pid: record.pid,
        job: record.job,
        slots: record.slots,
        version: record.version,
        environment: record.environment,
        began_ms: record.at_ms.max(began_ms),
        place: 0,
        ended_ms: None,
        ended: None,
    }
}

fn reason_name(reason: EndReason) -> &'static str {
    match reason {
        EndReason::NothingLeft => "nothing_left",
        EndReason::Stopped => "stopped",
        EndReason::SlotsFailed => "slots_failed",
        EndReason::Error => "error",
    }
}

/// `event` with slots that are named by their agent and its host.
fn with_place(mut event: Event, agent: &AgentRow) -> Event {
    if let Event::WorkerStarted { slot, .. }
    | Event::TrialStarted { slot, .. }
    | Event::SlotRetired { slot, .. } = &mut event
    {
        *slot = Slot(format!("{}.{}/{slot}", agent.host, agent.number));
    }
    event
}

/// `event` with an attempt that no other agent has.
fn as_seen(mut event: Event, agent: u32) -> Event {
    if let Some(attempt) = event.attempt_mut() {
        *attempt = AttemptNo(u64::from(agent) * ATTEMPTS_OF_AGENT + attempt.0);
    }
    event
}

/// The trial of which `event` is the end.
fn ended(event: &Event) -> Option<&TrialId> {
    match event {
        Event::TrialFinished { trial, .. }
        | Event::TrialFailed {
            trial,
            will_retry: false,
            ..
        }
        | Event::TrialSkipped { trial, .. } => Some(trial),
        _ => None,
    }
}

fn unreadable(error: PoolError) -> Error {
    Error::environment(
        error,
        "a journal is written by its agent alone: restore it, or remove it, and what it holds is trained again",
    )
}
