//! Ends this worker when its coordinator has been silent for too long.
//!
//! A worker on another host may never learn that its coordinator is gone: where a host dies or a network is cut, no end of
//! the input arrives. Invariant: such a worker ends itself, with all that its programs have started.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use sweep_core::awake;

use super::attempt_channel::log;
use super::program;

/// How many times the silence is measured before it is too long.
const CHECKS: u32 = 10;
/// Longest pause between two measurements.
const MAX_PAUSE: Duration = Duration::from_secs(1);
/// How long the last words to the log may take: whoever reads them may be gone.
const LOG_GRACE: Duration = Duration::from_millis(200);
/// The exit code of a worker that gave up its coordinator.
const ORPHANED: i32 = 3;

/// When the last message of the coordinator arrived.
pub(super) struct LastMessage(Mutex<Instant>);

impl LastMessage {
    /// The start counts as a message.
    pub(super) fn new() -> LastMessage {
        LastMessage(Mutex::new(awake::now()))
    }

    /// A message has arrived.
    pub(super) fn arrived(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = awake::now();
    }

    fn silence(&self) -> Duration {
        awake::since(*self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Ends this process when nothing has arrived for `limit`.
///
/// # Errors
/// When no thread can be started.
pub(super) fn end_without(last: Arc<LastMessage>, limit: Duration) -> io::Result<()> {
    let pause = (limit / CHECKS).min(MAX_PAUSE);
    let watch = move || {
        while last.silence() <= limit {
            thread::sleep(pause);
        }
        program::end_all();
        let message = format!(
            "no ping arrived for {} s: the coordinator is taken to be gone",
            limit.as_secs()
        );
        // Standard error may lead to the one who is gone, and block.
        let logging = thread::Builder::new().spawn(move || log(&message));
        if logging.is_ok() {
            thread::sleep(LOG_GRACE);
        }
        std::process::exit(ORPHANED);
    };
    let thread = thread::Builder::new().name("pings".to_owned());
    thread.spawn(watch).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_begins_the_silence_anew() {
        let last = LastMessage::new();
        thread::sleep(Duration::from_millis(60));
        let before = last.silence();
        assert!(before >= Duration::from_millis(60), "{before:?}");
        last.arrived();
        assert!(last.silence() < before);
    }
}
