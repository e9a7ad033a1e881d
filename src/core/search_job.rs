//! Jobs of a search: a trial that it decided to train up to a step, and what came of it. What the database keeps of both.

use serde::{Deserialize, Serialize};

use crate::trial::{ConfigId, TrialId, TrialSpec};

/// A decision of a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchJob {
    /// The key of the search in the database.
    pub search: i64,
    /// From 0, in the order of decisions.
    pub number: u32,
    pub trial: TrialId,
    pub config: ConfigId,
    pub spec: TrialSpec,
    /// The settings that are searched, as text: `lr=0.01 layers=[64]`.
    pub settings: String,
    /// The step that the trial had come to, 0 for a new one, and the one to which it is trained.
    pub from: u32,
    pub to: u32,
    /// Why, in a word: `initial`, `proposal`, `promotion`, ...
    pub reason: String,
    /// All that makes it possible to continue the search after this decision, as JSON.
    pub decision: String,
}

/// What came of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum JobOutcome {
    /// The trial came to the step, or to its end.
    Trained {
        /// Each objective as it is measured, the first one being that of the experiment; `None` is not a number.
        objectives: Vec<Option<f64>>,
        /// By how much each measured constraint is missed: at most 0 where it holds.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        violations: Vec<Option<f64>>,
        /// Whether the trial has ended, so that it cannot be continued: it was trained to its last step, or stopped early.
        has_ended: bool,
    },
    Diverged,
    Failed,
}

impl JobOutcome {
    /// Its name in the database.
    pub fn name(&self) -> &'static str {
        match self {
            JobOutcome::Trained { .. } => "trained",
            JobOutcome::Diverged => "diverged",
            JobOutcome::Failed => "failed",
        }
    }
}
