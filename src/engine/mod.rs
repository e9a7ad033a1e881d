//! What trains: `native` networks on the CPU, and the tree baselines `boost` and `forest`.
//!
//! Every engine is one function from a [`Job`] to an [`Ending`]. It reports each epoch or round to a
//! [`Watch`], which may ask it to stop, and can serialise what it needs to go on later. Results are a
//! function of the job alone, to the bit, on one machine type.

mod artifact;
mod baseline;
pub mod boost;
pub mod forest;
#[cfg(test)]
mod made_up;
pub mod native;
pub mod predict;
pub mod score;
mod version;

use std::path::Path;

use crate::data::Dataset;
use crate::trial::{Metric, ModelSpec, TrialResult, TrialSpec};

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
pub trait Watch {
    /// `checkpoint` serialises all that is needed to go on after this epoch, to the bit; it costs
    /// time, so it is only called when the bytes are wanted.
    fn epoch(&mut self, epoch: &Epoch, checkpoint: &mut dyn FnMut() -> Vec<u8>) -> Control;

    /// The checkpoint was good: training goes on after `step`. Told before any epoch.
    fn resumed(&mut self, step: u32) {
        let _ = step;
    }

    /// A model file cannot be written, and the engine still holds it: whether to try again, once the
    /// watch has waited or has mended the cause. Nothing is tried again unless a watch says so.
    fn cannot_write(&mut self, error: &EngineError) -> Control {
        let _ = error;
        Control::Stop
    }
}

/// How training ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// Came to its end, finished or diverged; model files stand in the job's folder.
    Done(Box<TrialResult>),
    /// The watch asked for it; `step` is the last epoch reported.
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

/// Trains `job` with the CPU engine for its kind of model, going on from `checkpoint` if given.
///
/// A trial of a share of the training rows sees those alone, whatever its kind; its result tells
/// their number as `train/rows`. On data split after those of a source, every result also tells as
/// `train/new_rows` how many of them the source was not trained on.
pub fn train(
    job: Job<'_>,
    checkpoint: Option<&[u8]>,
    watch: &mut dyn Watch,
) -> Result<Ending, EngineError> {
    let TrialSpec {
        seed, train_share, ..
    } = *job.spec;
    let share = (train_share < 1.0).then(|| job.data.with_share(seed, train_share));
    let data = share.as_ref().unwrap_or(job.data);
    let job = Job { data, ..job };
    let mut ending = match &job.spec.model {
        ModelSpec::Mlp(model) => native::train(job, model, checkpoint, watch),
        ModelSpec::Boost(model) => boost::train(job, model, checkpoint, watch),
        ModelSpec::Forest(model) => forest::train(job, model, checkpoint, watch),
    }?;
    if let Ending::Done(result) = &mut ending
        && result.best.is_some()
    {
        let new = data.new_train_rows();
        let rows = (share.is_some() || new.is_some()).then(|| data.meta().train_rows);
        for (name, count) in [(TRAIN_ROWS, rows), (NEW_ROWS, new)] {
            let count = count.map(|count| (name.to_owned(), count as f64));
            result.metrics.extend(count);
        }
    }
    Ok(ending)
}

/// Metric: training rows of a trial that had a share of them, or of data split after a source's.
const TRAIN_ROWS: &str = "train/rows";
/// Metric: those among them that the source of a transfer was not trained on.
const NEW_ROWS: &str = "train/new_rows";
