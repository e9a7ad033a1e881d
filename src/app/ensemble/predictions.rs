//! What candidates predict for the validation rows: the one place that the selection and its scores have it from.
//!
//! Invariant: test rows are never read.

use sweep_analysis::ensemble::{Library, RowLoss};
use sweep_core::data_config::TargetTransform;
use sweep_core::trial::models::{Loss, trained_loss};
use sweep_core::trial::{MetricDef, Objective};
use sweep_data::{DatasetMeta, Targets};
use sweep_engine::kept::Kept;

use super::candidates::Candidate;
use crate::app::App;
use crate::valid_predictions;
use crate::valid_rows::ValidRows;

/// What a candidate predicts for the validation rows of each fold [folds].
pub struct Said {
    /// Row-major probabilities of the classes [rows, classes], or numbers [rows], in units of the target.
    pub outputs: Vec<Vec<f32>>,
    /// Probabilities of the classes that rows have, or numbers, of all folds [rows].
    values: Vec<f32>,
}

/// What `candidate` predicts: what its trials left behind or, where that has no probabilities or is gone, what their models say.
///
/// # Errors
/// With a sentence, when neither is there.
pub fn read(app: &App, candidate: &Candidate, rows: &ValidRows) -> Result<Said, String> {
    let mut said = Said {
        outputs: Vec::with_capacity(rows.folds.len()),
        values: Vec::new(),
    };
    for (trial, fold) in candidate.trials.iter().zip(&rows.folds) {
        match valid_predictions::in_full(app, candidate.kind, trial, &fold.data)? {
            Kept::Classes {
                losses,
                probabilities,
                ..
            } => {
                // Losses are kept to more digits than small probabilities.
                said.values.extend(losses.iter().map(|loss| (-loss).exp()));
                said.outputs.push(probabilities.unwrap_or_default());
            }
            Kept::Numbers(residuals) => {
                let Targets::Numbers(actual) = fold.data.valid().y else {
                    unreachable!("predictions are read for these targets");
                };
                let predicted = actual.iter().zip(residuals);
                let predicted: Vec<f32> = predicted.map(|(one, error)| one + error).collect();
                said.values.extend(&predicted);
                said.outputs.push(predicted);
            }
        }
    }
    match said.values.iter().all(|value| value.is_finite()) {
        true => Ok(said),
        false => Err("it predicts what is not a number".to_owned()),
    }
}

/// `candidates` with what each `said` of `rows`, to be selected by `loss`.
pub fn library(candidates: &[Candidate], said: &[Said], rows: &ValidRows, loss: Goal) -> Library {
    let mut start = 0;
    let part = |rows: usize| {
        start += rows;
        start - rows..start
    };
    Library {
        names: (candidates.iter())
            .map(|candidate| candidate.trials[0].to_string())
            .collect(),
        values: said.iter().map(|said| said.values.clone()).collect(),
        parts: (rows.folds.iter())
            .map(|fold| fold.data.valid().y.len())
            .map(part)
            .collect(),
        loss: match loss.number {
            None => RowLoss::Log,
            Some((loss, transform)) => RowLoss::Number {
                actual: (rows.folds.iter())
                    .filter_map(|fold| fold.data.valid().y.numbers())
                    .flatten()
                    .copied()
                    .collect(),
                transform,
                loss,
            },
        },
    }
}

/// What a selection makes small.
#[derive(Debug, Clone, PartialEq)]
pub struct Goal {
    /// As tables call it.
    pub name: String,
    /// Of a number; `None` is the log loss of classes.
    number: Option<(Loss, TargetTransform)>,
}

impl Goal {
    /// The log loss of classes; of numbers the loss whose mean the metric of `objective` is a function of or, of
    /// `valid/loss`, the one that `candidates` are trained with.
    pub fn of(objective: &Objective, candidates: &[Candidate], meta: &DatasetMeta) -> Goal {
        let Some(number) = meta.number else {
            return Goal {
                name: "log loss".to_owned(),
                number: None,
            };
        };
        let plain = TargetTransform::None;
        let trained = |candidate: &Candidate| {
            trained_loss(candidate.kind, &candidate.params, meta.target_scale())
        };
        let (loss, transform) = match MetricDef::of(&objective.metric) {
            Some((def, argument)) => match (def.name, argument) {
                ("mae" | "mape" | "median_ae", _) => (Loss::Absolute, plain),
                ("pinball", Some(quantile)) => match quantile.parse() {
                    Ok(quantile) => (Loss::Quantile { quantile }, plain),
                    Err(_) => (Loss::Squared, plain),
                },
                ("loss", _) => (trained(&candidates[0]), number.transform),
                _ => (Loss::Squared, plain),
            },
            None => (Loss::Squared, plain),
        };
        let of = match transform == plain {
            true => "",
            false => " of the target as it is learned",
        };
        let name = match loss {
            Loss::Squared => "squared error".to_owned(),
            Loss::Absolute => "absolute error".to_owned(),
            Loss::Huber { .. } => "Huber loss".to_owned(),
            Loss::PseudoHuber { .. } => "pseudo-Huber loss".to_owned(),
            Loss::Quantile { quantile } => format!("pinball loss (quantile {quantile})"),
        };
        Goal {
            name: format!("{name}{of}"),
            number: Some((loss, transform)),
        }
    }

    /// The loss of numbers, as `valid/loss` of an ensemble has it; of classes it is of no use.
    pub fn loss(&self) -> Loss {
        self.number.map_or(Loss::Squared, |(loss, _)| loss)
    }
}
