//! What a trial leaves behind.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::metric::Metric;

/// Where a trial stands. `Finished` and `Diverged` are final; the others may be run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Planned, not begun.
    Pending,
    /// Begun by a coordinator that is, or was, running.
    Running,
    /// Trained to its end.
    Finished,
    /// A loss was not finite; training again would give the same.
    Diverged,
    /// Crashed, timed out or refused by its engine.
    Failed,
    /// Stopped on request; resumes from its checkpoint.
    Interrupted,
    /// Paused by a search before its last step, with others preferred to it; continues from its checkpoint if the search
    /// comes back to it.
    Pruned,
}

impl Status {
    pub const ALL: [Status; 7] = [
        Status::Pending,
        Status::Running,
        Status::Finished,
        Status::Diverged,
        Status::Failed,
        Status::Interrupted,
        Status::Pruned,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Status::Pending => "pending",
            Status::Running => "running",
            Status::Finished => "finished",
            Status::Diverged => "diverged",
            Status::Failed => "failed",
            Status::Interrupted => "interrupted",
            Status::Pruned => "pruned",
        }
    }

    pub fn parse(name: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Whether the trial is over for good.
    pub fn is_final(self) -> bool {
        matches!(self, Status::Finished | Status::Diverged)
    }
}

/// A file that a trial left behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// `model`, `weights`, ...
    pub kind: String,
    /// Relative to the folder of the trial.
    pub path: PathBuf,
    pub bytes: u64,
}

/// The outcome of a trial that came to its end.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TrialResult {
    /// Why training ended before its last epoch, if its loss was not finite.
    pub diverged: Option<String>,
    /// Objective at the best epoch or round; `None` when diverged before the first validation.
    pub best: Option<f64>,
    /// The epoch or round (from 1) whose weights are kept: of several with the best objective, that with the lowest
    /// validation loss, the first of those. A forest is kept whole.
    pub best_step: u32,
    /// Objective at the last epoch or round.
    pub last: Option<f64>,
    /// Epochs or rounds trained.
    pub steps: u32,
    /// Trainable numbers of a network; leaves of trees.
    pub parameters: u64,
    /// Seconds spent in training, of all attempts that led here.
    pub seconds: f64,
    /// Every metric at `best_step`.
    #[serde(with = "super::metric::metric_values")]
    pub metrics: Vec<(Metric, f64)>,
    /// Validation rows by (actual, predicted) class, with the kept weights; row-major.
    pub confusion: Vec<Vec<u64>>,
    /// Share of each feature by name, adding up to 1, for the kinds that have such a thing.
    pub importance: Vec<(String, f64)>,
    pub artifacts: Vec<Artifact>,
}
