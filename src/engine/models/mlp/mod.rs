//! The CPU engine for networks: [Linear, BatchNorm?, activation, Dropout] x n, Linear, cross-entropy.
//!
//! Initial weights, update rules and normalisation are PyTorch's; random numbers are our own (see
//! [`draw`]). One thread, no allocation within an epoch, and the same bits for the same job whatever
//! else the machine does, whether or not the trial was ever stopped and gone on with.

mod average;
mod checkpoint;
mod clip;
pub mod init_rng;
mod layer_ops;
mod loss;
mod math;
mod matrix;
mod model_io;
mod network;
mod optimizers;
mod periodic;
mod piecewise;
mod shape;
mod simd;
mod state;
#[cfg(test)]
mod tests;
mod transfer;
pub mod trial_state;
mod workspace;

pub use model_io::{LoadError, Model, WEIGHTS};

use std::ops::Range;
use std::path::Path;

use average::Average;
pub use average::average_decay;
use clip::{Norm, clip_factor};
use network::{Draw, Network};
use optimizers::Step;
use shape::Shape;
use simd::{F32x16, Isa};
use state::{BestResult, State};
use transfer::ParamRange;

use super::{ModelKind, Names, Scores, TrainedModel};
use crate::score::Confusion;
use crate::{Backend, BatchedTrial, Callback, Control, Ended, EngineError, Epoch, Job, Outcome};
use sweep_core::awake;
use sweep_core::trial::models::MlpSpec;
use sweep_core::trial::{Kind, METRICS, Metric, TrialId, TrialResult};

/// This engine, which trains one network at a time.
#[derive(Debug, Clone, Copy)]
pub struct Native;

/// The kind, as the registry has it.
pub(super) struct MlpKind;

impl ModelKind for MlpKind {
    fn kind(&self) -> Kind {
        Kind::MLP
    }

    fn train(
        &self,
        backend: &mut dyn Backend,
        job: Job<'_>,
        checkpoint: Option<&[u8]>,
        callback: &mut dyn Callback,
    ) -> Result<Outcome, EngineError> {
        let mut outcome = None;
        let trial = BatchedTrial {
            job,
            checkpoint,
            callback,
        };
        backend.train(vec![trial], &mut |_, given| outcome = Some(given));
        outcome.expect("every trial has an outcome")
    }

    fn load(&self, folder: &Path) -> Result<Box<dyn TrainedModel>, super::LoadError> {
        Ok(Box::new(Model::load(folder)?))
    }
}

impl TrainedModel for Model {
    fn features(&self) -> Names<'_> {
        Names::Known(Model::features(self))
    }

    fn classes(&self) -> Names<'_> {
        Names::Known(Model::classes(self))
    }

    fn predict(&mut self, x: &[f32]) -> Result<Scores, EngineError> {
        Ok(Scores::Logits(self.scores(x)))
    }
}

impl Backend for Native {
    fn name(&self) -> &'static str {
        "native"
    }

    fn train(&mut self, lanes: Vec<BatchedTrial<'_>>, ended: Ended<'_>) {
        for (place, lane) in lanes.into_iter().enumerate() {
            let Some(model) = MlpSpec::of(&lane.job.spec.model) else {
                let why = "this engine trains networks alone".to_owned();
                ended(place, Err(EngineError::Unsupported(why)));
                continue;
            };
            ended(
                place,
                train(lane.job, &model, lane.checkpoint, lane.callback),
            );
        }
    }
}

/// Trains the network `model` of `job`, going on from `checkpoint` if given.
///
/// Each epoch reports `train/loss` (mean over the epoch's rows, as trained, with dropout
/// and smoothed labels), `valid/loss`, `valid/accuracy`, `valid/macro_f1`, `lr` (of the last step), `grad_norm` (mean over
/// steps, before clipping) and `seconds`. An epoch in which a loss is not finite is not reported: it
/// ends the trial as diverged. The weights of the best epoch are kept and saved, of equal ones those with the lowest
/// validation loss; with `ema`, their
/// moving average is what is measured, kept and saved.
///
/// # Errors
/// A checkpoint of another trial or a damaged one; a transfer whose source is missing or has changed; data without rows, features or classes; an
/// objective that is not measured here; files that cannot be written.
pub fn train(
    job: Job<'_>,
    model: &MlpSpec,
    checkpoint: Option<&[u8]>,
    callback: &mut dyn Callback,
) -> Result<Outcome, EngineError> {
    train_on(Isa::detect(), job, model, checkpoint, callback)
}

#[expect(
    clippy::too_many_lines,
    reason = "the training loop is one flat function"
)]
fn train_on(
    isa: Isa,
    job: Job<'_>,
    spec: &MlpSpec,
    checkpoint: Option<&[u8]>,
    callback: &mut dyn Callback,
) -> Result<Outcome, EngineError> {
    check(&job)?;
    let (train, valid) = (job.data.train(), job.data.valid());
    let meta = job.data.meta();
    let seed = job.spec.seed;
    let batch = spec.batch_rows(train.y.len());
    let steps = train.y.len().div_ceil(batch) as u64;
    let Begun {
        trial,
        mut network,
        parts,
        mut state,
    } = begin(isa, &job, spec, batch, checkpoint)?;
    if checkpoint.is_some() {
        callback.resumed(state.epoch);
    }
    let mut order = vec![0u32; train.y.len()];
    let mut confusion = Confusion::new(meta.classes.len());

    let optimizer = optimizers::of(spec);
    while !state.is_over(spec) {
        let start = awake::now();
        let epoch = state.epoch + 1;
        init_rng::batch_order(seed, epoch, &mut order);
        let (mut loss_sum, mut norm_sum, mut lr) = (0.0, 0.0, 0.0);
        for (step, rows) in order.chunks(batch).enumerate() {
            let draw = Draw {
                seed,
                epoch,
                step: step as u32,
            };
            let loss = network.step(train, rows, draw);
            state.step += 1;
            if !loss.is_finite() {
                let loss = loss / rows.len() as f64;
                let reason = training_diverged(loss, epoch, (step as u64 + 1, steps));
                state.seconds += awake::since(start).as_secs_f64();
                return finish(&job, spec, &network, state, Some(reason), callback);
            }
            loss_sum += loss;
            let norm = isa.run(Norm {
                gradients: &network.gradients,
            });
            norm_sum += norm;
            let factor = spec.lr_schedule.factor(state.step - 1, steps, spec.epochs);
            lr = spec.lr * factor;
            for ParamRange { lines, lr } in &parts {
                let step = Step {
                    spec,
                    step: state.step,
                    lr: lr * factor,
                    clip: clip_factor(spec, norm),
                    parameters: &mut network.parameters[lines.clone()],
                    gradients: &network.gradients[lines.clone()],
                    first: part_of(&mut state.first, lines),
                    second: part_of(&mut state.second, lines),
                };
                optimizer.step(isa, step);
            }
            if spec.ema > 0.0 {
                isa.run(Average {
                    parameters: &network.parameters,
                    decay: average_decay(spec.ema, state.step),
                    average: &mut state.average,
                });
            }
        }
        state.swap_average(&mut network);
        confusion.clear();
        let valid_loss = network.evaluate(valid, &mut confusion);
        let seconds = awake::since(start).as_secs_f64();
        state.seconds += seconds;
        if !valid_loss.is_finite() {
            let reason = validation_diverged(valid_loss, epoch, steps);
            return finish(&job, spec, &network, state, Some(reason), callback);
        }
        let report = report(
            epoch,
            &Measured {
                train_loss: loss_sum / train.y.len() as f64,
                valid_loss,
                lr,
                grad_norm: norm_sum / steps as f64,
                seconds,
            },
            &confusion,
        );
        state.note(spec, &job.spec.objective, &report, &confusion, &network);
        state.swap_average(&mut network);
        let control = callback.epoch(&report, &mut || checkpoint::write(&trial, &network, &state));
        if control == Control::Stop && !state.is_over(spec) {
            return Ok(Outcome::Stopped { step: epoch });
        }
    }
    finish(&job, spec, &network, state, None, callback)
}

/// A trial at its beginning, or where its checkpoint left it.
struct Begun {
    trial: TrialId,
    network: Network,
    parts: Vec<ParamRange>,
    state: State,
}

/// Draws, copies and restores all that `job` begins with; `batch` is the number of rows in a batch.
fn begin(
    isa: Isa,
    job: &Job<'_>,
    spec: &MlpSpec,
    batch: usize,
    checkpoint: Option<&[u8]>,
) -> Result<Begun, EngineError> {
    let meta = job.data.meta();
    let trial = job.spec.id(&meta.digest);
    let (features, classes) = (meta.features.len(), meta.classes.len());
    let shape = match transfer::pieces(job, spec)? {
        Some(pieces) => Shape::new(spec, Some(pieces), features, classes),
        None => Shape::fitted(spec, job.data.train(), features, classes),
    };
    let mut network = Network::new(isa, spec, shape, batch, job.spec.seed);
    let parts = transfer::begin(job, spec, &mut network)?;
    let mut state = State::new(spec, &network);
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
fn report(step: u32, measured: &Measured, confusion: &Confusion) -> Epoch {
    let values = [
        ("train/loss", measured.train_loss),
        ("valid/loss", measured.valid_loss),
        ("valid/accuracy", confusion.accuracy()),
        ("valid/macro_f1", confusion.macro_f1()),
        ("lr", measured.lr),
        ("grad_norm", measured.grad_norm),
        ("seconds", measured.seconds),
    ];
    Epoch {
        step,
        values: values
            .map(|(name, value)| (name.to_owned(), value))
            .to_vec(),
    }
}

/// Why a trial ended whose mean loss over a batch was not finite; `place` is the step and how many an
/// epoch has.
fn training_diverged(loss: f64, epoch: u32, (step, steps): (u64, u64)) -> String {
    format!("the training loss was {loss} in epoch {epoch}, step {step} of {steps}")
}

fn validation_diverged(loss: f64, epoch: u32, steps: u64) -> String {
    format!("the validation loss was {loss} after epoch {epoch}, step {steps} of {steps}")
}

/// The moments of the parameters at `lines`, where the optimiser has any.
fn part_of<'a>(moments: &'a mut [F32x16], lines: &Range<usize>) -> &'a mut [F32x16] {
    match moments.is_empty() {
        true => moments,
        false => &mut moments[lines.clone()],
    }
}

/// Refuses what cannot be trained.
fn check(job: &Job<'_>) -> Result<(), EngineError> {
    let meta = job.data.meta();
    let refuse = |why: String| Err(EngineError::Unsupported(why));
    for (side, rows) in [
        ("training", job.data.train()),
        ("validation", job.data.valid()),
    ] {
        if rows.y.is_empty() {
            return refuse(format!("there are no {side} rows"));
        }
        if let Some(label) = rows.y.iter().find(|y| **y as usize >= meta.classes.len()) {
            let classes = meta.classes.len();
            return refuse(format!(
                "a {side} row is of class {label}, but there are {classes}"
            ));
        }
    }
    if meta.features.is_empty() {
        return refuse("there are no features".to_owned());
    }
    let objective = &job.spec.objective.metric;
    if !METRICS.iter().any(|(name, _)| name == objective) {
        let allowed = METRICS.map(|(name, _)| name).join(", ");
        return refuse(format!(
            "the objective `{objective}` is not measured; allowed are {allowed}"
        ));
    }
    Ok(())
}

/// The result of a trial that came to its end; saves the weights kept, if there are any.
fn finish(
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
