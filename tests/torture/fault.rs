//! What is done to a sweep, and when.

use std::path::Path;
use std::time::{Duration, Instant};

use super::experiments::Running;
use super::processes;
use super::rng::Rng;
use super::watch::{Sign, Watch};

/// Longest that a file is waited for before the fault falls without it.
const TIMEOUT: Duration = Duration::from_millis(1_500);
/// Likewise for the database file, which is written to now and then and when a sweep ends.
const LONG_PATIENCE: Duration = Duration::from_secs(30);
/// How often a process that is waited for is polled, in milliseconds.
const POLL_INTERVAL_MS: i32 = 10;

/// When the fault falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trigger {
    AnyTime,
    /// Before or while the session is begun.
    AtTheStart,
    /// When the temporary file of a checkpoint appears.
    InACheckpoint,
    /// When the temporary file of a model appears.
    InAModel,
    /// When the write-ahead log is written to.
    InACommit,
    /// When the database file itself is written to.
    InABackfill,
    /// When a prepared data set is being written.
    InPreparation,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    KillCoordinator,
    KillWorker,
    KillWorkers,
    KillAll,
    Terminate,
    Interrupt,
    InterruptTwice,
    /// One of the signals that ask to stop, to every process in some order.
    StopAll,
    FreezeWorker,
    FreezeCoordinator,
    /// Ctrl-Z, and `fg` after a while.
    Suspend,
    /// Every process is stopped for a while.
    FreezeAll,
    /// A second coordinator is started beside the first.
    SecondCoordinator,
}

impl Action {
    pub fn is_kill(self) -> bool {
        matches!(
            self,
            Action::KillCoordinator | Action::KillWorker | Action::KillWorkers | Action::KillAll
        )
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Fault {
    pub trigger: Trigger,
    pub action: Action,
    /// Since the command was started or the last fault, for those that wait for no file.
    pub delay: Duration,
    /// Which of the signs it is that is acted on, from 0.
    pub nth: u64,
}

impl Fault {
    /// `is_new` says that the sweep has not been begun, so that its data may have to be prepared.
    pub fn draw(rng: &mut Rng, is_new: bool) -> Fault {
        let trigger = rng.pick(&[
            (if is_new { 60 } else { 0 }, Trigger::InPreparation),
            (30, Trigger::AnyTime),
            (8, Trigger::AtTheStart),
            (24, Trigger::InACheckpoint),
            (12, Trigger::InAModel),
            (22, Trigger::InACommit),
            (2, Trigger::InABackfill),
        ]);
        let action = rng.pick(&[
            (40, Action::KillCoordinator),
            (16, Action::KillWorker),
            (4, Action::KillWorkers),
            (20, Action::KillAll),
            (4, Action::Terminate),
            (4, Action::Interrupt),
            (3, Action::InterruptTwice),
            (10, Action::StopAll),
            (4, Action::FreezeWorker),
            (4, Action::FreezeCoordinator),
            (4, Action::Suspend),
            (6, Action::FreezeAll),
            (3, Action::SecondCoordinator),
        ]);
        let (longest, most) = match trigger {
            Trigger::AtTheStart => (120, 1),
            Trigger::InACommit => (1, 12),
            Trigger::InACheckpoint | Trigger::InABackfill => (1, 4),
            Trigger::InAModel => (1, 1),
            Trigger::InPreparation => (1, 3),
            Trigger::AnyTime => (500, 1),
        };
        Fault {
            trigger,
            action,
            delay: Duration::from_millis(rng.between(0, longest)),
            nth: rng.between(0, most),
        }
    }

    /// Waits until the trigger has come.
    pub fn wait(&mut self, runs: &Path, mark: &str, running: &mut Running) -> Awaited {
        let begin = Instant::now();
        let mut watch = Watch::new(runs);
        let mut seen = 0;
        loop {
            if let Some(status) = running.child.try_wait().unwrap() {
                return Awaited::Ended(status);
            }
            let timed = matches!(self.trigger, Trigger::AnyTime | Trigger::AtTheStart);
            let until = match self.trigger {
                Trigger::AnyTime | Trigger::AtTheStart => self.delay,
                Trigger::InABackfill => LONG_PATIENCE,
                _ => TIMEOUT,
            };
            let left = until.saturating_sub(begin.elapsed());
            if left.is_zero() {
                if !timed {
                    self.trigger = Trigger::AnyTime;
                }
                return Awaited::Come { writer: None };
            }
            let pause = POLL_INTERVAL_MS.min(left.as_millis() as i32);
            for sign in watch.signs(pause) {
                if self.trigger.is_shown_by(&sign) {
                    if seen == self.nth {
                        let writer = sign.writer().filter(|pid| processes::has(*pid, mark));
                        return Awaited::Come { writer };
                    }
                    seen += 1;
                }
            }
        }
    }
}

/// How waiting for a trigger ended.
pub enum Awaited {
    /// The command came to its end first.
    Ended(std::process::ExitStatus),
    /// It has come; `writer` is the process that is writing the file, where its name tells.
    Come { writer: Option<i32> },
}

impl Trigger {
    fn is_shown_by(self, sign: &Sign) -> bool {
        let is_part = sign.name.ends_with(".part");
        let in_data = sign.folder.ends_with("runs/data");
        let in_trial = sign
            .folder
            .parent()
            .is_some_and(|folder| folder.ends_with("runs/trials"));
        match self {
            Trigger::AnyTime | Trigger::AtTheStart => false,
            Trigger::InACheckpoint => in_trial && is_part && sign.name.starts_with("checkpoint"),
            Trigger::InAModel => in_trial && is_part && sign.name.starts_with("model"),
            Trigger::InPreparation => in_data && is_part,
            Trigger::InACommit => sign.name == "sweep.sqlite-wal",
            Trigger::InABackfill => sign.name == "sweep.sqlite",
        }
    }
}

impl Sign {
    /// The process in the name of a temporary file: `NAME.PROCESS.part` or `NAME.PROCESS-COUNT.part`.
    fn writer(&self) -> Option<i32> {
        let name = self.name.strip_suffix(".part")?;
        let (_, private) = name.rsplit_once('.')?;
        private.split('-').next()?.parse().ok()
    }
}
