//! A lane of a group: who waits for it, and what an epoch means for it.
//!
//! Invariant: every lane has exactly one ending.

use sweep_engine::native::Measured;
use sweep_engine::native::draw::Mask;
use sweep_engine::native::mirror::{Divergence, List, Mirror};
use sweep_engine::{Control, Ended, Ending, Lane};

use crate::masks::Source;
use crate::trained::{TrainedLane, Validated};

/// A lane that waits for its ending.
pub struct Waiting<'a> {
    /// Among the lanes that were handed in.
    pub place: usize,
    pub lane: Lane<'a>,
    /// Whether its ending was told.
    pub over: bool,
}

/// A lane in a group.
pub struct Seat<'w, 'a> {
    pub waiting: &'w mut Waiting<'a>,
    pub mirror: Mirror<'a>,
}

/// What becomes of a lane after an epoch.
pub enum Fate {
    Stays,
    Stopped(u32),
    Diverged(Divergence),
}

/// How a lane leaves that has not trained to its end.
pub enum Leaving {
    Stopped(u32),
    Diverged(Divergence),
}

impl Seat<'_, '_> {
    pub fn normalises(&self) -> bool {
        self.mirror.spec().batch_norm
    }

    pub fn end(self, how: Option<Leaving>, ended: Ended<'_>) {
        let watch = &mut *self.waiting.lane.watch;
        let ending = match how {
            Some(Leaving::Stopped(step)) => Ok(Ending::Stopped { step }),
            Some(Leaving::Diverged(divergence)) => self.mirror.finish(Some(divergence), watch),
            None => self.mirror.finish(None, watch),
        };
        self.waiting.over = true;
        ended(self.waiting.place, ending);
    }
}

pub fn specs<'s>(seats: &'s [Seat<'_, '_>]) -> Vec<&'s sweep_core::trial::MlpSpec> {
    seats.iter().map(|seat| seat.mirror.spec()).collect()
}

/// How many of `seats`, from the first on, normalise batches.
pub fn count_normalised(seats: &[Seat<'_, '_>]) -> usize {
    seats.iter().filter(|seat| seat.normalises()).count()
}

pub fn source(seat: &Seat<'_, '_>) -> Source {
    Source {
        seed: seat.mirror.job().spec.seed,
        epoch: seat.mirror.epoch() + 1,
        mask: Mask::of(seat.mirror.spec().dropout),
    }
}

/// Takes note of an epoch of one lane and tells its watch.
pub fn conclude(
    seat: &mut Seat<'_, '_>,
    trained: &TrainedLane<'_>,
    validated: &Validated,
    seconds: f64,
    numbers: &mut dyn FnMut(List) -> Vec<f32>,
) -> Fate {
    let mirror = &mut seat.mirror;
    let steps = trained.steps as u64;
    if let Some(divergence) = trained.divergence() {
        mirror.spend(steps, seconds);
        return Fate::Diverged(divergence);
    }
    let spec = mirror.spec();
    let last = mirror.steps() + steps - 1;
    mirror.spend(steps, seconds);
    if !validated.loss.is_finite() {
        let loss = validated.loss;
        return Fate::Diverged(Divergence::Validation { loss, steps });
    }
    let step = mirror.epoch() + 1;
    let measured = Measured {
        train_loss: trained.losses.iter().copied().map(f64::from).sum::<f64>()
            / trained.losses.len() as f64,
        valid_loss: validated.loss,
        lr: spec.lr * spec.lr_schedule.factor(last, steps, spec.epochs),
        grad_norm: trained.norms.iter().copied().map(f64::from).sum::<f64>() / steps as f64,
        seconds,
    };
    let report = mirror.report(step, &measured, &validated.confusion);
    mirror.note(&report, &validated.confusion, numbers);
    let watch = &mut *seat.waiting.lane.watch;
    let control = watch.epoch(&report, &mut || mirror.checkpoint(numbers));
    match control == Control::Stop && !mirror.is_over() {
        true => Fate::Stopped(step),
        false => Fate::Stays,
    }
}
