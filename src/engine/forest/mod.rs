//! To be written.

use super::{Ending, EngineError, Job, Watch};
use crate::trial::ForestSpec;

/// Trains `job`.
pub fn train(
    _job: Job<'_>,
    _model: &ForestSpec,
    _checkpoint: Option<&[u8]>,
    _watch: &mut dyn Watch,
) -> Result<Ending, EngineError> {
    unimplemented!()
}
