//! How the trial of a network begins, what it reports and how it ends, whichever engine does the arithmetic.

use super::category::Categories;
use super::evaluation::{Evaluation, cannot_measure};
use super::network::Network;
use super::shape::Shape;
use super::simd::Isa;
use super::state::{BestResult, State};
use super::transfer::{self, ParamRange};
use super::{checkpoint, model_io};
use crate::{Callback, EngineError, Epoch, Job, Outcome};
use sweep_core::trial::models::MlpSpec;
use sweep_core::trial::{Metric, TrialId, TrialResult};
use sweep_data::Dataset;

/// A trial at its beginning, or where its checkpoint left it.
pub(super) struct Begun {
    pub trial: TrialId,
    pub network: Network,
    pub parts: Vec<ParamRange>,
    pub state: State,
}

/// The number of trainable numbers of the network `spec` on `data`.
pub fn parameters(spec: &MlpSpec, data: &Dataset) -> u64 {
    let meta = data.meta();
    let categories = Categories::of(spec.category_embedding, &meta.preprocessor);
    let texts = meta.preprocessor.text_features();
    Shape::fitted(spec, data.train(), (categories, &texts), meta.outputs()).count()
}

/// Draws, copies and restores all that `job` begins with; `batch` is the number of rows in a batch.
pub(super) fn begin(
    isa: Isa,
    job: &Job<'_>,
    spec: &MlpSpec,
    batch: usize,
    checkpoint: Option<&[u8]>,
) -> Result<Begun, EngineError> {
    let meta = job.data.meta();
    let trial = job.spec.id(&meta.digest);
    let outputs = meta.outputs();
    let categories = Categories::of(spec.category_embedding, &meta.preprocessor);
    let shape = match transfer::pieces(job, spec, categories.others().len())? {
        Some(pieces) => Shape::new(spec, Some(pieces), categories, outputs),
        None => {
            let texts = meta.preprocessor.text_features();
            Shape::fitted(spec, job.data.train(), (categories, &texts), outputs)
        }
    };
    let mut network = Network::new(isa, spec, shape, batch, job.spec.seed);
    let parts = transfer::begin(job, spec, &mut network)?;
    let mut state = State::new(spec, &network, job.keep);
    if let Some(bytes) = checkpoint {
        checkpoint::restore(bytes, &trial, &mut network, &mut state)?;
    }
    Ok(Begun {
        trial,
        network,
        parts,
        state,
    })
}

/// What an epoch is known by, besides its predictions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// Mean over the epoch's rows, as trained.
    pub train_loss: f64,
    /// Mean over the validation rows.
    pub valid_loss: f64,
    /// Of the last step.
    pub lr: f64,
    /// Mean over steps, before clipping.
    pub grad_norm: f64,
    pub seconds: f64,
}

/// Epoch `step` as it is reported.
pub(super) fn report(
    (job, spec): (&Job<'_>, &MlpSpec),
    step: u32,
    measured: &Measured,
    evaluation: &Evaluation,
) -> Epoch {
    let own = |name: &str, value: f64| (name.to_owned(), value);
    let mut values = vec![own("train/loss", measured.train_loss)];
    values.extend(evaluation.values(job, spec, measured.valid_loss));
    values.extend([
        own("lr", measured.lr),
        own("grad_norm", measured.grad_norm),
        own("seconds", measured.seconds),
    ]);
    Epoch { step, values }
}

/// Why a trial ended whose mean loss over a batch was not finite; `place` is the step and how many an
/// epoch has.
pub(super) fn training_diverged(loss: f64, epoch: u32, (step, steps): (u64, u64)) -> String {
    format!("the training loss was {loss} in epoch {epoch}, step {step} of {steps}")
}

pub(super) fn validation_diverged(loss: f64, epoch: u32, steps: u64) -> String {
    format!("the validation loss was {loss} after epoch {epoch}, step {steps} of {steps}")
}

/// Refuses what cannot be trained.
pub(super) fn check(job: &Job<'_>) -> Result<(), EngineError> {
    let meta = job.data.meta();
    let refuse = |why: String| Err(EngineError::Unsupported(why));
    for (side, rows) in [
        ("training", job.data.train()),
        ("validation", job.data.valid()),
    ] {
        if rows.y.is_empty() {
            return refuse(format!("there are no {side} rows"));
        }
        let labels = rows.y.classes().unwrap_or_default();
        if let Some(label) = labels.iter().find(|y| **y as usize >= meta.classes.len()) {
            let classes = meta.classes.len();
            return refuse(format!(
                "a {side} row is of class {label}, but there are {classes}"
            ));
        }
    }
    if meta.features.is_empty() {
        return refuse("there are no features".to_owned());
    }
    match cannot_measure(job) {
        Some(why) => refuse(why),
        None => Ok(()),
    }
}

/// The result of a trial that came to its end; saves the weights kept, if there are any.
pub(super) fn finish(
    job: &Job<'_>,
    spec: &MlpSpec,
    network: &Network,
    state: State,
    diverged: Option<String>,
    callback: &mut dyn Callback,
) -> Result<Outcome, EngineError> {
    let artifacts = match &state.best {
        Some(best) => model_io::save(job, spec, &network.shape, best, callback)?,
        None => Vec::new(),
    };
    let BestResult {
        best,
        best_step,
        metrics,
        confusion,
    } = state.best_result();
    Ok(Outcome::Done(Box::new(TrialResult {
        diverged,
        best,
        best_step,
        last: state.last,
        steps: state.epoch,
        parameters: network.shape.count() - transfer::count(&network.shape, network.frozen),
        seconds: state.seconds,
        metrics,
        confusion,
        importance: Vec::<(Metric, f64)>::new(),
        artifacts,
    })))
}
