//! To be written.

use super::{Ending, EngineError, Job, Watch};
use crate::trial::BoostSpec;

/// Trains `job`.
pub fn train(
    _job: Job<'_>,
    _model: &BoostSpec,
    _checkpoint: Option<&[u8]>,
    _watch: &mut dyn Watch,
) -> Result<Ending, EngineError> {
    unimplemented!()
}
