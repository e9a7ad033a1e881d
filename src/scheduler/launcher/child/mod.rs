//! A worker as a child process of this one: started with its output, its log and its end looked after by a thread each.
//!
//! Invariant: whatever a worker does, it does not block the coordinator, which keeps a bounded amount of its output and
//! receives [`WorkerOutput::Exited`] exactly once, after everything else.

mod exit_cause;
mod family;
mod input;
mod monitor;
mod output;
mod process;

use std::io;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

pub(super) use family::Family;
pub(super) use input::{never_block, write_all, write_if_free};
use monitor::Monitor;
pub(super) use output::Progress;
pub(super) use process::{Killed, Process, Ties};
use sweep_core::bounded_log::{Log, Tail};
use sweep_core::event::{Cause, Slot};
use sweep_core::run_dir::log_name;

use crate::channel::{Incoming, Sender, WorkerId, WorkerOutput};

/// How a worker is started.
pub(super) struct Start<'a> {
    pub slot: &'a Slot,
    pub command: Command,
    pub ties: Ties,
    /// Folder of the log files, one a slot.
    pub logs: &'a Path,
    pub family: &'a Arc<Family>,
    /// How long it may live on after closing its standard output.
    pub exit_grace: Duration,
    /// What its end means, by its cause and the last lines of its log.
    pub explain: fn(Cause, &str) -> Cause,
}

/// A worker that was started. Whoever takes it ends it.
pub(super) struct Started {
    pub process: Arc<Process>,
    pub stdin: ChildStdin,
    pub progress: Arc<Progress>,
    pub log: PathBuf,
    pub tail: Tail,
}

/// Starts a worker; its output goes to `sender` under the id `worker`.
///
/// # Errors
/// When it cannot be started, or not be listened to; nothing is left of it then.
pub(super) fn start(start: Start<'_>, worker: WorkerId, sender: Sender) -> io::Result<Started> {
    let Start {
        slot,
        mut command,
        ties,
        logs,
        family,
        exit_grace,
        explain,
    } = start;
    let path = logs.join(log_name(slot));
    let log = Log::new(&path);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = family.add(|| process::spawn(command, ties))?;
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let process = Arc::new(Process::new(child.id()));
    let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
        process.kill(Killed::Requested);
        return Err(io::Error::other("the worker's pipes are missing"));
    };
    let tail = log.tail();
    // Each of the two threads drops its sender when it has read all.
    let (output_done, output_read) = channel();
    let (log_done, log_read) = channel();
    let progress = Arc::new(Progress::default());
    let monitor = Monitor {
        process: Arc::clone(&process),
        family: Arc::clone(family),
        memory_limit: ties.memory_limit,
        output_read,
        log_read,
        progress: Arc::clone(&progress),
        tail: tail.clone(),
    };
    let exit_sender = sender.clone();
    let exit_tail = tail.clone();
    let (listened, listening) = (Arc::clone(&process), Arc::clone(&progress));
    let named = |what: &str| thread::Builder::new().name(format!("{what} {slot}"));
    let look_after = || {
        never_block(&stdin)?;
        named("wait").spawn(move || {
            let cause = explain(monitor.wait(), &exit_tail.lines());
            // When the session is over, the receiver is gone.
            let _ = exit_sender.send(Incoming::Worker(worker, WorkerOutput::Exited(cause)));
        })?;
        named("log").spawn(move || {
            log.carry(stderr);
            drop(log_done);
        })?;
        named("listen").spawn(move || {
            output::read(stdout, worker, &sender, &listening);
            drop((output_done, sender));
            listened.end_soon(exit_grace);
        })
    };
    if let Err(error) = look_after() {
        process.kill(Killed::Requested);
        return Err(error);
    }
    Ok(Started {
        process,
        stdin,
        progress,
        log: path,
        tail,
    })
}
