//! Workers behind carriers: commands that start them elsewhere and carry their standard streams.

#![cfg(target_os = "linux")]

mod ends;
mod results;
mod sshd;

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::{TIMEOUT, TestDir, signals};

/// How often something in another process is polled.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// More epochs than any test waits for.
const ENDLESS: &str = "[model]\nepochs = 100000\n";

/// A carrier that is the shell script `body`, which ends with the worker `"$@"`; in the file `name`.
fn script(dir: &TestDir, name: &str, body: &str) -> String {
    dir.write(name, format!("#!/bin/sh\n{body}\n"));
    format!("via = [\"sh\", {:?}]", dir.path(name))
}

/// A folder with the experiment `small`: two seeds of what `training` names.
fn test_dir(training: &str) -> TestDir {
    let dir = TestDir::with_data(600);
    let columns = ["energy", "loudness", "tempo"];
    dir.write("small.toml", crate::common::experiment(&columns, training));
    dir
}

/// A folder with the experiment `small`: one trial that does not end.
fn endless_trial(schedule: &str) -> TestDir {
    let dir = test_dir("");
    let file = crate::common::experiment(&["energy"], &format!("{ENDLESS}{schedule}"));
    dir.write("small.toml", file.replace("seeds = [1, 2]", "seeds = [1]"));
    dir
}

/// The arguments that have `small.toml` run on `slots`.
fn on(slots: &str) -> [String; 4] {
    [
        "run",
        "small.toml",
        "--set",
        &format!("schedule.slots=[{slots}]"),
    ]
    .map(str::to_owned)
}

/// Runs `small.toml` on `slots`, which must end with `code`; standard error.
fn run(dir: &TestDir, slots: &str, code: i32) -> String {
    let arguments = on(slots);
    dir.end(&arguments.each_ref().map(String::as_str), code).1
}

/// The slots on which attempts were made.
fn slots_used(dir: &TestDir) -> String {
    dir.text(
        "SELECT group_concat(slot, ' ') FROM (SELECT DISTINCT slot FROM attempts ORDER BY slot)",
    )
}

fn assert_all_on(dir: &TestDir, slots: &str) {
    let used = slots_used(dir);
    assert!(
        used.split(' ').all(|slot| slot.starts_with(slots)),
        "{used}"
    );
}

fn wait_for(what: &str, holds: impl FnMut() -> bool) {
    wait_at_most(TIMEOUT, what, holds);
}

fn wait_at_most(limit: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < limit, "waited in vain: {what}");
        std::thread::sleep(POLL_INTERVAL);
    }
}

/// The processes whose command lines hold `text` and the path of the folder: workers and their carriers.
fn processes(dir: &TestDir, text: &str) -> Vec<i32> {
    let root = dir.root().to_str().unwrap();
    let holds = |pid: &i32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        line.contains(root) && line.contains(text)
    };
    let names = fs::read_dir("/proc").unwrap().flatten();
    let pids = names.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(holds).collect()
}

/// The workers that were told of a file in the folder.
fn workers(dir: &TestDir) -> Vec<i32> {
    let mut found = processes(dir, "worker\0--expect-pings");
    found.retain(|pid| {
        let program = fs::read_link(format!("/proc/{pid}/exe"));
        program.is_ok_and(|path| path.file_name().is_some_and(|name| name == "sweep"))
    });
    found
}

/// Ends the groups of processes that a test starts and that outlive what they are about, also when it fails.
struct Leftovers<'a> {
    dir: &'a TestDir,
    /// Part of their command lines.
    text: &'a str,
}

impl Drop for Leftovers<'_> {
    fn drop(&mut self) {
        for pid in processes(self.dir, self.text) {
            // SAFETY: both calls take and give plain numbers.
            let group = unsafe { libc::getpgid(pid) };
            // One that has ended has no group.
            if group > 1 {
                // SAFETY: as above; the group was started by this test.
                unsafe { libc::kill(-group, libc::SIGKILL) };
            }
        }
    }
}

/// A session in the background, which is killed when a test fails.
struct Session(Child);

impl Session {
    fn start(dir: &TestDir, slots: &str) -> Session {
        let arguments = on(slots);
        let mut command: Command = dir.command(&arguments.each_ref().map(String::as_str));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        signals::reset(&mut command);
        Session(command.spawn().unwrap())
    }

    /// Kills the coordinator, and nothing else.
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
