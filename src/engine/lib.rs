//! What trains and what predicts: one folder under `models` for each kind of model.
//!
//! Every engine is one function from a [`Job`] to an [`Outcome`]. It reports each epoch or round to a
//! [`Callback`], which may ask it to stop, and can serialise what it needs to go on later. Results are a
//! function of the job alone, to the bit, on one machine type.

mod artifact;
pub mod evaluate;
#[cfg(test)]
mod fixtures;
pub mod models;
pub mod predict;
pub mod score;
mod version;

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
}

/// What an epoch or round gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Epoch {
    /// From 1.
    pub step: u32,
    pub values: Vec<(Metric, f64)>,
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    Continue,
    Stop,
}

/// Told of each epoch or round as it ends.
pub trait Callback {
    /// `checkpoint` serialises all that is needed to go on after this epoch, to the bit; it costs
    /// time, so it is only called when the bytes are wanted.
    fn epoch(&mut self, epoch: &Epoch, checkpoint: &mut dyn FnMut() -> Vec<u8>) -> Control;

    /// The checkpoint was good: training goes on after `step`. Told before any epoch.
    fn resumed(&mut self, step: u32) {
        let _ = step;
    }

    /// A model file cannot be written, and the engine still holds it: whether to try again, once the
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
    #[error("XGBoost: {0}")]
    Library(String),
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

/// Trains `job` with the CPU engine for its kind of model, going on from `checkpoint` if given.
///
/// # Errors
/// Those of [`train_with`].
pub fn train(
    job: Job<'_>,
    checkpoint: Option<&[u8]>,
    callback: &mut dyn Callback,
) -> Result<Outcome, EngineError> {
    train_with(&mut models::mlp::Native, job, checkpoint, callback)
}

/// Trains `job`, a network with `backend` and trees with their engine, going on from `checkpoint` if
/// given.
///
/// A trial of a share of the training rows sees those alone, whatever its kind; its result tells
/// their number as `train/rows`. On data split after those of a source, every result also tells as
/// `train/new_rows` how many of them the source was not trained on.
///
/// # Errors
/// When the job cannot be trained, or its checkpoint not used.
pub fn train_with(
    backend: &mut dyn Backend,
    job: Job<'_>,
    checkpoint: Option<&[u8]>,
    callback: &mut dyn Callback,
) -> Result<Outcome, EngineError> {
    let TrialSpec {
        seed,
        train_fraction,
        ..
    } = *job.spec;
    let share = (train_fraction < 1.0).then(|| job.data.with_share(seed, train_fraction));
    let data = share.as_ref().unwrap_or(job.data);
    let job = Job { data, ..job };
    let kind = models::of(job.spec.model.kind());
    let mut outcome = kind.train(backend, job, checkpoint, callback)?;
    count_rows(&job, &mut outcome);
    Ok(outcome)
}

/// Trains `lanes`, networks of one shape on all training rows, together with `backend`; results are
/// those of [`train_with`].
pub fn train_together(backend: &mut dyn Backend, lanes: Vec<BatchedTrial<'_>>, ended: Ended<'_>) {
    let jobs: Vec<Job<'_>> = lanes.iter().map(|lane| lane.job).collect();
    backend.train(lanes, &mut |place, mut outcome| {
        if let Ok(outcome) = &mut outcome {
            count_rows(&jobs[place], outcome);
        }
        ended(place, outcome);
    });
}

/// Adds to a result how many rows it comes from, where that is not all the data have.
fn count_rows(job: &Job<'_>, outcome: &mut Outcome) {
    if let Outcome::Done(result) = outcome
        && result.best.is_some()
    {
        let new = job.data.new_train_rows();
        let shared = job.spec.train_fraction < 1.0;
        let rows = (shared || new.is_some()).then(|| job.data.meta().train_rows);
        for (name, count) in [(TRAIN_ROWS, rows), (NEW_ROWS, new)] {
            let count = count.map(|count| (name.to_owned(), count as f64));
            result.metrics.extend(count);
        }
    }
}

/// Metric: training rows of a trial that had a share of them, or of data split after a source's.
const TRAIN_ROWS: &str = "train/rows";
/// Metric: those among them that the source of a transfer was not trained on.
const NEW_ROWS: &str = "train/new_rows";
