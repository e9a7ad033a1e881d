//! The gain from transfer learning as sentences for the terminal and the page.

use sweep_analysis::transfer::{self, PairPoint};
use sweep_analysis::{Summary, text};
use sweep_core::trial::{MetricDef, Objective};
use sweep_store::ExperimentRecord;

/// The gain of the best transfer configuration at each training size; empty without a transfer.
pub fn sentences(experiment: &ExperimentRecord, summary: &Summary) -> Vec<String> {
    let pairings = transfer::all(experiment, summary);
    let points = pairings.first().into_iter().flat_map(|best| &best.points);
    points
        .map(|point| sentence(point, &summary.objective))
        .collect()
}

/// `With 10% of the training rows (1,937, of them 360 new): +2.3 points [+1.1, +3.5] over 3 pairs.`
pub fn sentence(point: &PairPoint, objective: &Objective) -> String {
    let training_rows = match point.fraction {
        1.0 => "With all training rows".to_owned(),
        fraction => format!("With {}% of the training rows", short(100.0 * fraction)),
    };
    let whole = |rows: f64| text::with_thousands(rows.round() as u64);
    let rows = match point.new_rows {
        Some(new) => format!(
            "{}, {} of them not seen by the source model",
            whole(point.rows),
            whole(new)
        ),
        None => whole(point.rows),
    };
    let pairs = text::pluralize(point.gain.n as u64, "pair");
    let gain = amount(objective, point.gain.mean);
    let said = match point.interval {
        None => format!("{gain} in {pairs}, too few for an interval"),
        Some((low, high)) => {
            let interval = format!("[{}, {}]", signed(objective, low), signed(objective, high));
            match (low > 0.0, high < 0.0) {
                (true, _) => {
                    format!("{gain} {interval} over {pairs}: transfer helps")
                }
                (_, true) => format!("{gain} {interval} over {pairs}: transfer hurts"),
                _ => format!("{gain} {interval} over {pairs}: not significant"),
            }
        }
    };
    format!("{training_rows} ({rows}): {said}.")
}

/// `+2.3 points` for metrics from 0 to 1, `+0.0123` for others.
pub(crate) fn amount(objective: &Objective, gain: f64) -> String {
    let unit = match in_points(objective) {
        true => " points",
        false => "",
    };
    format!("{}{unit}", signed(objective, gain))
}

pub(crate) fn signed(objective: &Objective, gain: f64) -> String {
    match in_points(objective) {
        true => format!("{:+.1}", 100.0 * gain),
        false if gain.abs() < 1e3 => format!("{gain:+.4}"),
        false => format!(
            "{}{}",
            if gain < 0.0 { "-" } else { "+" },
            text::score(gain.abs())
        ),
    }
}

fn in_points(objective: &Objective) -> bool {
    objective.def().is_some_and(MetricDef::is_fraction)
}

fn short(number: f64) -> String {
    let rounded: f64 = format!("{number:.2}").parse().unwrap_or(number);
    rounded.to_string()
}
