//! Every metric of the registry, measured on rows.

use sweep_core::data_config::TargetTransform;
use sweep_core::trial::models::Loss;
use sweep_core::trial::{Argument, Kind, MetricDef, Objective, Task, metrics_of};
use sweep_data::{DatasetMeta, Targets};

use crate::predict::{CalibrationMethod, CalibrationRows, CrossFit};

use super::probabilities::Probabilities;
use super::{Confusion, Errors, argmax};

/// What a model says of rows.
#[derive(Debug, Clone, Copy)]
pub enum Outputs<'a> {
    /// Row-major [rows, classes].
    Probabilities(&'a [f64]),
    /// [rows], in units of the target.
    Numbers(&'a [f64]),
}

/// Predictions of rows whose target is known.
pub struct Measure<'a> {
    outputs: Outputs<'a>,
    targets: Targets<'a>,
    classes: &'a [String],
    transform: TargetTransform,
    /// In units of the transformed target.
    loss: Loss,
    times: Option<&'a [u32]>,
    confusion: Confusion,
    errors: Errors,
    calibration: Option<CalibrationOf<'a>>,
}

/// How probabilities of validation rows are calibrated to measure what that brings.
#[derive(Debug, Clone, Copy)]
struct CalibrationOf<'a> {
    methods: &'static [CalibrationMethod],
    groups: Option<&'a [u32]>,
}

impl<'a> Measure<'a> {
    /// Measures `outputs` by `targets`, of which `meta` tells; `loss` is what was trained, in units of the transformed
    /// target, if that is a number.
    ///
    /// # Panics
    /// When the two are not of as many rows, or of other tasks.
    pub fn new(
        meta: &'a DatasetMeta,
        outputs: Outputs<'a>,
        targets: Targets<'a>,
        loss: Loss,
    ) -> Measure<'a> {
        Measure::with_times(meta, outputs, targets, loss, None)
    }

    /// The same where rows count so often as `times` says [rows].
    pub fn with_times(
        meta: &'a DatasetMeta,
        outputs: Outputs<'a>,
        targets: Targets<'a>,
        loss: Loss,
        times: Option<&'a [u32]>,
    ) -> Measure<'a> {
        let often = |place: usize| times.map_or(1, |times| times[place]);
        let transform = meta
            .number
            .map_or(TargetTransform::None, |number| number.transform);
        let mut confusion = Confusion::new(meta.classes.len());
        let mut errors = Errors::default();
        match (outputs, targets) {
            (Outputs::Probabilities(values), Targets::Classes(labels)) => {
                assert_eq!(values.len(), labels.len() * meta.classes.len());
                let rows = values.chunks_exact(meta.classes.len()).zip(labels);
                for (place, (row, label)) in rows.enumerate() {
                    confusion.add_times(*label as usize, argmax(row), often(place));
                }
            }
            (Outputs::Numbers(values), Targets::Numbers(numbers)) => {
                assert_eq!(values.len(), numbers.len());
                errors = Errors::new(numbers.len());
                for (place, (predicted, actual)) in values.iter().zip(numbers).enumerate() {
                    errors.add_times(f64::from(*actual), *predicted, often(place));
                }
            }
            _ => panic!("predictions and targets are of one task"),
        }
        Measure {
            outputs,
            targets,
            classes: &meta.classes,
            transform,
            loss,
            times,
            confusion,
            errors,
            calibration: None,
        }
    }

    /// Measures the calibrated loss too, of a model of `kind` on validation rows that belong together by `groups` [rows].
    pub fn calibrated(self, kind: Kind, groups: Option<&'a [u32]>) -> Measure<'a> {
        let methods = CalibrationMethod::of(kind);
        Measure {
            calibration: Some(CalibrationOf { methods, groups }),
            ..self
        }
    }

    /// Counts of rows by class; none where the target is a number.
    pub fn confusion(&self) -> &Confusion {
        &self.confusion
    }

    /// What is measured at every step: the cheap metrics and the objective, as `valid/NAME`.
    pub fn at_step(&self, objective: &Objective) -> Vec<(String, f64)> {
        let task = self.task();
        let cheap = metrics_of(task).filter(|metric| metric.is_cheap);
        let mut names: Vec<String> = cheap.map(MetricDef::pattern).collect();
        if !names.contains(&objective.metric) {
            names.push(objective.metric.clone());
        }
        self.all(names)
    }

    /// Every metric there is, and the objective, as `valid/NAME`; less those that these rows do not define.
    pub fn at_best(&self, objective: &Objective) -> Vec<(String, f64)> {
        let task = self.task();
        let plain = metrics_of(task).filter(|metric| metric.argument == Argument::None);
        let mut names: Vec<String> = plain.map(MetricDef::pattern).collect();
        for k in TOP_K {
            if task == Task::Classification && self.classes.len() > k {
                names.push(format!("valid/top_k@{k}"));
            }
        }
        if let Loss::Quantile { quantile } = self.loss
            && task == Task::Regression
        {
            names.push(format!("valid/pinball@{quantile}"));
        }
        if !names.contains(&objective.metric) {
            names.push(objective.metric.clone());
        }
        self.all(names)
    }

    fn all(&self, names: Vec<String>) -> Vec<(String, f64)> {
        let measured = names.into_iter().filter_map(|name| {
            let value = self.value(&name)?;
            Some((name, value))
        });
        measured.collect()
    }

    fn task(&self) -> Task {
        match self.targets {
            Targets::Classes(_) => Task::Classification,
            Targets::Numbers(_) => Task::Regression,
        }
    }

    /// The metric `valid/NAME` or `test/NAME`; `None` for one that there is not, or that these rows do not define.
    pub fn value(&self, metric: &str) -> Option<f64> {
        let (metric, argument) = MetricDef::of(metric)?;
        match (self.outputs, self.targets) {
            (Outputs::Probabilities(values), Targets::Classes(labels)) => {
                self.of_classes(metric.name, argument, values, labels)
            }
            (Outputs::Numbers(_), Targets::Numbers(_)) => self.of_numbers(metric.name, argument),
            _ => None,
        }
    }

    /// Mean of `values` [rows], each as often as its row counts.
    pub fn mean_of(&self, values: &[f64]) -> f64 {
        let often = |row: usize| self.times.map_or(1.0, |times| f64::from(times[row]));
        let (mut sum, mut all) = (0.0, 0.0);
        for (row, value) in values.iter().enumerate() {
            sum += often(row) * value;
            all += often(row);
        }
        sum / all
    }

    fn of_classes(
        &self,
        name: &str,
        argument: Option<&str>,
        values: &[f64],
        labels: &[u32],
    ) -> Option<f64> {
        let confusion = &self.confusion;
        let probabilities = Probabilities {
            values,
            labels,
            times: self.times,
            classes: self.classes.len(),
        };
        match name {
            "accuracy" => Some(confusion.accuracy()),
            "loss" => Some(probabilities.log_loss()),
            "macro_f1" => Some(confusion.macro_f1()),
            "weighted_f1" => Some(confusion.weighted_f1()),
            "f1" => {
                let class = self
                    .classes
                    .iter()
                    .position(|class| Some(class.as_str()) == argument)?;
                Some(confusion.f1(class))
            }
            "balanced_accuracy" => Some(confusion.balanced_accuracy()),
            "mcc" => Some(confusion.mcc()),
            "roc_auc" => probabilities.roc_auc(),
            "average_precision" => probabilities.average_precision(),
            "brier" => Some(probabilities.brier()),
            "top_k" => Some(probabilities.top_k(argument?.parse().ok()?)),
            "ece" => Some(probabilities.ece()),
            "calibrated_loss" => {
                let rows = CalibrationRows {
                    classes: self.classes.len(),
                    probabilities: values,
                    labels,
                    groups: self.calibration?.groups,
                };
                let found = CrossFit::of(self.calibration?.methods, rows);
                Some(self.mean_of(&found.losses))
            }
            _ => None,
        }
    }

    fn of_numbers(&self, name: &str, argument: Option<&str>) -> Option<f64> {
        let errors = &self.errors;
        let learned = |number: f64| self.transform.apply(number);
        match name {
            "loss" => Some(
                errors
                    .mean(|actual, error| self.loss.of(learned(actual + error) - learned(actual))),
            ),
            "rmse" => Some(errors.rmse()),
            "mae" => Some(errors.mae()),
            "r2" => Some(errors.r2()),
            "mape" => Some(errors.mape()),
            "median_ae" => Some(errors.median_ae()),
            "pinball" => Some(errors.pinball(argument?.parse().ok()?)),
            _ => None,
        }
    }
}

/// Of how many most probable classes the accuracy is measured, where there are more.
const TOP_K: [usize; 2] = [3, 5];
