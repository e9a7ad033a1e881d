//! Sweeps that are struck again and again until they are done, with what must hold after every fault.

use std::collections::BTreeMap;
use std::process::ExitStatus;
use std::thread::sleep;
use std::time::Duration;

use super::compare::assert_same;
use super::counts::Counts;
use super::experiments::{CrashDir, NAMES, Running, SWEEPS};
use super::fault::{Action, Awaited, Fault};
use super::inject;
use super::processes;
use super::rng::Rng;
use super::snapshot::Snapshot;

/// Training time between two checkpoints, seconds.
const INTERVAL: f64 = 0.1;
/// What checkpoints themselves may take on a busy machine, and so may put off the next one, seconds.
const SLACK: f64 = 2.0;

/// What a trial had reported when its session ended.
struct Seen {
    /// Seconds of each step.
    steps: BTreeMap<u32, f64>,
    /// Number of attempts in the database then.
    attempts: usize,
    /// Whether it was asked to stop, and so wrote a checkpoint.
    stopped: bool,
    /// Whether it has a checkpoint.
    saved: bool,
}

/// One crash directory and what is known of it.
pub struct CrashLoop<'a> {
    crash_dir: CrashDir,
    rng: &'a mut Rng,
    counts: &'a mut Counts,
    before: Snapshot,
    seen: BTreeMap<String, Seen>,
    /// Whether a worker was killed in the last session.
    was_killed: bool,
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

impl<'a> CrashLoop<'a> {
    pub fn new(epochs: u32, rng: &'a mut Rng, counts: &'a mut Counts) -> CrashLoop<'a> {
        CrashLoop {
            crash_dir: CrashDir::new(epochs),
            rng,
            counts,
            before: Snapshot::default(),
            seen: BTreeMap::new(),
            was_killed: false,
        }
    }

    /// Runs all sweeps of the crash directory under about `kills` kills and compares the end with `alone`, a crash directory on
    /// which they were never disturbed.
    pub fn run(mut self, kills: u64, alone: &CrashDir) {
        let share = kills.div_ceil(SWEEPS.len() as u64);
        for sweep in SWEEPS {
            let until = self.counts.kills() + share;
            let mut end = End::Left;
            while end != End::Done && self.counts.kills() < until {
                end = self.session(sweep);
                self.check_session(end);
                self.report(sweep);
            }
            let file = format!("{sweep}.toml");
            let resume = match self.crash_dir.is_begun(sweep) {
                true => ["resume", sweep, "--retry-failed"],
                false => ["run", &file, "--retry-failed"],
            };
            self.crash_dir.succeed(&resume);
            self.counts.sessions += 1;
            self.check_session(End::Done);
        }
        self.check_end(alone);
    }

    /// Starts the sweep, or resumes it, and injects faults until it ends.
    fn session(&mut self, sweep: &str) -> End {
        self.counts.sessions += 1;
        self.was_killed = false;
        let file = format!("{sweep}.toml");
        let is_new = !self.crash_dir.is_begun(sweep);
        let name = self.name_of_database();
        self.counts.linked += u64::from(name != NAMES[0]);
        let mut running = if is_new || self.rng.chance(20) {
            let run = ["run", &file, "--retry-failed"];
            self.crash_dir.start_on(name, &run)
        } else {
            let resume = ["resume", sweep, "--retry-failed"];
            self.crash_dir.start_on(name, &resume)
        };
        loop {
            let mut fault = Fault::draw(self.rng, is_new);
            match fault.wait(&self.crash_dir.runs(), &self.crash_dir.mark, &mut running) {
                Awaited::Ended(status) => return ended(&running, status),
                Awaited::Come { writer } => {
                    if let Some(end) = self.inject(sweep, &fault, &mut running, writer) {
                        return end;
                    }
                }
            }
        }
    }

    /// One of the names of the database.
    fn name_of_database(&mut self) -> &'static str {
        self.rng.pick(&NAMES.map(|name| (1, name)))
    }

    /// Does what the fault says; `None` if the session continues.
    fn inject(
        &mut self,
        sweep: &str,
        fault: &Fault,
        running: &mut Running,
        writer: Option<i32>,
    ) -> Option<End> {
        let reached = match fault.action {
            Action::SecondCoordinator => self.second_coordinator(sweep, running),
            action => {
                let coordinator = running.child.id() as i32;
                inject::inject(action, &self.crash_dir.mark, coordinator, writer, self.rng)
            }
        };
        if !reached {
            return None;
        }
        self.counts.add(fault.action, fault.trigger);
        self.was_killed |= fault.action.is_kill();
        match fault.action {
            Action::KillCoordinator | Action::KillAll => {
                running.child.wait().unwrap();
                Some(End::Killed)
            }
            Action::Terminate | Action::Interrupt | Action::InterruptTwice | Action::StopAll => {
                let status = running.child.wait().unwrap();
                // A signal that comes before anyone listens for it kills, as it does any program.
                if status.code().is_some() {
                    running.must(status, &[0, 3, 130]);
                }
                match (status.code(), fault.action) {
                    (Some(130), action) if action != Action::InterruptTwice => Some(End::Stopped),
                    (Some(0), _) => Some(End::Done),
                    _ => Some(End::Killed),
                }
            }
            _ => None,
        }
    }

    /// Starts a second coordinator, which is told that there is one; whether there was.
    fn second_coordinator(&mut self, sweep: &str, running: &mut Running) -> bool {
        if !self.crash_dir.is_held_by(sweep, running.child.id()) {
            return false;
        }
        let file = format!("{sweep}.toml");
        let name = self.name_of_database();
        let mut second_coordinator = match self.crash_dir.is_begun(sweep) {
            true => self.crash_dir.start_on(name, &["resume", sweep]),
            false => self.crash_dir.start_on(name, &["run", &file]),
        };
        let status = second_coordinator.child.wait().unwrap();
        if running.child.try_wait().unwrap().is_some() {
            // The first one ended meanwhile, so that the second may have resumed the sweep.
            return false;
        }
        second_coordinator.must(status, &[4]);
        true
    }

    /// Sometimes kills a report on its way.
    fn report(&mut self, sweep: &str) {
        if !self.rng.chance(8) || !self.crash_dir.is_begun(sweep) {
            return;
        }
        let mut running = self.crash_dir.start(&["report", sweep]);
        sleep(Duration::from_millis(self.rng.between(0, 400)));
        if processes::signal(
            running.child.id() as i32,
            &self.crash_dir.mark,
            libc::SIGKILL,
        ) {
            self.counts.reports_killed += 1;
        }
        running.child.wait().unwrap();
    }

    /// What must hold after every session, however it ended.
    fn check_session(&mut self, end: End) {
        // Often the next command comes at once, while the processes of the last one are still going.
        if end != End::Done && self.rng.chance(30) {
            return;
        }
        processes::all_gone(&self.crash_dir.mark);
        let parts = |(path, _): &(std::path::PathBuf, Vec<u8>)| {
            path.starts_with("trials") && path.extension().is_some_and(|end| end == "part")
        };
        let found = self
            .crash_dir
            .files()
            .iter()
            .filter(|file| parts(file))
            .count();
        self.counts.torn_checkpoints += found as u64;
        let Some(now) = Snapshot::read(&self.crash_dir.runs()) else {
            assert!(self.before.results.is_empty(), "the database is gone");
            return;
        };
        self.counts.torn_logs += u64::from(now.torn);
        for (trial, result) in &self.before.results {
            assert_eq!(
                now.results.get(trial),
                Some(result),
                "what was recorded of {trial}"
            );
        }
        self.check_repeated_work(&now);
        for (trial, steps) in &now.running {
            self.seen.entry(trial.clone()).or_insert_with(|| Seen {
                steps: steps.clone(),
                attempts: now.attempts.len(),
                stopped: end == End::Stopped && now.stopped(trial, self.was_killed),
                saved: false,
            });
        }
        for trial in &now.saved {
            self.seen.get_mut(trial).expect("it is running").saved = true;
        }
        self.before = now;
    }

    /// Holds what was trained again against the interval between two checkpoints.
    fn check_repeated_work(&mut self, now: &Snapshot) {
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
                    "{trial} was stopped, yet {} steps came again: {:#?}",
                    again.len(),
                    now.attempts
                        .iter()
                        .filter(|it| it.trial == *trial)
                        .collect::<Vec<_>>()
                );
            }
            let limit = INTERVAL + longest + SLACK;
            assert!(
                repeated <= limit,
                "{trial}: {repeated:.2} s came again, more than {limit:.2} s"
            );
            self.counts.repeated_steps += again.len() as u64;
            self.counts.longest_repeat = self.counts.longest_repeat.max(repeated);
            false
        });
    }

    /// The end: what was struck is what was left alone, to the byte.
    fn check_end(self, alone: &CrashDir) {
        for sweep in SWEEPS {
            self.crash_dir.succeed(&["report", sweep]);
        }
        processes::all_gone(&self.crash_dir.mark);
        let snapshot = Snapshot::read(&self.crash_dir.runs()).expect("a database");
        for trial in snapshot.results.keys() {
            let own = snapshot
                .attempts
                .iter()
                .filter(|attempt| attempt.trial == *trial);
            let after = own.skip_while(|attempt| !attempt.is_final()).count();
            assert_eq!(after, 1, "attempts at {trial} from its result on");
        }
        assert_same(&self.crash_dir, alone);
        self.counts.rounds += 1;
        self.counts.trials += snapshot.results.len() as u64;
        self.counts.attempts += snapshot.attempts.len() as u64;
        let resumed = snapshot
            .attempts
            .iter()
            .filter(|attempt| attempt.resumed_from.is_some());
        self.counts.resumed += resumed.count() as u64;
    }
}

fn ended(running: &Running, status: ExitStatus) -> End {
    running.must(status, &[0, 3]);
    match status.code() {
        Some(0) => End::Done,
        _ => End::Left,
    }
}
