//! The kinds of model: one folder for each, what they have in common, and the registry of all.
//!
//! A new kind is a folder here with an implementation of [`ModelKind`], a line in the registry, and its settings in
//! `core/trial`.

mod baseline;
pub mod mlp;
pub mod random_forest;
pub mod xgboost;

use std::path::Path;

use sweep_core::trial::Kind;

use crate::{Backend, Callback, EngineError, Job, Outcome};

/// Every kind there is.
static REGISTRY: [&dyn ModelKind; 3] = [
    &mlp::MlpKind,
    &xgboost::XgboostKind,
    &random_forest::RandomForestKind,
];

/// What a kind of model can do.
pub(crate) trait ModelKind: Sync {
    fn kind(&self) -> Kind;

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

    fn classes(&self) -> Names<'_>;

    /// Row-major [rows, classes], of `x`, row-major [rows, features].
    fn predict(&mut self, x: &[f32]) -> Result<Scores, EngineError>;
}

/// What a model file says of its inputs or outputs.
pub(crate) enum Names<'a> {
    Known(&'a [String]),
    Counted(usize),
}

/// What a model gives for each class of each row.
pub(crate) enum Scores {
    /// Before the softmax.
    Logits(Vec<f32>),
    Probabilities(Vec<f32>),
}

/// Why a model cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error(transparent)]
    Network(#[from] mlp::LoadError),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// What trains and reads models of `kind`.
pub(crate) fn of(kind: Kind) -> &'static dyn ModelKind {
    let found = REGISTRY.into_iter().find(|known| known.kind() == kind);
    found.expect("every kind is in the registry, which a test walks")
}

/// Refuses a job of another kind than the one that was asked to train it.
fn other_kind(job: Job<'_>) -> EngineError {
    let name = job.spec.model.kind().name();
    EngineError::Unsupported(format!("a model of the kind {name} is trained elsewhere"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_in_the_registry() {
        for kind in Kind::all() {
            assert_eq!(of(kind).kind(), kind);
        }
        assert_eq!(REGISTRY.len(), Kind::all().len());
    }
}
