//! Nothing that a program has started outlives it, wherever it has gone.

use std::time::{Duration, Instant};

use super::{Session, last_attempt, none_left, python, shell, text, trial, wait_for};
use crate::common::TestDir;

/// Longest that a sweep may take whose programs leave processes that sleep for minutes.
const SOON: Duration = Duration::from_secs(60);

/// Living processes with `word` as an argument.
fn with_argument(word: &str) -> Vec<i32> {
    let entries = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid: &i32| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.split(|byte| *byte == 0)
                .any(|one| one == word.as_bytes())
        })
        .collect()
}

/// An argument of `sleep` that no other process has: some minutes and the place of the folder.
fn unique(dir: &TestDir, number: u32) -> String {
    let name = dir.root().display().to_string();
    let hash: u32 = name.bytes().fold(7, |hash: u32, byte| {
        hash.wrapping_mul(31).wrapping_add(byte.into())
    });
    format!("{}.{hash}{number}", 600 + number)
}

#[test]
fn a_program_that_forks_and_exits_has_ended_and_what_it_left_is_ended() {
    let dir = shell("(sleep 600; echo loss=1) &\nexit 0\n", "", "");
    let begin = Instant::now();
    dir.fail(&["run", "p.toml", "-q"], 3);
    assert!(begin.elapsed() < SOON);
    let failed = trial(&dir);
    assert!(
        text(&failed, "message").contains(
            "of its processes still ran and were ended: a program has to wait for what it starts"
        ),
        "{failed:#}"
    );
    none_left(&dir);

    let dir = shell("sleep 600 &\necho loss=1\n", "", "");
    dir.succeed(&["run", "p.toml", "-q"]);
    assert!(begin.elapsed() < SOON);
    let warned = trial(&dir);
    let warnings = last_attempt(&warned)["warnings"].to_string();
    assert!(
        warnings.contains("1 of its processes still ran"),
        "{warnings}"
    );
    none_left(&dir);
}

/// Starts processes that leave its group, its session, its parent and its environment, and says so.
const ESCAPES: &str = "
import os, signal, subprocess, sys, time
plain, session, bare, orphan, stopped = sys.argv[1:]
quiet = dict(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
subprocess.Popen(['sleep', plain], **quiet)
subprocess.Popen(['sleep', session], start_new_session=True, **quiet)
subprocess.Popen(['sleep', bare], start_new_session=True, env={'PATH': os.environ['PATH']}, **quiet)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        subprocess.Popen(['sh', '-c', \"trap '' TERM HUP INT; exec sleep \" + orphan], **quiet)
    os._exit(0)
os.wait()
child = subprocess.Popen(['sleep', stopped], **quiet)
os.kill(child.pid, signal.SIGSTOP)
time.sleep(0.1)
print('loss=0.5', flush=True)
if os.environ['SWEEP_PARAM_STAYS'] == 'true':
    time.sleep(600)
";

fn escapes(program: &str, stays: bool) -> (TestDir, Vec<String>) {
    let dir = python(ESCAPES, program, &format!("[grid]\nstays = [{stays}]\n"));
    let marks: Vec<String> = (0..5).map(|number| unique(&dir, number)).collect();
    let file = std::fs::read_to_string(dir.path("p.toml")).unwrap();
    let words = format!("\"train.py\", \"{}\"]", marks.join("\", \""));
    dir.write("p.toml", file.replace("\"train.py\"]", &words));
    (dir, marks)
}

fn all_gone(marks: &[String]) {
    for mark in marks {
        wait_for("a process that escaped has ended", || {
            with_argument(mark).is_empty()
        });
    }
}

#[test]
fn what_left_the_session_the_parent_and_the_environment_ends_with_the_program() {
    let (dir, marks) = escapes("", false);
    let begin = Instant::now();
    dir.succeed(&["run", "p.toml", "-q"]);
    assert!(begin.elapsed() < SOON);
    all_gone(&marks);
    let warnings = last_attempt(&trial(&dir))["warnings"].to_string();
    assert!(
        warnings.contains("5 of its processes still ran"),
        "{warnings}"
    );
}

#[test]
fn a_time_limit_ends_what_escaped_as_well() {
    let (dir, marks) = escapes("timeout = \"2s\"\ngrace = \"200ms\"", true);
    dir.fail(&["run", "p.toml", "-q"], 3);
    all_gone(&marks);
    assert_eq!(text(&trial(&dir), "cause"), "timed_out");
}

#[test]
fn an_interrupt_ends_what_escaped_as_well() {
    let (dir, marks) = escapes("grace = \"200ms\"", true);
    let session = Session::start(&dir, &["run", "p.toml"]);
    wait_for("all have started", || {
        marks.iter().all(|mark| with_argument(mark).len() > 1)
            && dir.count("SELECT count(*) FROM metrics") > 0
    });
    session.signal(libc::SIGINT);
    assert_eq!(session.end(), Some(130));
    all_gone(&marks);
    assert_eq!(dir.text("SELECT status FROM trials"), "interrupted");
}

#[test]
fn what_a_killed_worker_leaves_is_ended_by_the_session() {
    let (dir, marks) = escapes("", true);
    // Of one that left its session and its environment nothing tells any more whose it was.
    let _bare = EndedAtLast(&marks[2]);
    let marks = [&marks[..2], &marks[3..]].concat();
    let session = Session::start(&dir, &["run", "p.toml"]);
    wait_for("all have started", || {
        marks.iter().all(|mark| with_argument(mark).len() > 1)
            && dir.count("SELECT count(*) FROM metrics") > 0
    });
    let first: Vec<i32> = marks.iter().flat_map(|mark| with_argument(mark)).collect();
    let worker = dir.count("SELECT pid FROM attempts WHERE outcome = 'running'") as i32;
    // SAFETY: kill takes plain numbers; the worker runs the program that was seen just now.
    assert_eq!(unsafe { libc::kill(worker, libc::SIGKILL) }, 0);
    wait_for("what it left has ended", || {
        first
            .iter()
            .all(|pid| !marks.iter().any(|mark| with_argument(mark).contains(pid)))
    });
    session.signal(libc::SIGINT);
    session.end();
    all_gone(&marks);
}

/// Ends what has an argument when the test is over.
struct EndedAtLast<'a>(&'a str);

impl Drop for EndedAtLast<'_> {
    fn drop(&mut self) {
        for pid in with_argument(self.0) {
            // SAFETY: kill takes plain numbers; the process has an argument that this test alone gives.
            unsafe { libc::kill(pid, libc::SIGKILL) };
        }
    }
}
