//! What trains and what predicts: one folder under `models` for each kind of model.
//!
//! Every engine is one function from a [`Job`] to an [`Outcome`]. It reports each epoch or round to a
//! [`Callback`], which may ask it to stop, and can serialise what it needs to resume later. Results are a
//! function of the job alone, to the bit, on one machine type.

mod artifact;
pub mod evaluate;
#[cfg(test)]
mod fixtures;
pub mod models;
pub mod predict;
pub mod score;
mod training;
mod version;

pub use training::{
    Backend, BatchedTrial, Callback, Control, Ended, EngineError, Epoch, Job, Outcome,
};

use sweep_core::trial::TrialSpec;

/// Trains `job` with the CPU engine for its kind of model, resuming from `checkpoint` if given.
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

/// Trains `job`, a network with `backend` and trees with their engine, resuming from `checkpoint` if
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
