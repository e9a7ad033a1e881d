//! The plan of a search: everything that decides, apart from the problem and its outcomes.

use serde::{Deserialize, Serialize};

use crate::decision::Outcome;
use crate::space::{Point, Space};

/// Everything that decides what is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub method: Method,
    pub seed: u64,
    /// Virtual workers: how many jobs are under way when a decision is made. Real workers may be more or fewer.
    pub width: usize,
    /// Steps at which a training may be paused, ascending; the last is a full training. One entry: never paused.
    pub rungs: Vec<u32>,
    /// One of `eta` goes on from a rung to the next.
    pub eta: u32,
    pub budget: Budget,
    pub finish: Option<Finish>,
    /// The number of objectives; every value is handed over so that higher is better.
    pub objectives: usize,
    /// The number of measured constraints; a violation of at most 0 is fine.
    pub constraints: usize,
    /// Points that come first.
    pub enqueue: Vec<Point>,
    /// Results of earlier sweeps, told before the first decision.
    pub known: Vec<Known>,
}

/// How points are proposed and which trainings go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Pauses, promotes and proposes by a Gaussian process over settings and rungs.
    Auto,
    /// Proposes by a Gaussian process; trains in full.
    Gp,
    /// Proposes by the tree-structured Parzen estimator; trains in full.
    Tpe,
    Random,
    Sobol,
    /// Random points, asynchronous successive halving.
    Asha,
}

/// When a search has spent enough. The last job may go beyond it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Budget {
    /// Predicted cost in average full trainings.
    Trainings(f64),
    /// Steps of training, of all trials together.
    Steps(u64),
    /// Configurations started.
    Trials(u64),
    /// Until the space is exhausted; the caller stops when time is up.
    Unlimited,
}

/// Halving on seeds among the best at the end.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Finish {
    /// How many configurations take part.
    pub top: usize,
    /// Full trainings to spend.
    pub trainings: u32,
}

/// A result that was known before the search began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Known {
    pub point: Point,
    pub step: u32,
    pub outcome: Outcome,
}

/// What is wrong with a plan.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlanError {
    #[error("a search needs at least one worker")]
    NoWorkers,
    #[error("rungs must be ascending steps, from 1")]
    Rungs,
    #[error("eta must be at least 2")]
    Eta,
    #[error("a search needs an objective")]
    NoObjective,
    #[error("{0} is not a point of the search space")]
    Outside(&'static str),
    #[error("a known result at step {step} has {found} values, not {expected}")]
    Values {
        step: u32,
        found: usize,
        expected: usize,
    },
}

impl Method {
    pub const ALL: [Method; 6] = [
        Method::Auto,
        Method::Gp,
        Method::Tpe,
        Method::Random,
        Method::Sobol,
        Method::Asha,
    ];

    /// The name in experiment files.
    pub fn name(self) -> &'static str {
        match self {
            Method::Auto => "auto",
            Method::Gp => "gp",
            Method::Tpe => "tpe",
            Method::Random => "random",
            Method::Sobol => "sobol",
            Method::Asha => "asha",
        }
    }

    pub fn from_name(name: &str) -> Option<Method> {
        Method::ALL.into_iter().find(|method| method.name() == name)
    }

    /// Whether the method pauses trainings at rungs; the others train in full.
    pub fn pauses(self) -> bool {
        matches!(self, Method::Auto | Method::Asha)
    }
}

impl Plan {
    /// The step of a full training.
    pub fn full(&self) -> u32 {
        self.rungs.last().copied().unwrap_or(1)
    }

    /// Finds what is wrong, so that a search never has to.
    pub fn check(&self, space: &Space) -> Result<(), PlanError> {
        if self.width == 0 {
            return Err(PlanError::NoWorkers);
        }
        let ascending = self.rungs.windows(2).all(|pair| pair[0] < pair[1]);
        if self.rungs.first().is_none_or(|&first| first == 0) || !ascending {
            return Err(PlanError::Rungs);
        }
        if self.eta < 2 {
            return Err(PlanError::Eta);
        }
        if self.objectives == 0 {
            return Err(PlanError::NoObjective);
        }
        if !self.enqueue.iter().all(|point| space.contains(point)) {
            return Err(PlanError::Outside("an enqueued point"));
        }
        for known in &self.known {
            if !space.contains(&known.point) {
                return Err(PlanError::Outside("a known result"));
            }
            if let Outcome::Finished(values) = &known.outcome
                && values.objectives.len() != self.objectives
            {
                return Err(PlanError::Values {
                    step: known.step,
                    found: values.objectives.len(),
                    expected: self.objectives,
                });
            }
        }
        Ok(())
    }
}
