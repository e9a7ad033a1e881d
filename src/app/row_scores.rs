//! Scores of single validation rows whose mean is a metric.
//!
//! Where a metric is a mean over rows, they are what it is the mean of; else pseudo-values.

use sweep_analysis::evidence::{Units, pseudo_values};
use sweep_core::trial::models::Loss;
use sweep_core::trial::{Kind, MetricDef, Objective};
use sweep_data::{Dataset, Targets};
use sweep_engine::kept::Kept;
use sweep_engine::predict::{CalibrationMethod, CalibrationRows, CrossFit};
use sweep_engine::score::{Measure, Outputs};

/// Blocks of rows that are left out in turn for metrics without a formula.
const BLOCKS: usize = 100;

/// A metric on the validation rows of a data set.
pub struct RowMetric<'a> {
    data: &'a Dataset,
    metric: &'a str,
    units: Units,
}

impl<'a> RowMetric<'a> {
    /// The metric of `objective` on the validation rows of `data`, which were drawn in `units`.
    ///
    /// # Errors
    /// With a sentence, for metrics of which predictions do not tell the scores of rows.
    pub fn new(
        objective: &'a Objective,
        data: &'a Dataset,
        units: Units,
    ) -> Result<RowMetric<'a>, String> {
        let metric = objective.metric.as_str();
        let (def, _) = MetricDef::of(metric)
            .ok_or_else(|| format!("{metric} is not a metric of this version"))?;
        let has_formula = match def.name {
            "roc_auc" => data.meta().classes.len() == 2,
            name => FORMULAS.contains(&name),
        };
        Ok(RowMetric {
            data,
            metric,
            units: match has_formula {
                true => units,
                false => units.blocks(BLOCKS),
            },
        })
    }

    /// What was drawn when the rows were drawn.
    pub fn units(&self) -> &Units {
        &self.units
    }

    /// Scores [rows] of a trial of `kind` that predicted `kept` and was trained with `loss`, of numbers as they are learned;
    /// `None` where that has not what the metric needs.
    pub fn scores(&self, kind: Kind, kept: &Kept, loss: Loss) -> Option<Vec<f32>> {
        let (def, argument) = MetricDef::of(self.metric)?;
        match (kept, self.data.valid().y) {
            (Kept::Numbers(residuals), Targets::Numbers(actual)) => {
                self.of_numbers(def.name, argument, residuals, actual, loss)
            }
            (
                Kept::Classes {
                    labels,
                    losses,
                    probabilities,
                },
                Targets::Classes(actual),
            ) => match def.name {
                "accuracy" => {
                    let pairs = labels.iter().zip(actual);
                    Some(
                        pairs
                            .map(|(own, actual)| f32::from(own == actual))
                            .collect(),
                    )
                }
                "loss" => Some(losses.clone()),
                "macro_f1" => {
                    let classes = self.data.meta().classes.len();
                    Some(pseudo_values::macro_f1(labels, actual, classes))
                }
                "calibrated_loss" => {
                    let wide: Vec<f64> = (probabilities.as_ref()?.iter())
                        .map(|own| f64::from(*own))
                        .collect();
                    let rows = CalibrationRows {
                        classes: self.data.meta().classes.len(),
                        probabilities: &wide,
                        labels: actual,
                        groups: self.data.valid_groups(),
                    };
                    let found = CrossFit::of(CalibrationMethod::of(kind), rows);
                    Some(found.losses.iter().map(|loss| *loss as f32).collect())
                }
                name => self.of_probabilities(name, labels, probabilities.as_deref(), actual),
            },
            _ => None,
        }
    }

    fn of_probabilities(
        &self,
        name: &str,
        labels: &[u32],
        probabilities: Option<&[f32]>,
        actual: &[u32],
    ) -> Option<Vec<f32>> {
        let classes = self.data.meta().classes.len();
        if OF_LABELS.contains(&name) {
            let mut certain = vec![0.0; labels.len() * classes];
            for (row, label) in labels.iter().enumerate() {
                certain[row * classes + *label as usize] = 1.0;
            }
            return Some(self.by_leaving_out(Outputs::Probabilities(&certain)));
        }
        let probabilities = probabilities?;
        if name == "roc_auc" && classes == 2 {
            let scores: Vec<f32> = probabilities.iter().skip(1).step_by(2).copied().collect();
            let is_positive: Vec<bool> = actual.iter().map(|class| *class == 1).collect();
            return Some(pseudo_values::auc(&scores, &is_positive));
        }
        if name == "brier" {
            let by_row = probabilities.chunks_exact(classes).zip(actual);
            let share = if classes == 2 { 0.5 } else { 1.0 };
            return Some(
                by_row
                    .map(|(row, actual)| {
                        let of = |(class, own): (usize, &f32)| {
                            (own - f32::from(class == *actual as usize)).powi(2)
                        };
                        share * row.iter().enumerate().map(of).sum::<f32>()
                    })
                    .collect(),
            );
        }
        let wide: Vec<f64> = probabilities.iter().map(|own| f64::from(*own)).collect();
        Some(self.by_leaving_out(Outputs::Probabilities(&wide)))
    }

    fn of_numbers(
        &self,
        name: &str,
        argument: Option<&str>,
        residuals: &[f32],
        actual: &[f32],
        loss: Loss,
    ) -> Option<Vec<f32>> {
        let squares = || -> Vec<f32> { residuals.iter().map(|error| error * error).collect() };
        Some(match name {
            "rmse" => pseudo_values::root_mean(&squares()),
            "r2" => pseudo_values::r_squared(&squares(), actual),
            "loss" => {
                let transform = self.data.meta().number?.transform;
                let pairs = residuals.iter().zip(actual);
                let of = |(residual, actual): (&f32, &f32)| {
                    let actual = f64::from(*actual);
                    let learned = |number: f64| transform.apply(number);
                    loss.of(learned(actual + f64::from(*residual)) - learned(actual)) as f32
                };
                pairs.map(of).collect()
            }
            "mae" => residuals.iter().map(|error| error.abs()).collect(),
            "pinball" => {
                let quantile = argument?.parse().ok()?;
                let loss = Loss::Quantile { quantile };
                let of = |error: &f32| loss.of(f64::from(*error)) as f32;
                residuals.iter().map(of).collect()
            }
            _ => {
                let pairs = residuals.iter().zip(actual);
                let predicted: Vec<f64> = pairs
                    .map(|(residual, actual)| f64::from(*actual) + f64::from(*residual))
                    .collect();
                self.by_leaving_out(Outputs::Numbers(&predicted))
            }
        })
    }

    /// Pseudo-values of any metric; blocks without which it is not defined say nothing.
    fn by_leaving_out(&self, outputs: Outputs<'_>) -> Vec<f32> {
        let (meta, rows) = (self.data.meta(), self.data.valid().y);
        let measure = Measure::new(meta, outputs, rows, Loss::Squared);
        let whole = measure.value(self.metric).unwrap_or(f64::NAN);
        let mut times = vec![1u32; rows.len()];
        pseudo_values::jackknife(&self.units, |weights| {
            for (times, weight) in times.iter_mut().zip(weights) {
                *times = *weight as u32;
            }
            let measure = Measure::with_times(meta, outputs, rows, Loss::Squared, Some(&times));
            measure.value(self.metric).unwrap_or(whole)
        })
    }
}

/// Metrics whose scores of rows are computed by a formula; the area under the ROC curve for two classes too.
const FORMULAS: [&str; 9] = [
    "accuracy",
    "loss",
    "macro_f1",
    "brier",
    "calibrated_loss",
    "rmse",
    "r2",
    "mae",
    "pinball",
];
/// Metrics for which predicted classes are enough.
const OF_LABELS: [&str; 4] = ["weighted_f1", "f1", "balanced_accuracy", "mcc"];

#[cfg(test)]
mod tests {
    use super::*;
    use sweep_core::data_config::TargetTransform;
    use sweep_core::random::{Purpose, Stream};
    use sweep_core::trial::{Argument, Goal, METRICS, Task};
    use sweep_engine::predict::Predictions;
    use sweep_engine::score::argmax;

    const ROWS: u32 = 203;

    fn classes(count: usize) -> (Dataset, Predictions) {
        let stream = Stream::new(1, Purpose::Synthetic, 0, 0);
        let labels: Vec<u32> = (0..ROWS).map(|row| row * 7 % count as u32).collect();
        let mut predicted = Predictions::default();
        for (row, label) in labels.iter().enumerate() {
            let score = |class: usize| {
                let lead = if class == *label as usize { 1.0 } else { 0.0 };
                (lead + stream.normal((row * count + class) as u32)).exp()
            };
            let scores: Vec<f64> = (0..count).map(score).collect();
            let sum: f64 = scores.iter().sum();
            predicted.labels.push(argmax(&scores) as u32);
            (predicted.probabilities).extend(scores.iter().map(|score| score / sum));
        }
        let side = || (vec![0.5; ROWS as usize], labels.clone());
        (Dataset::in_memory(1, count, side(), side()), predicted)
    }

    fn numbers(transform: TargetTransform) -> (Dataset, Predictions) {
        let stream = Stream::new(2, Purpose::Synthetic, 0, 0);
        let y: Vec<f32> = (0..ROWS)
            .map(|row| 20.0 + 5.0 * stream.normal(row) as f32)
            .collect();
        let guess =
            |(row, y): (usize, &f32)| f64::from(*y) + 2.0 * stream.normal(1_000 + row as u32);
        let predicted = Predictions {
            numbers: y.iter().enumerate().map(guess).collect(),
            ..Predictions::default()
        };
        let side = || (vec![0.5; ROWS as usize], y.clone());
        let data = Dataset::in_memory_numbers(1, transform, side(), side());
        (data, predicted)
    }

    /// The metric as it is measured, and as the mean of the scores of rows.
    fn both(data: &Dataset, predicted: &Predictions, metric: &str, loss: Loss) -> (f64, f64) {
        let (meta, targets) = (data.meta(), data.valid().y);
        let outputs = match meta.number {
            None => Outputs::Probabilities(&predicted.probabilities),
            Some(_) => Outputs::Numbers(&predicted.numbers),
        };
        let measure = Measure::new(meta, outputs, targets, loss).calibrated(Kind::MLP, None);
        let measured = measure.value(metric);
        let objective = Objective {
            metric: metric.to_owned(),
            goal: Goal::Max,
        };
        let units = Units::rows(targets.len());
        let scored = RowMetric::new(&objective, data, units).unwrap();
        let kept = Kept::of(meta, targets, predicted);
        let scores = scored.scores(Kind::MLP, &kept, loss).unwrap();
        let sum: f64 = scores.iter().map(|score| f64::from(*score)).sum();
        (measured.unwrap(), sum / scores.len() as f64)
    }

    #[test]
    fn scores_of_rows_have_each_metric_as_their_mean() {
        let mut tried = 0;
        for (data, predicted) in [classes(2), classes(4), numbers(TargetTransform::None)] {
            let task = match data.meta().number {
                None => Task::Classification,
                Some(_) => Task::Regression,
            };
            for def in METRICS.iter().filter(|def| def.is_of(task)) {
                let metric = match def.argument {
                    Argument::None => format!("valid/{}", def.name),
                    Argument::Class => format!("valid/{}@c1", def.name),
                    Argument::Count => format!("valid/{}@2", def.name),
                    Argument::Quantile => format!("valid/{}@0.8", def.name),
                };
                let (measured, scored) = both(&data, &predicted, &metric, Loss::Squared);
                assert!(
                    (measured - scored).abs() < 1e-5 * measured.abs().max(1.0),
                    "{metric}: {measured} {scored}"
                );
                tried += 1;
            }
        }
        assert_eq!(tried, 2 * 13 + 7);
    }

    #[test]
    fn what_needs_probabilities_has_no_scores_without_them() {
        let (data, predicted) = classes(3);
        let (meta, targets) = (data.meta(), data.valid().y);
        let Kept::Classes { labels, losses, .. } = Kept::of(meta, targets, &predicted) else {
            panic!("the target is a class");
        };
        let kept = Kept::Classes {
            labels,
            losses,
            probabilities: None,
        };
        for (metric, is_known) in [
            ("valid/accuracy", true),
            ("valid/loss", true),
            ("valid/mcc", true),
            ("valid/roc_auc", false),
            ("valid/brier", false),
            ("valid/calibrated_loss", false),
        ] {
            let objective = Objective::named(metric).unwrap();
            let scored = RowMetric::new(&objective, &data, Units::rows(targets.len())).unwrap();
            assert_eq!(
                scored.scores(Kind::MLP, &kept, Loss::Squared).is_some(),
                is_known,
                "{metric}"
            );
        }
    }

    #[test]
    fn scores_of_rows_have_each_trained_loss_of_each_transformed_target_as_their_mean() {
        let losses = [
            Loss::Squared,
            Loss::Absolute,
            Loss::Huber { delta: 0.05 },
            Loss::PseudoHuber { delta: 0.05 },
            Loss::Quantile { quantile: 0.9 },
        ];
        let mut found: Vec<f64> = Vec::new();
        for transform in TargetTransform::ALL {
            let (data, predicted) = numbers(transform);
            for loss in losses {
                let (measured, scored) = both(&data, &predicted, "valid/loss", loss);
                assert!(
                    (measured - scored).abs() < 1e-5 * measured.max(0.1),
                    "{transform:?} {loss:?}: {measured} {scored}"
                );
                found.push(measured);
            }
        }
        // Each is another number, so that none stands for another.
        found.sort_unstable_by(f64::total_cmp);
        assert!(found.windows(2).all(|pair| pair[1] - pair[0] > 1e-6));
    }
}
