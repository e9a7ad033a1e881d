//! The loop between queue, workers and observers: one thread, so events have one order.
//!
//! Invariant: every `TrialStarted` is followed by exactly one of `TrialFinished`, `TrialFailed` and
//! `TrialInterrupted` for the same attempt, unless an observer fails, which ends everything.

use std::path::PathBuf;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use super::inbox::{Arrivals, Inbox};
use super::launcher::{Heard, Incoming, Launcher, Link, WorkerId};
use super::queue::{Queue, Verdict};
use crate::event::{AttemptNo, Cause, Event, Observer, ObserverError, Readiness, Slot};
use crate::plan::PlannedTrial;
use crate::protocol::{Checkpointing, FromWorker, Order, PROTOCOL, ToWorker};
use crate::trial::TrialId;

/// How long a fresh worker may take to say that it is ready.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How long a worker that was asked to stop may take to checkpoint and say so.
const STOP_GRACE: Duration = Duration::from_secs(30);
/// Longest the loop sleeps: observers are woken at least this often.
const LONGEST_WAIT: Duration = Duration::from_millis(200);
/// How often observers are looked at when nothing but them is left to wait for.
const SETTLE_WAIT: Duration = Duration::from_millis(5);

/// What is to be run.
pub struct Work<'a> {
    pub trials: &'a [&'a PlannedTrial],
    /// The prepared data set, as an absolute path.
    pub data: PathBuf,
    /// Each trial has a folder of its own in here, named by its identifier.
    pub folder: PathBuf,
}

/// How it is to be run.
#[derive(Debug, Clone)]
pub struct Settings {
    pub slots: Vec<Slot>,
    /// Longest a trial may train.
    pub trial_timeout: Option<Duration>,
    /// How often a trial whose worker crashed is tried again.
    pub retries: u32,
    pub checkpoint: Checkpointing,
}

/// How the trials ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    pub finished: usize,
    pub diverged: usize,
    pub failed: usize,
    pub interrupted: usize,
    /// Never begun, or to be tried again: the session ended first.
    pub left: usize,
    /// Whether an interrupt ended the session.
    pub stopped: bool,
}

/// Why a session could not go on.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    #[error(transparent)]
    Observer(#[from] ObserverError),
}

/// Runs `work` to its end, or to an interrupt, telling `observers` all that happens.
///
/// `inbox` and `incoming` are the two ends of one channel; an interrupt handler may hold a copy of
/// `inbox`. Workers are gone when this returns, whichever way it does.
pub fn dispatch(
    work: &Work<'_>,
    settings: &Settings,
    launcher: &mut dyn Launcher,
    observers: &mut [&mut dyn Observer],
    (inbox, incoming): (Inbox, Arrivals),
) -> Result<Summary, ScheduleError> {
    let stations = settings.slots.iter().cloned().map(Station::new).collect();
    let mut dispatcher = Dispatcher {
        work,
        settings,
        launcher,
        observers,
        inbox,
        queue: Queue::new(work.trials.len(), settings.retries),
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
    summary.stopped = dispatcher.stopping.is_some();
    Ok(summary)
}

/// A slot and the worker that serves it.
struct Station {
    slot: Slot,
    worker: WorkerId,
    link: Option<Box<dyn Link>>,
    engine: String,
    pid: u32,
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// No worker.
    Vacant,
    /// A worker was started and has not spoken yet.
    Starting { since: Instant },
    /// A worker waits for a trial.
    Ready,
    /// A worker trains.
    Busy {
        trial: usize,
        attempt: AttemptNo,
        since: Instant,
    },
    /// Gets no more work.
    Retired,
}

impl Station {
    fn new(slot: Slot) -> Station {
        Station {
            slot,
            worker: WorkerId(0),
            link: None,
            engine: String::new(),
            pid: 0,
            state: State::Vacant,
        }
    }

    /// Ends the worker, if there is one, and gives the last lines of its log.
    fn vacate(&mut self) -> String {
        self.state = State::Vacant;
        self.link
            .take()
            .map(|link| link.log_tail())
            .unwrap_or_default()
    }
}

struct Dispatcher<'a, 'o> {
    work: &'a Work<'a>,
    settings: &'a Settings,
    launcher: &'a mut dyn Launcher,
    observers: &'a mut [&'o mut dyn Observer],
    inbox: Inbox,
    queue: Queue,
    stations: Vec<Station>,
    summary: Summary,
    workers: u64,
    attempts: u64,
    /// When the first interrupt came.
    stopping: Option<Instant>,
    /// That of the observer that has come least far.
    readiness: Readiness,
}

impl Dispatcher<'_, '_> {
    fn run(&mut self, incoming: &Arrivals) -> Result<(), ScheduleError> {
        loop {
            self.ask_observers()?;
            if self.stopping.is_none() && self.readiness != Readiness::Waiting {
                self.fill()?;
            }
            // A stop does not wait for a record that cannot be written.
            let is_settled = self.readiness == Readiness::Settled || self.stopping.is_some();
            if !self.is_under_way() && is_settled {
                break;
            }
            match incoming.recv_timeout(self.wait()) {
                Ok(Incoming::Heard(worker, heard)) => self.hear(worker, heard)?,
                Ok(Incoming::Interrupt) => self.interrupt()?,
                Err(RecvTimeoutError::Timeout) => {
                    for observer in self.observers.iter_mut() {
                        observer.idle()?;
                    }
                }
                // Impossible: `self.inbox` keeps the channel open.
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.enforce_limits(Instant::now())?;
        }
        Ok(())
    }

    /// Passes on what observers have to say, and sees how far they have come.
    fn ask_observers(&mut self) -> Result<(), ScheduleError> {
        for place in 0..self.observers.len() {
            while let Some(event) = self.observers[place].news() {
                self.tell(&event)?;
            }
        }
        let readiness = self.observers.iter().map(|observer| observer.readiness());
        self.readiness = readiness.max().unwrap_or_default();
        Ok(())
    }

    /// Whether any trial is still to be waited for.
    fn is_under_way(&self) -> bool {
        let busy = self
            .stations
            .iter()
            .any(|station| matches!(station.state, State::Busy { .. }));
        let usable = self
            .stations
            .iter()
            .any(|station| !matches!(station.state, State::Retired));
        busy || (self.stopping.is_none() && usable && !self.queue.is_empty())
    }

    /// How long to sleep when nothing is heard.
    fn wait(&self) -> Duration {
        match self.readiness {
            Readiness::Waiting => return LONGEST_WAIT,
            _ if !self.is_under_way() => return SETTLE_WAIT,
            _ => {}
        }
        let due = self
            .queue
            .next_due()
            .map(|at| at.saturating_duration_since(Instant::now()));
        due.unwrap_or(LONGEST_WAIT)
            .clamp(Duration::from_millis(1), LONGEST_WAIT)
    }

    /// Gives ready workers their next trial and starts workers where there is work for them.
    fn fill(&mut self) -> Result<(), ScheduleError> {
        let now = Instant::now();
        for place in 0..self.stations.len() {
            match self.stations[place].state {
                State::Ready => {
                    if let Some(trial) = self.queue.take(now) {
                        self.hand_out(place, trial)?;
                    }
                }
                State::Vacant if self.wants_worker(now) => self.launch(place)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether there are more trials to run now than workers about to ask for one.
    fn wants_worker(&self, now: Instant) -> bool {
        let starting = |station: &&Station| matches!(station.state, State::Starting { .. });
        self.queue.has_due(now) && self.queue.len() > self.stations.iter().filter(starting).count()
    }

    fn launch(&mut self, place: usize) -> Result<(), ScheduleError> {
        self.workers += 1;
        let worker = WorkerId(self.workers);
        let station = &mut self.stations[place];
        station.worker = worker;
        match self
            .launcher
            .launch(&station.slot, worker, self.inbox.clone())
        {
            Ok(link) => {
                station.link = Some(link);
                station.state = State::Starting {
                    since: Instant::now(),
                };
                Ok(())
            }
            Err(error) => self.start_failed(place, &format!("no worker could be started: {error}")),
        }
    }

    fn hand_out(&mut self, place: usize, trial: usize) -> Result<(), ScheduleError> {
        let planned = self.work.trials[trial];
        self.attempts += 1;
        let attempt = AttemptNo(self.attempts);
        let order = ToWorker::Train(Box::new(Order {
            attempt: attempt.0,
            trial: planned.id.clone(),
            spec: planned.spec.clone(),
            data: self.work.data.clone(),
            folder: self.work.folder.join(planned.id.as_str()),
            checkpoint: self.settings.checkpoint,
        }));
        let station = &mut self.stations[place];
        let sent = station
            .link
            .as_mut()
            .is_some_and(|link| link.send(&order).is_ok());
        if !sent {
            // The worker died while idle; `Gone` is on its way and says how.
            station.state = State::Starting {
                since: Instant::now(),
            };
            self.queue.put_back(trial);
            return Ok(());
        }
        station.state = State::Busy {
            trial,
            attempt,
            since: Instant::now(),
        };
        let event = Event::TrialStarted {
            trial: planned.id.clone(),
            attempt,
            slot: station.slot.clone(),
            engine: station.engine.clone(),
            pid: station.pid,
        };
        self.tell(&event)
    }

    fn hear(&mut self, worker: WorkerId, heard: Heard) -> Result<(), ScheduleError> {
        let at = |station: &Station| station.worker == worker && station.link.is_some();
        let Some(place) = self.stations.iter().position(at) else {
            // A worker that was given up speaks its last.
            return Ok(());
        };
        match heard {
            Heard::Said(said) => self.hear_said(place, said),
            Heard::Garbage(line) => {
                let message = format!("the worker said what is not of the protocol: {line:?}");
                self.lose(place, Cause::Protocol { message })
            }
            Heard::Gone(cause) => self.lose(place, cause),
        }
    }

    fn hear_said(&mut self, place: usize, said: FromWorker) -> Result<(), ScheduleError> {
        match (said, self.stations[place].state) {
            (
                FromWorker::Ready {
                    protocol,
                    engine,
                    pid,
                },
                State::Starting { .. },
            ) => {
                if protocol != PROTOCOL {
                    let message = format!(
                        "the worker speaks protocol {protocol}, this program {PROTOCOL}: \
                         install both from one release"
                    );
                    return self.lose(place, Cause::Protocol { message });
                }
                let station = &mut self.stations[place];
                station.state = State::Ready;
                station.engine.clone_from(&engine);
                station.pid = pid;
                let slot = station.slot.clone();
                let log = station
                    .link
                    .as_ref()
                    .map(|link| link.log())
                    .unwrap_or_default();
                self.tell(&Event::WorkerStarted {
                    slot,
                    pid,
                    engine,
                    log,
                })
            }
            (said, State::Busy { trial, attempt, .. }) if names(&said, attempt) => {
                self.hear_of_trial(place, trial, attempt, said)
            }
            (said, _) => {
                let message = format!("the worker spoke out of turn: {said:?}");
                self.lose(place, Cause::Protocol { message })
            }
        }
    }

    fn hear_of_trial(
        &mut self,
        place: usize,
        index: usize,
        attempt: AttemptNo,
        said: FromWorker,
    ) -> Result<(), ScheduleError> {
        let trial = self.id(index);
        let event = match said {
            FromWorker::Resumed { step, .. } => Event::TrialResumed {
                trial,
                attempt,
                step,
            },
            FromWorker::Progress { step, values, .. } => Event::TrialProgressed {
                trial,
                attempt,
                step,
                values,
            },
            FromWorker::Finished { result, .. } => {
                self.stations[place].state = State::Ready;
                self.queue.finished(&self.stations[place].slot, index);
                match result.diverged {
                    Some(_) => self.summary.diverged += 1,
                    None => self.summary.finished += 1,
                }
                Event::TrialFinished {
                    trial,
                    attempt,
                    result,
                }
            }
            FromWorker::Waiting { millis, .. } => {
                if let State::Busy { since, .. } = &mut self.stations[place].state {
                    *since += Duration::from_millis(millis);
                }
                return Ok(());
            }
            FromWorker::Noted { message, .. } => Event::TrialNoted {
                trial,
                attempt,
                note: message,
            },
            FromWorker::Interrupted { step, .. } => {
                self.stations[place].state = State::Ready;
                self.summary.interrupted += 1;
                Event::TrialInterrupted {
                    trial,
                    attempt,
                    step,
                }
            }
            FromWorker::Refused { message, .. } => {
                self.stations[place].state = State::Ready;
                let log_tail = self.stations[place]
                    .link
                    .as_ref()
                    .map(|link| link.log_tail());
                let cause = Cause::Refused { message };
                return self.fail(place, index, attempt, cause, log_tail.unwrap_or_default());
            }
            FromWorker::Ready { .. } => unreachable!("`names` lets no Ready through"),
        };
        self.tell(&event)
    }

    /// Gives up the worker at `place`, and with it the trial it was training.
    fn lose(&mut self, place: usize, cause: Cause) -> Result<(), ScheduleError> {
        let state = self.stations[place].state;
        let log_tail = self.stations[place].vacate();
        match state {
            State::Busy { trial, attempt, .. } if self.stopping.is_some() => {
                self.summary.interrupted += 1;
                let trial = self.id(trial);
                self.tell(&Event::TrialInterrupted {
                    trial,
                    attempt,
                    step: None,
                })
            }
            State::Busy { trial, attempt, .. } => self.fail(place, trial, attempt, cause, log_tail),
            _ => {
                let reason = match log_tail.is_empty() {
                    true => cause.to_string(),
                    false => format!("{cause}\n{log_tail}"),
                };
                self.start_failed(place, &reason)
            }
        }
    }

    fn fail(
        &mut self,
        place: usize,
        index: usize,
        attempt: AttemptNo,
        cause: Cause,
        log_tail: String,
    ) -> Result<(), ScheduleError> {
        let slot = self.stations[place].slot.clone();
        let verdict = self.queue.failed(&slot, index, &cause, Instant::now());
        if verdict == Verdict::GiveUp {
            self.summary.failed += 1;
        }
        let reason = cause.to_string();
        let trial = self.id(index);
        let will_retry = verdict == Verdict::Retry;
        self.tell(&Event::TrialFailed {
            trial,
            attempt,
            cause,
            log_tail,
            will_retry,
        })?;
        self.retire_if_worn_out(place, &reason)
    }

    fn start_failed(&mut self, place: usize, reason: &str) -> Result<(), ScheduleError> {
        self.queue.start_failed(&self.stations[place].slot);
        self.retire_if_worn_out(place, reason)
    }

    fn retire_if_worn_out(&mut self, place: usize, reason: &str) -> Result<(), ScheduleError> {
        let slot = self.stations[place].slot.clone();
        if !self.queue.is_worn_out(&slot) {
            return Ok(());
        }
        self.stations[place].vacate();
        self.stations[place].state = State::Retired;
        self.tell(&Event::SlotRetired {
            slot,
            reason: reason.to_owned(),
        })
    }

    /// The first interrupt asks for a clean end, the second ends at once.
    fn interrupt(&mut self) -> Result<(), ScheduleError> {
        if self.stopping.is_some() {
            return self.give_up_all();
        }
        self.stopping = Some(Instant::now());
        for station in &mut self.stations {
            if let (State::Busy { .. }, Some(link)) = (station.state, station.link.as_mut()) {
                // A worker that cannot be told is gone, or killed when its time is up.
                let _ = link.send(&ToWorker::Stop);
            }
        }
        Ok(())
    }

    /// Ends every worker now; their trials go on from their last checkpoint some other time.
    fn give_up_all(&mut self) -> Result<(), ScheduleError> {
        for place in 0..self.stations.len() {
            if let State::Busy { .. } = self.stations[place].state {
                self.lose(
                    place,
                    Cause::Crashed {
                        exit_code: None,
                        signal: None,
                    },
                )?;
            }
        }
        Ok(())
    }

    /// Ends what takes too long.
    fn enforce_limits(&mut self, now: Instant) -> Result<(), ScheduleError> {
        if self
            .stopping
            .is_some_and(|since| now.duration_since(since) > STOP_GRACE)
        {
            return self.give_up_all();
        }
        for place in 0..self.stations.len() {
            match (self.stations[place].state, self.settings.trial_timeout) {
                (State::Starting { since }, _) if now.duration_since(since) > START_LIMIT => {
                    self.lose(
                        place,
                        Cause::TimedOut {
                            after: now.duration_since(since),
                        },
                    )?;
                }
                (State::Busy { since, .. }, Some(limit)) if now.duration_since(since) > limit => {
                    self.lose(
                        place,
                        Cause::TimedOut {
                            after: now.duration_since(since),
                        },
                    )?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn id(&self, index: usize) -> TrialId {
        self.work.trials[index].id.clone()
    }

    fn tell(&mut self, event: &Event) -> Result<(), ScheduleError> {
        for observer in self.observers.iter_mut() {
            observer.observe(event)?;
        }
        Ok(())
    }
}

/// Whether `said` is about `attempt`.
fn names(said: &FromWorker, attempt: AttemptNo) -> bool {
    match said {
        FromWorker::Ready { .. } => false,
        FromWorker::Resumed { attempt: of, .. }
        | FromWorker::Progress { attempt: of, .. }
        | FromWorker::Finished { attempt: of, .. }
        | FromWorker::Noted { attempt: of, .. }
        | FromWorker::Waiting { attempt: of, .. }
        | FromWorker::Interrupted { attempt: of, .. }
        | FromWorker::Refused { attempt: of, .. } => *of == attempt.0,
    }
}
