//! Score over the number of training rows: configurations trained on shares of them.
//!
//! Pure. A configuration on a share is one of all rows if they differ in nothing but the share.

use std::collections::HashMap;

use super::configuration::{Configuration, by_configuration, train_share};
use super::summary::Summary;
use super::summary_stats::Spread;
use sweep_core::trial::{INIT, Kind, Params, Status, TRAIN_SHARE, Value};
use sweep_store::{ExperimentRecord, TrialRecord};

/// How a configuration scores with more and more training rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Growth<'a> {
    /// That of all rows.
    pub config: &'a Configuration,
    /// By share, ascending; those without a finished trial left out.
    pub points: Vec<Point>,
}

/// A configuration on one share of the training rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    pub share: f64,
    /// Training rows, the mean over seeds: where groups stay whole they differ a little.
    pub rows: f64,
    /// Those that the source of a transfer was not trained on, likewise.
    pub new_rows: Option<f64>,
    /// Trials that the plan has of it.
    pub planned: usize,
    /// (seed, objective) of finished trials, by seed.
    pub values: Vec<(u64, f64)>,
    /// Of the objective over `values`.
    pub spread: Spread,
}

/// Of every ranked configuration that was trained on more than one share, in the order of the ranking.
pub fn all<'a>(experiment: &ExperimentRecord, summary: &'a Summary) -> Vec<Growth<'a>> {
    let mut growths = on_any_share(experiment, summary);
    growths.retain(|growth| growth.points.len() > 1);
    growths
}

/// Of every ranked configuration.
pub fn on_any_share<'a>(experiment: &ExperimentRecord, summary: &'a Summary) -> Vec<Growth<'a>> {
    let planned: Vec<&TrialRecord> = experiment
        .trials
        .iter()
        .filter(|trial| trial.in_plan)
        .collect();
    let mut by_setting: HashMap<String, Vec<Point>> = HashMap::new();
    for trials in by_configuration(&planned) {
        let setting = without_share(trials[0].kind, &trials[0].params);
        let points = by_setting.entry(setting).or_default();
        points.extend(point(&trials, experiment));
    }
    let mut growths = Vec::new();
    for config in &summary.ranking {
        let setting = without_share(config.kind, &config.params);
        let Some(mut points) = by_setting.remove(&setting) else {
            continue;
        };
        points.sort_by(|a, b| a.share.total_cmp(&b.share));
        growths.push(Growth { config, points });
    }
    growths
}

/// Of `growths`, the best of each kind; networks from scratch and transferred ones are two kinds.
pub fn best_of_kinds<'b, 'a>(growths: &'b [Growth<'a>]) -> Vec<&'b Growth<'a>> {
    let mut seen: Vec<(Kind, Option<&Value>)> = Vec::new();
    let mut best = Vec::new();
    for growth in growths {
        let init = growth.config.params.iter().find(|(key, _)| key == INIT);
        let kind = (growth.config.kind, init.map(|(_, value)| value));
        if !seen.contains(&kind) {
            seen.push(kind);
            best.push(growth);
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
        let of = |trial: &TrialRecord| {
            let found = trial.metrics.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| *value)
        };
        let counts: Option<Vec<f64>> = finished.iter().map(|(trial, _)| of(trial)).collect();
        Spread::of(&counts?).map(|spread| spread.mean)
    };
    let share = train_share(trials[0]);
    let mut values: Vec<(u64, f64)> = finished
        .iter()
        .map(|(trial, value)| (trial.seed, *value))
        .collect();
    values.sort_by_key(|(seed, _)| *seed);
    let scores: Vec<f64> = values.iter().map(|(_, value)| *value).collect();
    Some(Point {
        share,
        rows: metric("train/rows").unwrap_or(experiment.dataset.train_rows as f64 * share),
        new_rows: metric("train/new_rows"),
        planned: trials.len(),
        spread: Spread::of(&scores)?,
        values,
    })
}

/// Kind and settings but for the share, as text that is equal for equal settings alone.
fn without_share(kind: Kind, params: &Params) -> String {
    let rest = params.iter().filter(|(key, _)| key != TRAIN_SHARE);
    let lines: Vec<String> = rest
        .map(|(key, value)| format!("{key} = {value}"))
        .collect();
    format!("{}\n{}", kind.name(), lines.join("\n"))
}
