//! What chosen models score on the held-out test set.

use serde::{Deserialize, Serialize};

use super::id::{ConfigId, DataDigest, TrialId};
use super::metric::Metric;
use super::models::Kind;

/// What is measured on test rows, in the order in which it is shown: share of rows named right, mean
/// F1 over classes, mean -ln of the probability of a row's class.
pub const TEST_METRICS: [&str; 3] = ["test/accuracy", "test/macro_f1", "test/loss"];

/// One evaluation on the test rows of a data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    pub data: DataDigest,
    pub rows: u64,
    /// What was resampled: groups of rows, or rows where the data set has no groups.
    pub groups: u64,
    /// Bootstrap replicates behind each interval.
    pub replicates: u32,
    pub models: Vec<Evaluated>,
}

/// A configuration on the test rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluated {
    pub kind: Kind,
    pub config: ConfigId,
    /// Every finished seed.
    pub runs: Vec<EvaluatedRun>,
    /// One for each of [`TEST_METRICS`], in that order.
    pub scores: Vec<TestScore>,
}

/// A trial on the test rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvaluatedRun {
    pub trial: TrialId,
    pub seed: u64,
    /// In the order of [`TEST_METRICS`].
    pub values: Vec<(Metric, f64)>,
}

/// A metric over the seeds of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestScore {
    pub metric: Metric,
    pub mean: f64,
    /// Standard deviation over seeds with n - 1; `None` of a single one.
    pub sd: Option<f64>,
    /// Ends of the 95% interval of the mean over seeds: how it would vary with other test rows.
    pub low: f64,
    pub high: f64,
}
