//! From what a trial reported to what its search is told.
//!
//! Invariant: what came of a job is a function of the trial's metrics up to the job's step, whoever trained it and when.

use std::collections::BTreeMap;

use sweep_core::program::Selection;
use sweep_core::search_job::JobOutcome;
use sweep_core::trial::models::ProgramModel;
use sweep_core::trial::{Goal, Kind, Metric, ModelSpec, Objective, Score, TIE_BREAKER, Value};
use sweep_experiment::search::{Measured, PARAMETERS};
use sweep_search::{Outcome, Values};
use sweep_store::Curve;

use super::problem::SearchProblem;

/// What a trial reported: metrics by step.
pub type Steps = BTreeMap<u32, Vec<(Metric, f64)>>;

/// Curves of the database, by step.
pub fn by_step(curves: Vec<Curve>) -> Steps {
    let mut steps = Steps::new();
    for curve in curves {
        for (step, value) in curve.points {
            let values = steps.entry(step).or_default();
            values.push((curve.metric.clone(), value));
        }
    }
    steps
}

/// What came of training `model` up to the step `to`; `None` if `steps` do not tell. `has_ended` says that the trial cannot
/// be continued.
pub fn of_steps(
    problem: &SearchProblem,
    model: &ModelSpec,
    steps: &Steps,
    to: u32,
    has_ended: bool,
) -> Option<JobOutcome> {
    let objective = problem.objective();
    let mut kept: Option<(Score, &Vec<(Metric, f64)>)> = None;
    let rule = Keeping::of(model);
    for (_, values) in steps.range(..=to) {
        let Some(value) = value_of(values, &objective.metric) else {
            continue;
        };
        let score = Score::new(value, values);
        let is_better = kept
            .as_ref()
            .is_none_or(|(old, _)| rule.prefers(objective, score, *old));
        if is_better {
            kept = Some((score, values));
        }
    }
    let (score, values) = kept?;
    Some(measured(problem, model, score.value, values, has_ended))
}

/// What came of a trial whose kept step had these `values`, and `value` of the objective.
pub fn measured(
    problem: &SearchProblem,
    model: &ModelSpec,
    value: f64,
    values: &[(Metric, f64)],
    has_ended: bool,
) -> JobOutcome {
    let parameters = || problem.parameters(model).map(|count| count as f64);
    let metric = |name: &str| match name {
        PARAMETERS if model.program().is_none() => parameters(),
        name if name == problem.objective().metric => Some(value),
        name => value_of(values, name),
    };
    let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
    let spec = problem.spec();
    let objectives = match spec.objectives.is_empty() {
        true => vec![finite(Some(value))],
        false => (spec.objectives.iter())
            .map(|objective| finite(metric(&objective.metric)))
            .collect(),
    };
    let of = Measured {
        model,
        parameters: parameters().unwrap_or(0.0) as u64,
        metrics: &metric,
    };
    let constraints = spec.constraints.iter().filter(|one| !one.is_known_before());
    JobOutcome::Trained {
        objectives,
        violations: constraints
            .map(|one| finite(Some(one.violation(&of))))
            .collect(),
        has_ended,
    }
}

/// What a search is told, for which more is better.
pub fn told(problem: &SearchProblem, outcome: &JobOutcome) -> Outcome {
    let JobOutcome::Trained {
        objectives,
        violations,
        has_ended,
    } = outcome
    else {
        return Outcome::Failed;
    };
    let own = std::slice::from_ref(problem.objective());
    let goals = match problem.spec().objectives.is_empty() {
        true => own,
        false => &problem.spec().objectives[..],
    };
    let upwards = |(value, objective): (&Option<f64>, &Objective)| match objective.goal {
        Goal::Max => *value,
        Goal::Min => value.map(|value| -value),
    };
    let objectives: Option<Vec<f64>> = objectives.iter().zip(goals).map(upwards).collect();
    let violations: Option<Vec<f64>> = violations.iter().copied().collect();
    match (objectives, violations) {
        (Some(objectives), Some(violations)) => Outcome::Finished(Values {
            objectives,
            violations,
            ended: *has_ended,
        }),
        _ => Outcome::Failed,
    }
}

fn value_of(values: &[(Metric, f64)], metric: &str) -> Option<f64> {
    let found = values.iter().find(|(name, _)| name == metric);
    found.map(|(_, value)| *value)
}

/// Which step a kind of model keeps.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Keeping {
    ByObjective,
    ByLoss,
    /// All trees of a forest, or the last value of a program.
    Latest,
}

impl Keeping {
    fn of(model: &ModelSpec) -> Keeping {
        let keeps_last = |program: &ProgramModel| program.selection == Selection::Last;
        if model.kind() == Kind::RANDOM_FOREST || model.program().is_some_and(keeps_last) {
            return Keeping::Latest;
        }
        match model.get("early_stopping_metric") {
            Some(Value::Text(metric)) if metric == "loss" => Keeping::ByLoss,
            _ => Keeping::ByObjective,
        }
    }

    fn prefers(self, objective: &Objective, new: Score, old: Score) -> bool {
        match self {
            Keeping::ByObjective => objective.prefers(new, old),
            Keeping::Latest => true,
            Keeping::ByLoss => {
                let loss = Objective {
                    metric: TIE_BREAKER.to_owned(),
                    goal: Goal::Min,
                };
                let by_loss = |score: Score| Score {
                    value: score.loss.unwrap_or(f64::NAN),
                    loss: None,
                };
                loss.prefers(by_loss(new), by_loss(old))
            }
        }
    }
}
