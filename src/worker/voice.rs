//! What a worker says of the trial in hand, and how it waits when the machine is in the way.
//!
//! Invariant: while a trial is held back the coordinator hears of it, and a stop is answered at once.

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sweep_core::awake;
use sweep_core::protocol::FromWorker;
use sweep_engine::Control;

/// First pause before what could not be written is tried again; doubles with every further failure.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Longest pause before what could not be written is tried again.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How often a pause looks for a stop.
const SLICE: Duration = Duration::from_millis(20);

/// The worker's side of the conversation about one attempt.
pub(super) struct Voice<'a> {
    pub attempt: u64,
    pub output: &'a File,
    pub stop: &'a AtomicBool,
    /// The coordinator could not be spoken to.
    pub lost: Option<io::Error>,
    /// Since when the machine has been in the way, and how long the next pause is.
    held: Option<(Instant, Duration)>,
}

impl<'a> Voice<'a> {
    pub(super) fn new(attempt: u64, output: &'a File, stop: &'a AtomicBool) -> Voice<'a> {
        Voice {
            attempt,
            output,
            stop,
            lost: None,
            held: None,
        }
    }

    pub(super) fn say(&mut self, message: &FromWorker) {
        if self.lost.is_none() {
            self.lost = say(self.output, message).err();
        }
    }

    /// Tells people, in the database and in the log; a note is one line.
    pub(super) fn note(&mut self, message: &str) {
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        log(&message);
        let attempt = self.attempt;
        self.say(&FromWorker::Warning { attempt, message });
    }

    /// Whether training is to end: on request, or since nobody listens.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.lost.is_some()
    }

    /// Whether the machine has been in the way and has not been found mended.
    pub(super) fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// Waits a while for the machine; says `why` the first time. Whether to try again.
    pub(super) fn wait(&mut self, why: &str) -> Control {
        let (since, pause) = match self.held {
            Some(held) => held,
            None => {
                self.note(why);
                (awake::now(), FIRST_PAUSE)
            }
        };
        self.held = Some((since, (pause * 2).min(LONGEST_PAUSE)));
        let begin = awake::now();
        while awake::since(begin) < pause {
            if self.is_stopped() {
                return Control::Stop;
            }
            thread::sleep(SLICE);
        }
        self.say(&FromWorker::Blocked {
            attempt: self.attempt,
            millis: awake::since(begin).as_millis() as u64,
        });
        Control::Continue
    }

    /// Says that the machine is no longer in the way, if it was.
    pub(super) fn go_on(&mut self) {
        if let Some((since, _)) = self.held.take() {
            let seconds = awake::since(since).as_secs();
            self.note(&format!("there was room again after {seconds} s"));
        }
    }
}

pub(super) fn say(mut output: &File, message: &FromWorker) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    output.write_all(&line)
}

/// A line for people, in the slot's log.
pub(super) fn log(message: &str) {
    // Nothing can be done about a log that cannot be written.
    let _ = writeln!(io::stderr(), "{message}");
}
