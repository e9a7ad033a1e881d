//! The messages of a worker about one attempt, and waiting while the disk is full.
//!
//! Invariant: while a trial is blocked, the coordinator is told so, and a stop takes effect at once.

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sweep_core::awake;
use sweep_core::protocol::FromWorker;
use sweep_engine::Control;

/// First pause before a failed write is retried; doubles with every further failure.
const FIRST_BACKOFF: Duration = Duration::from_millis(500);
/// Longest pause before a failed write is retried.
const MAX_BACKOFF: Duration = Duration::from_secs(10);
/// How often a pause checks for a stop.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Sends the messages of a worker about one attempt.
pub(super) struct AttemptChannel<'a> {
    pub attempt: u64,
    pub output: &'a File,
    pub stop: &'a AtomicBool,
    /// Why a message could not be sent, which means that the coordinator is gone.
    pub send_error: Option<io::Error>,
    /// Since when writes have been failing, and the next pause.
    blocked: Option<(Instant, Duration)>,
}

impl<'a> AttemptChannel<'a> {
    pub(super) fn new(attempt: u64, output: &'a File, stop: &'a AtomicBool) -> AttemptChannel<'a> {
        AttemptChannel {
            attempt,
            output,
            stop,
            send_error: None,
            blocked: None,
        }
    }

    pub(super) fn send(&mut self, message: &FromWorker) {
        if self.send_error.is_none() {
            self.send_error = send(self.output, message).err();
        }
    }

    /// Sends a warning, which also goes to the log; it is one line.
    pub(super) fn warn(&mut self, message: &str) {
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        log(&message);
        let attempt = self.attempt;
        self.send(&FromWorker::Warning { attempt, message });
    }

    /// Whether training must end: on request, or because the coordinator is gone.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.send_error.is_some()
    }

    /// Whether the last write failed for lack of space.
    pub(super) fn is_blocked(&self) -> bool {
        self.blocked.is_some()
    }

    /// Waits before the next try; warns with `why` the first time. Says whether to try again.
    pub(super) fn wait(&mut self, why: &str) -> Control {
        let (since, pause) = match self.blocked {
            Some(blocked) => blocked,
            None => {
                self.warn(why);
                (awake::now(), FIRST_BACKOFF)
            }
        };
        self.blocked = Some((since, (pause * 2).min(MAX_BACKOFF)));
        let begin = awake::now();
        while awake::since(begin) < pause {
            if self.is_stopped() {
                return Control::Stop;
            }
            thread::sleep(POLL_INTERVAL);
        }
        self.send(&FromWorker::Blocked {
            attempt: self.attempt,
            millis: awake::since(begin).as_millis() as u64,
        });
        Control::Continue
    }

    /// Warns that there is space again, if there was none.
    pub(super) fn unblock(&mut self) {
        if let Some((since, _)) = self.blocked.take() {
            let seconds = awake::since(since).as_secs();
            self.warn(&format!("there was space again after {seconds} s"));
        }
    }
}

pub(super) fn send(mut output: &File, message: &FromWorker) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    output.write_all(&line)
}

/// Writes a line to the slot's log.
pub(super) fn log(message: &str) {
    // Nothing can be done about a log that cannot be written.
    let _ = writeln!(io::stderr(), "{message}");
}
