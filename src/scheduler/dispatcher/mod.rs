//! The loop between queue, workers and observers: one thread, so events have one order.
//!
//! Invariant: every `TrialStarted` is followed by exactly one of `TrialFinished`, `TrialFailed` and
//! `TrialInterrupted` for the same attempt, unless an observer fails, which ends everything.
//!
//! `state` is what a session knows, `assign` gives workers their trials, `messages` handles what workers
//! send, `failures` handles lost workers and rejected trials, `shutdown` handles stops and limits, and `pauses` handles
//! times at which this process was stopped.

mod assign;
mod failures;
mod messages;
mod pauses;
mod shutdown;
mod slot_state;
mod state;
mod supply;
mod work;

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use slot_state::SlotState;
use state::Dispatcher;
pub use work::{
    ClaimState, ProgramWork, QueuedTrial, ScheduleError, Settings, Summary, Supply, SupplyError,
    TrialEnd, Work,
};

use crate::channel::{Incoming, Receiver, Sender};
use crate::launcher::Launcher;
use crate::queue::Queue;
use sweep_core::awake;
use sweep_core::event::{Observer, Readiness};
use sweep_core::trial::ConfigId;

/// Longest the loop sleeps: observers are woken at least this often.
const MAX_WAIT: Duration = Duration::from_millis(200);
/// How often observers are polled when nothing but them is left to wait for.
const SETTLE_WAIT: Duration = Duration::from_millis(5);

/// Most messages that are handled before limits are checked.
const MAX_MESSAGES_PER_TURN: usize = 10_000;

/// Runs `work` to its end, or to an interrupt, and passes every event to `observers`.
///
/// `sender` and `incoming` are the two ends of one channel; an interrupt handler may hold a copy of
/// `sender`. Workers are gone when this returns, whichever way it does.
pub fn dispatch<'a>(
    work: &'a Work<'a>,
    supply: Option<&'a mut dyn Supply>,
    settings: &'a Settings,
    launcher: &'a mut dyn Launcher,
    observers: &'a mut [&mut dyn Observer],
    (sender, incoming): (Sender, Receiver),
) -> Result<Summary, ScheduleError> {
    let trials: Vec<QueuedTrial<'_>> = (work.trials.iter())
        .map(|planned| QueuedTrial {
            planned: Cow::Borrowed(*planned),
            pause_at: None,
        })
        .collect();
    let mut configs = HashMap::new();
    let numbers = (trials.iter()).map(|trial| number_of(&trial.planned.config, &mut configs));
    let queue = Queue::new(numbers.collect(), settings.retries);
    let slots = settings.slots.iter().cloned().map(SlotState::new).collect();
    let mut dispatcher = Dispatcher {
        began: awake::now(),
        work,
        settings,
        launcher,
        observers,
        sender,
        supply,
        trials,
        configs,
        decided: VecDeque::new(),
        queue,
        slots,
        summary: Summary::default(),
        workers: 0,
        attempts: 0,
        stopping: None,
        killed: Vec::new(),
        continued_at: None,
        readiness: Readiness::default(),
    };
    let outcome = dispatcher.run(&incoming);
    // Workers that still have something to say say it to nobody.
    drop(incoming);
    for slot_state in &mut dispatcher.slots {
        slot_state.link = None;
    }
    dispatcher.launcher.wait();
    outcome?;
    let mut summary = dispatcher.summary;
    summary.left = dispatcher.queue.len() + dispatcher.decided.len();
    summary.stopped = dispatcher.stopping.map(|stopping| stopping.reason);
    Ok(summary)
}

/// The number of a configuration among `known` ones; the next one if it is new.
fn number_of(config: &ConfigId, known: &mut HashMap<ConfigId, usize>) -> usize {
    let next = known.len();
    *known.entry(config.clone()).or_insert(next)
}

impl Dispatcher<'_, '_> {
    fn run(&mut self, incoming: &Receiver) -> Result<(), ScheduleError> {
        loop {
            self.poll_observers()?;
            if self.stopping.is_none() && self.readiness != Readiness::Blocked {
                // A worker that waits comes before decisions, which take time.
                self.enqueue_recorded();
                self.assign_work()?;
                self.replenish()?;
            }
            // A stop does not wait for a database that cannot be written.
            let is_settled = self.readiness == Readiness::Idle || self.stopping.is_some();
            if !self.is_under_way() && is_settled {
                break;
            }
            match incoming.recv_timeout(self.wait()) {
                Ok(first) => {
                    self.receive(first)?;
                    for _ in 0..MAX_MESSAGES_PER_TURN {
                        let Ok(next) = incoming.recv_timeout(Duration::ZERO) else {
                            break;
                        };
                        self.receive(next)?;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    for observer in self.observers.iter_mut() {
                        observer.idle()?;
                    }
                }
                // Impossible: `self.sender` keeps the channel open.
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let now = awake::now();
            self.continue_workers(now);
            self.enforce_limits(now)?;
        }
        Ok(())
    }

    fn receive(&mut self, incoming: Incoming) -> Result<(), ScheduleError> {
        match incoming {
            Incoming::Worker(worker, output) => self.on_output(worker, output),
            Incoming::Interrupt => self.interrupt(),
            Incoming::Continued => self.continued(),
        }
    }

    /// Collects the events and the readiness of observers.
    fn poll_observers(&mut self) -> Result<(), ScheduleError> {
        for index in 0..self.observers.len() {
            for event in self.observers[index].drain_events() {
                self.emit(&event)?;
            }
        }
        let readiness = self.observers.iter().map(|observer| observer.readiness());
        self.readiness = readiness.max().unwrap_or_default();
        Ok(())
    }

    /// Whether any trial is still to be waited for.
    fn is_under_way(&self) -> bool {
        self.busy() > 0
            || !self.killed.is_empty()
            || (self.stopping.is_none()
                && self.usable() > 0
                && (!self.is_queue_empty() || self.is_supply_waiting()))
    }

    fn is_supply_waiting(&self) -> bool {
        self.supply
            .as_ref()
            .is_some_and(|supply| supply.is_waiting())
    }

    /// Whether nothing waits to be run, neither in the queue nor to be recorded first.
    fn is_queue_empty(&self) -> bool {
        self.queue.is_empty() && self.decided.is_empty()
    }

    /// How long to wait for a message.
    fn wait(&self) -> Duration {
        match self.readiness {
            Readiness::Blocked => return MAX_WAIT,
            _ if !self.is_under_way() || !self.decided.is_empty() => return SETTLE_WAIT,
            _ => {}
        }
        let now = awake::now();
        let due = self.queue.next_due(now);
        due.map_or(MAX_WAIT, |at| at.saturating_duration_since(now))
            .clamp(Duration::from_millis(1), MAX_WAIT)
    }
}
