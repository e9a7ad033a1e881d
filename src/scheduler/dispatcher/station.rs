//! A slot, the worker that serves it, and what that has in hand.

use std::time::Instant;

use crate::launcher::{WorkerHandle, WorkerId};
use sweep_core::event::{AttemptNo, Slot};

/// A slot and the worker that serves it.
pub struct Station {
    pub slot: Slot,
    pub worker: WorkerId,
    pub link: Option<Box<dyn WorkerHandle>>,
    pub engine: String,
    pub pid: u32,
    /// Numbers that trials trained together may take between them; 0 for one at a time.
    pub capacity: u64,
    pub state: State,
    /// What a busy worker has in hand: one trial, or those of a group that have not ended yet.
    pub hands: Vec<Hand>,
}

/// A trial that a worker has in hand.
#[derive(Debug, Clone, Copy)]
pub struct Hand {
    pub trial: usize,
    pub attempt: AttemptNo,
}

#[derive(Debug, Clone, Copy)]
pub enum State {
    /// No worker.
    Vacant,
    /// A worker was started and has not spoken yet.
    Starting { since: Instant },
    /// A worker waits for a trial.
    Ready,
    /// A worker trains.
    Busy {
        since: Instant,
        /// When something was last heard of what it trains.
        heard: Instant,
        /// Trials that were begun together.
        begun: u32,
    },
    /// Gets no more work.
    Retired,
}

impl Station {
    pub fn new(slot: Slot) -> Station {
        Station {
            slot,
            worker: WorkerId(0),
            link: None,
            engine: String::new(),
            pid: 0,
            capacity: 0,
            state: State::Vacant,
            hands: Vec::new(),
        }
    }

    /// Ends the worker, if there is one, and gives the last lines of its log.
    pub fn vacate(&mut self) -> String {
        self.state = State::Vacant;
        self.link
            .take()
            .map(|link| link.log_tail())
            .unwrap_or_default()
    }
}
