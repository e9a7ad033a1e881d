//! What LightGBM minimises, in its own words.

use super::super::boosting::Predicts;
use sweep_core::trial::models::{LightgbmSpec, Loss};
use sweep_data::DatasetMeta;

/// The objective of two classes.
pub(super) const BINARY: &str = "binary";

/// The settings of LightGBM that follow from the target of a data set.
pub(super) struct Goal {
    pub settings: Vec<(&'static str, String)>,
    pub outputs: Predicts,
    /// Of numbers, in units of the transformed target.
    pub loss: Loss,
}

impl Goal {
    pub fn of(meta: &DatasetMeta, model: &LightgbmSpec) -> Goal {
        let text = str::to_owned;
        let Some(number) = meta.number else {
            let classes = meta.classes.len();
            let (settings, outputs) = match classes {
                2 => {
                    let settings = vec![
                        ("objective", text(BINARY)),
                        ("metric", text("binary_logloss")),
                    ];
                    (settings, Predicts::SecondOfTwo)
                }
                _ => {
                    let settings = vec![
                        ("objective", text("multiclass")),
                        ("num_class", classes.to_string()),
                        ("metric", text("multi_logloss")),
                    ];
                    (settings, Predicts::Classes(classes))
                }
            };
            return Goal {
                settings,
                outputs,
                loss: Loss::Squared,
            };
        };
        let loss = model.loss(number.scale());
        let (name, constant) = match loss {
            Loss::Squared => ("l2", None),
            Loss::Absolute => ("l1", None),
            // There is no smooth one.
            Loss::Huber { delta } | Loss::PseudoHuber { delta } => ("huber", Some(delta)),
            Loss::Quantile { quantile } => ("quantile", Some(quantile)),
        };
        let mut settings = vec![("objective", text(name)), ("metric", text(name))];
        settings.extend(constant.map(|constant| ("alpha", constant.to_string())));
        Goal {
            settings,
            outputs: Predicts::Number,
            loss,
        }
    }
}
