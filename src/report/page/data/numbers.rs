//! Numbers and identifiers in their shortest form.

use serde_json::{Value as Json, json};
use sweep_core::trial::TrialId;

/// Digits of a trial's name: `sweep show` takes any beginning.
const NAME: usize = 12;

pub(super) fn short(trial: &TrialId) -> &str {
    trial.as_str().get(..NAME).unwrap_or(trial.as_str())
}

pub(super) fn maybe(value: Option<f64>) -> Json {
    value.map_or(Json::Null, number)
}

/// Six significant digits, in the shortest notation.
pub(super) fn number(value: f64) -> Json {
    let rounded = format!("{value:.5e}").parse::<f64>();
    let rounded = rounded.ok().filter(|value| value.is_finite());
    match rounded {
        // Whole numbers without a fraction: two characters less, a hundred thousand times.
        Some(whole) if whole.fract() == 0.0 && whole.abs() < 1e9 => json!(whole as i64),
        rounded => json!(rounded),
    }
}
