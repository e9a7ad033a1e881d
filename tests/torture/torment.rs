//! Sweeps that are struck again and again until they are done, with what must hold after every blow.

use std::collections::BTreeMap;
use std::process::ExitStatus;
use std::thread::sleep;
use std::time::Duration;

use super::account::Account;
use super::blow::{Awaited, Blow, Force};
use super::dice::Dice;
use super::ground::{Ground, Running, SWEEPS};
use super::processes;
use super::same::same_record;
use super::strike;
use super::tally::Tally;

/// Training time between two checkpoints, seconds.
const INTERVAL: f64 = 0.1;
/// What checkpoints themselves may take on a busy machine, and so may put off the next one, seconds.
const SLACK: f64 = 2.0;

/// What a trial had reported when its session ended.
struct Seen {
    /// Seconds of each step.
    steps: BTreeMap<u32, f64>,
    /// Number of attempts in the record then.
    attempts: usize,
    /// Whether it was asked to stop, and so wrote a checkpoint.
    stopped: bool,
    /// Whether it has a checkpoint.
    saved: bool,
}

/// One ground and what is known of it.
pub struct Torment<'a> {
    ground: Ground,
    dice: &'a mut Dice,
    tally: &'a mut Tally,
    before: Account,
    seen: BTreeMap<String, Seen>,
}

/// How a session ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Done,
    /// Came to its end with trials left.
    Left,
    Killed,
    Stopped,
}

impl<'a> Torment<'a> {
    pub fn new(epochs: u32, dice: &'a mut Dice, tally: &'a mut Tally) -> Torment<'a> {
        Torment {
            ground: Ground::new(epochs),
            dice,
            tally,
            before: Account::default(),
            seen: BTreeMap::new(),
        }
    }

    /// Runs all sweeps of the ground under about `kills` kills and compares the end with `alone`, a ground on
    /// which they were never disturbed.
    pub fn run(mut self, kills: u64, alone: &Ground) {
        let share = kills.div_ceil(SWEEPS.len() as u64);
        for sweep in SWEEPS {
            let until = self.tally.kills() + share;
            let mut end = End::Left;
            while end != End::Done && self.tally.kills() < until {
                end = self.session(sweep);
                self.look(end);
                self.report(sweep);
            }
            let file = format!("{sweep}.toml");
            let go_on = match self.ground.is_begun(sweep) {
                true => ["resume", sweep, "--retry-failed"],
                false => ["run", &file, "--retry-failed"],
            };
            self.ground.succeed(&go_on);
            self.tally.sessions += 1;
            self.look(End::Done);
        }
        self.settle(alone);
    }

    /// Starts the sweep, or goes on with it, and strikes until it ends.
    fn session(&mut self, sweep: &str) -> End {
        self.tally.sessions += 1;
        let file = format!("{sweep}.toml");
        let is_new = !self.ground.is_begun(sweep);
        let mut running = if is_new || self.dice.chance(20) {
            self.ground.start(&["run", &file, "--retry-failed"])
        } else {
            self.ground.start(&["resume", sweep, "--retry-failed"])
        };
        loop {
            let mut blow = Blow::draw(self.dice, is_new);
            match blow.wait(&self.ground.runs(), &self.ground.mark, &mut running) {
                Awaited::Ended(status) => return ended(&running, status),
                Awaited::Come { writer } => {
                    if let Some(end) = self.strike(sweep, &blow, &mut running, writer) {
                        return end;
                    }
                }
            }
        }
    }

    /// Does what the blow says; `None` if the session goes on.
    fn strike(
        &mut self,
        sweep: &str,
        blow: &Blow,
        running: &mut Running,
        writer: Option<i32>,
    ) -> Option<End> {
        let reached = match blow.force {
            Force::Rival => self.rival(sweep, running),
            force => {
                let coordinator = running.child.id() as i32;
                strike::strike(force, &self.ground.mark, coordinator, writer, self.dice)
            }
        };
        if !reached {
            return None;
        }
        self.tally.add(blow.force, blow.moment);
        match blow.force {
            Force::KillCoordinator | Force::KillAll => {
                running.child.wait().unwrap();
                Some(End::Killed)
            }
            Force::Terminate | Force::Interrupt | Force::InterruptTwice => {
                let status = running.child.wait().unwrap();
                // A signal that comes before anyone listens for it kills, as it does any program.
                if status.code().is_some() {
                    running.must(status, &[0, 3, 130]);
                }
                match (status.code(), blow.force) {
                    (Some(130), Force::Terminate | Force::Interrupt) => Some(End::Stopped),
                    (Some(0), _) => Some(End::Done),
                    _ => Some(End::Killed),
                }
            }
            _ => None,
        }
    }

    /// Starts a second coordinator, which is told that there is one; whether there was.
    fn rival(&self, sweep: &str, running: &mut Running) -> bool {
        if !self.ground.is_held_by(sweep, running.child.id()) {
            return false;
        }
        let file = format!("{sweep}.toml");
        let mut rival = match self.ground.is_begun(sweep) {
            true => self.ground.start(&["resume", sweep]),
            false => self.ground.start(&["run", &file]),
        };
        let status = rival.child.wait().unwrap();
        if running.child.try_wait().unwrap().is_some() {
            // The first one ended meanwhile, so that the second may have gone on with the sweep.
            return false;
        }
        rival.must(status, &[4]);
        true
    }

    /// Sometimes kills a report on its way.
    fn report(&mut self, sweep: &str) {
        if !self.dice.chance(8) || !self.ground.is_begun(sweep) {
            return;
        }
        let mut running = self.ground.start(&["report", sweep]);
        sleep(Duration::from_millis(self.dice.between(0, 400)));
        if processes::signal(running.child.id() as i32, &self.ground.mark, libc::SIGKILL) {
            self.tally.reports_killed += 1;
        }
        running.child.wait().unwrap();
    }

    /// What must hold after every session, however it ended.
    fn look(&mut self, end: End) {
        // Often the next command comes at once, while the processes of the last one are still going.
        if end != End::Done && self.dice.chance(30) {
            return;
        }
        processes::all_gone(&self.ground.mark);
        let parts = |(path, _): &(std::path::PathBuf, Vec<u8>)| {
            path.starts_with("trials") && path.extension().is_some_and(|end| end == "part")
        };
        let found = self
            .ground
            .files()
            .iter()
            .filter(|file| parts(file))
            .count();
        self.tally.torn_checkpoints += found as u64;
        let Some(now) = Account::read(&self.ground.runs()) else {
            assert!(self.before.results.is_empty(), "the record is gone");
            return;
        };
        self.tally.torn_logs += u64::from(now.torn);
        for (trial, result) in &self.before.results {
            assert_eq!(
                now.results.get(trial),
                Some(result),
                "what was recorded of {trial}"
            );
        }
        self.weigh(&now);
        for (trial, steps) in &now.running {
            self.seen.entry(trial.clone()).or_insert_with(|| Seen {
                steps: steps.clone(),
                attempts: now.attempts.len(),
                stopped: end == End::Stopped && now.stopped(trial),
                saved: false,
            });
        }
        for trial in &now.saved {
            self.seen.get_mut(trial).expect("it is running").saved = true;
        }
        self.before = now;
    }

    /// Holds what was trained again against the interval between two checkpoints.
    fn weigh(&mut self, now: &Account) {
        self.seen.retain(|trial, seen| {
            let later = now.attempts[seen.attempts..]
                .iter()
                .filter(|next| next.trial == *trial);
            // One that ended before its first report says nothing of where it began.
            let Some(next) = later
                .clone()
                .find(|next| next.resumed_from.is_some() || next.is_final())
            else {
                return later.count() == 0;
            };
            let passed_over = seen.saved && next.resumed_from.is_none();
            assert!(!passed_over, "{trial} has a checkpoint, yet began again");
            let from = next.resumed_from.map_or(0, |step| step + 1);
            let again: Vec<f64> = seen
                .steps
                .range(from..)
                .map(|(_, seconds)| *seconds)
                .collect();
            let repeated: f64 = again.iter().sum();
            let longest = seen.steps.values().copied().fold(0.0, f64::max);
            if seen.stopped {
                assert!(
                    again.is_empty(),
                    "{trial} was stopped, yet {} steps came again",
                    again.len()
                );
            }
            let limit = INTERVAL + longest + SLACK;
            assert!(
                repeated <= limit,
                "{trial}: {repeated:.2} s came again, more than {limit:.2} s"
            );
            self.tally.repeated_steps += again.len() as u64;
            self.tally.longest_repeat = self.tally.longest_repeat.max(repeated);
            false
        });
    }

    /// The end: what was struck is what was left alone, to the byte.
    fn settle(self, alone: &Ground) {
        for sweep in SWEEPS {
            self.ground.succeed(&["report", sweep]);
        }
        processes::all_gone(&self.ground.mark);
        let account = Account::read(&self.ground.runs()).expect("a record");
        for trial in account.results.keys() {
            let own = account
                .attempts
                .iter()
                .filter(|attempt| attempt.trial == *trial);
            let after = own.skip_while(|attempt| !attempt.is_final()).count();
            assert_eq!(after, 1, "attempts at {trial} from its result on");
        }
        same_record(&self.ground, alone);
        self.tally.rounds += 1;
        self.tally.trials += account.results.len() as u64;
        self.tally.attempts += account.attempts.len() as u64;
        let resumed = account
            .attempts
            .iter()
            .filter(|attempt| attempt.resumed_from.is_some());
        self.tally.resumed += resumed.count() as u64;
    }
}

fn ended(running: &Running, status: ExitStatus) -> End {
    running.must(status, &[0, 3]);
    match status.code() {
        Some(0) => End::Done,
        _ => End::Left,
    }
}
