//! What chosen models score on the held-out test set.

use serde::{Deserialize, Serialize};

use super::id::{ConfigId, DataDigest, TrialId};
use super::metric::{Metric, Objective};
use super::metrics::VALID;
use super::models::Kind;
use super::task::Task;

/// The rows of an evaluation, as names of metrics begin.
pub const TEST: &str = "test/";

/// Share of test rows whose truth is held by sets or intervals that hold 90% of rows like the validation rows, which their
/// limit is from; and their mean size: classes in a set, or the width of an interval in units of the target.
pub const TEST_HELD: &str = "test/held@0.9";
pub const TEST_SIZE: &str = "test/size@0.9";

/// Mean log loss on test rows with probabilities that are calibrated by what is fitted on the validation rows.
pub const TEST_CALIBRATED_LOSS: &str = "test/calibrated_loss";

/// What is measured on test rows, in the order in which it is shown: the usual metrics, and what models were chosen by.
pub fn test_metrics(task: Task, objective: &Objective) -> Vec<Metric> {
    let usual: &[&str] = match task {
        Task::Classification => &["accuracy", "macro_f1", "loss", "calibrated_loss"],
        Task::Regression => &["rmse", "mae", "r2"],
    };
    let mut names: Vec<Metric> = usual.iter().map(|name| format!("{TEST}{name}")).collect();
    let own = objective
        .metric
        .strip_prefix(VALID)
        .map(|name| format!("{TEST}{name}"));
    names.extend(own.filter(|own| !names.contains(own)));
    names
}

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
    /// The ensemble of the sweep, if it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ensemble: Option<EvaluatedEnsemble>,
}

/// An ensemble on the test rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvaluatedEnsemble {
    /// Its key in the database.
    pub id: i64,
    /// One for each metric, in the order of [`test_metrics`]; without a spread over seeds.
    pub scores: Vec<TestScore>,
}

/// A configuration on the test rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluated {
    pub kind: Kind,
    pub config: ConfigId,
    /// Every finished seed, and every fold of it.
    pub runs: Vec<EvaluatedRun>,
    /// One for each metric, in the order of [`test_metrics`].
    pub scores: Vec<TestScore>,
}

/// A trial on the test rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvaluatedRun {
    pub trial: TrialId,
    pub seed: u64,
    /// The fold that validated it, from 1; `None` without cross-validation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fold: Option<u32>,
    /// In the order of [`test_metrics`].
    pub values: Vec<(Metric, f64)>,
}

/// A metric over the seeds of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestScore {
    pub metric: Metric,
    pub mean: f64,
    /// Standard deviation over seeds (and folds) with n - 1; `None` of a single one.
    pub sd: Option<f64>,
    /// Ends of the 95% interval of the mean over seeds: how it would vary with other test rows.
    pub low: f64,
    pub high: f64,
}
