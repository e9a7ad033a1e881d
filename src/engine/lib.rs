//! What trains and what predicts: one folder under `models` for each kind of model.
//!
//! Every engine is one function from a [`Job`] to an [`Outcome`]. It reports each epoch or round to a
//! [`Callback`], which may ask it to stop, and can serialise what it needs to resume later. Results are a
//! function of the job alone, to the bit, on one machine type.

mod artifact;
pub mod evaluate;
#[cfg(test)]
mod fixtures;
pub mod kept;
pub mod models;
pub mod predict;
pub mod score;
mod training;
mod version;
mod weights;

pub use training::{
    Backend, BatchedTrial, Callback, Control, Ended, EngineError, Epoch, Job, Keep, Outcome,
};

use predict::{PredictError, Predictor};
use score::{Measure, Outputs};
use sweep_core::trial::{Metric, TrialSpec};

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
    let kind = models::of(job.spec.model.kind())
        .ok_or_else(|| EngineError::Unsupported("a program is run, not trained".to_owned()))?;
    let mut outcome = kind.train(backend, job, checkpoint, callback)?;
    complete(&job, &mut outcome)?;
    Ok(outcome)
}

/// Trains `lanes`, networks of one shape on all training rows, together with `backend`; results are
/// those of [`train_with`].
pub fn train_together(backend: &mut dyn Backend, lanes: Vec<BatchedTrial<'_>>, ended: Ended<'_>) {
    let jobs: Vec<Job<'_>> = lanes.iter().map(|lane| lane.job).collect();
    backend.train(lanes, &mut |place, mut outcome| {
        if let Ok(done) = &mut outcome
            && let Err(error) = complete(&jobs[place], done)
        {
            outcome = Err(error);
        }
        ended(place, outcome);
    });
}

/// Adds to a result what is measured once: every metric of the model that was kept, asked as it was read back, and how many
/// rows it comes from. Of a step that was fixed beforehand nothing is measured: it may have seen the validation rows.
fn complete(job: &Job<'_>, outcome: &mut Outcome) -> Result<(), EngineError> {
    if let Outcome::Done(result) = outcome
        && result.best.is_some()
        && job.keep == Keep::Best
    {
        for (name, value) in at_best(job)? {
            if result.metrics.iter().all(|(known, _)| *known != name) {
                result.metrics.push((name, value));
            }
        }
    }
    count_rows(job, outcome);
    Ok(())
}

/// Every metric of the model that training left in the folder of `job`, on its validation rows; keeps what it predicts for
/// them.
fn at_best(job: &Job<'_>) -> Result<Vec<(Metric, f64)>, EngineError> {
    let (meta, rows) = (job.data.meta(), job.data.valid());
    let unreadable = |error: PredictError| match error {
        PredictError::Engine(error) => error,
        other => EngineError::Unsupported(other.to_string()),
    };
    let kind = job.spec.model.kind();
    let model = Predictor::load(job.folder, kind, &meta.features, meta.into());
    let predicted = model
        .map_err(unreadable)?
        .predict(rows.inputs())
        .map_err(unreadable)?;
    let outputs = match meta.number {
        None => Outputs::Probabilities(&predicted.probabilities),
        Some(_) => Outputs::Numbers(&predicted.numbers),
    };
    // They can be made again from the model, so a disk that has no room for them costs no trial.
    let _ = kept::write(job.folder, meta, rows.y, &predicted);
    let loss = job.spec.model.trained_loss(meta.target_scale());
    let measure =
        Measure::new(meta, outputs, rows.y, loss).calibrated(kind, job.data.valid_groups());
    Ok(measure.at_best(&job.spec.objective))
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
