//! One number for each result that is seen: the objective, or the scalarisation of several by the weights of a
//! decision.

use crate::history::View;
use crate::pareto;
use crate::random::{Random, Use};

/// A result as searchers see it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scored {
    pub config: usize,
    pub rung: usize,
    /// Higher is better; `None` if it failed.
    pub value: Option<f64>,
    /// The sum of violations of measured constraints; 0 if all hold.
    pub violation: f64,
}

impl Scored {
    /// What it ranks by: failures are below what violates, that is below all else.
    pub fn rank(&self) -> (f64, f64) {
        match self.value {
            None => (f64::NEG_INFINITY, f64::NEG_INFINITY),
            Some(value) => (-self.violation, value),
        }
    }
}

/// Compares two ranks, the better first.
pub(crate) fn better_first(a: (f64, f64), b: (f64, f64)) -> std::cmp::Ordering {
    b.0.total_cmp(&a.0).then(b.1.total_cmp(&a.1))
}

/// The scores of the first `count` results. `weights` of several objectives: drawn for a decision, or equal.
pub(crate) fn scores(view: &View, count: usize, weights: &[f64]) -> Vec<Scored> {
    let seen = &view.seen[..count];
    let objectives = view.plan.objectives;
    let mut low = vec![f64::INFINITY; objectives];
    let mut high = vec![f64::NEG_INFINITY; objectives];
    for values in seen.iter().filter_map(|seen| seen.values.as_ref()) {
        for (index, value) in values.objectives.iter().enumerate() {
            low[index] = low[index].min(*value);
            high[index] = high[index].max(*value);
        }
    }
    let value = |values: &[f64]| match values {
        [value] => *value,
        _ => pareto::chebyshev(values, weights, &low, &high),
    };
    seen.iter()
        .map(|seen| Scored {
            config: seen.config,
            rung: seen.rung,
            value: seen.values.as_ref().map(|values| value(&values.objectives)),
            violation: seen.values.as_ref().map_or(0.0, |values| {
                values
                    .violations
                    .iter()
                    .map(|violation| violation.max(0.0))
                    .sum()
            }),
        })
        .collect()
}

/// The weights of this decision.
pub(crate) fn weights(view: &View) -> Vec<f64> {
    let random = Random::new(view.plan.seed, Use::Weights, view.number);
    let uniforms: Vec<f64> = (0..view.plan.objectives as u32)
        .map(|index| random.uniform(index))
        .collect();
    pareto::weights(&uniforms)
}

/// Weights that favour no objective.
pub(crate) fn equal_weights(view: &View) -> Vec<f64> {
    vec![1.0 / view.plan.objectives as f64; view.plan.objectives]
}

/// Configurations with a result of the search, best first by their highest rung, of equal ones the first.
pub(crate) fn best_first(view: &View, weights: &[f64]) -> Vec<usize> {
    let scores = scores(view, view.seen.len(), weights);
    let mut configs: Vec<(usize, usize)> = view
        .states
        .iter()
        .enumerate()
        .filter_map(|(config, state)| Some((config, state.last?)))
        .filter(|&(_, last)| scores[last].value.is_some())
        .collect();
    configs
        .sort_by(|a, b| better_first(scores[a.1].rank(), scores[b.1].rank()).then(a.0.cmp(&b.0)));
    configs.into_iter().map(|(config, _)| config).collect()
}
