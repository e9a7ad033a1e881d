//! The standard input of a worker behind a carrier: orders, pings, and its end.
//!
//! Invariant: pings never hold up orders, and nothing is written after the end.

use std::io;
use std::process::ChildStdin;
use std::sync::{Mutex, PoisonError};

use crate::launcher::child;
use sweep_core::protocol::ToWorker;

/// The input until it is closed, for all threads that write to it.
#[derive(Debug)]
pub(super) struct Input(Mutex<Option<ChildStdin>>);

impl Input {
    pub(super) fn new(pipe: ChildStdin) -> Input {
        Input(Mutex::new(Some(pipe)))
    }

    /// Sends `message` as a whole.
    ///
    /// # Errors
    /// `TimedOut` when the worker does not read; what has been written then is of no use.
    pub(super) fn send(&self, message: &ToWorker) -> io::Result<()> {
        self.write(message, child::write_all)
    }

    /// Sends a ping, unless the worker has yet to read so much that one more is of no use.
    ///
    /// # Errors
    /// When the input is closed, or nobody reads from it any more.
    pub(super) fn ping(&self) -> io::Result<()> {
        self.write(&ToWorker::Ping, child::write_if_free)
    }

    /// Closes the input; whether it was open.
    pub(super) fn close(&self) -> bool {
        let mut pipe = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pipe.take().is_some()
    }

    pub(super) fn is_closed(&self) -> bool {
        let pipe = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pipe.is_none()
    }

    fn write(
        &self,
        message: &ToWorker,
        write: fn(&mut ChildStdin, &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut line = serde_json::to_vec(message)?;
        line.push(b'\n');
        let mut pipe = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pipe = pipe.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        write(pipe, &line)
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn pings_to_a_worker_that_does_not_read_neither_wait_nor_are_cut() {
        let mut reader = Command::new("cat");
        reader.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut reader = reader.spawn().unwrap();
        let pipe = reader.stdin.take().unwrap();
        child::never_block(&pipe).unwrap();
        let input = Input::new(pipe);
        // Both pipes of `cat` hold some thousands: most find no room.
        for _ in 0..100_000 {
            input.ping().unwrap();
        }
        assert!(input.close());
        assert!(!input.close());
        assert!(input.ping().is_err());
        let output = reader.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let lines = text.lines().count();
        assert!((1000..100_000).contains(&lines), "{lines}");
        assert!(text.lines().all(|line| line == r#"{"type":"ping"}"#));
        assert!(text.ends_with('\n'));
    }
}
