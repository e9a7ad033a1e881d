//! Settings about the target that several kinds of model have: losses of numbers, weights of classes.

use std::collections::BTreeMap;

use super::super::task::Task;
use super::super::value::Value;
use super::param::{Choice, FloatRange, InBatch, Literal, ParamDef, ParamType};
use super::view::{ParamValue, unexpected, word};

/// Every loss of numbers, with the constants that it uses.
static LOSSES: &[Choice] = &[
    Choice::new("squared"),
    Choice::new("absolute"),
    Choice {
        name: "huber",
        uses: &["huber_delta"],
    },
    Choice {
        name: "quantile",
        uses: &["quantile"],
    },
];

pub(super) const LOSS: ParamDef = ParamDef::new(
    "loss",
    ParamType::Choice(LOSSES),
    Literal::Text("squared"),
    "what is minimised when the target is a number",
)
.of_task(Task::Regression)
.in_batch(InBatch::Same)
.later();

pub(super) const HUBER_DELTA: ParamDef = ParamDef::new(
    "huber_delta",
    ParamType::Float(FloatRange::ABOVE_0),
    Literal::Float(1.0),
    "huber only: the error, in standard deviations of the target, from which it counts linearly",
)
.of_task(Task::Regression)
.in_batch(InBatch::Same)
.later();

pub(super) const QUANTILE: ParamDef = ParamDef::new(
    "quantile",
    ParamType::Float(FloatRange::INSIDE_0_TO_1),
    Literal::Float(0.5),
    "quantile only: the quantile that is predicted",
)
.of_task(Task::Regression)
.in_batch(InBatch::Same)
.later();

pub(super) const CLASS_WEIGHT: ParamDef = ParamDef::new(
    "class_weight",
    ParamType::ClassWeights,
    Literal::Text("none"),
    "weights of the training rows by class; \"balanced\" is inversely to how frequent the class is",
)
.of_task(Task::Classification)
.in_batch(InBatch::Same)
.later();

/// The name of a loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LossName {
    Squared,
    Absolute,
    Huber,
    Quantile,
}

/// A loss of the error `prediction - target`, with its constants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Loss {
    /// The square, as PyTorch's `mse_loss`.
    Squared,
    /// The absolute value, as `l1_loss`.
    Absolute,
    /// Half the square up to `delta`, linear beyond (Huber 1964), as `huber_loss`.
    Huber { delta: f64 },
    /// The smooth form of Huber's loss that XGBoost has: `delta² (sqrt(1 + (error / delta)²) - 1)`.
    PseudoHuber { delta: f64 },
    /// The pinball loss of `quantile` (Koenker and Bassett 1978), as scikit-learn's `mean_pinball_loss`.
    Quantile { quantile: f64 },
}

impl Loss {
    pub fn new(name: LossName, huber_delta: f64, quantile: f64) -> Loss {
        match name {
            LossName::Squared => Loss::Squared,
            LossName::Absolute => Loss::Absolute,
            LossName::Huber => Loss::Huber { delta: huber_delta },
            LossName::Quantile => Loss::Quantile { quantile },
        }
    }

    /// The loss of an error.
    pub fn of(self, error: f64) -> f64 {
        match self {
            Loss::Squared => error * error,
            Loss::Absolute => error.abs(),
            Loss::Huber { delta } => match error.abs() {
                size if size <= delta => 0.5 * size * size,
                size => delta * (size - 0.5 * delta),
            },
            Loss::PseudoHuber { delta } => {
                let ratio = error / delta;
                delta * delta * ((1.0 + ratio * ratio).sqrt() - 1.0)
            }
            Loss::Quantile { quantile } => match error {
                error if error >= 0.0 => (1.0 - quantile) * error,
                error => -quantile * error,
            },
        }
    }

    /// Its derivative by the prediction; 0 where there is none.
    pub fn slope(self, error: f64) -> f64 {
        let sign = if error == 0.0 { 0.0 } else { error.signum() };
        match self {
            Loss::Squared => 2.0 * error,
            Loss::Absolute => sign,
            Loss::Huber { delta } => error.clamp(-delta, delta),
            Loss::PseudoHuber { delta } => {
                let ratio = error / delta;
                error / (1.0 + ratio * ratio).sqrt()
            }
            Loss::Quantile { quantile } => match sign {
                sign if sign > 0.0 => 1.0 - quantile,
                sign if sign < 0.0 => -quantile,
                _ => 0.0,
            },
        }
    }

    /// What it is called, with its constants in standard deviations of the target: `squared error`, `Huber loss (delta 1 sd)`.
    pub fn describe(self) -> String {
        match self {
            Loss::Squared => "squared error".to_owned(),
            Loss::Absolute => "absolute error".to_owned(),
            Loss::Huber { delta } => format!("Huber loss (delta {delta} sd)"),
            Loss::PseudoHuber { delta } => format!("pseudo-Huber loss (delta {delta} sd)"),
            Loss::Quantile { quantile } => format!("pinball loss (quantile {quantile})"),
        }
    }

    /// The factor by which the loss grows when errors and constants are measured in units of `1 / scale`.
    pub fn scale(self, scale: f64) -> f64 {
        match self {
            Loss::Squared | Loss::Huber { .. } | Loss::PseudoHuber { .. } => scale * scale,
            Loss::Absolute | Loss::Quantile { .. } => scale,
        }
    }
}

/// Weights of training rows by their class.
#[derive(Debug, Clone, PartialEq)]
pub enum ClassWeight {
    /// All rows alike.
    None,
    /// Rows over classes times rows of the class, as scikit-learn's `balanced`.
    Balanced,
    /// By name of the class; 1 for those that are not there.
    Given(BTreeMap<String, f64>),
}

impl ParamValue for LossName {
    fn from_value(value: &Value) -> LossName {
        match value {
            Value::Text(name) => match name.as_str() {
                "squared" => LossName::Squared,
                "absolute" => LossName::Absolute,
                "huber" => LossName::Huber,
                "quantile" => LossName::Quantile,
                _ => unexpected(value),
            },
            other => unexpected(other),
        }
    }

    fn to_value(&self) -> Value {
        word(match self {
            LossName::Squared => "squared",
            LossName::Absolute => "absolute",
            LossName::Huber => "huber",
            LossName::Quantile => "quantile",
        })
    }
}

impl ParamValue for ClassWeight {
    fn from_value(value: &Value) -> ClassWeight {
        match value {
            Value::Text(name) if name == "none" => ClassWeight::None,
            Value::Text(_) => ClassWeight::Balanced,
            Value::Table(weights) => {
                let weights = weights.iter();
                ClassWeight::Given(
                    weights
                        .map(|(class, weight)| (class.clone(), f64::from_value(weight)))
                        .collect(),
                )
            }
            other => unexpected(other),
        }
    }

    fn to_value(&self) -> Value {
        match self {
            ClassWeight::None => word("none"),
            ClassWeight::Balanced => word("balanced"),
            ClassWeight::Given(weights) => Value::Table(
                weights
                    .iter()
                    .map(|(class, weight)| (class.clone(), Value::Float(*weight)))
                    .collect(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_are_those_of_finite_differences() {
        let losses = [
            Loss::Squared,
            Loss::Absolute,
            Loss::Huber { delta: 0.7 },
            Loss::PseudoHuber { delta: 0.7 },
            Loss::Quantile { quantile: 0.9 },
        ];
        for loss in losses {
            for error in [-3.0, -0.7001, -0.2, 0.1, 0.69, 2.5] {
                let step = 1e-6;
                let slope = (loss.of(error + step) - loss.of(error - step)) / (2.0 * step);
                assert!((slope - loss.slope(error)).abs() < 1e-6, "{loss:?} {error}");
            }
            assert_eq!((loss.of(0.0), loss.slope(0.0)), (0.0, 0.0), "{loss:?}");
        }
    }

    #[test]
    fn a_delta_means_the_same_to_the_smooth_form_of_hubers_loss() {
        for delta in [0.3, 1.0, 4.0] {
            let (sharp, smooth) = (Loss::Huber { delta }, Loss::PseudoHuber { delta });
            for error in [
                -1000.0 * delta,
                -delta / 1000.0,
                delta / 1000.0,
                1000.0 * delta,
            ] {
                let (sharp, smooth) = (
                    (sharp.of(error), sharp.slope(error)),
                    (smooth.of(error), smooth.slope(error)),
                );
                assert!((smooth.0 / sharp.0 - 1.0).abs() < 1e-3, "{delta} {error}");
                assert!((smooth.1 / sharp.1 - 1.0).abs() < 1e-6, "{delta} {error}");
            }
        }
    }

    #[test]
    fn a_loss_in_other_units_is_the_loss_times_its_scale() {
        for (loss, wide) in [
            (Loss::Squared, Loss::Squared),
            (Loss::Absolute, Loss::Absolute),
            (Loss::Huber { delta: 1.0 }, Loss::Huber { delta: 10.0 }),
            (
                Loss::PseudoHuber { delta: 1.0 },
                Loss::PseudoHuber { delta: 10.0 },
            ),
            (
                Loss::Quantile { quantile: 0.2 },
                Loss::Quantile { quantile: 0.2 },
            ),
        ] {
            for error in [-2.0, -0.5, 0.5, 2.0] {
                let expected = wide.of(10.0 * error);
                assert!((loss.of(error) * loss.scale(10.0) - expected).abs() < 1e-9);
            }
        }
    }
}
