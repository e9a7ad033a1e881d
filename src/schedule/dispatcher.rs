//! The loop between queue, workers and observers: one thread, so events have one order.
//!
//! Invariant: every `TrialStarted` is followed by exactly one of `TrialFinished`, `TrialFailed` and
//! `TrialInterrupted` for the same attempt, unless an observer fails, which ends everything.
//!
//! Limits are enforced when all that was said has been heard: an observer that keeps the loop waiting
//! (a full disk, say) makes no worker look silent.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use super::groups::{self, Extent};
use super::inbox::{Arrivals, Inbox};
use super::launcher::{Heard, Incoming, Launcher, Link, WorkerId};
use super::queue::{Failure, Queue, SLOT_FAILURES, Verdict};
use super::slots;
use crate::event::{AttemptNo, Cause, Event, Observer, ObserverError, Readiness, Slot, StopReason};
use crate::plan::PlannedTrial;
use crate::protocol::{Checkpointing, FromWorker, Order, PROTOCOL, ToWorker};
use crate::trial::{ConfigId, TrialId};

/// How long a fresh worker may take to say that it is ready.
const START_LIMIT: Duration = Duration::from_secs(30);
/// The same on a GPU, whose libraries are gigabytes to be read.
const GPU_START_LIMIT: Duration = Duration::from_secs(120);
/// How long a worker that was asked to stop may take to checkpoint and say so.
const STOP_GRACE: Duration = Duration::from_secs(30);
/// Longest the loop sleeps: observers are woken at least this often.
const LONGEST_WAIT: Duration = Duration::from_millis(200);
/// How often observers are looked at when nothing but them is left to wait for.
const SETTLE_WAIT: Duration = Duration::from_millis(5);

/// Pause before a trial that another session is training is looked at again.
const ELSEWHERE_PAUSE: Duration = Duration::from_secs(1);
/// Most words of workers that are heard before limits are looked at.
const HEARD_AT_ONCE: usize = 10_000;

/// Where a trial stands in other sessions that share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elsewhere {
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
    pub elsewhere: &'a dyn Fn(&TrialId) -> Elsewhere,
    /// Of the data set: what decides how many trials a worker can train at once.
    pub extent: Extent,
}

/// How it is to be run.
#[derive(Debug, Clone)]
pub struct Settings {
    pub slots: Vec<Slot>,
    /// Longest a trial may train; a group of trials may take as many times that.
    pub trial_timeout: Option<Duration>,
    /// Longest that a worker may say nothing of its trial.
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
    pub set_aside: usize,
    pub interrupted: usize,
    /// Finished by another session meanwhile.
    pub found_done: usize,
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
        self.finished + self.diverged + self.failed - self.set_aside
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
        began: Instant::now(),
        work,
        settings,
        launcher,
        observers,
        inbox,
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

/// A slot and the worker that serves it.
struct Station {
    slot: Slot,
    worker: WorkerId,
    link: Option<Box<dyn Link>>,
    engine: String,
    pid: u32,
    /// Numbers that trials trained together may take between them; 0 for one at a time.
    room: u64,
    state: State,
    /// What a busy worker has in hand: one trial, or those of a group that have not ended yet.
    hands: Vec<Hand>,
}

/// A trial that a worker has in hand.
#[derive(Debug, Clone, Copy)]
struct Hand {
    trial: usize,
    attempt: AttemptNo,
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
        since: Instant,
        /// When something was last heard of what it trains.
        heard: Instant,
        /// Trials that were begun together.
        begun: u32,
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
            room: 0,
            state: State::Vacant,
            hands: Vec::new(),
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
    began: Instant,
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
    stopping: Option<Stopping>,
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
                // Impossible: `self.inbox` keeps the channel open.
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.enforce_limits(Instant::now())?;
        }
        Ok(())
    }

    fn receive(&mut self, incoming: Incoming) -> Result<(), ScheduleError> {
        match incoming {
            Incoming::Heard(worker, heard) => self.hear(worker, heard),
            Incoming::Interrupt => self.interrupt(),
        }
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
    fn room(&self) -> usize {
        match self.settings.max_trials {
            Some(most) => most.saturating_sub(self.summary.ended() + self.in_hand()),
            None => usize::MAX,
        }
    }

    /// How long to sleep when nothing is heard.
    fn wait(&self) -> Duration {
        match self.readiness {
            Readiness::Waiting => return LONGEST_WAIT,
            _ if !self.is_under_way() => return SETTLE_WAIT,
            _ => {}
        }
        let now = Instant::now();
        let due = self.queue.next_due(now);
        due.map_or(LONGEST_WAIT, |at| at.saturating_duration_since(now))
            .clamp(Duration::from_millis(1), LONGEST_WAIT)
    }

    /// Gives ready workers their next trial and starts workers where there is work for them.
    fn fill(&mut self) -> Result<(), ScheduleError> {
        let now = Instant::now();
        for place in 0..self.stations.len() {
            match self.stations[place].state {
                State::Ready => {
                    if let Some(trial) = self.next_trial(place, now)? {
                        let trials = self.with_company(place, trial, now)?;
                        self.hand_out(place, trials)?;
                    }
                }
                State::Vacant if self.wants_worker(place, now) => self.launch(place)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether there are more trials to run now than workers about to ask for one.
    fn wants_worker(&self, place: usize, now: Instant) -> bool {
        let starting = |station: &&Station| matches!(station.state, State::Starting { .. });
        let starting = self.stations.iter().filter(starting).count();
        let is_alone = self.usable() == 1;
        let slot = &self.stations[place].slot;
        self.queue.has_due(slot, is_alone, now) && self.queue.len().min(self.room()) > starting
    }

    /// The next trial for the worker at `place` that no other session is training or has finished.
    fn next_trial(&mut self, place: usize, now: Instant) -> Result<Option<usize>, ScheduleError> {
        if self.room() == 0 {
            return Ok(None);
        }
        let is_alone = self.usable() == 1;
        let slot = self.stations[place].slot.clone();
        while let Some(index) = self.queue.take(&slot, is_alone, now) {
            if self.is_free(index, now)? {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    /// Whether no other session is training the trial `index`, which was taken, or has finished it; if one
    /// has, it is not to be begun here, or not now.
    fn is_free(&mut self, index: usize, now: Instant) -> Result<bool, ScheduleError> {
        let trial = &self.work.trials[index].id;
        match (self.work.elsewhere)(trial) {
            Elsewhere::Free => return Ok(true),
            Elsewhere::Running => self.queue.put_off(index, now + ELSEWHERE_PAUSE),
            Elsewhere::Done => {
                self.summary.found_done += 1;
                let trial = trial.clone();
                tell(self.observers, &Event::TrialFoundDone { trial })?;
            }
        }
        Ok(false)
    }

    /// `first`, and those that the worker at `place` can train together with it.
    fn with_company(
        &mut self,
        place: usize,
        first: usize,
        now: Instant,
    ) -> Result<Vec<usize>, ScheduleError> {
        let room = self.stations[place].room;
        let mut trials = vec![first];
        if room == 0 || !self.queue.is_untried(first) {
            return Ok(trials);
        }
        let work = self.work;
        let spec = &work.trials[first].spec;
        let is_alike = |other: usize| groups::are_alike(spec, &work.trials[other].spec);
        let waiting = 1 + self.queue.len();
        let most = groups::size(spec, work.extent, room, waiting, self.usable());
        let most = most.min(self.room());
        for other in self.queue.take_like(most.saturating_sub(1), is_alike) {
            if self.is_free(other, now)? {
                trials.push(other);
            }
        }
        Ok(trials)
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

    fn hand_out(&mut self, place: usize, trials: Vec<usize>) -> Result<(), ScheduleError> {
        let first = self.attempts + 1;
        let order = |(number, trial): (u64, &usize)| {
            let planned = self.work.trials[*trial];
            Order {
                attempt: number,
                trial: planned.id.clone(),
                spec: planned.spec.clone(),
                data: self.work.data.clone(),
                folder: self.work.folder.join(planned.id.as_str()),
                checkpoint: self.settings.checkpoint,
            }
        };
        let mut orders: Vec<Order> = (first..).zip(&trials).map(order).collect();
        let message = match orders.len() {
            1 => ToWorker::Train(Box::new(orders.remove(0))),
            _ => ToWorker::TrainTogether { orders },
        };
        self.attempts += trials.len() as u64;
        let station = &mut self.stations[place];
        let sent = station
            .link
            .as_mut()
            .is_some_and(|link| link.send(&message).is_ok());
        if !sent {
            // The worker died while idle; `Gone` is on its way and says how.
            station.state = State::Starting {
                since: Instant::now(),
            };
            for trial in trials.into_iter().rev() {
                self.queue.put_back(trial);
            }
            return Ok(());
        }
        let now = Instant::now();
        station.state = State::Busy {
            since: now,
            heard: now,
            begun: trials.len() as u32,
        };
        let hands = (first..).zip(trials);
        station.hands = hands
            .map(|(number, trial)| Hand {
                trial,
                attempt: AttemptNo(number),
            })
            .collect();
        for hand in station.hands.clone() {
            let station = &self.stations[place];
            let event = Event::TrialStarted {
                trial: self.id(hand.trial),
                attempt: hand.attempt,
                slot: station.slot.clone(),
                engine: station.engine.clone(),
                pid: station.pid,
            };
            self.tell(&event)?;
        }
        Ok(())
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
                    room,
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
                // Each found the whole device free.
                let slot = station.slot.clone();
                station.room = room / slots::sharers(&self.settings.slots, &slot) as u64;
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
            (said, State::Busy { .. }) if self.hand_of(place, &said).is_some() => {
                if let State::Busy { heard, .. } = &mut self.stations[place].state {
                    *heard = Instant::now();
                }
                match self.hand_of(place, &said) {
                    Some(hand) => self.hear_of_trial(place, hand, said),
                    None => Ok(()),
                }
            }
            (said, _) => {
                let message = format!("the worker spoke out of turn: {said:?}");
                self.lose(place, Cause::Protocol { message })
            }
        }
    }

    /// What the worker at `place` has in hand that `said` is about.
    fn hand_of(&self, place: usize, said: &FromWorker) -> Option<Hand> {
        let mut hands = self.stations[place].hands.iter();
        hands.find(|hand| names(said, hand.attempt)).copied()
    }

    /// Takes an attempt that has ended out of the hands of the worker at `place`.
    fn let_go(&mut self, place: usize, attempt: AttemptNo) {
        let station = &mut self.stations[place];
        station.hands.retain(|hand| hand.attempt != attempt);
        if station.hands.is_empty() {
            station.state = State::Ready;
        }
    }

    fn hear_of_trial(
        &mut self,
        place: usize,
        hand: Hand,
        said: FromWorker,
    ) -> Result<(), ScheduleError> {
        let Hand {
            trial: index,
            attempt,
        } = hand;
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
                self.let_go(place, attempt);
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
                self.let_go(place, attempt);
                self.summary.interrupted += 1;
                Event::TrialInterrupted {
                    trial,
                    attempt,
                    step,
                }
            }
            FromWorker::Refused { message, .. } => {
                self.let_go(place, attempt);
                let log_tail = self.stations[place]
                    .link
                    .as_ref()
                    .map(|link| link.log_tail());
                let cause = Cause::Refused { message };
                return self.fail(place, hand, cause, log_tail.unwrap_or_default());
            }
            FromWorker::Ready { .. } => unreachable!("`names` lets no Ready through"),
        };
        self.tell(&event)
    }

    /// Gives up the worker at `place`, and with it what it was training.
    fn lose(&mut self, place: usize, cause: Cause) -> Result<(), ScheduleError> {
        let hands = std::mem::take(&mut self.stations[place].hands);
        let log_tail = self.stations[place].vacate();
        match hands[..] {
            [] => {
                let reason = match log_tail.is_empty() {
                    true => cause.to_string(),
                    false => format!("{cause}\n{log_tail}"),
                };
                self.start_failed(place, &reason)
            }
            _ if self.stopping.is_some() => {
                self.summary.interrupted += hands.len();
                for Hand { trial, attempt } in hands {
                    let trial = self.id(trial);
                    let step = None;
                    self.tell(&Event::TrialInterrupted {
                        trial,
                        attempt,
                        step,
                    })?;
                }
                Ok(())
            }
            [hand] => self.fail(place, hand, cause, log_tail),
            _ => {
                let now = Instant::now();
                for Hand { trial, attempt } in hands {
                    // One of them may be to blame: alone it will show which.
                    self.queue.failed_together(trial, now);
                    self.tell(&Event::TrialFailed {
                        trial: self.id(trial),
                        attempt,
                        cause: cause.clone(),
                        log_tail: log_tail.clone(),
                        will_retry: true,
                    })?;
                }
                Ok(())
            }
        }
    }

    fn fail(
        &mut self,
        place: usize,
        hand: Hand,
        cause: Cause,
        log_tail: String,
    ) -> Result<(), ScheduleError> {
        let Hand {
            trial: index,
            attempt,
        } = hand;
        let slot = self.stations[place].slot.clone();
        let failure = Failure {
            cause: &cause,
            // The worker that failed is not counted: it has been given up, or is ready.
            had_company: self.busy() > 0,
        };
        let verdict = self.queue.failed(&slot, index, failure, Instant::now());
        let why = cause.to_string();
        let will_retry = verdict == Verdict::Retry;
        self.summary.failed += usize::from(!will_retry);
        self.tell(&Event::TrialFailed {
            trial: self.id(index),
            attempt,
            cause,
            log_tail,
            will_retry,
        })?;
        if let Verdict::SetAside { kills, trials } = verdict {
            let reason = format!(
                "its configuration {} has ended {kills} workers; the last: {why}",
                self.work.trials[index].config.short()
            );
            for other in trials {
                self.set_aside(other, &reason)?;
            }
        }
        let reason = format!(
            "trials of {SLOT_FAILURES} configurations failed on it in a row; the last: {why}"
        );
        self.retire_if_worn_out(place, &reason)
    }

    fn set_aside(&mut self, index: usize, reason: &str) -> Result<(), ScheduleError> {
        self.summary.failed += 1;
        self.summary.set_aside += 1;
        self.tell(&Event::TrialSetAside {
            trial: self.id(index),
            reason: reason.to_owned(),
        })
    }

    fn start_failed(&mut self, place: usize, reason: &str) -> Result<(), ScheduleError> {
        self.queue.start_failed(&self.stations[place].slot);
        let reason =
            format!("its worker failed to start {SLOT_FAILURES} times; the last: {reason}");
        self.retire_if_worn_out(place, &reason)
    }

    fn retire_if_worn_out(&mut self, place: usize, reason: &str) -> Result<(), ScheduleError> {
        let slot = self.stations[place].slot.clone();
        if !self.queue.is_worn_out(&slot) {
            return Ok(());
        }
        self.stations[place].vacate();
        self.stations[place].state = State::Retired;
        let reason = reason.to_owned();
        self.summary.retired.push((slot.clone(), reason.clone()));
        self.tell(&Event::SlotRetired { slot, reason })
    }

    /// The first interrupt asks for a clean end, the second ends at once.
    fn interrupt(&mut self) -> Result<(), ScheduleError> {
        match self.stopping {
            Some(stopping) => self.end_at_once(stopping.reason),
            None => self.begin_stop(StopReason::Interrupt),
        }
    }

    /// Begins nothing more, and asks workers to write a checkpoint of what they have in hand.
    fn begin_stop(&mut self, reason: StopReason) -> Result<(), ScheduleError> {
        self.stopping = Some(Stopping {
            since: Instant::now(),
            reason,
        });
        for station in &mut self.stations {
            if let (State::Busy { .. }, Some(link)) = (station.state, station.link.as_mut()) {
                // A worker that cannot be told is gone, or killed when its time is up.
                let _ = link.send(&ToWorker::Stop);
            }
        }
        let at_once = false;
        self.tell(&Event::StopBegan { reason, at_once })
    }

    fn end_at_once(&mut self, reason: StopReason) -> Result<(), ScheduleError> {
        if self.busy() == 0 {
            return Ok(());
        }
        let at_once = true;
        self.tell(&Event::StopBegan { reason, at_once })?;
        self.give_up_all()
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

    /// Ends what takes too long, and the session when it has done what it may.
    fn enforce_limits(&mut self, now: Instant) -> Result<(), ScheduleError> {
        match self.stopping {
            Some(stopping) if now.duration_since(stopping.since) > STOP_GRACE => {
                return self.end_at_once(stopping.reason);
            }
            Some(_) => {}
            None => {
                if let Some(reason) = self.limit_reached(now) {
                    self.begin_stop(reason)?;
                }
            }
        }
        for place in 0..self.stations.len() {
            if let Some(cause) = self.overrun(place, now) {
                self.lose(place, cause)?;
            }
        }
        Ok(())
    }

    /// The limit of the session that keeps trials that are left from being begun.
    fn limit_reached(&self, now: Instant) -> Option<StopReason> {
        if self.queue.is_empty() && self.busy() == 0 {
            return None;
        }
        if let Some(limit) = self.settings.max_time
            && now.duration_since(self.began) >= limit
        {
            return Some(StopReason::TimeLimit(limit));
        }
        let most = self.settings.max_trials?;
        (self.summary.ended() >= most).then_some(StopReason::TrialLimit(most))
    }

    /// The limit that the worker at `place` has passed.
    fn overrun(&self, place: usize, now: Instant) -> Option<Cause> {
        match self.stations[place].state {
            State::Starting { since } => {
                let after = now.duration_since(since);
                let limit = match slots::gpu_of(&self.stations[place].slot) {
                    Some(_) => GPU_START_LIMIT,
                    None => START_LIMIT,
                };
                (after > limit).then_some(Cause::TimedOut { after })
            }
            State::Busy {
                since,
                heard,
                begun,
            } => {
                let (after, silence) = (now.duration_since(since), now.duration_since(heard));
                let passed = |limit: Option<Duration>, time| limit.is_some_and(|most| time > most);
                let most = self.settings.trial_timeout.map(|most| most * begun);
                if passed(most, after) {
                    return Some(Cause::TimedOut { after });
                }
                passed(self.settings.stall_timeout, silence)
                    .then_some(Cause::Hung { after: silence })
            }
            State::Vacant | State::Ready | State::Retired => None,
        }
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
