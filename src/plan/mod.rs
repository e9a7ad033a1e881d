//! From an experiment to its trials.

use crate::trial::{ConfigId, TrialId, TrialSpec};

/// A trial with its names.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedTrial {
    pub id: TrialId,
    pub config: ConfigId,
    pub spec: TrialSpec,
}
