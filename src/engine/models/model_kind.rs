//! What a kind of model is to the rest of the crate: how it is trained, how it is read back, how it is asked.

use std::io;
use std::path::{Path, PathBuf};

use sweep_core::trial::Kind;
use sweep_data::Inputs;

use super::library::{Located, NotFound};
use crate::{Backend, Callback, EngineError, Job, Outcome};

/// What a kind of model can do.
pub(crate) trait ModelKind: Sync {
    fn kind(&self) -> Kind;

    /// The library that it is trained with, or every place where that is not; `None` where it needs none.
    fn library(&self) -> Option<Result<Located, NotFound>> {
        None
    }

    /// Trains `job`, which is of this kind; `backend` is what trains networks.
    fn train(
        &self,
        backend: &mut dyn Backend,
        job: Job<'_>,
        checkpoint: Option<&[u8]>,
        callback: &mut dyn Callback,
    ) -> Result<Outcome, EngineError>;

    /// Reads the model that training left in `folder`.
    fn load(&self, folder: &Path) -> Result<Box<dyn TrainedModel>, LoadError>;
}

/// A model to predict with.
pub(crate) trait TrainedModel {
    fn features(&self) -> Names<'_>;

    /// None of a model that predicts a number.
    fn classes(&self) -> Names<'_>;

    /// Of whole rows.
    fn predict(&mut self, inputs: Inputs<'_>) -> Result<Scores, EngineError>;
}

/// What a model file says of its inputs or outputs.
pub(crate) enum Names<'a> {
    Known(&'a [String]),
    Counted(usize),
}

/// What a model gives for each row, row-major.
pub(crate) enum Scores {
    /// Of each class, before the softmax.
    Logits(Vec<f32>),
    /// Of each class.
    Probabilities(Vec<f32>),
    /// The number as it was learned, that is transformed.
    Numbers(Vec<f32>),
}

/// Why a trained model cannot be read back.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("cannot read {path}: {source}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} is not a model that this version can read: {why}")]
    Content { path: PathBuf, why: String },
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Refuses a job of another kind than the one that was asked to train it.
pub(super) fn other_kind(job: Job<'_>) -> EngineError {
    let name = job.spec.model.kind().name();
    EngineError::Unsupported(format!("a model of the kind {name} is trained elsewhere"))
}
