//! What is known of a training session before it begins, and the handle that stops it.

use std::collections::{HashMap, HashSet};

use sweep_core::trial::{Objective, TrialId};
use sweep_scheduler::{Incoming, Sender};

/// What is known of a session before anything has happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Overview {
    /// Trials of the plan.
    pub total: u64,
    /// Those of them that had a result before.
    pub already_done: u64,
    /// Those of them that failed before and are not retried.
    pub failed_before: u64,
    /// The settings in which a trial differs from others, as text.
    pub describe: HashMap<TrialId, String>,
    /// Epochs or rounds that a trial will take at most.
    pub epochs: HashMap<TrialId, u32>,
    pub objective: Objective,
    /// Trials that are not ranked: those of a fraction of the training rows.
    pub unranked: HashSet<TrialId>,
    /// The best trial of earlier sessions.
    pub best: Option<(TrialId, f64)>,
}

/// Passes signals on to a session.
#[derive(Clone)]
pub struct StopHandle(pub(crate) Sender);

impl StopHandle {
    /// Interrupts the session as Ctrl-C does: first cleanly, the second time at once.
    pub fn interrupt(&self) {
        // After the last trial, the receiver is gone.
        let _ = self.0.send(Incoming::Interrupt);
    }

    /// Says that this process was stopped and has been continued (SIGCONT), so that its workers are too.
    pub fn continued(&self) {
        let _ = self.0.send(Incoming::Continued);
    }
}
