//! What training carries from epoch to epoch beside the network itself.
//!
//! Invariant: `State` and the network's parameters and running statistics are all that decides how
//! training continues; random numbers need no state.

use super::network::Network;
use super::optimizers;
use super::simd::F32x16;
use crate::score::Confusion;
use crate::{Epoch, Keep};
use sweep_core::trial::models::MlpSpec;
use sweep_core::trial::{Metric, Objective, Score};

#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Which epoch is kept; the job says so again when training resumes.
    pub keep: Keep,
    /// Epochs done.
    pub epoch: u32,
    /// Optimiser steps done.
    pub step: u64,
    /// Seconds of training, of all attempts.
    pub seconds: f64,
    /// First moments or momentum of every parameter.
    pub first: Vec<F32x16>,
    /// Second moments of every parameter; empty for `sgd`.
    pub second: Vec<F32x16>,
    /// The moving average of the parameters; empty without one.
    pub average: Vec<F32x16>,
    /// Objective at the last epoch.
    pub last: Option<f64>,
    pub best: Option<Best>,
    /// The objective that early stopping measures improvement from.
    pub reference: Option<f64>,
    /// Epochs since that improved by more than `min_delta`.
    pub stalled: u32,
}

/// The epoch that is kept so far: the best by the objective, of equal ones that with the lowest validation loss, the first
/// of those; or the one that the job asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Best {
    pub epoch: u32,
    pub objective: f64,
    pub metrics: Vec<(Metric, f64)>,
    /// Validation rows by (actual, predicted) class.
    pub confusion: Vec<Vec<u64>>,
    pub parameters: Vec<F32x16>,
    pub running: Vec<F32x16>,
}

/// What is told of the best epoch.
pub struct BestResult {
    pub best: Option<f64>,
    pub best_step: u32,
    pub metrics: Vec<(Metric, f64)>,
    pub confusion: Vec<Vec<u64>>,
}

impl State {
    pub fn new(spec: &MlpSpec, network: &Network, keep: Keep) -> State {
        let lines = network.parameters.len();
        let moments = |kept: bool| vec![F32x16::ZERO; if kept { lines } else { 0 }];
        let count = optimizers::of(spec).moments(spec);
        State {
            keep,
            epoch: 0,
            step: 0,
            seconds: 0.0,
            first: moments(count >= 1),
            second: moments(count == 2),
            average: moments(spec.ema > 0.0),
            last: None,
            best: None,
            reference: None,
            stalled: 0,
        }
    }

    /// Whether there is nothing left to train.
    pub fn is_over(&self, spec: &MlpSpec) -> bool {
        let patience = match self.keep {
            Keep::Best => spec.early_stopping.map(|stopping| stopping.patience),
            Keep::Step(_) => None,
        };
        let is_stale = patience.is_some_and(|patience| self.stalled >= patience);
        is_stale || self.epoch >= self.keep.steps(spec.epochs)
    }

    /// Puts the moving average, if there is one, in the place of the parameters, or back.
    pub fn swap_average(&mut self, network: &mut Network) {
        if !self.average.is_empty() {
            std::mem::swap(&mut self.average, &mut network.parameters);
        }
    }

    /// Whether the weights of `epoch` are kept: it is better than every one before it, or equal with a lower validation loss;
    /// or it is the one that the job asks for. Early stopping does not count a lower loss alone as an improvement.
    pub fn would_keep(&self, objective: &Objective, epoch: &Epoch) -> bool {
        if let Keep::Step(step) = self.keep {
            return epoch.step == step;
        }
        let value = value_of(objective, epoch);
        let new = Score::new(value, &epoch.values);
        let is_preferred =
            |best: &Best| objective.prefers(new, Score::new(best.objective, &best.metrics));
        self.best.as_ref().is_none_or(is_preferred)
    }

    /// Takes note of the epoch that `network` has just come to the end of.
    pub fn note(
        &mut self,
        spec: &MlpSpec,
        objective: &Objective,
        epoch: &Epoch,
        confusion: &Confusion,
        network: &Network,
    ) {
        let value = value_of(objective, epoch);
        let kept = self.would_keep(objective, epoch);
        self.epoch = epoch.step;
        self.last = Some(value);
        let goal = objective.goal;
        if kept {
            let mut previous = self.best.take();
            let mut keep = |lines: &[F32x16], part: fn(&mut Best) -> &mut Vec<F32x16>| {
                let mut kept = previous
                    .as_mut()
                    .map(|best| std::mem::take(part(best)))
                    .unwrap_or_default();
                kept.clear();
                kept.extend_from_slice(lines);
                kept
            };
            self.best = Some(Best {
                epoch: epoch.step,
                objective: value,
                metrics: epoch.values.clone(),
                confusion: confusion.rows(),
                parameters: keep(&network.parameters, |best| &mut best.parameters),
                running: keep(&network.running, |best| &mut best.running),
            });
        }
        let Some(stopping) = spec.early_stopping else {
            return;
        };
        let improved = self.reference.is_none_or(|reference| {
            let distance = (value - reference).abs();
            goal.is_better(value, reference) && distance > stopping.min_delta
        });
        if improved {
            self.reference = Some(value);
            self.stalled = 0;
        } else {
            self.stalled += 1;
        }
    }

    pub fn best_result(&self) -> BestResult {
        let best = self.best.as_ref();
        BestResult {
            best: best.map(|best| best.objective),
            best_step: best.map_or(0, |best| best.epoch),
            metrics: best.map(|best| best.metrics.clone()).unwrap_or_default(),
            confusion: best.map(|best| best.confusion.clone()).unwrap_or_default(),
        }
    }
}

/// The objective at `epoch`.
fn value_of(objective: &Objective, epoch: &Epoch) -> f64 {
    let values = epoch.values.iter();
    values
        .filter(|(name, _)| *name == objective.metric)
        .map(|(_, value)| *value)
        .next()
        .expect("the objective was checked to be measured")
}
