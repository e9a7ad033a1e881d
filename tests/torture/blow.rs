//! What is done to a sweep, and when.

use std::path::Path;
use std::time::{Duration, Instant};

use super::dice::Dice;
use super::ground::Running;
use super::processes;
use super::watch::{Sign, Watch};

/// Longest that a file is waited for before the blow falls without it.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// Likewise for the database file, which is written to now and then and when a sweep ends.
const LONG_PATIENCE: Duration = Duration::from_secs(30);
/// How often a process that is waited for is looked at, in milliseconds.
const LOOK: i32 = 10;

/// When the blow falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
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
pub enum Force {
    KillCoordinator,
    KillWorker,
    KillWorkers,
    KillAll,
    Terminate,
    Interrupt,
    InterruptTwice,
    FreezeWorker,
    FreezeCoordinator,
    /// A second coordinator is started beside the first.
    Rival,
}

impl Force {
    pub fn is_kill(self) -> bool {
        matches!(
            self,
            Force::KillCoordinator | Force::KillWorker | Force::KillWorkers | Force::KillAll
        )
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Blow {
    pub moment: Moment,
    pub force: Force,
    /// Since the command was started or the last blow, for those that wait for no file.
    pub delay: Duration,
    /// Which of the signs it is that is acted on, from 0.
    pub nth: u64,
}

impl Blow {
    /// `is_new` says that the sweep has not been begun, so that its data may have to be prepared.
    pub fn draw(dice: &mut Dice, is_new: bool) -> Blow {
        let moment = dice.pick(&[
            (if is_new { 60 } else { 0 }, Moment::InPreparation),
            (30, Moment::AnyTime),
            (8, Moment::AtTheStart),
            (24, Moment::InACheckpoint),
            (12, Moment::InAModel),
            (22, Moment::InACommit),
            (2, Moment::InABackfill),
        ]);
        let force = dice.pick(&[
            (40, Force::KillCoordinator),
            (16, Force::KillWorker),
            (4, Force::KillWorkers),
            (20, Force::KillAll),
            (4, Force::Terminate),
            (4, Force::Interrupt),
            (3, Force::InterruptTwice),
            (4, Force::FreezeWorker),
            (2, Force::FreezeCoordinator),
            (3, Force::Rival),
        ]);
        let (longest, most) = match moment {
            Moment::AtTheStart => (120, 1),
            Moment::InACommit => (1, 12),
            Moment::InACheckpoint | Moment::InABackfill => (1, 4),
            Moment::InAModel => (1, 1),
            Moment::InPreparation => (1, 3),
            Moment::AnyTime => (500, 1),
        };
        Blow {
            moment,
            force,
            delay: Duration::from_millis(dice.between(0, longest)),
            nth: dice.between(0, most),
        }
    }

    /// Waits until the moment has come.
    pub fn wait(&mut self, runs: &Path, mark: &str, running: &mut Running) -> Awaited {
        let begin = Instant::now();
        let mut watch = Watch::new(runs);
        let mut seen = 0;
        loop {
            if let Some(status) = running.child.try_wait().unwrap() {
                return Awaited::Ended(status);
            }
            let timed = matches!(self.moment, Moment::AnyTime | Moment::AtTheStart);
            let until = match self.moment {
                Moment::AnyTime | Moment::AtTheStart => self.delay,
                Moment::InABackfill => LONG_PATIENCE,
                _ => PATIENCE,
            };
            let left = until.saturating_sub(begin.elapsed());
            if left.is_zero() {
                if !timed {
                    self.moment = Moment::AnyTime;
                }
                return Awaited::Come { writer: None };
            }
            let pause = LOOK.min(left.as_millis() as i32);
            for sign in watch.signs(pause) {
                if self.moment.is_shown_by(&sign) {
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

/// How waiting for a moment ended.
pub enum Awaited {
    /// The command came to its end first.
    Ended(std::process::ExitStatus),
    /// It has come; `writer` is the process that is writing the file, where its name tells.
    Come { writer: Option<i32> },
}

impl Moment {
    fn is_shown_by(self, sign: &Sign) -> bool {
        let is_part = sign.name.ends_with(".part");
        let in_data = sign.folder.ends_with("runs/data");
        let in_trial = sign
            .folder
            .parent()
            .is_some_and(|folder| folder.ends_with("runs/trials"));
        match self {
            Moment::AnyTime | Moment::AtTheStart => false,
            Moment::InACheckpoint => in_trial && is_part && sign.name.starts_with("checkpoint"),
            Moment::InAModel => in_trial && is_part && sign.name.starts_with("model"),
            Moment::InPreparation => in_data && is_part,
            Moment::InACommit => sign.name == "sweep.sqlite-wal",
            Moment::InABackfill => sign.name == "sweep.sqlite",
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
