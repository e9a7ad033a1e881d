//! What XGBoost minimises, in its own words.

use serde::{Deserialize, Serialize};

use super::super::boosting::{Predicts, labels};
use sweep_core::trial::models::{BinaryObjective, Loss, XgboostSpec};
use sweep_data::{DatasetMeta, Targets};

/// The settings of XGBoost that follow from the target of a data set.
pub(super) struct Goal {
    pub settings: Vec<(&'static str, String)>,
    pub outputs: Predicts,
    /// Of numbers, in units of the transformed target.
    pub loss: Loss,
    pub units: Units,
}

/// The objective of two classes by one tree a round.
pub(super) const LOGISTIC: &str = "binary:logistic";

/// How what XGBoost calls labels and predictions stands to the transformed target: `label * scale + mean`.
///
/// Boosting with the smooth form of Huber's loss diverges where labels are large beside its slope, so there they are
/// scaled as for networks. Elsewhere they are as Python's users give them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Units {
    mean: f64,
    scale: f64,
}

impl Units {
    const PLAIN: Units = Units {
        mean: 0.0,
        scale: 1.0,
    };

    /// The text that a model is kept with; `None` where labels are the transformed target.
    pub fn to_json(self) -> Option<String> {
        let text = || serde_json::to_string(&self).expect("two numbers are always JSON");
        (self != Units::PLAIN).then(text)
    }

    /// Reads what [`Units::to_json`] gave.
    ///
    /// # Errors
    /// Why it is none.
    pub fn from_json(text: Option<&str>) -> Result<Units, String> {
        let Some(text) = text else {
            return Ok(Units::PLAIN);
        };
        let units: Units = serde_json::from_str(text).map_err(|error| error.to_string())?;
        match units.mean.is_finite() && units.scale.is_finite() && units.scale > 0.0 {
            true => Ok(units),
            false => Err(format!("{text} scales nothing")),
        }
    }

    /// Turns predictions into the transformed target.
    pub fn restore(self, predictions: &mut [f32]) {
        if self != Units::PLAIN {
            for value in predictions {
                *value = (f64::from(*value) * self.scale + self.mean) as f32;
            }
        }
    }
}

impl Goal {
    pub fn of(meta: &DatasetMeta, model: &XgboostSpec) -> Goal {
        let Some(number) = meta.number else {
            let classes = meta.classes.len();
            let settings = match (classes, model.binary_objective) {
                (2, BinaryObjective::Logistic) => vec![
                    ("objective", LOGISTIC.to_owned()),
                    ("eval_metric", "logloss".to_owned()),
                ],
                _ => vec![
                    ("objective", "multi:softprob".to_owned()),
                    ("num_class", classes.to_string()),
                    ("eval_metric", "mlogloss".to_owned()),
                ],
            };
            return Goal {
                outputs: match settings[0].1 == LOGISTIC {
                    true => Predicts::SecondOfTwo,
                    false => Predicts::Classes(classes),
                },
                settings,
                loss: Loss::Squared,
                units: Units::PLAIN,
            };
        };
        let loss = model.loss(number.scale());
        let units = match loss {
            Loss::Huber { .. } | Loss::PseudoHuber { .. } => Units {
                mean: number.mean,
                scale: number.scale(),
            },
            Loss::Squared | Loss::Absolute | Loss::Quantile { .. } => Units::PLAIN,
        };
        let (objective, metric) = match loss {
            Loss::Squared => ("reg:squarederror", "rmse"),
            Loss::Absolute => ("reg:absoluteerror", "mae"),
            Loss::Huber { .. } | Loss::PseudoHuber { .. } => ("reg:pseudohubererror", "mphe"),
            Loss::Quantile { .. } => ("reg:quantileerror", "quantile"),
        };
        let mut settings = vec![
            ("objective", objective.to_owned()),
            ("eval_metric", metric.to_owned()),
        ];
        match loss {
            Loss::Huber { delta } | Loss::PseudoHuber { delta } => {
                settings.push(("huber_slope", (delta / units.scale).to_string()));
            }
            Loss::Quantile { quantile } => settings.push(("quantile_alpha", quantile.to_string())),
            Loss::Squared | Loss::Absolute => {}
        }
        Goal {
            settings,
            outputs: Predicts::Number,
            loss,
            units,
        }
    }

    /// The loss that the library's own metric, as it is set here, stands for.
    pub fn loss_of(&self, meta: &DatasetMeta, metric: f64) -> f64 {
        match (meta.number, self.loss) {
            (Some(_), Loss::Squared) => metric * metric,
            (Some(_), loss) => metric * loss.scale(self.units.scale),
            (None, _) => metric,
        }
    }

    /// What XGBoost calls labels: classes by index, or numbers.
    pub fn labels(&self, meta: &DatasetMeta, targets: Targets<'_>) -> Vec<f32> {
        let Units { mean, scale } = self.units;
        labels(meta, targets, |number| (number - mean) / scale)
    }
}
