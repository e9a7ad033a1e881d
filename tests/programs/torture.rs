//! Programs, workers and the coordinator are killed at random moments, and the sweep is resumed until it is done. Then its
//! results are those of one left alone, no finished trial has run again, and no process is left.
//!
//! `SWEEP_TORTURE_KILLS` and `SWEEP_TORTURE_SEED` are those of the other loops; see `crate::torture`.

use std::collections::BTreeMap;
use std::fmt::{Display, Formatter};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::wait_for;
use crate::torture::experiments::{CrashDir, Running};
use crate::torture::processes::{self, all_gone, marked, workers};
use crate::torture::rng::Rng;
use crate::torture::snapshot::Snapshot;
use crate::torture::variable;

/// Kills when nothing is said.
const KILLS: u64 = 12;
/// Kills until a sweep is let go to its end and compared.
const KILLS_A_ROUND: u64 = 40;
const SEED: u64 = 20;
/// Pause before a kill, in milliseconds.
const PAUSE: (u64, u64) = (20, 700);

/// A chain of numbers with a checkpoint of every step, resumed from the newest one of which the metrics are recorded: what
/// was printed just before a kill may be lost with the process that read it. It has two helpers that outlive it where
/// nobody ends them: one in its group and one in a session of its own. At its end it says so in `ended`.
const CHAIN: &str = r#"
import json, os, subprocess, sys, time
quiet = dict(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
subprocess.Popen(["sleep", "1000"], **quiet)
subprocess.Popen(["sleep", "1000"], start_new_session=True, **quiet)
folder = os.environ["SWEEP_CHECKPOINT_DIR"]
step, x = 0, int(os.environ["SWEEP_SEED"]) * 100 + int(os.environ["SWEEP_PARAM_K"])
recorded = int(os.environ.get("SWEEP_RESUME_STEP", 0))
saved = [int(name) for name in os.listdir(folder) if name.isdigit() and int(name) <= recorded]
if saved:
    step, x = json.load(open(f"{folder}/{max(saved)}"))
    open("resumed", "a").write(f"{step}\n")
while step < 12:
    time.sleep(0.05)
    step, x = step + 1, (x * 31 + 7) % 1009
    print(f"step={step} loss={x / 1009}", flush=True)
    with open(f"{folder}/part", "w") as file:
        json.dump([step, x], file)
    os.rename(f"{folder}/part", f"{folder}/{step}")
with open("ended", "a") as file:
    file.write(os.environ["SWEEP_TRIAL"] + "\n")
"#;

/// The same without a checkpoint: each attempt begins anew.
const ANEW: &str = r#"
import os, time
x = int(os.environ["SWEEP_SEED"]) * 100 + int(os.environ["SWEEP_PARAM_K"])
for step in range(1, 9):
    time.sleep(0.02)
    x = (x * 31 + 7) % 1009
    print(f"step={step} loss={x / 1009}", flush=True)
with open("ended", "a") as file:
    file.write(os.environ["SWEEP_TRIAL"] + "\n")
"#;

const SWEEPS: [(&str, &str); 2] = [("chain", CHAIN), ("anew", ANEW)];

fn crash_dir() -> CrashDir {
    let dir = CrashDir::empty();
    for (name, script) in SWEEPS {
        std::fs::write(dir.path(&format!("{name}.py")), script).unwrap();
        let file = format!(
            "[experiment]
seeds = [1, 2]

[program]
command = [\"python3\", \"{name}.py\"]
objective = {{ metric = \"loss\", goal = \"min\" }}
grace = \"2s\"

[grid]
k = [1, 2, 3]

[schedule]
slots = {{ cpu = 2 }}
retries = 10
"
        );
        std::fs::write(dir.path(&format!("{name}.toml")), file).unwrap();
    }
    dir
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Action {
    KillProgram,
    KillWorker,
    KillCoordinator,
    /// Coordinator, workers and programs; what left its session stays.
    KillAll,
    Interrupt,
}

const ACTIONS: [(u64, Action); 5] = [
    (4, Action::KillProgram),
    (3, Action::KillWorker),
    (2, Action::KillCoordinator),
    (2, Action::KillAll),
    (1, Action::Interrupt),
];

#[derive(Default)]
struct Counts {
    kills: u64,
    sessions: u64,
    attempts: usize,
    trials: usize,
    resumed: usize,
    /// Trials that had come to their end and were killed before that was recorded.
    ended_twice: usize,
}

impl Display for Counts {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} kills, {} sessions, {} attempts at {} trials, {} from a checkpoint, {} ended twice",
            self.kills, self.sessions, self.attempts, self.trials, self.resumed, self.ended_twice
        )
    }
}

/// Kills as `action` says, and how many processes that were.
fn strike(action: Action, dir: &CrashDir, running: &Running, rng: &mut Rng) -> u64 {
    let coordinator = running.child.id() as i32;
    let workers = workers(&dir.mark);
    let others = |pid: &i32| *pid != coordinator && !workers.contains(pid);
    let mut programs: Vec<i32> = marked(&dir.mark).into_iter().filter(others).collect();
    let mut pick = |pids: &[i32]| -> Vec<i32> {
        match pids.len() as u64 {
            0 => Vec::new(),
            count => vec![pids[rng.between(0, count) as usize]],
        }
    };
    let (chosen, signal) = match action {
        Action::KillProgram => (pick(&programs), libc::SIGKILL),
        Action::KillWorker => (pick(&workers), libc::SIGKILL),
        Action::KillCoordinator => (vec![coordinator], libc::SIGKILL),
        Action::KillAll => {
            let leads = |pid: &i32| !is_helper(*pid);
            programs.retain(leads);
            (
                [vec![coordinator], workers, programs].concat(),
                libc::SIGKILL,
            )
        }
        Action::Interrupt => (vec![coordinator], libc::SIGINT),
    };
    let sent = chosen
        .iter()
        .filter(|pid| processes::signal(**pid, &dir.mark, signal));
    sent.count() as u64
}

/// The processes that workers have below them.
fn below_workers(mark: &str) -> Vec<i32> {
    let workers = workers(mark);
    let parent = |pid: i32| -> Option<i32> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, rest) = stat.rsplit_once(") ")?;
        rest.split_whitespace().nth(1)?.parse().ok()
    };
    let is_below = |pid: &i32| {
        let mut above = std::iter::successors(parent(*pid), |pid| parent(*pid));
        above.any(|pid| workers.contains(&pid))
    };
    marked(mark).into_iter().filter(is_below).collect()
}

/// Waits until none of `pids` is left.
fn these_gone(pids: &[i32], mark: &str) {
    wait_for("what a worker ran has ended", || {
        pids.iter().all(|pid| !processes::has(*pid, mark))
    });
}

fn is_helper(pid: i32) -> bool {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    line.starts_with(b"sleep\0")
}

/// Runs or resumes the sweep, with kills while there are `left`; whether it is done.
fn session(dir: &CrashDir, sweep: &str, left: u64, rng: &mut Rng, counts: &mut Counts) -> bool {
    counts.sessions += 1;
    let file = format!("{sweep}.toml");
    let mut running = match dir.is_begun(sweep) {
        true => dir.start(&["resume", sweep, "--retry-failed"]),
        false => dir.start(&["run", &file, "--retry-failed"]),
    };
    let until = counts.kills + left;
    loop {
        let begin = Instant::now();
        let pause = Duration::from_millis(rng.between(PAUSE.0, PAUSE.1));
        while begin.elapsed() < pause || counts.kills >= until {
            if let Some(status) = running.child.try_wait().unwrap() {
                running.must(status, if left == 0 { &[0] } else { &[0, 3] });
                return status.code() == Some(0);
            }
            sleep(Duration::from_millis(5));
        }
        let action = rng.pick(&ACTIONS);
        let held = below_workers(&dir.mark);
        let reached = strike(action, dir, &running, rng);
        counts.kills += u64::from(action != Action::Interrupt) * reached.min(1);
        match action {
            Action::KillProgram | Action::KillWorker => continue,
            Action::Interrupt => {
                let status = running.child.wait().unwrap();
                if status.code().is_some() {
                    running.must(status, &[0, 3, 130]);
                }
                these_gone(&held, &dir.mark);
            }
            Action::KillCoordinator => {
                running.child.wait().unwrap();
                // Workers notice, and end what they run; often the next session comes before that. What was left by
                // earlier kills is for the next session.
                if rng.chance(50) {
                    these_gone(&held, &dir.mark);
                }
            }
            Action::KillAll => {
                running.child.wait().unwrap();
            }
        }
        return false;
    }
}

/// How often each trial has come to its end.
fn ended(dir: &CrashDir) -> BTreeMap<String, usize> {
    let mut ends = BTreeMap::new();
    let text = std::fs::read_to_string(dir.path("ended")).unwrap_or_default();
    for trial in text.lines() {
        *ends.entry(trial.to_owned()).or_default() += 1;
    }
    ends
}

/// Everything recorded of results but for times and the use of the machine.
fn results(dir: &CrashDir) -> Vec<String> {
    let connection = Connection::open(dir.path("runs/sweep.sqlite")).unwrap();
    let mut query = connection
        .prepare(
            "SELECT t.name || ' ' || t.status || ' ' || t.best || ' ' || t.best_step || ' ' || t.last || ' ' || t.steps
                    || ' ' || n.name || ' ' || m.step || ' ' || m.value
             FROM trials t JOIN metrics m ON m.trial = t.id JOIN metric_names n ON n.id = m.metric
             WHERE n.name NOT LIKE 'sweep/%' ORDER BY t.name, n.name, m.step",
        )
        .unwrap();
    let rows = query.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

/// One folder in which both sweeps are killed and resumed until they are done.
fn round(kills: u64, rng: &mut Rng, counts: &mut Counts, alone: &[String]) {
    let dir = crash_dir();
    let mut finished: BTreeMap<String, (String, usize)> = BTreeMap::new();
    for (sweep, _) in SWEEPS {
        let until = counts.kills + kills.div_ceil(SWEEPS.len() as u64);
        loop {
            let is_done = session(&dir, sweep, until.saturating_sub(counts.kills), rng, counts);
            // Between sessions a finished trial stays as it is, and its program does not end again.
            let ends = ended(&dir);
            let snapshot = Snapshot::read(&dir.path("runs")).unwrap_or_default();
            for (trial, (result, count)) in &finished {
                assert_eq!(snapshot.results.get(trial), Some(result), "{trial}");
                assert_eq!(
                    ends.get(trial),
                    Some(count),
                    "{trial} was finished and ran again"
                );
            }
            for (trial, result) in snapshot.results {
                let count = ends.get(&trial).copied().unwrap_or(0);
                assert!(count >= 1, "{trial} is finished and never came to its end");
                finished.insert(trial, (result, count));
            }
            if is_done {
                break;
            }
        }
        all_gone(&dir.mark);
    }
    assert_eq!(results(&dir), alone);
    let snapshot = Snapshot::read(&dir.path("runs")).unwrap();
    for trial in snapshot.results.keys() {
        let own = snapshot
            .attempts
            .iter()
            .filter(|attempt| attempt.trial == *trial);
        let after = own.skip_while(|attempt| !attempt.is_final()).count();
        assert_eq!(after, 1, "attempts at {trial} from its result on");
    }
    counts.trials += snapshot.results.len();
    counts.attempts += snapshot.attempts.len();
    let resumed = std::fs::read_to_string(dir.path("resumed")).unwrap_or_default();
    counts.resumed += resumed.lines().count();
    counts.ended_twice += ended(&dir).values().filter(|count| **count > 1).count();
}

#[test]
fn programs_killed_anywhere_and_resumed_end_as_those_left_alone_and_leave_nothing() {
    let kills = variable("SWEEP_TORTURE_KILLS", KILLS);
    let seed = variable("SWEEP_TORTURE_SEED", SEED);
    println!("SWEEP_TORTURE_KILLS={kills} SWEEP_TORTURE_SEED={seed}");
    let begin = Instant::now();
    let alone = crash_dir();
    for (sweep, _) in SWEEPS {
        alone.succeed(&["run", &format!("{sweep}.toml")]);
    }
    all_gone(&alone.mark);
    let alone = results(&alone);
    assert!(alone.len() == 6 * 12 + 6 * 8, "{alone:#?}");
    let mut rng = Rng::new(seed);
    let mut counts = Counts::default();
    while counts.kills < kills {
        let next = KILLS_A_ROUND.min(kills - counts.kills);
        round(next, &mut rng, &mut counts, &alone);
        println!("{counts} in {:.0} s", begin.elapsed().as_secs_f64());
    }
    // Of a few kills none may come when there is a checkpoint.
    assert!(counts.resumed > 0 || kills <= KILLS, "{counts}");
}
