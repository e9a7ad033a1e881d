//! The loop between queue, workers and observers: one thread, so events have one order.
//!
//! Invariant: every `TrialStarted` is followed by exactly one of `TrialFinished`, `TrialFailed` and
//! `TrialInterrupted` for the same attempt, unless an observer fails, which ends everything.
//!
//! `handing` gives workers what to train, `hearing` takes in what they say, `failing` and `ending` are what
//! becomes of it when a worker or the session comes to its end.

mod ending;
mod failing;
mod handing;
mod hearing;
mod station;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use station::{State, Station};

use super::channel::{Receiver, Sender};
use super::groups::DatasetSize;
use super::launcher::{Incoming, Launcher};
use super::queue::Queue;
use sweep_core::event::{Event, Observer, ObserverError, Readiness, Slot, StopReason};
use sweep_core::protocol::Checkpointing;
use sweep_core::trial::{ConfigId, TrialId};
use sweep_experiment::plan::PlannedTrial;

/// Longest the loop sleeps: observers are woken at least this often.
const LONGEST_WAIT: Duration = Duration::from_millis(200);
/// How often observers are looked at when nothing but them is left to wait for.
const SETTLE_WAIT: Duration = Duration::from_millis(5);

/// Most words of workers that are heard before limits are looked at.
const HEARD_AT_ONCE: usize = 10_000;

/// Where a trial stands in other sessions that share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimState {
    /// No other session has anything to do with it.
    Free,
    /// Another one is training it now.
    Running,
    /// Another one has finished it.
    Done,
}

/// What is to be run.
pub struct Work<'a> {
    pub trials: &'a [&'a PlannedTrial],
    /// The prepared data set, as an absolute path.
    pub data: PathBuf,
    /// Each trial has a folder of its own in here, named by its identifier.
    pub folder: PathBuf,
    /// Asked before a trial is begun.
    pub claim_state: &'a dyn Fn(&TrialId) -> ClaimState,
    /// Of the data set: what decides how many trials a worker can train at once.
    pub dataset_size: DatasetSize,
}

/// How it is to be run.
#[derive(Debug, Clone)]
pub struct Settings {
    pub slots: Vec<Slot>,
    /// Longest a trial may train; a group may take as many times that as it has trials, and on a GPU four times that.
    pub trial_timeout: Option<Duration>,
    /// Longest that a worker may say nothing of its trial; for groups as above.
    pub stall_timeout: Option<Duration>,
    /// How often a trial whose worker died is tried again.
    pub retries: u32,
    pub checkpoint: Checkpointing,
    /// Longest the session may take.
    pub max_time: Option<Duration>,
    /// Most trials that may end in the session, with a result or without.
    pub max_trials: Option<usize>,
}

/// How the trials ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    pub finished: usize,
    pub diverged: usize,
    /// Given up, those set aside included.
    pub failed: usize,
    /// Given up without an attempt, for what others of their configuration did.
    pub skipped: usize,
    pub interrupted: usize,
    /// Finished by another session meanwhile.
    pub completed_elsewhere: usize,
    /// Never begun, or to be tried again: the session ended first.
    pub left: usize,
    /// Why the session was ended before all trials were over.
    pub stopped: Option<StopReason>,
    /// Slots that were taken out, and why.
    pub retired: Vec<(Slot, String)>,
}

impl Summary {
    /// Trials that ended with an attempt of this session.
    fn ended(&self) -> usize {
        self.finished + self.diverged + self.failed - self.skipped
    }
}

/// Why a session could not go on.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    #[error(transparent)]
    Observer(#[from] ObserverError),
}

/// Runs `work` to its end, or to an interrupt, telling `observers` all that happens.
///
/// `sender` and `incoming` are the two ends of one channel; an interrupt handler may hold a copy of
/// `sender`. Workers are gone when this returns, whichever way it does.
pub fn dispatch(
    work: &Work<'_>,
    settings: &Settings,
    launcher: &mut dyn Launcher,
    observers: &mut [&mut dyn Observer],
    (sender, incoming): (Sender, Receiver),
) -> Result<Summary, ScheduleError> {
    let stations = settings.slots.iter().cloned().map(Station::new).collect();
    let mut dispatcher = Dispatcher {
        began: Instant::now(),
        work,
        settings,
        launcher,
        observers,
        sender,
        queue: Queue::new(configurations(work.trials), settings.retries),
        stations,
        summary: Summary::default(),
        workers: 0,
        attempts: 0,
        stopping: None,
        readiness: Readiness::default(),
    };
    dispatcher.run(&incoming)?;
    let mut summary = dispatcher.summary;
    summary.left = dispatcher.queue.len();
    summary.stopped = dispatcher.stopping.map(|stopping| stopping.reason);
    Ok(summary)
}

/// The number of each trial's configuration.
fn configurations(trials: &[&PlannedTrial]) -> Vec<usize> {
    let mut numbers: HashMap<&ConfigId, usize> = HashMap::new();
    let mut number = |config| {
        let next = numbers.len();
        *numbers.entry(config).or_insert(next)
    };
    trials.iter().map(|trial| number(&trial.config)).collect()
}

/// An end that was begun.
#[derive(Debug, Clone, Copy)]
struct Stopping {
    since: Instant,
    reason: StopReason,
}

struct Dispatcher<'a, 'o> {
    began: Instant,
    work: &'a Work<'a>,
    settings: &'a Settings,
    launcher: &'a mut dyn Launcher,
    observers: &'a mut [&'o mut dyn Observer],
    sender: Sender,
    queue: Queue,
    stations: Vec<Station>,
    summary: Summary,
    workers: u64,
    attempts: u64,
    stopping: Option<Stopping>,
    /// That of the observer that has come least far.
    readiness: Readiness,
}

impl Dispatcher<'_, '_> {
    fn run(&mut self, incoming: &Receiver) -> Result<(), ScheduleError> {
        loop {
            self.ask_observers()?;
            if self.stopping.is_none() && self.readiness != Readiness::Blocked {
                self.fill()?;
            }
            // A stop does not wait for a record that cannot be written.
            let is_settled = self.readiness == Readiness::Idle || self.stopping.is_some();
            if !self.is_under_way() && is_settled {
                break;
            }
            match incoming.recv_timeout(self.wait()) {
                Ok(first) => {
                    self.receive(first)?;
                    for _ in 0..HEARD_AT_ONCE {
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
            self.enforce_limits(Instant::now())?;
        }
        Ok(())
    }

    fn receive(&mut self, incoming: Incoming) -> Result<(), ScheduleError> {
        match incoming {
            Incoming::Worker(worker, heard) => self.hear(worker, heard),
            Incoming::Interrupt => self.interrupt(),
        }
    }

    /// Passes on what observers have to say, and sees how far they have come.
    fn ask_observers(&mut self) -> Result<(), ScheduleError> {
        for place in 0..self.observers.len() {
            for event in self.observers[place].drain_events() {
                self.tell(&event)?;
            }
        }
        let readiness = self.observers.iter().map(|observer| observer.readiness());
        self.readiness = readiness.max().unwrap_or_default();
        Ok(())
    }

    /// Whether any trial is still to be waited for.
    fn is_under_way(&self) -> bool {
        self.busy() > 0 || (self.stopping.is_none() && self.usable() > 0 && !self.queue.is_empty())
    }

    /// Trials that are being trained.
    fn in_hand(&self) -> usize {
        self.stations
            .iter()
            .map(|station| station.hands.len())
            .sum()
    }

    /// Slots at which a trial is trained.
    fn busy(&self) -> usize {
        let is_busy = |station: &&Station| matches!(station.state, State::Busy { .. });
        self.stations.iter().filter(is_busy).count()
    }

    /// Slots that get work.
    fn usable(&self) -> usize {
        let is_usable = |station: &&Station| !matches!(station.state, State::Retired);
        self.stations.iter().filter(is_usable).count()
    }

    /// How many more trials may be begun before those in hand have ended.
    fn capacity(&self) -> usize {
        match self.settings.max_trials {
            Some(most) => most.saturating_sub(self.summary.ended() + self.in_hand()),
            None => usize::MAX,
        }
    }

    /// How long to sleep when nothing is heard.
    fn wait(&self) -> Duration {
        match self.readiness {
            Readiness::Blocked => return LONGEST_WAIT,
            _ if !self.is_under_way() => return SETTLE_WAIT,
            _ => {}
        }
        let now = Instant::now();
        let due = self.queue.next_due(now);
        due.map_or(LONGEST_WAIT, |at| at.saturating_duration_since(now))
            .clamp(Duration::from_millis(1), LONGEST_WAIT)
    }

    fn id(&self, index: usize) -> TrialId {
        self.work.trials[index].id.clone()
    }

    fn tell(&mut self, event: &Event) -> Result<(), ScheduleError> {
        tell(self.observers, event)
    }
}

fn tell(observers: &mut [&mut dyn Observer], event: &Event) -> Result<(), ScheduleError> {
    for observer in observers.iter_mut() {
        observer.observe(event)?;
    }
    Ok(())
}
