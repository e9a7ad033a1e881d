//! Names of metrics and the objective that ranks trials.

use serde::{Deserialize, Serialize};

/// Name of a metric: `side/quantity` for what is measured on rows, a bare word otherwise.
pub type Metric = String;

/// Metrics that may be an objective, with the direction that is better.
pub const METRICS: [(&str, Goal); 3] = [
    ("valid/accuracy", Goal::Max),
    ("valid/loss", Goal::Min),
    ("valid/macro_f1", Goal::Max),
];

/// Which direction of a metric is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Goal {
    Min,
    Max,
}

impl Goal {
    pub fn name(self) -> &'static str {
        match self {
            Goal::Min => "min",
            Goal::Max => "max",
        }
    }

    /// Whether `new` is strictly better than `old`. A value that is not a number never is.
    pub fn is_better(self, new: f64, old: f64) -> bool {
        match self {
            Goal::Min => new < old || (old.is_nan() && !new.is_nan()),
            Goal::Max => new > old || (old.is_nan() && !new.is_nan()),
        }
    }

    /// Orders the better value first; what is not a number goes last.
    pub fn order(self, a: f64, b: f64) -> std::cmp::Ordering {
        match (a.is_nan(), b.is_nan()) {
            (true, true) => std::cmp::Ordering::Equal,
            (true, false) => std::cmp::Ordering::Greater,
            (false, true) => std::cmp::Ordering::Less,
            (false, false) => match self {
                Goal::Min => a.total_cmp(&b),
                Goal::Max => b.total_cmp(&a),
            },
        }
    }
}

/// The validation metric, and its direction, that ranks trials and picks the best epoch of each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objective {
    pub metric: Metric,
    pub goal: Goal,
}

impl Default for Objective {
    fn default() -> Objective {
        Objective {
            metric: METRICS[0].0.to_owned(),
            goal: METRICS[0].1,
        }
    }
}
