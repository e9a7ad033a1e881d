//! Starts worker processes and carries lines to and from them.
//!
//! No orphan outlives its coordinator: a worker ends when its standard input closes, which the
//! kernel does however the coordinator dies, and on Linux it is also killed with its parent. Workers
//! stand in process groups of their own, so that Ctrl-C in a terminal reaches the coordinator alone.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::event::Slot;
use crate::protocol::{FromWorker, MAX_LINE, ToWorker};

/// How long a worker may live on after closing its standard output.
const FAREWELL: Duration = Duration::from_secs(5);
/// How often a worker that is about to end is looked at.
const POLL: Duration = Duration::from_millis(2);
/// How much of the end of a log is read for its last lines.
const TAIL_BYTES: u64 = 4096;
/// How many last lines of a log are kept with a failure.
const TAIL_LINES: usize = 20;

/// Numbers the workers of one session, so that a late word of a dead one is not taken for its
/// successor's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WorkerId(pub u64);

/// What is heard from a worker.
#[derive(Debug)]
pub enum Heard {
    Said(FromWorker),
    /// A line that is not of the protocol.
    Garbage(String),
    /// The process has ended; nothing more will be heard.
    Gone {
        exit_code: Option<i32>,
        signal: Option<i32>,
    },
}

/// What the dispatcher is told.
#[derive(Debug)]
pub enum Incoming {
    Heard(WorkerId, Heard),
    /// Someone wants the session to end: cleanly the first time, at once the second.
    Interrupt,
}

/// Where workers' words and interrupts arrive.
pub type Inbox = Sender<Incoming>;

/// Starts workers.
pub trait Launcher {
    /// Starts a worker for `slot`; whatever it says goes to `inbox` under the name `worker`.
    fn launch(&mut self, slot: &Slot, worker: WorkerId, inbox: Inbox) -> io::Result<Box<dyn Link>>;
}

/// The coordinator's end of one worker.
pub trait Link {
    fn send(&mut self, message: &ToWorker) -> io::Result<()>;
    /// Ends the worker at once; `Gone` will be heard.
    fn kill(&mut self);
    /// The file that the worker's messages to people go to.
    fn log(&self) -> PathBuf;
    /// Last lines of what the worker wrote to its log.
    fn log_tail(&self) -> String;
}

/// Starts this very program, or another, as `PROGRAM worker`.
#[derive(Debug)]
pub struct ProcessLauncher {
    program: PathBuf,
    /// Folder of the log files, one a slot.
    logs: PathBuf,
}

impl ProcessLauncher {
    /// Creates the folder `logs` if need be.
    pub fn new(program: PathBuf, logs: PathBuf) -> io::Result<ProcessLauncher> {
        std::fs::create_dir_all(&logs)?;
        Ok(ProcessLauncher { program, logs })
    }
}

impl Launcher for ProcessLauncher {
    fn launch(&mut self, slot: &Slot, worker: WorkerId, inbox: Inbox) -> io::Result<Box<dyn Link>> {
        let log = self.logs.join(format!("{}.log", slot.0.replace(':', "-")));
        let errors = OpenOptions::new().create(true).append(true).open(&log)?;
        let log_start = errors.metadata()?.len();
        let mut command = Command::new(&self.program);
        command
            .arg("worker")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            // One slot is one core. Idle OpenMP threads that spin starve the other workers.
            .env("OMP_NUM_THREADS", "1")
            .env("OMP_WAIT_POLICY", "passive")
            .env("RAYON_NUM_THREADS", "1");
        set_apart(&mut command);
        let mut child = command.spawn()?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other(
                "the worker has no standard input or output",
            ));
        };
        let child = Arc::new(Mutex::new(child));
        let listener = Arc::clone(&child);
        thread::Builder::new()
            .name(format!("listen {slot}"))
            .spawn(move || listen(stdout, &listener, worker, &inbox))?;
        Ok(Box::new(ProcessLink {
            child,
            stdin,
            log,
            log_start,
        }))
    }
}

struct ProcessLink {
    /// Shared with the listening thread, which reaps the process; the lock is only ever held for
    /// the length of one system call.
    child: Arc<Mutex<Child>>,
    stdin: ChildStdin,
    log: PathBuf,
    /// Length of the log file when this worker began.
    log_start: u64,
}

impl Link for ProcessLink {
    fn send(&mut self, message: &ToWorker) -> io::Result<()> {
        let mut line = serde_json::to_vec(message)?;
        line.push(b'\n');
        self.stdin.write_all(&line)
    }

    fn kill(&mut self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        // An error means that it has ended already.
        let _ = child.kill();
    }

    fn log(&self) -> PathBuf {
        self.log.clone()
    }

    fn log_tail(&self) -> String {
        read_tail(&self.log, self.log_start).unwrap_or_default()
    }
}

impl Drop for ProcessLink {
    /// A link that goes takes its worker along: nothing is left behind on any way out.
    fn drop(&mut self) {
        self.kill();
    }
}

/// Puts the worker into a process group of its own and ties its life to the coordinator's.
fn set_apart(command: &mut Command) {
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        command.process_group(0);
    }
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::process::CommandExt as _;
        let parent = std::process::id();
        // SAFETY: between fork and exec only async-signal-safe calls are made: prctl and getppid.
        // The death signal follows the thread that forked; workers are launched by the dispatcher's
        // thread, which is the coordinator's main thread and lives as long as it does.
        unsafe {
            command.pre_exec(move || {
                if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 {
                    return Err(io::Error::last_os_error());
                }
                // The parent may have died before the call took effect.
                if libc::getppid() as u32 != parent {
                    return Err(io::Error::other("the coordinator is gone"));
                }
                Ok(())
            });
        }
    }
}

/// Passes on what the worker says until it closes its output, then waits for its end.
fn listen(stdout: ChildStdout, child: &Mutex<Child>, worker: WorkerId, inbox: &Inbox) {
    let mut reader = BufReader::new(stdout);
    let mut line = Vec::new();
    loop {
        line.clear();
        // A read error means the same as an end: the worker cannot be heard any more.
        let read = reader
            .by_ref()
            .take(MAX_LINE as u64)
            .read_until(b'\n', &mut line)
            .unwrap_or(0);
        if read == 0 {
            break;
        }
        let heard = match serde_json::from_slice(&line) {
            Ok(said) => Heard::Said(said),
            Err(_) => Heard::Garbage(String::from_utf8_lossy(&line).trim_end().to_owned()),
        };
        if inbox.send(Incoming::Heard(worker, heard)).is_err() {
            break;
        }
    }
    let status = reap(child);
    #[cfg(unix)]
    let signal = {
        use std::os::unix::process::ExitStatusExt as _;
        status.and_then(|status| status.signal())
    };
    #[cfg(not(unix))]
    let signal = None;
    let exit_code = status.and_then(|status| status.code());
    // Nobody is left to hear it when the session is over.
    let _ = inbox.send(Incoming::Heard(worker, Heard::Gone { exit_code, signal }));
}

/// Waits for the end of a worker that has closed its output; kills it if it lingers.
fn reap(child: &Mutex<Child>) -> Option<ExitStatus> {
    let mut waited = Duration::ZERO;
    loop {
        {
            let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
            match child.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if waited >= FAREWELL => {
                    let _ = child.kill();
                    waited = Duration::ZERO;
                }
                Ok(None) => {}
                Err(_) => return None,
            }
        }
        thread::sleep(POLL);
        waited += POLL;
    }
}

/// The last lines of the file at `path` from byte `start` on.
fn read_tail(path: &Path, start: u64) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let from = start.max(length.saturating_sub(TAIL_BYTES));
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    Ok(lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_of_a_log_begins_where_the_worker_did() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        std::fs::write(&path, "before\nfirst\nsecond\n").unwrap();
        assert_eq!(read_tail(&path, 7).unwrap(), "first\nsecond");
        std::fs::write(&path, "x\n".repeat(5000)).unwrap();
        assert_eq!(read_tail(&path, 0).unwrap().lines().count(), TAIL_LINES);
    }
}
