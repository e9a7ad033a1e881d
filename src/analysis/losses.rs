//! What `valid/loss` and `train/loss` are in a sweep: cross-entropy of classes, or the losses of numbers that its models are
//! trained with, which have to be the same where models are ranked by them.

use sweep_core::data_config::TargetTransform;
use sweep_core::trial::models::{Loss, trained_loss};
use sweep_core::trial::{Argument, MetricDef, Task, VALID, Value};
use sweep_store::{ExperimentRecord, TrialRecord};

use super::text::sanitize;

/// The loss as metrics are called, without its side.
const LOSS: &str = "loss";

/// How a sweep learns its target, as its file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Learned {
    pub transform: TargetTransform,
    /// Whether a column has weights of the training rows.
    pub is_weighted: bool,
}

/// What the losses of a sweep measure.
#[derive(Debug, Clone, PartialEq)]
pub struct Losses {
    task: Task,
    /// Each once, in the order of the plan, of errors in standard deviations of the target; empty of classes.
    of_numbers: Vec<Loss>,
    /// Whether some training rows count more than others.
    is_weighted: bool,
    transform: Option<TargetTransform>,
    /// Whether metrics are what programs call so.
    is_of_programs: bool,
}

impl Losses {
    /// Of the trials of `experiment`.
    pub(super) fn of(experiment: &ExperimentRecord) -> Losses {
        let task = match experiment.dataset.classes.is_empty() {
            true => Task::Regression,
            false => Task::Classification,
        };
        let planned = || experiment.trials.iter().filter(|trial| trial.in_plan);
        let mut of_numbers = Vec::new();
        if task == Task::Regression {
            for loss in planned().map(loss_of) {
                if !of_numbers.contains(&loss) {
                    of_numbers.push(loss);
                }
            }
        }
        Losses {
            task,
            of_numbers,
            is_weighted: planned().any(has_weights),
            transform: None,
            is_of_programs: experiment.is_of_programs(),
        }
    }

    pub(super) fn learned_as(&mut self, learned: Learned) {
        self.transform = Some(learned.transform);
        self.is_weighted |= learned.is_weighted;
    }

    /// Whether some training rows count more than others in `train/loss`.
    pub fn is_weighted(&self) -> bool {
        self.is_weighted
    }

    /// Why models that are ranked by `metric` cannot be compared by it, if they cannot: `some are trained with squared
    /// error, some with absolute error`.
    pub fn incomparable_by(&self, metric: &str) -> Option<String> {
        let is_loss = metric.strip_prefix(VALID) == Some(LOSS);
        (is_loss && self.of_numbers.len() > 1).then(|| {
            let each: Vec<String> = self.of_numbers.iter().map(|loss| loss.describe()).collect();
            format!("some are trained with {}", each.join(", some with "))
        })
    }

    /// The loss in a word or two, as heads of tables have it: `log loss`, `squared error`.
    pub fn name(&self) -> String {
        match (self.task, &self.of_numbers[..]) {
            (Task::Classification, _) => "log loss".to_owned(),
            (Task::Regression, [loss]) => loss.describe(),
            (Task::Regression, _) => LOSS.to_owned(),
        }
    }

    /// What the loss is, with its unit: `cross-entropy, nats`, `squared error of the target`.
    pub fn about(&self) -> String {
        let [loss] = self.of_numbers[..] else {
            return match self.task {
                Task::Classification => "cross-entropy, nats".to_owned(),
                Task::Regression => "the loss that each model is trained with".to_owned(),
            };
        };
        let target = match self.transform {
            Some(TargetTransform::None) => "the target",
            Some(TargetTransform::Log) => "the logarithm of the target",
            Some(TargetTransform::Log1p) => "the logarithm of 1 + target",
            None => "the target as it is learned",
        };
        format!("{} of {target}", loss.describe())
    }

    /// The metric `name` as an axis calls it, with its unit.
    pub fn label(&self, name: &str) -> String {
        if self.is_of_programs {
            return sanitize(name);
        }
        let (side, quantity) = match name.split_once('/') {
            Some(("valid", quantity)) => ("validation ", quantity),
            Some(("train", quantity)) => ("training ", quantity),
            _ => ("", name),
        };
        let known = MetricDef::find(quantity);
        match (quantity, known) {
            (LOSS, _) => format!("{side}{LOSS} ({})", self.about()),
            ("accuracy", _) => format!("{side}accuracy (share of rows)"),
            ("macro_f1", _) => format!("{side}macro F1 (0 to 1)"),
            (_, Some((known, None))) => format!("{side}{}", known.label),
            (_, Some((known, Some(argument)))) => match known.argument {
                Argument::Class => sanitize(&format!("{side}F1 of {argument}")),
                Argument::Count => format!("{side}top-{argument} accuracy"),
                _ => format!("{side}{} of quantile {argument}", known.label),
            },
            (other, None) => sanitize(&format!("{side}{other}")),
        }
    }
}

/// What `trial` makes small where the target is a number, of errors in standard deviations of the target.
fn loss_of(trial: &TrialRecord) -> Loss {
    trained_loss(trial.kind, &trial.params, 1.0)
}

/// Whether `trial` weighs training rows by their class.
fn has_weights(trial: &TrialRecord) -> bool {
    trial
        .params
        .iter()
        .any(|(name, value)| match name.as_str() {
            "class_weight" => *value != Value::Text("none".to_owned()),
            "scale_pos_weight" => value.as_f64() != Some(1.0),
            _ => false,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Summary;
    use crate::fixtures::{add, empty, genres};
    use sweep_core::trial::Kind;

    /// Of networks with these losses, and a forest if one is asked for.
    fn losses(models: &[&[(&str, Value)]], has_forest: bool) -> Losses {
        let mut input = empty(&[]);
        for (seed, settings) in (1..).zip(models) {
            add(&mut input, Kind::MLP, settings, seed, 0.5, 2);
        }
        if has_forest {
            add(&mut input, Kind::RANDOM_FOREST, &[], 1, 0.5, 0);
        }
        Summary::of(&input.experiment).losses
    }

    fn text(name: &str) -> Value {
        Value::Text(name.to_owned())
    }

    #[test]
    fn the_loss_is_called_what_is_trained() {
        assert_eq!(
            Summary::of(&genres().experiment).losses.label("valid/loss"),
            "validation loss (cross-entropy, nats)"
        );
        let huber: &[(&str, Value)] =
            &[("loss", text("huber")), ("huber_delta", Value::Float(1.5))];
        let quantile: &[(&str, Value)] =
            &[("loss", text("quantile")), ("quantile", Value::Float(0.9))];
        for (model, transform, label) in [
            (
                &[][..],
                None,
                "squared error of the target as it is learned",
            ),
            (
                &[],
                Some(TargetTransform::None),
                "squared error of the target",
            ),
            (
                &[("loss", text("absolute"))],
                Some(TargetTransform::Log),
                "absolute error of the logarithm of the target",
            ),
            (
                huber,
                Some(TargetTransform::Log1p),
                "Huber loss (delta 1.5 sd) of the logarithm of 1 + target",
            ),
            (
                quantile,
                Some(TargetTransform::None),
                "pinball loss (quantile 0.9) of the target",
            ),
        ] {
            let mut found = losses(&[model], false);
            if let Some(transform) = transform {
                let is_weighted = false;
                found.learned_as(Learned {
                    transform,
                    is_weighted,
                });
            }
            assert_eq!(
                found.label("train/loss"),
                format!("training loss ({label})")
            );
            assert_eq!(found.incomparable_by("valid/loss"), None);
        }
    }

    #[test]
    fn models_of_different_losses_cannot_be_compared_by_them() {
        let squared: &[(&str, Value)] = &[("loss", text("squared"))];
        let absolute: &[(&str, Value)] = &[("loss", text("absolute"))];
        // A forest has the squared error, whatever it is not told.
        assert_eq!(losses(&[squared], true).incomparable_by("valid/loss"), None);
        let found = losses(&[absolute], true);
        assert_eq!(
            found.incomparable_by("valid/loss").unwrap(),
            "some are trained with absolute error, some with squared error"
        );
        assert_eq!(found.incomparable_by("valid/rmse"), None);
        assert!(found.label("valid/loss").contains("each model"));
        let delta = |delta| {
            [
                ("loss", text("huber")),
                ("huber_delta", Value::Float(delta)),
            ]
        };
        let (one, other) = (delta(1.0), delta(2.0));
        assert_eq!(
            losses(&[&one, &other], false)
                .incomparable_by("valid/loss")
                .unwrap(),
            "some are trained with Huber loss (delta 1 sd), some with Huber loss (delta 2 sd)"
        );
        // Classes have one loss, whatever stands in other settings.
        assert_eq!(
            Summary::of(&genres().experiment)
                .losses
                .incomparable_by("valid/loss"),
            None
        );
    }

    #[test]
    fn weights_of_classes_weigh_the_training_loss() {
        let plain: &[(&str, Value)] = &[("class_weight", text("none"))];
        let weighted: &[(&str, Value)] = &[("class_weight", text("balanced"))];
        assert!(!losses(&[plain], false).is_weighted());
        assert!(losses(&[plain, weighted], false).is_weighted());
        let mut by_column = losses(&[plain], false);
        by_column.learned_as(Learned {
            transform: TargetTransform::None,
            is_weighted: true,
        });
        assert!(by_column.is_weighted());
    }
}
