//! The channel through which messages of workers and interrupts reach the dispatcher, in one order.
//!
//! Invariant: it holds a bounded number of messages. A worker that sends more waits until there is space.
//! What signals ask for never waits, and overtakes messages.

use std::collections::VecDeque;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sweep_core::event::Cause;
use sweep_core::protocol::FromWorker;

/// Most messages that may wait.
const CAPACITY: usize = 4096;

/// Numbers the workers of one session, so that a late message of a dead one is not taken for its
/// successor's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WorkerId(pub u64);

/// What arrives from a worker.
#[derive(Debug)]
pub enum WorkerOutput {
    Message(FromWorker),
    /// The beginning of a line that is no message of the protocol.
    Malformed(String),
    /// The process has exited, and why. Nothing arrives after this.
    Exited(Cause),
}

/// What the dispatcher receives.
#[derive(Debug)]
pub enum Incoming {
    Worker(WorkerId, WorkerOutput),
    /// Someone wants the session to end: cleanly the first time, at once the second.
    Interrupt,
    /// This process was stopped and has been continued (SIGCONT).
    Continued,
}

/// The end that messages are sent into.
#[derive(Debug, Clone)]
pub struct Sender(Arc<Shared>);

/// The end that messages are received from.
#[derive(Debug)]
pub struct Receiver(Arc<Shared>);

/// The receiver is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the session is over")]
pub struct Closed;

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    arrived: Condvar,
    space: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Incoming>,
    /// Requests of signals among those waiting; they stand first.
    urgent: usize,
    closed: bool,
}

/// A sender, which may be cloned, and its receiver.
pub fn channel() -> (Sender, Receiver) {
    let shared = Arc::new(Shared::default());
    (Sender(Arc::clone(&shared)), Receiver(shared))
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sender {
    /// Puts `incoming` in; messages of workers wait for space.
    ///
    /// # Errors
    /// When the other end is gone.
    pub fn send(&self, incoming: Incoming) -> Result<(), Closed> {
        let mut state = self.0.lock();
        if let Incoming::Interrupt | Incoming::Continued = incoming {
            let place = state.urgent;
            state.waiting.insert(place, incoming);
            state.urgent += 1;
        } else {
            while state.waiting.len() >= CAPACITY && !state.closed {
                state = self
                    .0
                    .space
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            state.waiting.push_back(incoming);
        }
        if state.closed {
            return Err(Closed);
        }
        self.0.arrived.notify_one();
        Ok(())
    }
}

impl Receiver {
    /// Takes out what is next, waiting at most `limit` for it.
    ///
    /// # Errors
    /// `Timeout` when nothing has arrived in that time.
    pub fn recv_timeout(&self, limit: Duration) -> Result<Incoming, RecvTimeoutError> {
        let begin = Instant::now();
        let mut state = self.0.lock();
        loop {
            if let Some(incoming) = state.waiting.pop_front() {
                state.urgent = state.urgent.saturating_sub(1);
                self.0.space.notify_one();
                return Ok(incoming);
            }
            let left = limit.saturating_sub(begin.elapsed());
            if left.is_zero() {
                return Err(RecvTimeoutError::Timeout);
            }
            let waited = self.0.arrived.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.closed = true;
        state.waiting.clear();
        self.0.space.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn message(number: usize) -> Incoming {
        Incoming::Worker(WorkerId(0), WorkerOutput::Malformed(number.to_string()))
    }

    fn number(incoming: Incoming) -> Option<usize> {
        match incoming {
            Incoming::Worker(_, WorkerOutput::Malformed(text)) => text.parse().ok(),
            _ => None,
        }
    }

    #[test]
    fn a_flood_of_messages_waits_for_space_and_none_is_lost_or_turned_around() {
        let (sender, receiver) = channel();
        let total = 3 * CAPACITY;
        let flood = sender.clone();
        let flooding = thread::spawn(move || (0..total).all(|n| flood.send(message(n)).is_ok()));
        while sender.0.lock().waiting.len() < CAPACITY {
            thread::yield_now();
        }
        thread::sleep(Duration::from_millis(20));
        assert_eq!(sender.0.lock().waiting.len(), CAPACITY, "the sender waits");
        sender.send(Incoming::Interrupt).unwrap();
        let take = || receiver.recv_timeout(Duration::from_secs(60)).unwrap();
        assert_eq!(number(take()), None, "an interrupt overtakes messages");
        for expected in 0..total {
            assert_eq!(number(take()), Some(expected));
        }
        assert!(flooding.join().unwrap());
        let nothing = receiver.recv_timeout(Duration::from_millis(1));
        assert_eq!(nothing.unwrap_err(), RecvTimeoutError::Timeout);
    }

    #[test]
    fn a_sender_that_waits_for_space_is_released_when_the_session_ends() {
        let (sender, receiver) = channel();
        let flooding = thread::spawn(move || while sender.send(message(0)).is_ok() {});
        while receiver.0.lock().waiting.len() < CAPACITY {
            thread::yield_now();
        }
        drop(receiver);
        flooding.join().unwrap();
    }
}
