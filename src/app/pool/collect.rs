//! Collects the journals of agents: reads what has come, and gives it to the database, then to the caller.

use std::collections::{BTreeMap, HashSet};

use sweep_core::event::{AttemptNo, Event, Slot};
use sweep_core::trial::TrialId;
use sweep_pool::{
    AgentRecord, EndReason, Entry, MergedJournals, Piece, Plan, PoolError, PoolFolder,
};
use sweep_store::{AgentRow, CollectedEvents, OpenSession, Store, StoreError, Writer};

use crate::error::Error;
use crate::observer::Observer;

/// Agents count their attempts from 1; for whoever looks on, this many lie between the first ones of two agents.
const ATTEMPTS_OF_AGENT: u64 = 1 << 32;

/// What the names of journals of decisions begin with; their life is that of the agent that decides.
pub const DECIDER: &str = "decide.";

/// The journals of one pool, as far as they were collected.
pub struct Collector {
    journals: MergedJournals,
    /// By the names of their journals.
    agents: BTreeMap<String, AgentRow>,
    /// Not before this time is anything recorded to have happened: clocks of machines differ.
    began_ms: i64,
    /// Trials that have ended since this was made.
    pub ended: HashSet<TrialId>,
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
        let agents: BTreeMap<String, AgentRow> = { store.agents(id)?.into_iter() }
            .map(|agent| (agent.name.clone(), agent))
            .collect();
        let plan = Plan::read(folder)
            .map(|plan| plan.trials)
            .unwrap_or_default();
        let searches = store.searches_of_session(id)?;
        let jobs = searches.into_iter().flat_map(|search| search.jobs);
        let known = { plan.into_iter().map(|trial| trial.trial) }
            .chain(jobs.map(|job| job.trial))
            .collect();
        let places = agents
            .iter()
            .map(|(name, agent)| (name.clone(), agent.place));
        let running = store.running_of_agents(id)?;
        Ok(Collector {
            journals: MergedJournals::new(folder, places, known, running),
            agents,
            began_ms,
            ended: HashSet::new(),
        })
    }

    /// Gives what has come since the last time to `writer` and `observer`; whether there was anything.
    ///
    /// # Errors
    /// When a journal cannot be read, or the database cannot be written.
    pub fn poll(&mut self, writer: &Writer, observer: &dyn Observer) -> Result<bool, Error> {
        self.journals.read().map_err(unreadable)?;
        let mut has_any = false;
        while let Some(piece) = self.journals.next_piece().map_err(unreadable)? {
            has_any = true;
            let Some(collected) = self.take_in(piece) else {
                continue;
            };
            let events = collected.events.iter().map(|(event, _)| event);
            self.ended.extend(events.clone().filter_map(ended).cloned());
            for event in events {
                // That one agent stops does not mean that the sweep does.
                if !matches!(event, Event::StopRequested { .. }) {
                    observer.event(&as_seen(event.clone(), collected.agent.number));
                }
            }
            writer
                .collect(collected)
                .map_err(|error| Error::environment(error, "recorded results are kept"))?;
        }
        Ok(has_any)
    }

    /// What `piece` says, for the database; `None` where a journal does not say whose it is.
    fn take_in(&mut self, piece: Piece) -> Option<CollectedEvents> {
        let mut events = Vec::new();
        let next = 1 + self
            .agents
            .values()
            .map(|agent| agent.number)
            .max()
            .unwrap_or(0);
        let began_ms = self.began_ms;
        for entry in piece.entries {
            match entry {
                Entry::Agent(record) => {
                    self.agents
                        .entry(piece.agent.clone())
                        .or_insert_with(|| row(*record, next, began_ms));
                }
                Entry::Event { at_ms, event } => {
                    let event = with_place(*event, self.agents.get(&piece.agent)?);
                    events.push((event, at_ms.max(began_ms)));
                }
                Entry::End { at_ms, reason } => {
                    let agent = self.agents.get_mut(&piece.agent)?;
                    agent.ended_ms = Some(at_ms.max(began_ms));
                    agent.ended = Some(reason_name(reason).to_owned());
                }
            }
        }
        let agent = self.agents.get_mut(&piece.agent)?;
        agent.place = piece.place;
        Some(CollectedEvents {
            agent: agent.clone(),
            events,
        })
    }

    /// The agents that have a journal: their names, and whether they have said that they ended.
    pub fn agents(&self) -> impl Iterator<Item = (&str, bool)> {
        let agents = self.agents.iter();
        let agents = agents.filter(|(name, _)| !name.starts_with(DECIDER));
        agents.map(|(name, agent)| (name.as_str(), agent.ended_ms.is_some()))
    }
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
