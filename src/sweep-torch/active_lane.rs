//! A lane of a group: who waits for it, and what an epoch means for it.
//!
//! Invariant: every lane has exactly one outcome.

use sweep_engine::models::mlp::Measured;
use sweep_engine::models::mlp::init_rng::Mask;
use sweep_engine::models::mlp::trial_state::{Divergence, List, TrialState};
use sweep_engine::{BatchedTrial, Control, Ended, Outcome};

use crate::masks::Source;
use crate::trained::{TrainedLane, Validated};

/// A lane that waits for its outcome.
pub struct Waiting<'a> {
    /// Among the lanes that were handed in.
    pub place: usize,
    pub lane: BatchedTrial<'a>,
    /// Whether its outcome was told.
    pub over: bool,
}

/// A lane in a group.
pub struct ActiveLane<'w, 'a> {
    pub waiting: &'w mut Waiting<'a>,
    pub trial_state: TrialState<'a>,
}

/// What becomes of a lane after an epoch.
pub enum LaneOutcome {
    Stays,
    Stopped(u32),
    Diverged(Divergence),
}

/// How a lane leaves that has not trained to its end.
pub enum EarlyEnd {
    Stopped(u32),
    Diverged(Divergence),
}

impl ActiveLane<'_, '_> {
    pub fn normalises(&self) -> bool {
        self.trial_state.spec().batch_norm
    }

    pub fn end(self, how: Option<EarlyEnd>, ended: Ended<'_>) {
        let callback = &mut *self.waiting.lane.callback;
        let outcome = match how {
            Some(EarlyEnd::Stopped(step)) => Ok(Outcome::Stopped { step }),
            Some(EarlyEnd::Diverged(divergence)) => {
                self.trial_state.finish(Some(divergence), callback)
            }
            None => self.trial_state.finish(None, callback),
        };
        self.waiting.over = true;
        ended(self.waiting.place, outcome);
    }
}

pub fn specs<'s>(lanes: &'s [ActiveLane<'_, '_>]) -> Vec<&'s sweep_core::trial::models::MlpSpec> {
    lanes
        .iter()
        .map(|active| active.trial_state.spec())
        .collect()
}

/// How many of `lanes`, from the first on, normalise batches.
pub fn count_normalised(lanes: &[ActiveLane<'_, '_>]) -> usize {
    lanes.iter().filter(|active| active.normalises()).count()
}

pub fn source(active: &ActiveLane<'_, '_>) -> Source {
    Source {
        seed: active.trial_state.job().spec.seed,
        epoch: active.trial_state.epoch() + 1,
        mask: Mask::of(active.trial_state.spec().dropout),
    }
}

/// Takes note of an epoch of one lane and tells its callback.
pub fn conclude(
    active: &mut ActiveLane<'_, '_>,
    trained: &TrainedLane<'_>,
    validated: &Validated,
    seconds: f64,
    numbers: &mut dyn FnMut(List) -> Vec<f32>,
) -> LaneOutcome {
    let trial_state = &mut active.trial_state;
    let steps = trained.steps as u64;
    if let Some(divergence) = trained.divergence() {
        trial_state.spend(steps, seconds);
        return LaneOutcome::Diverged(divergence);
    }
    let last = trial_state.steps() + steps - 1;
    let spec = trial_state.spec();
    let lr = spec.lr * spec.lr_schedule.factor(last, steps, spec.epochs);
    trial_state.spend(steps, seconds);
    if !validated.loss.is_finite() {
        let loss = validated.loss;
        return LaneOutcome::Diverged(Divergence::Validation { loss, steps });
    }
    let step = trial_state.epoch() + 1;
    // Losses of numbers are told in units of the transformed target.
    let number = trial_state.job().data.meta().number;
    let unit = number.map_or(1.0, |number| {
        trial_state.spec().loss().scale(number.scale())
    });
    let measured = Measured {
        train_loss: unit * trained.losses.iter().copied().map(f64::from).sum::<f64>()
            / trained.losses.len() as f64,
        valid_loss: unit * validated.loss,
        lr,
        grad_norm: trained.norms.iter().copied().map(f64::from).sum::<f64>() / steps as f64,
        seconds,
    };
    let report = trial_state.report(step, &measured, &validated.evaluation);
    trial_state.note(&report, &validated.evaluation.confusion, numbers);
    let callback = &mut *active.waiting.lane.callback;
    let control = callback.epoch(&report, &mut || trial_state.checkpoint(numbers));
    match control == Control::Stop && !trial_state.is_over() {
        true => LaneOutcome::Stopped(step),
        false => LaneOutcome::Stays,
    }
}
