//! Workers that misbehave, through the real launcher: shell scripts in place of the program.
//!
//! Whatever a worker does, its end is heard once with its cause, nothing of it is left behind, and neither
//! memory nor disk are filled.

#![cfg(unix)]

use std::cell::Cell;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sweep_core::event::{Cause, Slot};
use sweep_core::protocol::{Checkpointing, FromWorker, ToWorker, TrainRequest};
use sweep_core::trial::{DataDigest, Kind, ModelSpec, Objective, TrialSpec};
use sweep_scheduler::{
    Incoming, Launcher, LocalLauncher, Receiver, Sender, WorkerHandle, WorkerId, WorkerOutput,
    channel,
};

/// Longest a test waits for something to happen in another process.
const TIMEOUT: Duration = Duration::from_secs(60);
const READY: &str = r#"echo '{"type":"ready","protocol":5,"engine":"fake","pid":1}'"#;
/// A log and the older one beside it.
const LOG_BOUND: u64 = 2 << 20;

/// A folder with one script that stands in for the worker program.
struct Stage {
    folder: tempfile::TempDir,
    sender: Sender,
    receiver: Receiver,
}

impl Stage {
    fn new() -> Stage {
        let (sender, receiver) = channel();
        Stage {
            folder: tempfile::tempdir().unwrap(),
            sender,
            receiver,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts a worker that runs `script` in the folder.
    fn start(&self, script: &str, memory_limit: Option<u64>) -> Box<dyn WorkerHandle> {
        let program = self.path("worker.sh");
        let home = self.folder.path().display();
        // Another process writes the program: one that has it open for writing when another test forks would make
        // it "busy".
        let mut writer = Command::new("sh");
        writer.args(["-c", "cat > \"$0\" && chmod 755 \"$0\""]);
        let mut writer = writer.arg(&program).stdin(Stdio::piped()).spawn().unwrap();
        let text = format!("#!/bin/sh\ncd '{home}'\n{script}\n");
        io::Write::write_all(&mut writer.stdin.take().unwrap(), text.as_bytes()).unwrap();
        assert!(writer.wait().unwrap().success());
        assert!(fs::metadata(&program).unwrap().permissions().mode() & 0o100 != 0);
        let mut launcher = LocalLauncher::new(program, self.path("logs"), memory_limit).unwrap();
        let slot = Slot("cpu:0".to_owned());
        launcher
            .launch(&slot, WorkerId(1), self.sender.clone())
            .unwrap()
    }

    fn hear(&self) -> WorkerOutput {
        match self.receiver.recv_timeout(TIMEOUT).unwrap() {
            Incoming::Worker(WorkerId(1), heard) => heard,
            other => panic!("{other:?}"),
        }
    }

    /// Everything heard, and the cause of the end.
    fn hear_all(&self) -> (Vec<WorkerOutput>, Cause) {
        let mut heard = Vec::new();
        loop {
            match self.hear() {
                WorkerOutput::Exited(cause) => return (heard, cause),
                other => heard.push(other),
            }
        }
    }

    /// The number of a process that the script has written to `name`.
    fn process(&self, name: &str) -> i32 {
        let path = self.path(name);
        wait_until("a process has said its number", || {
            fs::read_to_string(&path).is_ok_and(|text| text.ends_with('\n'))
        });
        fs::read_to_string(path).unwrap().trim().parse().unwrap()
    }
}

fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < TIMEOUT, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether a process runs; one that is dead and has not been reaped by its new parent does not.
fn is_running(process: i32) -> bool {
    state_of(process).is_some_and(|state| state != 'Z')
}

/// The state of a process as proc(5) has it: `R` runs, `S` sleeps, `Z` is dead.
fn state_of(process: i32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    stat.rsplit(") ").next()?.chars().next()
}

fn order(bytes: usize) -> ToWorker {
    let spec = TrialSpec::new(ModelSpec::new(Kind::MLP), 1, Objective::default());
    ToWorker::Train(Box::new(TrainRequest {
        attempt: 1,
        trial: spec.id(&DataDigest::from_hex("0".repeat(64))),
        spec,
        data: PathBuf::from("x".repeat(bytes)),
        folder: PathBuf::new(),
        checkpoint: Checkpointing {
            every_ms: 1,
            cost: 1.0,
        },
        pause_at: None,
        program: None,
    }))
}

fn said(cause: &Cause) -> String {
    format!("{}: {cause}", cause.name())
}

#[test]
fn bytes_that_are_no_text_are_garbage_and_shown_as_text() {
    let stage = Stage::new();
    let link = stage.start(r"printf '\377\376\000{\n'; sleep 300", None);
    let WorkerOutput::Malformed(line) = stage.hear() else {
        panic!("not taken for garbage")
    };
    assert!(line.starts_with('\u{fffd}') && line.len() < 20, "{line:?}");
    drop(link);
    stage.hear_all();
}

#[test]
fn a_line_of_a_hundred_megabytes_is_garbage_of_which_the_beginning_is_kept() {
    let stage = Stage::new();
    let link = stage.start(
        "head -c 100000000 /dev/zero | tr '\\0' x; echo; sleep 300",
        None,
    );
    let WorkerOutput::Malformed(line) = stage.hear() else {
        panic!("not taken for garbage")
    };
    assert!(
        line.starts_with("xxx") && line.len() < 1000,
        "{}",
        line.len()
    );
    drop(link);
    let (more, _) = stage.hear_all();
    assert!(more.is_empty(), "nothing is heard after garbage: {more:?}");
}

#[test]
fn an_end_without_a_result_is_a_crash_with_its_exit_code_after_all_that_was_said() {
    let stage = Stage::new();
    let _link = stage.start(&format!("{READY}; {READY}; exit 0"), None);
    let (heard, cause) = stage.hear_all();
    assert_eq!(heard.len(), 2);
    assert!(
        heard
            .iter()
            .all(|heard| matches!(heard, WorkerOutput::Message(FromWorker::Ready { .. })))
    );
    let crashed = Cause::Crashed {
        exit_code: Some(0),
        signal: None,
    };
    assert_eq!(cause, crashed);
}

#[test]
fn half_a_line_of_a_worker_that_died_is_no_garbage() {
    let stage = Stage::new();
    let _link = stage.start("printf '{\"type\":\"ready\",\"proto'; kill -KILL $$", None);
    let (heard, cause) = stage.hear_all();
    assert!(heard.is_empty(), "{heard:?}");
    let crashed = Cause::Crashed {
        exit_code: None,
        signal: Some(9),
    };
    assert_eq!(cause, crashed);
}

#[test]
fn a_worker_that_closes_its_output_and_lives_on_is_ended() {
    let stage = Stage::new();
    let _link = stage.start("echo $$ > pid; exec >&-; while :; do sleep 1; done", None);
    let process = stage.process("pid");
    let (_, cause) = stage.hear_all();
    let said = said(&cause);
    assert!(
        said.starts_with("protocol: ") && said.contains("closed its output"),
        "{said}"
    );
    assert!(!is_running(process));
}

#[test]
fn a_worker_that_does_not_read_blocks_nothing_and_is_ended() {
    let stage = Stage::new();
    let mut link = stage.start(&format!("echo $$ > pid; {READY}; sleep 300"), None);
    stage.hear();
    let begin = Instant::now();
    let error = (0..100).find_map(|_| link.send(&order(40_000)).err());
    assert_eq!(
        error.expect("pipes are finite").kind(),
        io::ErrorKind::TimedOut
    );
    assert!(begin.elapsed() < Duration::from_secs(30));
    let (_, cause) = stage.hear_all();
    assert!(said(&cause).contains("did not read"), "{cause}");
    assert!(!is_running(stage.process("pid")));
    assert!(link.send(&order(1)).is_err(), "the worker is gone");
}

#[test]
fn a_child_that_keeps_the_pipes_open_is_ended_with_its_worker() {
    let stage = Stage::new();
    let script = "sleep 300 & echo $! > child; echo last words >&2; kill -SEGV $$";
    let link = stage.start(script, None);
    let (_, cause) = stage.hear_all();
    let crashed = Cause::Crashed {
        exit_code: None,
        signal: Some(libc::SIGSEGV),
    };
    assert_eq!(cause, crashed);
    assert_eq!(link.log_tail(), "last words");
    let child = stage.process("child");
    wait_until("the child is gone", || !is_running(child));
}

#[test]
fn a_stranger_that_keeps_the_pipes_open_does_not_keep_the_end_from_being_heard() {
    let stage = Stage::new();
    let script = format!(
        "setsid sh -c 'echo $$ > child; exec sleep 300' & {READY}; wait_for=child;
        while [ ! -s $wait_for ]; do sleep 0.01; done; exit 7"
    );
    let _link = stage.start(&script, None);
    let (heard, cause) = stage.hear_all();
    let stranger = stage.process("child");
    assert!(is_running(stranger), "or else this shows nothing");
    // SAFETY: kill takes plain numbers; the process was seen running just now.
    unsafe { libc::kill(stranger, libc::SIGKILL) };
    assert_eq!(heard.len(), 1);
    let crashed = Cause::Crashed {
        exit_code: Some(7),
        signal: None,
    };
    assert_eq!(cause, crashed);
}

#[test]
fn a_link_that_is_let_go_takes_its_worker_and_all_its_children_along() {
    let stage = Stage::new();
    let script = format!(
        "sh -c 'echo $$ > grandchild; while :; do sleep 1; done' & echo $$ > pid; {READY}; sleep 300"
    );
    let link = stage.start(&script, None);
    stage.hear();
    let processes = [stage.process("pid"), stage.process("grandchild")];
    assert!(processes.into_iter().all(is_running));
    drop(link);
    wait_until("all are gone", || !processes.into_iter().any(is_running));
}

#[test]
fn a_log_that_is_written_without_end_stays_bounded_while_the_worker_lives() {
    let stage = Stage::new();
    let link = stage.start(
        "echo $$ > pid; while :; do yes 'once more' | head -c 300000 >&2; done",
        None,
    );
    let older = stage.path("logs/cpu-0.log.1");
    wait_until("the log was rotated", || older.exists());
    let written = fs::metadata(&older).unwrap().modified().unwrap();
    wait_until("it was rotated again", || {
        fs::metadata(&older).is_ok_and(|file| file.modified().unwrap() > written)
    });
    assert!(is_running(stage.process("pid")));
    assert!(size_of(&stage.path("logs")) <= LOG_BOUND);
    assert!(link.log_tail().contains("once more"));
    assert_eq!(link.log(), stage.path("logs/cpu-0.log"));
    drop(link);
    stage.hear_all();
    assert!(size_of(&stage.path("logs")) <= LOG_BOUND);
}

#[test]
fn a_worker_that_says_its_piece_without_end_waits_until_it_is_listened_to() {
    let stage = Stage::new();
    /// It is seen asleep as often as this in a row: a disk may keep it waiting for a moment.
    const MANY_TIMES: u32 = 20;
    let script = format!(
        "echo $$ > pid; {READY}; i=0; while :; do i=$((i+1)); echo $i > said; {READY}; done"
    );
    let link = stage.start(&script, None);
    let count = || -> u64 {
        let text = fs::read_to_string(stage.path("said")).unwrap_or_default();
        text.trim().parse().unwrap_or(0)
    };
    // Some thousands wait to be heard, and a pipe holds about a thousand more. A shell that has nothing to do but to
    // count and to write only ever sleeps when the pipe is full.
    let shell = stage.process("pid");
    let seen = Cell::new((0, 0));
    wait_until("it waits", || {
        let (before, times) = seen.get();
        let waits = count() == before && before > 4096 && state_of(shell) == Some('S');
        seen.set((count(), if waits { times + 1 } else { 0 }));
        times == MANY_TIMES
    });
    assert!(count() < 20_000, "{}", count());
    drop(link);
    let (heard, _) = stage.hear_all();
    assert!(heard.len() > 4096);
}

#[cfg(target_os = "linux")]
#[test]
fn a_worker_that_allocates_without_end_ends_at_its_limit_and_is_distinguished_from_a_crash() {
    let stage = Stage::new();
    // What has no line ends is held in memory as a whole.
    let _link = stage.start("exec tail /dev/zero", Some(200_000_000));
    let (_, cause) = stage.hear_all();
    let said = said(&cause);
    assert!(said.starts_with("out_of_memory: "), "{said}");
    assert!(said.contains("200 MB"), "{said}");
}

#[test]
fn an_allocation_that_fails_is_out_of_memory_with_the_words_of_the_log() {
    let stage = Stage::new();
    let script = "echo 'memory allocation of 99 bytes failed' >&2; kill -ABRT $$";
    let _link = stage.start(script, None);
    let (_, cause) = stage.hear_all();
    let said = said(&cause);
    assert!(
        said.starts_with("out_of_memory: ") && said.contains("of 99 bytes failed"),
        "{said}"
    );
}

/// Bytes of the files in `folder`.
fn size_of(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().metadata().map_or(0, |file| file.len()))
        .sum()
}
