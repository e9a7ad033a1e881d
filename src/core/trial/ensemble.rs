//! Trained models that predict together, each with a weight.

use serde::{Deserialize, Serialize};

use super::id::{DataDigest, TrialId};
use super::metric::Metric;

/// An ensemble, and how it was selected.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ensemble {
    /// Of the first fold.
    pub data: DataDigest,
    /// What the selection made small, as tables call it.
    pub loss: String,
    pub method: EnsembleMethod,
    /// Candidates that had finished then: a seed of a configuration each, with all its folds.
    pub finished: u64,
    /// Digest of the names of their trials.
    pub library: String,
    /// Every trial that was a candidate, in the order of their weights; the folds of a candidate have the same weight, and
    /// those of one fold add up to 1. One of weight 0 was not taken.
    pub trials: Vec<EnsembleTrial>,
    pub scores: Vec<EnsembleScore>,
}

/// Settings of the selection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct EnsembleMethod {
    /// The most candidates of each kind.
    pub top: u32,
    pub rounds: u32,
    pub bags: u32,
    pub seed: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EnsembleTrial {
    pub trial: TrialId,
    pub weight: f64,
}

/// A metric of the validation rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EnsembleScore {
    pub metric: Metric,
    /// On the rows by which it was selected.
    pub value: f64,
    /// Where halves of the rows choose the weights for each other; `None` where rows are too few.
    pub cross_fitted: Option<f64>,
    /// The same of the best single candidate, chosen by the objective on the other half of the rows.
    pub single: Option<f64>,
}

impl Ensemble {
    /// The trials that are in it.
    pub fn members(&self) -> impl Iterator<Item = &EnsembleTrial> {
        self.trials.iter().filter(|one| one.weight > 0.0)
    }

    /// The score by `metric`.
    pub fn score(&self, metric: &str) -> Option<&EnsembleScore> {
        self.scores.iter().find(|score| score.metric == metric)
    }
}
