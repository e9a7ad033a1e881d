//! Data of the figures: importance, training curves, confusion, features, learning curves, calibration.

use std::collections::HashMap;
use sweep_analysis::{Input, learning_curve, text};

use serde_json::{Value as Json, json};

use super::numbers::{maybe, number};
use crate::{dummy_text, ensemble_text};
use sweep_analysis::anova::Anova;
use sweep_analysis::ensemble::EnsembleSummary;
use sweep_analysis::lead::Lead;
use sweep_analysis::{Configuration, Run, Summary, ZeroLine};
use sweep_core::trial::Kind;

/// Numbers in learning curves, in all; those of the configurations ranked last are left out first.
const CURVE_NUMBERS: usize = 150_000;

/// Steps of a curve; longer ones keep every second, third, ... and the last.
const CURVE_STEPS: usize = 120;

/// Classes up to which confusion can be read cell by cell.
const CLASSES: usize = 60;

/// Features shown of a model.
const FEATURES: usize = 20;

/// What a model scores that ignores its input, and whether the winner is clearly above it.
pub(super) fn zero_line(zero: &ZeroLine) -> Json {
    let is_clear = |lead: Lead| !lead.verdict().is_warned();
    json!({
        "name": dummy_text::name(&zero.score.strategy),
        "about": dummy_text::about(&zero.score.strategy),
        "value": number(zero.score.value),
        "isClear": zero.lead.is_some_and(is_clear),
    })
}

/// What the ensemble scores by the objective; `None` where that was not measured.
pub(super) fn ensemble(ensemble: &EnsembleSummary) -> Option<Json> {
    Some(json!({
        "name": "ensemble",
        "about": format!("{}; {}", ensemble_text::about(ensemble), ensemble_text::remark(ensemble)),
        "value": number(ensemble.value()?),
    }))
}

/// Shares of the variance, and the marginal means of each setting.
pub(super) fn variance(anova: &Anova) -> Json {
    let factors = anova.factors.iter().map(|factor| {
        let levels = factor.levels.iter().map(|level| {
            json!({
                "name": text::sanitize(&level.label),
                "low": maybe(level.interval.map(|(low, _)| low)),
                "high": maybe(level.interval.map(|(_, high)| high)),
            })
        });
        json!({ "name": factor.name, "levels": levels.collect::<Json>() })
    });
    let shares = anova.shares.iter().map(|share| {
        json!({
            "name": text::sanitize(&anova.title(share)),
            "isPair": share.second.is_some(),
            "share": number(share.share),
            "chance": maybe(share.chance),
            "p": maybe(share.p),
        })
    });
    json!({ "factors": factors.collect::<Json>(), "shares": shares.collect::<Json>() })
}

/// Curves by run, as long as they are few enough: `{run: {metric: values}}`, and `steps` where these are not
/// 1, 2, 3, ...
pub(super) fn curves(input: &Input, runs: &[(usize, &Run)]) -> Json {
    let mut left = CURVE_NUMBERS;
    let mut found = serde_json::Map::new();
    for (place, (_, run)) in runs.iter().enumerate() {
        let Some(curves) = input
            .curves
            .get(&run.trial)
            .filter(|curves| !curves.is_empty())
        else {
            continue;
        };
        let longest = curves
            .iter()
            .map(|curve| curve.points.len())
            .max()
            .unwrap_or(0);
        let every = longest.div_ceil(CURVE_STEPS).max(1);
        let mut of_run = serde_json::Map::new();
        for curve in curves {
            let last = curve.points.len().saturating_sub(1);
            let kept = (curve.points.iter().enumerate())
                .filter(|(place, _)| (place + 1) % every == 0 || *place == 0 || *place == last);
            let (steps, values): (Vec<u32>, Vec<Json>) = kept
                .map(|(_, (step, value))| (*step, number(*value)))
                .unzip();
            left = left.saturating_sub(values.len());
            let is_plain = steps.iter().zip(1..).all(|(step, place)| *step == place);
            of_run.insert(
                text::sanitize(&curve.metric),
                match is_plain {
                    true => json!(values),
                    false => json!([steps, values]),
                },
            );
        }
        if left == 0 {
            break;
        }
        found.insert(place.to_string(), Json::Object(of_run));
    }
    Json::Object(found)
}

/// Confusion of configurations, the rows of all their seeds added: `{config: [[rows]]}`.
pub(super) fn confusion(input: &Input, ranking: &[Configuration]) -> Json {
    let classes = input.experiment.dataset.classes.len();
    let mut found = serde_json::Map::new();
    for (place, config) in ranking.iter().enumerate().filter(|_| classes <= CLASSES) {
        let matrices = (config.runs.iter())
            .filter_map(|run| input.confusion.get(&run.trial))
            .filter(|matrix| !matrix.is_empty());
        let mut sum: Option<Vec<Vec<u64>>> = None;
        for matrix in matrices {
            match &mut sum {
                None => sum = Some(matrix.clone()),
                Some(sum) => {
                    let cells = sum.iter_mut().flatten().zip(matrix.iter().flatten());
                    cells.for_each(|(cell, more)| *cell += more);
                }
            }
        }
        if let Some(sum) = sum {
            found.insert(place.to_string(), json!(sum));
        }
    }
    Json::Object(found)
}

/// What the best tree model of each kind used most, the mean over its seeds: `[[config, [[feature, share]]]]`.
pub(super) fn features(input: &Input, summary: &Summary) -> Json {
    let one = |kind: Kind| {
        let config = summary
            .ranking
            .iter()
            .position(|config| config.kind == kind)?;
        let seeds: Vec<&Vec<(String, f64)>> = (summary.ranking[config].runs.iter())
            .filter_map(|run| input.importance.get(&run.trial))
            .filter(|shares| !shares.is_empty())
            .collect();
        let mut sums: HashMap<&str, f64> = HashMap::new();
        for (feature, share) in seeds
            .iter()
            .copied()
            .flatten()
            .filter(|(_, share)| share.is_finite())
        {
            *sums.entry(feature).or_default() += share / seeds.len() as f64;
        }
        let mut shares: Vec<(&str, f64)> = sums.into_iter().collect();
        shares.sort_by(|(a, x), (b, y)| y.total_cmp(x).then(a.cmp(b)));
        let shares = shares.iter().take(FEATURES);
        let shares = shares.map(|(name, share)| json!([text::sanitize(name), number(*share)]));
        (!seeds.is_empty()).then(|| json!([config, shares.collect::<Json>()]))
    };
    Kind::all().filter_map(one).collect()
}

/// Scores on fractions of the training rows, of the best configuration of each kind:
/// `[[config, [[rows, mean, lowest, highest, seeds]]]]`.
pub(super) fn learning_curve(input: &Input, summary: &Summary) -> Json {
    let curves = learning_curve::all(&input.experiment, summary);
    let one = |kind: Kind| {
        let best = curves.iter().find(|curve| curve.config.kind == kind)?;
        let config = summary
            .ranking
            .iter()
            .position(|config| config.id == best.config.id)?;
        let points = best.points.iter().map(|point| {
            let stats = point.stats;
            let numbers = [point.rows, stats.mean, stats.min, stats.max, stats.n as f64];
            json!(numbers.map(number))
        });
        Some(json!([config, points.collect::<Json>()]))
    };
    Kind::all().filter_map(one).collect()
}

pub(super) fn calibration(input: &Input, ranking: &[Configuration]) -> Json {
    let one = |calibration: &sweep_analysis::calibration::Calibration| {
        let config = ranking
            .iter()
            .position(|config| config.id == calibration.config)?;
        let bins = calibration.bins.iter();
        let bins = bins.map(|bin| {
            json!([
                bin.predictions,
                number(bin.confidence),
                number(bin.accuracy)
            ])
        });
        Some(json!({
            "config": config,
            "seeds": calibration.seeds,
            "ece": number(calibration.ece),
            "bins": bins.collect::<Json>(),
        }))
    };
    input.calibration.iter().filter_map(one).collect()
}
