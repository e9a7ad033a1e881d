//! One attempt at a trial that is a program: started, followed, stopped, and judged by how it ended.
//!
//! Invariant: when [`run`] returns, no process that the program started is left, whatever it did to leave this process's
//! group or session.

mod artifacts;
mod begin;
mod ending;
mod environment;
mod follow;
mod gpu_memory;
mod lines;
mod output;
mod pipe;
mod progress;
mod sources;
mod supervise;

use std::path::Path;

use sweep_core::program::ProgramSpec;
use sweep_core::protocol::{ProgramFailure, RecordedProgress};
use sweep_core::trial::{Metric, Objective, Params, TrialId, TrialResult};

pub use begin::Scratch;
pub use environment::variable_name;
pub use supervise::run;

/// What there is to run.
pub struct Attempt<'a> {
    pub spec: &'a ProgramSpec,
    pub trial: &'a TrialId,
    pub settings: &'a Params,
    pub seed: u64,
    pub objective: &'a Objective,
    /// The folder of the trial: its output, checkpoints and artifacts.
    pub folder: &'a Path,
    /// Goes into the environment of every process of the program; see [`crate::leftovers`].
    pub owner: &'a str,
    /// What the database has of earlier attempts.
    pub recorded: Option<RecordedProgress>,
    /// The step after which the program is stopped.
    pub pause_at: Option<u32>,
}

/// Whoever wants to know how the attempt goes, and may want it to stop.
pub trait Watcher {
    /// The first value of an attempt that found a checkpoint comes after `step`.
    fn resumed(&mut self, step: u32);

    /// Values that were reported for `step`; some of a step may come later.
    fn progressed(&mut self, step: u32, values: Vec<(Metric, f64)>);

    /// Something that the user should know; a sentence.
    fn warn(&mut self, message: &str);

    /// Whether the program is to end.
    fn is_stopped(&self) -> bool;
}

/// How an attempt ended.
#[derive(Debug)]
pub enum Ended {
    Finished(Box<TrialResult>),
    /// It was stopped at the step at which it was to pause.
    Paused {
        step: u32,
    },
    /// It was stopped on request; its checkpoints are of `step` at the latest, if it left any.
    Interrupted {
        step: Option<u32>,
    },
    Failed {
        failure: ProgramFailure,
        /// The last lines that it wrote.
        log_tail: String,
    },
}
