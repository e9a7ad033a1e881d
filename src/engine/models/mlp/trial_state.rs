//! A network that another engine trains, as this engine knows it: the same beginning, the same
//! book-keeping, the same checkpoint and the same files.
//!
//! Invariant: A trial state decides and writes what this engine would from the same numbers. Outside,
//! numbers are flat: tensor after tensor in the order of [`TrialState::tensors`], each row-major.

use super::category::EmbeddedColumn;
use super::checkpoint;
use super::evaluation::Evaluation;
use super::lifecycle::{
    Begun, Measured, begin, check, finish, report, training_diverged, validation_diverged,
};
use super::network::Network;
use super::shape::{InputLayer, Tensor};
use super::simd::{F32x16, Isa, LANES};
use super::state::State;
use super::transfer::ParamRange;
use crate::score::Confusion;
use crate::{Callback, EngineError, Epoch, Job, Outcome};
use sweep_core::trial::TrialId;
use sweep_core::trial::models::MlpSpec;

/// One trial.
pub struct TrialState<'a> {
    job: Job<'a>,
    spec: MlpSpec,
    trial: TrialId,
    network: Network,
    parts: Vec<ParamRange>,
    state: State,
}

/// The lists of numbers that training resumes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// Weights, biases, gammas and betas.
    Parameters,
    /// Running means and variances.
    Running,
    /// First moments, or momentum, of the parameters.
    First,
    /// Second moments of the parameters.
    Second,
    /// The moving average of the parameters.
    Average,
}

/// A tensor of the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// PyTorch's name, such as `layers.0.linear.weight`.
    pub name: String,
    pub shape: Vec<usize>,
    /// In [`List::Running`]; the others are in [`List::Parameters`].
    pub running: bool,
}

/// How features become the inputs of the first layer.
#[derive(Debug, Clone, PartialEq)]
pub enum Inputs<'a> {
    Plain,
    /// Rising edges of each feature's bins, as [`sweep_core::trial::models::Embedding::Ple`] has them.
    Piecewise(&'a [Vec<f32>]),
    /// Sizes of [`sweep_core::trial::models::Embedding::Periodic`]; the tensors `embedding.*` are its own.
    Periodic {
        frequencies: usize,
        width: usize,
    },
}

/// A range of the flat parameters that is trained at one rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ParamGroup {
    pub start: usize,
    pub count: usize,
    /// Learning rate before the schedule.
    pub lr: f64,
}

impl<'a> TrialState<'a> {
    /// The trial `job` at its beginning, or where `checkpoint` left it.
    ///
    /// # Errors
    /// As [`super::train`].
    pub fn begin(
        job: Job<'a>,
        spec: MlpSpec,
        checkpoint: Option<&[u8]>,
    ) -> Result<TrialState<'a>, EngineError> {
        check(&job)?;
        let Begun {
            trial,
            network,
            parts,
            state,
        } = begin(Isa::detect(), &job, &spec, 0, checkpoint)?;
        Ok(TrialState {
            job,
            spec,
            trial,
            network,
            parts,
            state,
        })
    }

    pub fn job(&self) -> Job<'a> {
        self.job
    }

    pub fn spec(&self) -> &MlpSpec {
        &self.spec
    }

    /// Epochs done.
    pub fn epoch(&self) -> u32 {
        self.state.epoch
    }

    /// Optimiser steps done.
    pub fn steps(&self) -> u64 {
        self.state.step
    }

    /// Whether there is nothing left to train.
    pub fn is_over(&self) -> bool {
        self.state.is_over(&self.spec)
    }

    /// Hidden layers, from the input on, that normalise with their running statistics while training
    /// and are not trained.
    pub fn frozen(&self) -> usize {
        self.network.frozen
    }

    /// Every tensor, from the input on, in the order of PyTorch's `state_dict`.
    pub fn tensors(&self) -> Vec<Named> {
        let name = |tensor: Tensor| Named {
            name: tensor.name,
            shape: tensor.shape,
            running: tensor.running,
        };
        self.network.shape.tensors().into_iter().map(name).collect()
    }

    pub fn inputs(&self) -> Inputs<'_> {
        match &self.network.shape.entry {
            InputLayer::Plain => Inputs::Plain,
            InputLayer::Piecewise(pieces) => Inputs::Piecewise(&pieces.edges),
            InputLayer::Periodic(periodic) => Inputs::Periodic {
                frequencies: periodic.frequencies,
                width: periodic.width,
            },
        }
    }

    /// Places of the features that are no embedded column's: those of [`TrialState::inputs`].
    pub fn other_features(&self) -> &[usize] {
        self.network.shape.categories.others()
    }

    /// Columns of categories with vectors, which follow the other inputs; the tensors `category.*` are
    /// theirs.
    pub fn categories(&self) -> &[EmbeddedColumn] {
        self.network.shape.categories.columns()
    }

    /// What is trained, in order; what stands before it is frozen.
    pub fn param_groups(&self) -> Vec<ParamGroup> {
        let shape = &self.network.shape;
        let numbers_before = |line: usize| -> usize {
            let before = shape
                .tensors()
                .into_iter()
                .filter(|tensor| !tensor.running && tensor.starts_before(line));
            before.map(|tensor| tensor.len()).sum()
        };
        self.parts
            .iter()
            .map(|part| {
                let start = numbers_before(part.lines.start);
                ParamGroup {
                    start,
                    count: numbers_before(part.lines.end) - start,
                    lr: part.lr,
                }
            })
            .collect()
    }

    /// The numbers of `list`; none where the trial has no such list.
    pub fn numbers(&self, list: List) -> Vec<f32> {
        let lines = match list {
            List::Parameters => &self.network.parameters,
            List::Running => &self.network.running,
            List::First => &self.state.first,
            List::Second => &self.state.second,
            List::Average => &self.state.average,
        };
        if lines.is_empty() {
            return Vec::new();
        }
        let tensors = self.network.shape.tensors().into_iter();
        tensors
            .filter(|tensor| tensor.running == (list == List::Running))
            .flat_map(|tensor| tensor.read(lines))
            .collect()
    }

    /// Epoch `step` as it is reported.
    pub fn report(&self, step: u32, measured: &Measured, evaluation: &Evaluation) -> Epoch {
        report((&self.job, &self.spec), step, measured, evaluation)
    }

    /// Takes note of `optimiser_steps` more steps and `seconds` more of training.
    pub fn spend(&mut self, optimiser_steps: u64, seconds: f64) {
        self.state.step += optimiser_steps;
        self.state.seconds += seconds;
    }

    /// Takes note of the epoch that training has just come to the end of. `numbers` gives the lists as
    /// they are now; it is only asked for what was measured, and only when that is to be kept.
    pub fn note(
        &mut self,
        epoch: &Epoch,
        confusion: &Confusion,
        numbers: &mut dyn FnMut(List) -> Vec<f32>,
    ) {
        let objective = &self.job.spec.objective;
        if self.state.would_keep(objective, epoch) {
            let measured = match self.state.average.is_empty() {
                true => List::Parameters,
                false => List::Average,
            };
            let shape = &self.network.shape;
            put(
                shape.tensors(),
                false,
                &numbers(measured),
                &mut self.network.parameters,
            );
            if !self.network.running.is_empty() {
                let running = numbers(List::Running);
                put(shape.tensors(), true, &running, &mut self.network.running);
            }
        }
        self.state
            .note(&self.spec, objective, epoch, confusion, &self.network);
    }

    /// The bytes of a checkpoint after the epoch noted last; `numbers` gives every list as it is now.
    pub fn checkpoint(&mut self, numbers: &mut dyn FnMut(List) -> Vec<f32>) -> Vec<u8> {
        let shape = &self.network.shape;
        for (list, lines) in [
            (List::Parameters, &mut self.network.parameters),
            (List::Running, &mut self.network.running),
            (List::First, &mut self.state.first),
            (List::Second, &mut self.state.second),
            (List::Average, &mut self.state.average),
        ] {
            if !lines.is_empty() {
                put(
                    shape.tensors(),
                    list == List::Running,
                    &numbers(list),
                    lines,
                );
            }
        }
        checkpoint::write(&self.trial, &self.network, &self.state)
    }

    /// The result of a trial that came to its end; saves the weights kept, if there are any.
    ///
    /// # Errors
    /// When its files cannot be written.
    pub fn finish(
        self,
        diverged: Option<Divergence>,
        callback: &mut dyn Callback,
    ) -> Result<Outcome, EngineError> {
        let epoch = self.state.epoch + 1;
        let reason = diverged.map(|diverged| match diverged {
            Divergence::Training { loss, step, steps } => {
                training_diverged(loss, epoch, (step, steps))
            }
            Divergence::Validation { loss, steps } => validation_diverged(loss, epoch, steps),
        });
        finish(
            &self.job,
            &self.spec,
            &self.network,
            self.state,
            reason,
            callback,
        )
    }
}

/// Which loss was not finite in the epoch under way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Divergence {
    /// The mean over a batch at `step` (from 1) of `steps`.
    Training { loss: f64, step: u64, steps: u64 },
    /// The mean over the validation rows.
    Validation { loss: f64, steps: u64 },
}

/// Puts flat `numbers` into the lines of the tensors among the running statistics, or not among them.
fn put(tensors: Vec<Tensor>, running: bool, numbers: &[f32], lines: &mut [F32x16]) {
    debug_assert!(lines.len() * LANES >= numbers.len());
    let mut rest = numbers;
    for tensor in tensors
        .into_iter()
        .filter(|tensor| tensor.running == running)
    {
        let (own, others) = rest.split_at(tensor.len());
        tensor.write(lines, own.iter().copied());
        rest = others;
    }
    assert!(rest.is_empty(), "a list has as many numbers as its tensors");
}
