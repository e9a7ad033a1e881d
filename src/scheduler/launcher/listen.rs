//! What a worker says on its standard output, line by line.
//!
//! Invariant: at most one line is held in memory, and of one that is too long no more than the bound.

use std::io::BufReader;
use std::process::ChildStdout;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::channel::Sender;
use super::{Incoming, WorkerId, WorkerOutput};
use sweep_core::protocol::{Line, read_line};

/// How much of a line that is not of the protocol is passed on, in characters.
const SHOWN: usize = 200;
/// A buffer that a long line has left larger than this is let go.
const KEPT_BUFFER: usize = 1 << 20;

/// Passes on what the worker says until it closes its output or says what is not of the protocol: what
/// comes after that has no meaning. `telling` holds while something read waits to be heard.
pub(super) fn listen(stdout: ChildStdout, worker: WorkerId, sender: &Sender, telling: &AtomicBool) {
    let mut reader = BufReader::new(stdout);
    let mut line = Vec::new();
    loop {
        // A read error means the same as an end: the worker cannot be heard any more.
        let read = read_line(&mut reader, &mut line).unwrap_or(Line::End);
        let said = match read {
            Line::End => return,
            Line::TooLong => None,
            Line::Whole => serde_json::from_slice(&line).ok(),
        };
        let heard = said.map_or_else(
            || WorkerOutput::Malformed(beginning(&line)),
            WorkerOutput::Message,
        );
        let garbage = matches!(heard, WorkerOutput::Malformed(_));
        telling.store(true, Ordering::Relaxed);
        let sent = sender.send(Incoming::Worker(worker, heard));
        telling.store(false, Ordering::Relaxed);
        if sent.is_err() || garbage {
            return;
        }
        if line.capacity() > KEPT_BUFFER {
            line = Vec::new();
        }
    }
}

/// The first characters of `line`, and how long it is if that is not all.
fn beginning(line: &[u8]) -> String {
    // A character has at most four bytes.
    let text = String::from_utf8_lossy(&line[..line.len().min(4 * SHOWN)]);
    let shown: String = text.chars().take(SHOWN).collect();
    match shown.len() < line.len() && text.chars().count() > SHOWN {
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
        assert!(long.starts_with(&"x".repeat(SHOWN)), "{long}");
        assert!(long.ends_with("... (5000000 bytes or more)") && long.len() < 2 * SHOWN);
        let binary = beginning(&[0xff; 5000]);
        assert!(binary.starts_with('\u{fffd}') && binary.len() < 4 * SHOWN);
    }
}
