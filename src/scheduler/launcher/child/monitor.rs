//! Monitors one worker: enforces its memory limit and waits for its exit.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::exit_cause;
use super::family::Family;
use super::output::Progress;
use super::process::{Killed, Process};
use sweep_core::awake;
use sweep_core::bounded_log::Tail;
use sweep_core::event::Cause;

/// How often the memory of a worker with a limit is measured.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// How long the pipes of a worker that has ended are listened to when nothing comes out of them: somebody
/// outside its group holds them open.
const DRAIN: Duration = Duration::from_secs(1);

pub(super) struct Monitor {
    pub process: Arc<Process>,
    pub family: Arc<Family>,
    /// Bytes of private memory.
    pub memory_limit: Option<u64>,
    /// Disconnected when all messages of the worker have been read.
    pub output_read: Receiver<()>,
    /// Disconnected when all of its log has been read.
    pub log_read: Receiver<()>,
    pub progress: Arc<Progress>,
    pub tail: Tail,
}

impl Monitor {
    /// Why the worker ended; returns when it has, and all its output has been read.
    pub(super) fn wait(self) -> Cause {
        let mut seen = None;
        if let Some(limit) = self.memory_limit {
            while !self.process.has_ended(false) {
                let held = self.process.private_memory();
                seen = seen.max(held);
                if let Some(held) = held.filter(|held| *held > limit) {
                    self.process.kill(Killed::MemoryLimit(held));
                    break;
                }
                thread::sleep(POLL_INTERVAL);
            }
        }
        self.process.has_ended(true);
        let ended = self.process.reap();
        self.family.remove(self.process.pid());
        // Nothing is ever sent: these are the other ends going, or time running out.
        loop {
            let is_silent = has_timed_out(&self.output_read);
            if !is_silent || !self.progress.forwarding.load(Ordering::Relaxed) {
                break;
            }
        }
        has_timed_out(&self.log_read);
        exit_cause::cause(&ended, &self.tail.lines(), self.memory_limit, seen)
    }
}

/// Waits for the other end of `pipe_read` to go; whether [`DRAIN`] was over first.
fn has_timed_out(pipe_read: &Receiver<()>) -> bool {
    let begin = awake::now();
    loop {
        let left = DRAIN.saturating_sub(awake::since(begin));
        match pipe_read.recv_timeout(left) {
            Err(RecvTimeoutError::Timeout) if awake::since(begin) < DRAIN => {}
            outcome => return outcome == Err(RecvTimeoutError::Timeout),
        }
    }
}
