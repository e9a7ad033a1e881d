//! What beginning with layers of another network was worth: pairs of trials that differ in that alone.
//!
//! Pure. The two trials of a pair have the same network, seed, rows and settings. What is said of them
//! is said of differences within pairs, so that what a seed does to both drops out.

use std::collections::HashMap;

use super::bounds::Bounds;
use super::configuration::Configuration;
use super::learning_curve::{self, Point};
use super::summary::Summary;
use super::summary_stats::SummaryStats;
use sweep_core::named;
use sweep_core::trial::{INIT, Objective, Params, TRAIN_FRACTION, Value};
use sweep_store::ExperimentRecord;

/// Settings that a transferred network has beyond those of its pair.
const OWN: [&str; 6] = [
    INIT,
    "transfer_from",
    "transfer_weights",
    "transfer_layers",
    "freeze",
    "transfer_lr",
];
/// One way of transferring a network beside the same network from scratch.
#[derive(Debug, Clone, PartialEq)]
pub struct Pairing<'a> {
    pub transferred: &'a Configuration,
    pub scratch: &'a Configuration,
    /// By fraction of the training rows, ascending; those without a pair left out.
    pub points: Vec<PairPoint>,
}

/// The pairs on one fraction of the training rows.
#[derive(Debug, Clone, PartialEq)]
pub struct PairPoint {
    pub fraction: f64,
    /// Training rows, and those that the source was not trained on, the mean over seeds.
    pub rows: f64,
    pub new_rows: Option<f64>,
    pub transferred: Point,
    pub scratch: Point,
    /// Transferred less scratch over pairs, positive where the transferred one is better.
    pub gain: SummaryStats,
    /// 95% interval of the mean gain, cut to what is possible; `None` below two pairs, and where all gains are equal.
    pub interval: Option<(f64, f64)>,
}

/// Every transferred configuration of the ranking with its pair, in the order of the ranking.
pub fn all<'a>(experiment: &ExperimentRecord, summary: &'a Summary) -> Vec<Pairing<'a>> {
    let curves = learning_curve::on_any_fraction(experiment, summary);
    let is_transferred = |config: &Configuration| value_of(&config.params, INIT) == "transfer";
    let scratch: HashMap<String, &learning_curve::LearningCurve<'a>> = curves
        .iter()
        .filter(|curve| !is_transferred(curve.config))
        .map(|curve| (common(&curve.config.params), curve))
        .collect();
    curves
        .iter()
        .filter(|curve| is_transferred(curve.config))
        .filter_map(|curve| {
            let pair = scratch.get(&common(&curve.config.params))?;
            let points: Vec<PairPoint> = curve
                .points
                .iter()
                .filter_map(|point| {
                    let other = pair
                        .points
                        .iter()
                        .find(|other| other.fraction == point.fraction)?;
                    pair_point(&summary.objective, point, other)
                })
                .collect();
            (!points.is_empty()).then_some(Pairing {
                transferred: curve.config,
                scratch: pair.config,
                points,
            })
        })
        .collect()
}

impl PairPoint {
    /// Examples that the source had not seen, or all training rows where it had seen every one.
    pub fn examples(&self) -> f64 {
        self.new_rows
            .filter(|rows| *rows > 0.0)
            .unwrap_or(self.rows)
    }
}

fn pair_point(objective: &Objective, transferred: &Point, scratch: &Point) -> Option<PairPoint> {
    let sign = match objective.goal.is_better(1.0, 0.0) {
        true => 1.0,
        false => -1.0,
    };
    let gains: Vec<f64> = transferred
        .values
        .iter()
        .filter_map(|(seed, value)| {
            let pair = scratch.values.iter().find(|(other, _)| other == seed)?;
            Some(sign * (value - pair.1))
        })
        .collect();
    let gain = SummaryStats::of(&gains)?;
    Some(PairPoint {
        fraction: transferred.fraction,
        rows: transferred.rows,
        new_rows: transferred.new_rows,
        transferred: transferred.clone(),
        scratch: scratch.clone(),
        interval: (gain.interval(0.0)).map(|found| Bounds::of(objective).cut_difference(found)),
        gain,
    })
}

/// What both members of a pair have in common, as text that is equal for equal settings alone.
fn common(params: &Params) -> String {
    let rest = params
        .iter()
        .filter(|(key, _)| key != TRAIN_FRACTION && !OWN.contains(&key.as_str()));
    let lines: Vec<String> = rest
        .map(|(key, value)| format!("{key} = {value}"))
        .collect();
    lines.join("\n")
}

fn value_of(params: &Params, name: &str) -> String {
    named::value_of(params, name).map_or(String::new(), |value| match value {
        Value::Text(text) => text.clone(),
        value => value.to_string(),
    })
}
