//! Networks: [Linear, BatchNorm?, activation, Dropout] x n, Linear, and a loss; and [`Native`], which trains them on the
//! CPU.
//!
//! Initial weights, update rules and normalisation are PyTorch's; random numbers are our own (see [`init_rng`]).
//! What every engine for networks shares is in `lifecycle` and [`trial_state`].

mod average;
mod category;
mod checkpoint;
mod clip;
mod evaluation;
pub mod init_rng;
mod layer_ops;
mod learned;
mod lifecycle;
mod loss;
mod math;
mod matrix;
mod model_io;
mod native;
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

pub use average::average_decay;
pub use category::EmbeddedColumn;
pub use evaluation::Evaluation;
pub use learned::{Learned, valid_numbers};
pub use lifecycle::{Measured, parameters};
pub use model_io::{DESCRIPTION, Model, WEIGHTS};
pub use native::{Native, train};

use std::path::Path;

use super::model_kind::{LoadError, ModelKind, Names, Scores, TrainedModel};
use crate::{Backend, BatchedTrial, Callback, EngineError, Job, Outcome};
use sweep_core::trial::Kind;
use sweep_data::Inputs;

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

    fn load(&self, folder: &Path) -> Result<Box<dyn TrainedModel>, LoadError> {
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

    fn predict(&mut self, inputs: Inputs<'_>) -> Result<Scores, EngineError> {
        let scores = self.scores(inputs.x);
        Ok(match self.number() {
            None => Scores::Logits(scores),
            Some(number) => {
                let learned = |score: f32| f64::from(score) * number.scale() + number.mean;
                Scores::Numbers(
                    scores
                        .into_iter()
                        .map(|score| learned(score) as f32)
                        .collect(),
                )
            }
        })
    }
}
