//! Reads the messages of a worker from its standard output.
//!
//! Invariant: at most one line is held in memory, and of one that is too long no more than the bound.

use std::io::BufReader;
use std::process::ChildStdout;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::channel::{Incoming, Sender, WorkerId, WorkerOutput};
use sweep_core::protocol::{Line, read_line};

/// How much of a line that is not of the protocol is passed on, in characters.
const MAX_SHOWN: usize = 200;
/// A buffer that a long line has left larger than this is let go.
const MAX_KEPT_BUFFER: usize = 1 << 20;

/// What is known of the output of a worker while it is read.
#[derive(Debug, Default)]
pub(in crate::launcher) struct Progress {
    /// A message waits for space in the channel.
    pub forwarding: AtomicBool,
    /// A message has been read.
    pub has_spoken: AtomicBool,
}

/// Forwards messages until the worker closes its output or sends an invalid line; what follows one has
/// no meaning.
pub(in crate::launcher) fn read(
    stdout: ChildStdout,
    worker: WorkerId,
    sender: &Sender,
    progress: &Progress,
) {
    let mut reader = BufReader::new(stdout);
    let mut line = Vec::new();
    loop {
        // A read error means the same as an end: nothing more can be read.
        let read = read_line(&mut reader, &mut line).unwrap_or(Line::End);
        let message = match read {
            Line::End => return,
            Line::TooLong => None,
            Line::Whole => serde_json::from_slice(&line).ok(),
        };
        let output = message.map_or_else(
            || WorkerOutput::Malformed(beginning(&line)),
            WorkerOutput::Message,
        );
        let malformed = matches!(output, WorkerOutput::Malformed(_));
        progress.has_spoken.store(true, Ordering::Relaxed);
        progress.forwarding.store(true, Ordering::Relaxed);
        let sent = sender.send(Incoming::Worker(worker, output));
        progress.forwarding.store(false, Ordering::Relaxed);
        if sent.is_err() || malformed {
            return;
        }
        if line.capacity() > MAX_KEPT_BUFFER {
            line = Vec::new();
        }
    }
}

/// The first characters of `line`, and how long it is if that is not all.
fn beginning(line: &[u8]) -> String {
    // A character has at most four bytes.
    let text = String::from_utf8_lossy(&line[..line.len().min(4 * MAX_SHOWN)]);
    let shown: String = text.chars().take(MAX_SHOWN).collect();
    match shown.len() < line.len() && text.chars().count() > MAX_SHOWN {
        true => format!("{shown}... ({} bytes or more)", line.len()),
        false => shown.trim_end().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_the_beginning_of_a_long_line_is_shown() {
        assert_eq!(beginning(b"hello \r"), "hello");
        let long = beginning(&vec![b'x'; 5_000_000]);
        assert!(long.starts_with(&"x".repeat(MAX_SHOWN)), "{long}");
        assert!(long.ends_with("... (5000000 bytes or more)") && long.len() < 2 * MAX_SHOWN);
        let binary = beginning(&[0xff; 5000]);
        assert!(binary.starts_with('\u{fffd}') && binary.len() < 4 * MAX_SHOWN);
    }
}
