//! Failures, limits and stopping, with the real binary: what is retried, what is skipped, what is
//! left for later, and how it is told.

use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::common::{TIMEOUT, TestDir, ended};

/// An experiment of two seeds of a network.
fn file(name: &str, more: &str) -> String {
    format!(
        "[experiment]
name = \"{name}\"
seeds = [1, 2]

[data]
path = \"demo.csv\"
target = \"playlist_genre\"
group = \"track_id\"
numeric = [\"energy\", \"loudness\", \"tempo\"]

{more}
"
    )
}

/// More epochs than any test waits for.
const ENDLESS: &str = "[model]\nepochs = 100000\n";

fn test_dir(more: &str) -> TestDir {
    let place = TestDir::with_data(600);
    let dir = place;
    dir.write("small.toml", file("small", more));
    dir
}

fn start<'a>(dir: &'a TestDir, arguments: &[&str]) -> Running<'a> {
    let child = dir
        .command(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    Running {
        dir,
        child: child.unwrap(),
    }
}

/// Waits until `query` gives something else than 0, and gives that.
fn await_number(dir: &TestDir, query: &str) -> i64 {
    let begin = Instant::now();
    loop {
        match dir.count(query) {
            0 => assert!(begin.elapsed() < TIMEOUT, "still 0: {query}"),
            number => return number,
        }
        sleep(Duration::from_millis(10));
    }
}

/// A sweep in the background.
struct Running<'a> {
    dir: &'a TestDir,
    child: Child,
}

impl Running<'_> {
    /// Waits until it has reported a step.
    fn await_progress(&self) -> &Self {
        await_number(self.dir, "SELECT count(*) FROM metrics");
        self
    }

    fn end(self, code: i32) -> (String, String) {
        let output = self.child.wait_with_output().unwrap();
        ended(output, &["in the background"], code)
    }
}

#[test]
fn a_configuration_that_kills_its_worker_twice_is_skipped_and_the_story_is_told() {
    let dir = test_dir(ENDLESS);
    let sweep = start(&dir, &["run", "small.toml", "--workers", "1"]);
    for attempt in 1..=2 {
        let pid = await_number(
            &dir,
            &format!("SELECT pid FROM attempts WHERE number = {attempt} AND outcome = 'running'"),
        );
        // SAFETY: kill takes plain numbers; the database names a worker of the sweep above.
        assert_eq!(unsafe { libc::kill(pid as i32, libc::SIGKILL) }, 0);
    }
    let (_, told) = sweep.end(3);
    assert!(
        told.contains("signal 9 (SIGKILL); it will be retried"),
        "{told}"
    );
    assert!(told.contains("skipped: its configuration"), "{told}");
    assert!(told.contains("2 failed (1 skipped)"), "{told}");

    let shown = dir.succeed(&["show", "small"]);
    for words in [
        "crashed: 1 trial\n",
        "skipped: 1 trial\n",
        "has ended 2 workers; the last: worker killed by signal 9 (SIGKILL)",
        "sweep run small.toml --workers 1",
    ] {
        assert!(shown.contains(words), "{words} is not in\n{shown}");
    }
    let crashed = dir.text("SELECT name FROM trials WHERE cause = 'crashed'");
    let shown = dir.succeed(&["show", &crashed[..12]]);
    for words in [
        "1.2 ",
        "signal 9 (SIGKILL)",
        "Experiment    small\n",
        &format!("runs/trials/{crashed}\n"),
        "crashed: worker killed by signal 9 (SIGKILL)",
    ] {
        assert!(shown.contains(words), "{words} is not in\n{shown}");
    }
    let json = dir.succeed(&["show", &crashed[..12], "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["attempts"][0]["signal"], 9);
    assert_eq!(json["cause"], "crashed");
    assert_eq!(json["asked_by"][0]["experiment"], "small");
    let aside = dir.text("SELECT name FROM trials WHERE cause = 'skipped'");
    let shown = dir.succeed(&["show", &aside[..12]]);
    assert!(shown.contains("skipped: its configuration"), "{shown}");
    // Whether the second attempt is at the other trial depends on how long a worker takes to start.
    let first = "SELECT t.name FROM trials t JOIN attempts a ON a.trial = t.id WHERE a.number = 1";
    let shown = dir.succeed(&["show", &dir.text(first)[..12]]);
    assert!(shown.contains("1.1 "), "{shown}");

    // Only the skipped trial is trained again.
    let retry = ["--retry-failed", "--only", "skipped", "--max-time", "1s"];
    let again = [&["resume", "small"], &retry[..]].concat();
    dir.end(&again, 6);
    let status =
        |trial: &str| dir.text(&format!("SELECT status FROM trials WHERE name = '{trial}'"));
    assert_eq!(status(&crashed), "failed");
    assert_eq!(status(&aside), "interrupted");
}

#[test]
fn only_failures_of_the_causes_named_are_tried_again() {
    let dir = test_dir(&format!("{ENDLESS}[schedule]\ntrial_timeout = \"200ms\"\n"));
    dir.end(&["run", "small.toml"], 3);
    let attempts = "SELECT count(*) FROM attempts WHERE outcome = 'timed_out'";
    assert_eq!(dir.count(attempts), 2);
    let retry = |more: &[&'static str]| [&["resume", "small", "--retry-failed"], more].concat();
    dir.end(&retry(&["--only", "crashed,hung"]), 3);
    assert_eq!(dir.count(attempts), 2);
    dir.end(&retry(&["--only", "crashed,timed_out"]), 3);
    assert_eq!(dir.count(attempts), 4);

    let (_, told) = dir.end(&retry(&["--only", "crahsed"]), 2);
    for cause in sweep_core::event::CAUSES {
        assert!(told.contains(cause), "{told}");
    }
    let (_, told) = dir.end(&["resume", "small", "--only", "crashed"], 2);
    assert!(told.contains("--retry-failed"), "{told}");
}

#[test]
fn a_worker_that_falls_silent_is_recorded_as_hung() {
    let schedule = "[schedule]\nstall_timeout = \"2s\"\nretries = 0\nslots = { cpu = 1 }\n";
    let dir = test_dir(&format!("{ENDLESS}{schedule}"));
    let sweep = start(&dir, &["run", "small.toml", "--max-trials", "1"]);
    sweep.await_progress();
    let pid = await_number(&dir, "SELECT pid FROM attempts WHERE outcome = 'running'");
    // SAFETY: kill takes plain numbers; the database names a worker of the sweep above.
    assert_eq!(unsafe { libc::kill(pid as i32, libc::SIGSTOP) }, 0);
    let (_, told) = sweep.end(6);
    assert!(told.contains("no progress was reported for 2."), "{told}");
    assert_eq!(
        dir.text("SELECT cause FROM trials WHERE cause IS NOT NULL"),
        "hung"
    );
    assert_eq!(dir.text("SELECT outcome FROM attempts"), "hung");
}

#[test]
fn a_session_ends_at_its_limits_and_resume_continues() {
    let grid = "[model]\nepochs = 2\n[grid]\ndropout = [0.0, 0.1, 0.2, 0.3]\n";
    let dir = test_dir(grid);
    let (_, told) = dir.end(&["run", "small.toml", "--max-trials", "3"], 6);
    assert!(
        told.contains(
            "the limit of 3 trials is reached: 5 trials left; continue with `sweep resume small`"
        ),
        "{told}"
    );
    assert_eq!(dir.count("SELECT count(*) FROM attempts"), 3);
    assert_eq!(dir.text("SELECT outcome FROM sessions"), "interrupted");
    dir.succeed(&["resume", "--max-trials", "5", "--max-time", "1h"]);
    assert_eq!(dir.count("SELECT count(*) FROM attempts"), 8);

    for (flag, value) in [
        ("--max-trials", "0"),
        ("--max-time", "2"),
        ("--max-time", "0s"),
    ] {
        let (_, told) = dir.end(&["resume", flag, value], 2);
        assert!(told.contains(flag), "{told}");
    }

    dir.write("long.toml", file("long", ENDLESS));
    let (_, told) = dir.end(&["run", "long.toml", "--max-time", "1s"], 6);
    assert!(
        told.contains("stopping: the time limit of 1s is reached; running trials write"),
        "{told}"
    );
    let interrupted = "SELECT count(*) FROM attempts WHERE outcome = 'interrupted'";
    assert!(dir.count(interrupted) > 0);
}

#[test]
fn a_running_sweep_is_stopped_from_elsewhere() {
    let dir = test_dir(ENDLESS);
    assert_eq!(dir.succeed(&["stop"]), "no sweep is running\n");
    let sweep = start(&dir, &["run", "small.toml"]);
    sweep.await_progress();
    // By its name, or because it is the only one.
    let (said, told) = dir.end(&["stop"], 0);
    assert!(told.contains("asked small to stop (process"), "{told}");
    assert!(
        said.starts_with("small has stopped: 0 of 2 trials done, ")
            && said.ends_with("interrupted; continue with `sweep resume small`\n"),
        "{said}"
    );
    let (_, told) = sweep.end(130);
    assert!(told.contains("stopping: running trials write"), "{told}");
    let with_checkpoint = "SELECT count(*) FROM attempts
         WHERE outcome = 'interrupted' AND message LIKE 'checkpoint after step%'";
    assert!(dir.count(with_checkpoint) > 0);
    assert!(!dir.path("runs/locks/small.stop").exists());

    assert_eq!(dir.succeed(&["stop", "small"]), "small is not running\n");
    let (_, told) = dir.end(&["stop", "smal"], 2);
    assert!(told.contains("existing sweeps: small"), "{told}");
    let idle = dir.succeed(&["stop", "small", "--json"]);
    let idle: serde_json::Value = serde_json::from_str(&idle).unwrap();
    assert_eq!(idle["was_running"], false);
}

#[test]
fn a_sweep_is_stopped_at_once_and_also_where_no_request_can_be_written() {
    let dir = test_dir(ENDLESS);
    let sweep = start(&dir, &["run", "small.toml"]);
    sweep.await_progress();
    let said = dir.succeed(&["stop", "small", "--now", "--json"]);
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["outcome"], "interrupted");
    let (_, told) = sweep.end(130);
    assert!(told.contains("ending the remaining workers"), "{told}");

    let seen = dir.count("SELECT max(id) FROM sessions");
    let sweep = start(&dir, &["resume", "small"]);
    await_number(
        &dir,
        &format!("SELECT count(*) FROM attempts WHERE session > {seen} AND outcome = 'running'"),
    );
    // In the place of the request stands something that cannot be replaced: a signal goes instead.
    std::fs::create_dir_all(dir.path("runs/locks/small.stop/in the way")).unwrap();
    dir.succeed(&["stop", "small"]);
    sweep.end(130);
}

#[test]
fn two_experiments_that_share_trials_leave_them_to_each_other() {
    let grid = "[model]\nepochs = 150\n[grid]\ndropout = [0.0, 0.1, 0.2, 0.3, 0.4]\n";
    let dir = test_dir(grid);
    dir.write("other.toml", file("other", grid));
    let first = start(&dir, &["run", "small.toml", "--workers", "1"]);
    first.await_progress();
    let begun = dir.text("SELECT group_concat(trial) FROM attempts");
    dir.succeed(&["run", "other.toml", "--workers", "1"]);
    first.end(0);
    let finished = "SELECT count(*) FROM trials WHERE status = 'finished'";
    assert_eq!(dir.count(finished), 10);
    assert_eq!(dir.count("SELECT count(DISTINCT session) FROM attempts"), 2);
    // What is recorded as begun is left to who began it, and what is finished is not begun again.
    let known = format!("SELECT count(*) FROM attempts WHERE trial IN ({begun})");
    assert_eq!(
        dir.count(&known),
        begun.split(',').count() as i64,
        "{begun}"
    );
    let again = "SELECT count(*) FROM
        (SELECT 1 FROM attempts GROUP BY session, trial HAVING count(*) > 1)";
    assert_eq!(dir.count(again), 0, "a session tried a trial twice");
    // Two sessions may take the same trial before either has recorded it: then both come to the same result.
    let others = "SELECT count(*) FROM attempts WHERE outcome <> 'finished'";
    assert_eq!(dir.count(others), 0, "an attempt came to another result");
    let steps = "SELECT count(*) FROM metrics m JOIN metric_names n ON n.id = m.metric
        WHERE n.name = 'valid/loss'";
    assert_eq!(dir.count(steps), 10 * 150, "each step is recorded once");
}
