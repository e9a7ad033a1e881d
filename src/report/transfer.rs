//! What beginning with layers of another network was worth: pairs of trials that differ in that alone.
//!
//! Pure. The two trials of a pair have the same network, seed, rows and settings. What is said of them
//! is said of differences within pairs, so that what a seed does to both drops out.

use std::collections::HashMap;

use super::bounds::Bounds;
use super::growth::{self, Point};
use super::summary::{Configuration, Spread, Summary};
use super::text;
use sweep_core::trial::{INIT, Objective, Params, TRAIN_SHARE, Value};
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
    /// By share of the training rows, ascending; those without a pair left out.
    pub points: Vec<PairPoint>,
}

/// The pairs on one share of the training rows.
#[derive(Debug, Clone, PartialEq)]
pub struct PairPoint {
    pub share: f64,
    /// Training rows, and those that the source was not trained on, the mean over seeds.
    pub rows: f64,
    pub new_rows: Option<f64>,
    pub transferred: Point,
    pub scratch: Point,
    /// Transferred less scratch over pairs, positive where the transferred one is better.
    pub gain: Spread,
    /// 95% interval of the mean gain, cut to what is possible; `None` below two pairs, and where all gains are equal.
    pub interval: Option<(f64, f64)>,
}

/// Every transferred configuration of the ranking with its pair, in the order of the ranking.
pub fn all<'a>(experiment: &ExperimentRecord, summary: &'a Summary) -> Vec<Pairing<'a>> {
    let growths = growth::on_any_share(experiment, summary);
    let is_transferred = |config: &Configuration| value_of(&config.params, INIT) == "transfer";
    let scratch: HashMap<String, &growth::Growth<'a>> = growths
        .iter()
        .filter(|growth| !is_transferred(growth.config))
        .map(|growth| (common(&growth.config.params), growth))
        .collect();
    growths
        .iter()
        .filter(|growth| is_transferred(growth.config))
        .filter_map(|growth| {
            let pair = scratch.get(&common(&growth.config.params))?;
            let points: Vec<PairPoint> = growth
                .points
                .iter()
                .filter_map(|point| {
                    let other = pair
                        .points
                        .iter()
                        .find(|other| other.share == point.share)?;
                    pair_point(&summary.objective, point, other)
                })
                .collect();
            (!points.is_empty()).then_some(Pairing {
                transferred: growth.config,
                scratch: pair.config,
                points,
            })
        })
        .collect()
}

/// What the best way of transferring adds on each share of the training rows; empty without a transfer.
pub fn sentences(experiment: &ExperimentRecord, summary: &Summary) -> Vec<String> {
    let pairings = all(experiment, summary);
    let points = pairings.first().into_iter().flat_map(|best| &best.points);
    points
        .map(|point| point.sentence(&summary.objective))
        .collect()
}

impl PairPoint {
    /// Examples that the source had not seen, or all training rows where it had seen every one.
    pub fn examples(&self) -> f64 {
        self.new_rows
            .filter(|rows| *rows > 0.0)
            .unwrap_or(self.rows)
    }

    /// `With 10% of the training rows (1,937, of them 360 new): +2.3 points [+1.1, +3.5] over 3 pairs.`
    pub fn sentence(&self, objective: &Objective) -> String {
        let share = match self.share {
            1.0 => "With all training rows".to_owned(),
            share => format!("With {}% of the training rows", short(100.0 * share)),
        };
        let whole = |rows: f64| text::with_thousands(rows.round() as u64);
        let rows = match self.new_rows {
            Some(new) => format!(
                "{}, of them {} new to the source",
                whole(self.rows),
                whole(new)
            ),
            None => whole(self.rows),
        };
        let pairs = text::pluralize(self.gain.n as u64, "pair");
        let gain = amount(objective, self.gain.mean);
        let said = match self.interval {
            None => format!("{gain} in {pairs}, which tells nothing of chance"),
            Some((low, high)) => {
                let interval = format!("[{}, {}]", signed(objective, low), signed(objective, high));
                match (low > 0.0, high < 0.0) {
                    (true, _) => {
                        format!("{gain} {interval} over {pairs}: the transfer is worth it")
                    }
                    (_, true) => format!("{gain} {interval} over {pairs}: the transfer does harm"),
                    _ => format!("no difference to be seen ({gain} {interval} over {pairs})"),
                }
            }
        };
        format!("{share} ({rows}): {said}.")
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
    let gain = Spread::of(&gains)?;
    Some(PairPoint {
        share: transferred.share,
        rows: transferred.rows,
        new_rows: transferred.new_rows,
        transferred: transferred.clone(),
        scratch: scratch.clone(),
        interval: (gain.interval(0.0)).map(|found| Bounds::of(objective).cut_difference(found)),
        gain,
    })
}

/// `+2.3 points` for shares of rows, `+0.0123` for losses.
pub(super) fn amount(objective: &Objective, gain: f64) -> String {
    let unit = match in_points(objective) {
        true => " points",
        false => "",
    };
    format!("{}{unit}", signed(objective, gain))
}

pub(super) fn signed(objective: &Objective, gain: f64) -> String {
    match in_points(objective) {
        true => format!("{:+.1}", 100.0 * gain),
        false => format!("{gain:+.4}"),
    }
}

fn in_points(objective: &Objective) -> bool {
    objective.metric != "valid/loss"
}

fn short(number: f64) -> String {
    let rounded: f64 = format!("{number:.2}").parse().unwrap_or(number);
    rounded.to_string()
}

/// What both members of a pair have in common, as text that is equal for equal settings alone.
fn common(params: &Params) -> String {
    let rest = params
        .iter()
        .filter(|(key, _)| key != TRAIN_SHARE && !OWN.contains(&key.as_str()));
    let lines: Vec<String> = rest
        .map(|(key, value)| format!("{key} = {value}"))
        .collect();
    lines.join("\n")
}

fn value_of(params: &Params, name: &str) -> String {
    let found = params.iter().find(|(key, _)| key == name);
    found.map_or(String::new(), |(_, value)| match value {
        Value::Text(text) => text.clone(),
        value => value.to_string(),
    })
}
