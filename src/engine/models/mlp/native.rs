//! The CPU engine for networks: the training loop.
//!
//! Invariant: one thread, no allocation within an epoch, and the same bits for the same job whatever else the machine
//! does, whether or not the trial was ever stopped and resumed.

use std::ops::Range;

use super::average::{Average, average_decay};
use super::clip::{Norm, clip_factor};
use super::evaluation::Evaluation;
use super::learned::{Learned, valid_numbers};
use super::lifecycle::{
    Begun, Measured, begin, check, finish, report, training_diverged, validation_diverged,
};
use super::network::Draw;
use super::optimizers::{self, Step};
use super::simd::{F32x16, Isa};
use super::transfer::ParamRange;
use super::{checkpoint, init_rng};
use crate::{Backend, BatchedTrial, Callback, Control, Ended, EngineError, Job, Outcome};
use sweep_core::awake;
use sweep_core::trial::models::MlpSpec;
use sweep_data::{Rows, Targets};

/// This engine, which trains one network at a time.
#[derive(Debug, Clone, Copy)]
pub struct Native;

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

/// Trains the network `model` of `job`, resuming from `checkpoint` if given.
///
/// Each epoch reports `train/loss` (mean over the epoch's rows, as trained, with dropout and smoothed labels),
/// the cheap metrics of the validation rows and the objective, `lr` (of the last step), `grad_norm` (mean over steps,
/// before clipping) and `seconds`. An epoch in which a loss is not finite is not reported: it ends the trial as diverged. The
/// weights of the best epoch are kept and saved, of equal ones those with the lowest validation loss; with `ema`, their
/// moving average is what is measured, kept and saved.
///
/// # Errors
/// A checkpoint of another trial or a damaged one; a transfer whose source is missing or has changed; data without
/// rows, features or classes; an objective that is not measured here; files that cannot be written.
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
pub(super) fn train_on(
    isa: Isa,
    job: Job<'_>,
    spec: &MlpSpec,
    checkpoint: Option<&[u8]>,
    callback: &mut dyn Callback,
) -> Result<Outcome, EngineError> {
    check(&job)?;
    let learned = Learned::of(&job, spec);
    let train = learned.rows(job.data.train());
    let valid_numbers = valid_numbers(&job);
    let valid = match &valid_numbers {
        None => job.data.valid(),
        Some(numbers) => Rows {
            y: Targets::Numbers(numbers),
            ..job.data.valid()
        },
    };
    // Losses of numbers are told in units of the transformed target.
    let number = job.data.meta().number;
    let unit = number.map_or(1.0, |number| spec.loss().scale(number.scale()));
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
    // Once, since no epoch changes them.
    let categories = network.shape.categories.clone();
    let entries = [train.x, valid.x].map(|x| categories.entries_of(x));
    let [train, valid] =
        [(train, &entries[0]), (valid, &entries[1])].map(|(rows, x)| Rows { x, ..rows });
    let mut order = vec![0u32; train.y.len()];
    let mut evaluation = Evaluation::new(&job);

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
        evaluation.clear();
        let valid_loss = unit * network.evaluate(valid, &mut evaluation);
        let seconds = awake::since(start).as_secs_f64();
        state.seconds += seconds;
        if !valid_loss.is_finite() {
            let reason = validation_diverged(valid_loss, epoch, steps);
            return finish(&job, spec, &network, state, Some(reason), callback);
        }
        let report = report(
            (&job, spec),
            epoch,
            &Measured {
                train_loss: unit * loss_sum / train.y.len() as f64,
                valid_loss,
                lr,
                grad_norm: norm_sum / steps as f64,
                seconds,
            },
            &evaluation,
        );
        let confusion = &evaluation.confusion;
        state.note(spec, &job.spec.objective, &report, confusion, &network);
        state.swap_average(&mut network);
        let control = callback.epoch(&report, &mut || checkpoint::write(&trial, &network, &state));
        if control == Control::Stop && !state.is_over(spec) {
            return Ok(Outcome::Stopped { step: epoch });
        }
    }
    finish(&job, spec, &network, state, None, callback)
}

/// The moments of the parameters at `lines`, where the optimiser has any.
fn part_of<'a>(moments: &'a mut [F32x16], lines: &Range<usize>) -> &'a mut [F32x16] {
    match moments.is_empty() {
        true => moments,
        false => &mut moments[lines.clone()],
    }
}
