//! The record of every sweep, in SQLite.

mod record;

pub use record::{
    ArtifactRecord, AttemptRecord, Curve, DatasetRecord, ExperimentRecord, ExperimentSummary,
    SessionRecord, TrialRecord,
};
