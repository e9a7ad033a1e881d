//! What is made of the predictions of models before they are written: calibrated probabilities, another threshold between two
//! classes, sets or intervals. All of it is fitted on validation rows.

use sweep_core::conformal::{Conformal, TooFewRows};
use sweep_core::trial::MetricDef;
use sweep_data::Targets;

use super::calibrator::{CalibrationMethod, Calibrator};
use super::conformal::conformal;
use super::cross_fit::{CalibrationRows, CrossFit};
use super::predictor::{Predicted, Predictions};
use crate::score::{Confusion, argmax};

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Wanted {
    /// The probability with which sets or intervals hold the truth, in (0, 1).
    pub coverage: Option<f64>,
    pub calibration: Option<WantedCalibration>,
    pub threshold: Option<WantedThreshold>,
}

/// How probabilities are to be calibrated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WantedCalibration {
    By(CalibrationMethod),
    /// As at the end of a trial: by what is best on rows that it was not fitted on.
    Best,
}

/// From which probability on the second of two classes is predicted.
#[derive(Debug, Clone, PartialEq)]
pub enum WantedThreshold {
    At(f64),
    /// The one that is best by this metric of predicted classes, such as `f1@yes`.
    BestBy(String),
}

/// Validation rows that a decision is fitted on.
#[derive(Debug, Clone, Copy)]
pub struct FittedRows<'a> {
    /// Those to choose from for a calibration whose method is left open.
    pub methods: &'a [CalibrationMethod],
    pub targets: Targets<'a>,
    /// Rows of one number belong together [rows]; `None` without groups.
    pub groups: Option<&'a [u32]>,
}

/// What was fitted.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decision {
    pub calibrator: Option<Calibrator>,
    /// The second class is predicted where its probability is at least this.
    pub threshold: Option<f64>,
    pub conformal: Option<Conformal>,
}

/// Why what was asked for cannot be had.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DecisionError {
    #[error("a number is predicted, and probabilities are of classes")]
    Number,
    #[error("there are {0} classes, and a threshold is between two")]
    Classes(usize),
    #[error("`{0}` is not a metric of predicted classes")]
    Metric(String),
    #[error(transparent)]
    TooFew(#[from] TooFewRows),
}

impl Wanted {
    pub fn is_nothing(&self) -> bool {
        *self == Wanted::default()
    }

    /// Whether any of it is fitted on validation rows.
    pub fn is_fitted(&self) -> bool {
        let is_chosen = matches!(self.threshold, Some(WantedThreshold::BestBy(_)));
        is_chosen || self.coverage.is_some() || self.calibration.is_some()
    }
}

impl Decision {
    /// Fits what is `wanted` to what was `said` of validation `rows` by models that predict `predicted`: first the calibration, then the threshold and the sets, by calibrated probabilities.
    ///
    /// # Errors
    /// When it does not go with the task, or there are too few rows.
    ///
    /// # Panics
    /// When predictions and targets are not of as many rows, or of other tasks.
    pub fn fit(
        wanted: &Wanted,
        predicted: Predicted<'_>,
        mut said: Predictions,
        rows: FittedRows<'_>,
    ) -> Result<Decision, DecisionError> {
        let targets = rows.targets;
        let classes = predicted.classes.len();
        let mut decision = Decision::default();
        match targets {
            Targets::Numbers(_) if wanted.calibration.is_some() || wanted.threshold.is_some() => {
                return Err(DecisionError::Number);
            }
            Targets::Numbers(_) => {}
            Targets::Classes(labels) => {
                let calibrated = CalibrationRows {
                    classes,
                    probabilities: &said.probabilities,
                    labels,
                    groups: rows.groups,
                };
                let fit = |wanted| match wanted {
                    WantedCalibration::By(method) => {
                        Calibrator::fit(method, classes, &said.probabilities, labels)
                    }
                    WantedCalibration::Best => {
                        CrossFit::of(rows.methods, calibrated).fit(calibrated)
                    }
                };
                decision.calibrator = wanted.calibration.map(fit);
                decision.adjust(&mut said, classes);
                let all = &said.probabilities;
                let best = |wanted| threshold(wanted, predicted.classes, all, labels);
                decision.threshold = wanted.threshold.as_ref().map(best).transpose()?;
            }
        }
        let of = |coverage| conformal(coverage, predicted, &said, targets);
        decision.conformal = wanted.coverage.map(of).transpose()?;
        Ok(decision)
    }

    /// Calibrates what was `predicted` by so many `classes`, and chooses the classes anew.
    pub fn adjust(&self, predicted: &mut Predictions, classes: usize) {
        if self.calibrator.is_none() && self.threshold.is_none() {
            return;
        }
        let rows = predicted.probabilities.chunks_exact_mut(classes.max(1));
        for (row, label) in rows.zip(&mut predicted.labels) {
            if let Some(calibrator) = &self.calibrator {
                calibrator.apply(row);
            }
            *label = match self.threshold {
                Some(threshold) => u32::from(row[1] >= threshold),
                None => argmax(row) as u32,
            };
        }
    }
}

/// The threshold that is `wanted`: of several that are equally good the one nearest to 0.5.
fn threshold(
    wanted: &WantedThreshold,
    classes: &[String],
    probabilities: &[f64],
    labels: &[u32],
) -> Result<f64, DecisionError> {
    if classes.len() != 2 {
        return Err(DecisionError::Classes(classes.len()));
    }
    let metric = match wanted {
        WantedThreshold::At(threshold) => return Ok(*threshold),
        WantedThreshold::BestBy(metric) => metric,
    };
    let unknown = || DecisionError::Metric(metric.clone());
    let (def, argument) = MetricDef::find(metric).ok_or_else(unknown)?;
    let class = argument.and_then(|name| classes.iter().position(|class| class == name));
    let value = |confusion: &Confusion| match (def.name, class) {
        ("f1", Some(class)) => Some(confusion.f1(class)),
        ("accuracy", _) => Some(confusion.accuracy()),
        ("macro_f1", _) => Some(confusion.macro_f1()),
        ("weighted_f1", _) => Some(confusion.weighted_f1()),
        ("balanced_accuracy", _) => Some(confusion.balanced_accuracy()),
        ("mcc", _) => Some(confusion.mcc()),
        _ => None,
    };
    let seconds = probabilities.iter().skip(1).step_by(2);
    let mut rows: Vec<(f64, u32)> = seconds.copied().zip(labels.iter().copied()).collect();
    rows.sort_by(|one, other| other.0.total_cmp(&one.0));
    // Rows by [actual][predicted], as the threshold comes down from above all.
    let mut counts = [[0u32; 2]; 2];
    rows.iter()
        .for_each(|(_, label)| counts[*label as usize][0] += 1);
    let mut best: Option<(f64, f64)> = None;
    let mut try_at = |threshold: f64, counts: &[[u32; 2]; 2]| -> Option<()> {
        let mut confusion = Confusion::new(2);
        for (actual, row) in counts.iter().enumerate() {
            for (predicted, rows) in row.iter().enumerate() {
                confusion.add_times(actual, predicted, *rows);
            }
        }
        let found = value(&confusion)?;
        let is_nearer = |other: f64| (threshold - 0.5).abs() < (other - 0.5).abs();
        match best {
            Some((other, at)) if found < other || (found == other && !is_nearer(at)) => {}
            _ => best = Some((found, threshold)),
        }
        Some(())
    };
    let first = rows.first().map_or(0.5, |row| row.0);
    try_at(first.midpoint(1.0).max(0.5), &counts).ok_or_else(unknown)?;
    for (place, (own, label)) in rows.iter().enumerate() {
        counts[*label as usize][0] -= 1;
        counts[*label as usize][1] += 1;
        let next = rows.get(place + 1).map_or(0.0, |row| row.0);
        if next < *own {
            // Between two probabilities, as near to a half as it can be.
            let threshold = if next < 0.5 && 0.5 <= *own {
                0.5
            } else {
                own.midpoint(next)
            };
            try_at(threshold, &counts).ok_or_else(unknown)?;
        }
    }
    Ok(best.map_or(0.5, |(_, threshold)| threshold))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweep_data::Dataset;

    const YES: [f64; 6] = [0.9, 0.6, 0.4, 0.35, 0.2, 0.1];
    const LABELS: [u32; 6] = [1, 0, 1, 1, 0, 0];

    fn fitted(wanted: &Wanted, classes: usize) -> Result<(Decision, Predictions), DecisionError> {
        let side = || (vec![0.0; 6], LABELS.to_vec());
        let data = Dataset::in_memory(1, classes, side(), side());
        let row = |yes: &f64| {
            let mut row = vec![0.0; classes];
            (row[0], row[1]) = (1.0 - yes, *yes);
            row
        };
        let predicted = Predictions {
            labels: YES.iter().map(|yes| u32::from(*yes >= 0.5)).collect(),
            probabilities: YES.iter().flat_map(row).collect(),
            ..Predictions::default()
        };
        let found = Decision::fit(wanted, data.meta().into(), predicted.clone(), rows(&data))?;
        Ok((found, predicted))
    }

    fn rows(data: &Dataset) -> FittedRows<'_> {
        FittedRows {
            methods: &[CalibrationMethod::Temperature],
            targets: data.valid().y,
            groups: None,
        }
    }

    fn by(metric: &str) -> Wanted {
        Wanted {
            threshold: Some(WantedThreshold::BestBy(metric.to_owned())),
            ..Wanted::default()
        }
    }

    #[test]
    fn the_threshold_is_the_best_by_its_metric_and_decides() {
        // From 0.35 on: three right of four, all of the class found: F1 6/7. Macro F1 likewise.
        for metric in ["f1@c1", "macro_f1", "accuracy", "mcc", "balanced_accuracy"] {
            let (found, mut predicted) = fitted(&by(metric), 2).unwrap();
            let threshold = found.threshold.unwrap();
            assert!((threshold - 0.275).abs() < 1e-12, "{metric}: {threshold}");
            found.adjust(&mut predicted, 2);
            assert_eq!(predicted.labels, [1, 1, 1, 1, 0, 0]);
        }
        let at = Wanted {
            threshold: Some(WantedThreshold::At(0.4)),
            ..Wanted::default()
        };
        let (found, mut predicted) = fitted(&at, 2).unwrap();
        found.adjust(&mut predicted, 2);
        assert_eq!(predicted.labels, [1, 1, 1, 0, 0, 0]);
    }

    #[test]
    fn what_does_not_go_with_the_task_is_refused() {
        assert_eq!(
            fitted(&by("f1@c1"), 3).err(),
            Some(DecisionError::Classes(3))
        );
        for metric in ["roc_auc", "f1@other", "f1", "speed"] {
            let refused = fitted(&by(metric), 2).err();
            assert_eq!(refused, Some(DecisionError::Metric(metric.to_owned())));
        }
        let side = || (vec![0.0; 6], vec![1.0f32; 6]);
        let none = sweep_core::data_config::TargetTransform::None;
        let data = Dataset::in_memory_numbers(1, none, side(), side());
        let predicted = Predictions {
            numbers: vec![1.0; 6],
            ..Predictions::default()
        };
        let refused = Decision::fit(&by("accuracy"), data.meta().into(), predicted, rows(&data));
        assert_eq!(refused.err(), Some(DecisionError::Number));
    }
}
