//! What a model is told of each result: values on the scale of the last rung, in standard units; and violations of
//! measured constraints.

use crate::history::View;
use crate::model::squash::Squash;
use crate::searchers::score::{Scored, scores};

/// Values of results for a model, and the map that made them.
#[derive(Debug, Clone)]
pub(crate) struct Objective {
    pub values: Vec<Option<f64>>,
    pub squash: Squash,
    /// The best value so far that holds every constraint, in the same units.
    pub best: Option<f64>,
}

/// The first `count` results. Those at a lower rung count with the mean gains of those that went on from there;
/// failures count as the worst.
pub(crate) fn objective(view: &View, count: usize, weights: &[f64]) -> Objective {
    let scores = scores(view, count, weights);
    let gains = gains(view, &scores);
    let raw: Vec<Option<f64>> = scores
        .iter()
        .map(|score| {
            score
                .value
                .map(|value| value + gains[score.rung..].iter().sum::<f64>())
        })
        .collect();
    let finished: Vec<f64> = raw.iter().copied().flatten().collect();
    let squash = Squash::new(&finished);
    let worst = finished.iter().copied().fold(f64::INFINITY, f64::min);
    let values = raw
        .iter()
        .map(|value| (!finished.is_empty()).then(|| squash.map(value.unwrap_or(worst))))
        .collect();
    let feasible = scores.iter().filter(|score| score.violation <= 0.0);
    let best = feasible.filter_map(|score| score.value).reduce(f64::max);
    Objective {
        values,
        squash,
        best: best.map(|best| squash.map(best)),
    }
}

/// The mean gain from each rung to the next, of the configurations with a result at both.
fn gains(view: &View, scores: &[Scored]) -> Vec<f64> {
    let mut by_rung = vec![std::collections::BTreeMap::new(); view.rungs.len()];
    for score in scores {
        if let Some(value) = score.value {
            by_rung[score.rung].insert(score.config, value);
        }
    }
    (0..view.rungs.len() - 1)
        .map(|rung| {
            let pairs = by_rung[rung]
                .iter()
                .filter_map(|(config, low)| by_rung[rung + 1].get(config).map(|high| high - low));
            let (sum, count) =
                pairs.fold((0.0, 0.0), |(sum, count), gain| (sum + gain, count + 1.0));
            if count > 0.0 { sum / count } else { 0.0 }
        })
        .collect()
}

/// Violations of a constraint, in units of their root mean square: at most 0 stays at most 0.
pub(crate) fn violations(view: &View, count: usize, constraint: usize) -> Vec<Option<f64>> {
    let raw: Vec<Option<f64>> = view.seen[..count]
        .iter()
        .map(|seen| {
            seen.values
                .as_ref()
                .map(|values| values.violations[constraint])
        })
        .collect();
    let known: Vec<f64> = raw.iter().copied().flatten().collect();
    let squares: f64 = known.iter().map(|value| value * value).sum();
    let scale = (squares / known.len().max(1) as f64).sqrt().max(1e-12);
    raw.iter()
        .map(|value| value.map(|value| value / scale))
        .collect()
}
