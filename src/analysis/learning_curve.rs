//! Score over the number of training rows: configurations trained on fractions of them.
//!
//! Pure. A configuration on a fraction is one of all rows if they differ in nothing but the fraction.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::configuration::{Configuration, by_configuration, train_fraction};
use super::summary::Summary;
use super::summary_stats::SummaryStats;
use sweep_core::named::value_of;
use sweep_core::trial::{INIT, Kind, Params, Status, TRAIN_FRACTION, Value};
use sweep_store::{ExperimentRecord, TrialRecord};

/// How a configuration scores with more and more training rows.
#[derive(Debug, Clone, PartialEq)]
pub struct LearningCurve<'a> {
    /// That of all rows.
    pub config: &'a Configuration,
    /// By fraction, ascending; those without a finished trial left out.
    pub points: Vec<Point>,
}

/// A configuration on one fraction of the training rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    pub fraction: f64,
    /// Training rows, the mean over seeds: where groups stay whole they differ a little.
    pub rows: f64,
    /// Those that the source of a transfer was not trained on, likewise.
    pub new_rows: Option<f64>,
    /// Trials that the plan has of it.
    pub planned: usize,
    /// (seed, objective) of finished trials, by seed.
    pub values: Vec<(u64, f64)>,
    /// Of the objective over `values`.
    pub stats: SummaryStats,
}

/// Of every ranked configuration that was trained on more than one fraction, in the order of the ranking.
pub fn all<'a>(experiment: &ExperimentRecord, summary: &'a Summary) -> Vec<LearningCurve<'a>> {
    let mut curves = on_any_fraction(experiment, summary);
    curves.retain(|curve| curve.points.len() > 1);
    curves
}

/// Of every ranked configuration.
pub fn on_any_fraction<'a>(
    experiment: &ExperimentRecord,
    summary: &'a Summary,
) -> Vec<LearningCurve<'a>> {
    let planned: Vec<&TrialRecord> = experiment
        .trials
        .iter()
        .filter(|trial| trial.in_plan)
        .collect();
    let mut by_setting: HashMap<String, Vec<Point>> = HashMap::new();
    for trials in by_configuration(&planned) {
        let setting = without_fraction(trials[0].kind, &trials[0].params);
        let points = by_setting.entry(setting).or_default();
        points.extend(point(&trials, experiment));
    }
    let mut curves = Vec::new();
    for config in &summary.ranking {
        let setting = without_fraction(config.kind, &config.params);
        let Some(mut points) = by_setting.remove(&setting) else {
            continue;
        };
        points.sort_by(|a, b| a.fraction.total_cmp(&b.fraction));
        curves.push(LearningCurve { config, points });
    }
    curves
}

/// Of `curves`, the best of each kind; networks from scratch and transferred ones are two kinds.
pub fn best_of_kinds<'b, 'a>(curves: &'b [LearningCurve<'a>]) -> Vec<&'b LearningCurve<'a>> {
    let mut seen: Vec<(Kind, Option<&Value>)> = Vec::new();
    let mut best = Vec::new();
    for curve in curves {
        let init = value_of(&curve.config.params, INIT);
        let kind = (curve.config.kind, init);
        if !seen.contains(&kind) {
            seen.push(kind);
            best.push(curve);
        }
    }
    best
}

fn point(trials: &[&TrialRecord], experiment: &ExperimentRecord) -> Option<Point> {
    let finished: Vec<(&TrialRecord, f64)> = trials
        .iter()
        .filter(|trial| trial.status == Status::Finished)
        .filter_map(|trial| Some((*trial, trial.best.filter(|value| value.is_finite())?)))
        .collect();
    let metric = |name: &str| -> Option<f64> {
        let of = |trial: &TrialRecord| value_of(&trial.metrics, name).copied();
        let counts: Option<Vec<f64>> = finished.iter().map(|(trial, _)| of(trial)).collect();
        SummaryStats::of(&counts?).map(|stats| stats.mean)
    };
    let fraction = train_fraction(trials[0]);
    // Of the folds of a seed, the mean.
    let mut by_seed: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for (trial, value) in &finished {
        by_seed.entry(trial.seed).or_default().push(*value);
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let values = by_seed.iter().map(|(seed, values)| (*seed, mean(values)));
    let values: Vec<(u64, f64)> = values.collect();
    let scores: Vec<f64> = values.iter().map(|(_, value)| *value).collect();
    Some(Point {
        fraction,
        rows: metric("train/rows").unwrap_or(experiment.dataset.train_rows as f64 * fraction),
        new_rows: metric("train/new_rows"),
        planned: trials
            .iter()
            .map(|trial| trial.seed)
            .collect::<BTreeSet<_>>()
            .len(),
        stats: SummaryStats::of(&scores)?,
        values,
    })
}

/// Kind and settings but for the fraction, as text that is equal for equal settings alone.
fn without_fraction(kind: Kind, params: &Params) -> String {
    let rest = params.iter().filter(|(key, _)| key != TRAIN_FRACTION);
    let lines: Vec<String> = rest
        .map(|(key, value)| format!("{key} = {value}"))
        .collect();
    format!("{}\n{}", kind.name(), lines.join("\n"))
}
