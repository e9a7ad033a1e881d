//! Decisions of a search and the outcomes of its jobs: what a store keeps, in order of their numbers.

use serde::{Deserialize, Serialize};

use crate::space::Point;

/// Trains one configuration with one seed from one step to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Counts the jobs of a search from 0.
    pub number: u32,
    /// Counts the configurations of a search: known ones, then others in the order of their first job.
    pub config: u32,
    /// 0 while searching; 1, 2, ... at the finish.
    pub seed: u32,
    pub from: u32,
    pub to: u32,
}

/// A job, why it was decided, and on which results: enough to put it back when a search resumes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    pub job: Job,
    pub point: Point,
    pub why: Why,
    /// How many of the jobs before it had ended on the virtual machine: the results that it saw.
    pub saw: u32,
    /// When it was decided on the virtual machine.
    pub at: f64,
    /// How long it lasts there, in average full trainings.
    pub cost: f64,
}

/// Why a job was decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Asked for by name in the plan.
    Enqueued,
    /// One of the first points, before there is a model; counts from 0.
    Initial { index: u32 },
    /// Drawn at random or from a sequence that fills the space.
    Drawn { index: u32 },
    /// A model's proposal: the log of its expected gain, and the predicted final value on the model's scale.
    Proposal { score: f64, mean: f64, sd: f64 },
    /// Proposed by densities: the log of their ratio.
    Density { score: f64 },
    /// Goes on to a rung: by its rank among the results there (0 is the best), or by the log of its expected gain.
    Promotion {
        rung: u32,
        rank: Option<u32>,
        score: Option<f64>,
    },
    /// Nothing new is left: goes on with what is paused.
    Leftover { rung: u32 },
    /// The best of all is trained to the end, beyond the budget.
    Completion,
    /// A further seed for a finalist.
    Finish { round: u32 },
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    Finished(Values),
    /// Crashed, diverged, or was stopped: the worst result, and never continued.
    Failed,
}

/// What a finished job measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Values {
    /// The best so far at the last step, higher is better, one for each objective.
    pub objectives: Vec<f64>,
    /// Violations of measured constraints, at most 0 if the constraint holds.
    pub violations: Vec<f64>,
    /// The training ended early of its own accord: it counts as full and cannot go on.
    pub ended: bool,
}

/// What a search does next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    Job(Decision),
    /// The next decision needs the outcome of a job that is under way.
    Wait,
    End(End),
}

/// Why a search is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// The budget is spent, and the finish too.
    Budget,
    /// Every admissible point was trained, and the finish is over.
    Exhausted,
}

impl Values {
    /// A single objective without constraints.
    pub fn single(value: f64) -> Values {
        Values {
            objectives: vec![value],
            violations: Vec::new(),
            ended: false,
        }
    }

    /// Whether every measured constraint holds.
    pub fn is_feasible(&self) -> bool {
        self.violations.iter().all(|&violation| violation <= 0.0)
    }

    /// Whether every number is finite; a model must never see another.
    pub fn is_finite(&self) -> bool {
        self.objectives
            .iter()
            .chain(&self.violations)
            .all(|value| value.is_finite())
    }
}
