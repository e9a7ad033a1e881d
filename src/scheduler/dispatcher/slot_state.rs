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
    /// A worker that was given up has yet to end; the slot is empty then.
    Ending,
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

    /// Ends the worker, if there is one, and gives the last lines of its log. The slot is empty, or ending if that takes
    /// time.
    pub fn stop_worker(&mut self) -> String {
        self.state = WorkerStatus::Empty;
        let Some(mut link) = self.link.take() else {
            return String::new();
        };
        let log_tail = link.log_tail();
        link.kill();
        if !link.has_ended() {
            self.state = WorkerStatus::Ending;
            self.link = Some(link);
        }
        log_tail
    }

    /// The worker that was given up has ended.
    pub fn worker_ended(&mut self) {
        self.link = None;
        if let WorkerStatus::Ending = self.state {
            self.state = WorkerStatus::Empty;
        }
    }
}

/// What a worker was training that somebody killed, or that has yet to end.
pub(super) struct Killed {
    pub slot_index: usize,
    /// The worker, until it has ended: while it lives, nobody else may begin its trials.
    pub lives: Option<WorkerId>,
    /// Until then it may live, although its end was heard of.
    pub lives_until: Instant,
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
