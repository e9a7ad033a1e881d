//! Waits for the end of one worker, and watches its memory until then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::log::Tail;
use super::process::{Killed, Process};
use super::verdict;
use sweep_core::event::Cause;

/// How often the memory of a worker with a limit is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// How long the pipes of a worker that has ended are listened to when nothing comes out of them: somebody
/// outside its group holds them open.
const DRAIN: Duration = Duration::from_secs(1);

pub(super) struct Warden {
    pub process: Arc<Process>,
    /// Bytes of private memory.
    pub memory_limit: Option<u64>,
    /// Let go when all that the worker said has been heard.
    pub all_heard: Receiver<()>,
    /// Let go when all that it wrote to its log has been read.
    pub all_logged: Receiver<()>,
    /// Holds while something that it said waits to be heard.
    pub telling: Arc<AtomicBool>,
    pub tail: Tail,
}

impl Warden {
    /// Why the worker ended; returns when it has, and when all it said has been heard.
    pub(super) fn wait(self) -> Cause {
        let mut seen = None;
        if let Some(limit) = self.memory_limit {
            while !self.process.has_ended(false) {
                let held = self.process.private_memory();
                seen = seen.max(held);
                if let Some(held) = held.filter(|held| *held > limit) {
                    self.process.kill(Killed::Overrun(held));
                    break;
                }
                thread::sleep(LOOK);
            }
        }
        self.process.has_ended(true);
        let ended = self.process.reap();
        // Nothing is ever sent: these are the other ends going, or time running out.
        while self.all_heard.recv_timeout(DRAIN) == Err(RecvTimeoutError::Timeout)
            && self.telling.load(Ordering::Relaxed)
        {}
        let _ = self.all_logged.recv_timeout(DRAIN);
        verdict::cause(&ended, &self.tail.lines(), self.memory_limit, seen)
    }
}
