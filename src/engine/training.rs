//! What training takes and gives, whatever the kind of model: jobs, epochs, outcomes, and who is told of them.

use std::path::Path;

use sweep_core::trial::{Metric, TrialResult, TrialSpec};
use sweep_data::Dataset;

/// What is to be trained, on what, and where its files go.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    pub spec: &'a TrialSpec,
    pub data: &'a Dataset,
    /// An existing folder of this trial alone. That of a trial whose layers it takes over stands beside
    /// it, under the name of that trial.
    pub folder: &'a Path,
    pub keep: Keep,
}

impl<'a> Job<'a> {
    /// A trial, of which the best step is kept.
    pub fn new(spec: &'a TrialSpec, data: &'a Dataset, folder: &'a Path) -> Job<'a> {
        Job {
            spec,
            data,
            folder,
            keep: Keep::Best,
        }
    }
}

/// Which epoch or round is kept of a training. It is not in the name of a trial: trials keep the best one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The best by the objective on validation rows; early stopping may end the training.
    Best,
    /// This one (from 1), with which the training ends, whatever the validation rows say: they may be among the training
    /// rows. All else, such as the schedule of the learning rate, is as for the planned number of steps.
    Step(u32),
}

impl Keep {
    /// How many of the steps that a model asks for are trained at most.
    pub(crate) fn steps(self, planned: u32) -> u32 {
        match self {
            Keep::Best => planned,
            Keep::Step(step) => step,
        }
    }
}

/// What an epoch or round gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Epoch {
    /// From 1.
    pub step: u32,
    pub values: Vec<(Metric, f64)>,
}

/// Whether training continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    Continue,
    Stop,
}

/// Told of each epoch or round as it ends.
pub trait Callback {
    /// `checkpoint` serialises all that is needed to resume after this epoch, to the bit; it costs
    /// time, so it is only called when the bytes are wanted.
    fn epoch(&mut self, epoch: &Epoch, checkpoint: &mut dyn FnMut() -> Vec<u8>) -> Control;

    /// The checkpoint was good: training resumes after `step`. Told before any epoch.
    fn resumed(&mut self, step: u32) {
        let _ = step;
    }

    /// A model file cannot be written, and the engine still has it in memory: whether to try again, once the
    /// callback has waited or has mended the cause. Nothing is tried again unless a callback says so.
    fn cannot_write(&mut self, error: &EngineError) -> Control {
        let _ = error;
        Control::Stop
    }
}

/// How training ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Came to its end, finished or diverged; model files stand in the job's folder.
    Done(Box<TrialResult>),
    /// The callback asked for it; `step` is the last epoch reported.
    Stopped { step: u32 },
}

/// Why a job cannot be trained. Training again would give the same.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("the checkpoint does not belong to this trial or is damaged: {0}")]
    Checkpoint(String),
    #[error("{0}")]
    Unsupported(String),
    /// What a library that is loaded at run time, `name`, said.
    #[error("{name}: {message}")]
    Library { name: &'static str, message: String },
    #[error("cannot write {path}: {source}")]
    Write {
        path: String,
        source: std::io::Error,
    },
}

/// One of the networks that are trained together.
pub struct BatchedTrial<'a> {
    pub job: Job<'a>,
    pub checkpoint: Option<&'a [u8]>,
    pub callback: &'a mut dyn Callback,
}

/// Told of the outcome of each lane, by its place among the lanes, once.
pub type Ended<'a> = &'a mut dyn FnMut(usize, Result<Outcome, EngineError>);

/// What trains networks.
pub trait Backend {
    /// The name under which attempts are recorded.
    fn name(&self) -> &'static str;

    /// Numbers that lanes may take between them (see `schedule`'s groups): 0 for one at a time.
    fn capacity(&self) -> u64 {
        0
    }

    /// Trains `lanes`: networks of one shape on the same rows. Each gives what it would give alone.
    fn train(&mut self, lanes: Vec<BatchedTrial<'_>>, ended: Ended<'_>);
}

#[cfg(test)]
mod tests;
