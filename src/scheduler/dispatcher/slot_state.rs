//! A slot, the worker that serves it, and the trials it runs.

use std::time::Instant;

use crate::channel::WorkerId;
use crate::launcher::WorkerHandle;
use sweep_core::event::{AttemptNo, Cause, Slot};

/// A slot and the worker that serves it.
pub struct SlotState {
    pub slot: Slot,
    pub worker: WorkerId,
    pub link: Option<Box<dyn WorkerHandle>>,
    pub engine: String,
    pub pid: u32,
    /// Numbers that trials trained together may take between them; 0 for one at a time.
    pub capacity: u64,
    pub state: WorkerStatus,
    /// The trials that a busy worker runs: one, or those of a batch that have not ended yet.
    pub assignments: Vec<Assignment>,
}

/// A trial that a worker runs.
#[derive(Debug, Clone, Copy)]
pub struct Assignment {
    pub trial: usize,
    pub attempt: AttemptNo,
}

#[derive(Debug, Clone, Copy)]
pub enum WorkerStatus {
    /// No worker.
    Empty,
    /// A worker was started and is not ready yet.
    Starting { since: Instant },
    /// A worker waits for a trial.
    Ready,
    /// A worker trains.
    Busy {
        since: Instant,
        /// When a message about its trials last arrived.
        last_message: Instant,
        /// Trials that were begun together.
        begun: u32,
    },
    /// Gets no more work.
    Retired,
}

impl SlotState {
    pub fn new(slot: Slot) -> SlotState {
        SlotState {
            slot,
            worker: WorkerId(0),
            link: None,
            engine: String::new(),
            pid: 0,
            capacity: 0,
            state: WorkerStatus::Empty,
            assignments: Vec::new(),
        }
    }

    /// Ends the worker, if there is one, and gives the last lines of its log.
    pub fn stop_worker(&mut self) -> String {
        self.state = WorkerStatus::Empty;
        self.link
            .take()
            .map(|link| link.log_tail())
            .unwrap_or_default()
    }
}

/// What a worker was training that somebody killed.
pub(super) struct Killed {
    pub slot_index: usize,
    pub assignments: Vec<Assignment>,
    pub cause: Cause,
    pub log_tail: String,
    pub at: Instant,
}

impl Killed {
    pub fn trials(&self) -> usize {
        self.assignments.len()
    }
}
