//! What a network says of the validation rows after an epoch.

use crate::Job;
use crate::score::{Confusion, Measure, Outputs, argmax, softmax};
use sweep_core::trial::models::MlpSpec;
use sweep_core::trial::{Metric, MetricDef, Task};
use sweep_data::Targets;

/// Predictions of the rows of one epoch, in their order.
#[derive(Debug, Clone)]
pub struct Evaluation {
    task: Task,
    pub confusion: Confusion,
    /// Row-major [rows, outputs], as the network gives them; empty where the counts by class are all that is wanted.
    outputs: Vec<f32>,
    keeps_outputs: bool,
}

impl Evaluation {
    /// For epochs of `job`.
    pub fn new(job: &Job<'_>) -> Evaluation {
        let meta = job.data.meta();
        let is_cheap = job
            .spec
            .objective
            .def()
            .is_some_and(|metric| metric.is_cheap);
        Evaluation {
            task: meta.task(),
            confusion: Confusion::new(meta.classes.len()),
            outputs: Vec::new(),
            keeps_outputs: meta.number.is_some() || !is_cheap,
        }
    }

    /// Whether the scores of each row are wanted, and not only the class that it is predicted to have.
    pub fn keeps_outputs(&self) -> bool {
        self.keeps_outputs
    }

    pub fn clear(&mut self) {
        self.confusion.clear();
        self.outputs.clear();
    }

    /// Takes in the next row: its class, if it has one, and what the network gives for it.
    pub fn add(&mut self, label: u32, outputs: &[f32]) {
        if self.task == Task::Classification {
            self.confusion.add(label as usize, argmax(outputs));
        }
        if self.keeps_outputs {
            self.outputs.extend_from_slice(outputs);
        }
    }

    /// The cheap metrics and the objective of `job`, once every row is taken in; `loss` is the mean over rows of classes.
    pub(super) fn values(&self, job: &Job<'_>, spec: &MlpSpec, loss: f64) -> Vec<(Metric, f64)> {
        let (meta, targets) = (job.data.meta(), job.data.valid().y);
        if let Some(number) = meta.number {
            let outputs = self.outputs.iter();
            let numbers: Vec<f64> = outputs
                .map(|output| number.number(f64::from(*output)))
                .collect();
            let loss = spec.loss_in(number.scale());
            let measure = Measure::new(meta, Outputs::Numbers(&numbers), targets, loss);
            return measure.at_step(&job.spec.objective);
        }
        let confusion = &self.confusion;
        let mut values = vec![
            ("valid/loss".to_owned(), loss),
            ("valid/accuracy".to_owned(), confusion.accuracy()),
            ("valid/macro_f1".to_owned(), confusion.macro_f1()),
            (
                "valid/balanced_accuracy".to_owned(),
                confusion.balanced_accuracy(),
            ),
            ("valid/mcc".to_owned(), confusion.mcc()),
        ];
        if self.keeps_outputs {
            let rows = self.outputs.chunks_exact(meta.classes.len());
            let probabilities: Vec<f64> = rows.flat_map(softmax).collect();
            let outputs = Outputs::Probabilities(&probabilities);
            let (kind, groups) = (job.spec.model.kind(), job.data.valid_groups());
            let measure =
                Measure::new(meta, outputs, targets, spec.loss()).calibrated(kind, groups);
            let metric = &job.spec.objective.metric;
            let value = measure.value(metric);
            values.extend(value.map(|value| (metric.clone(), value)));
        }
        values
    }
}

/// Why the objective of `job` cannot be measured on its validation rows; `None` if it can.
pub(super) fn cannot_measure(job: &Job<'_>) -> Option<String> {
    let (metric, meta) = (&job.spec.objective.metric, job.data.meta());
    let Some((known, _)) = MetricDef::of(metric).filter(|(known, _)| known.is_of(meta.task()))
    else {
        let names = sweep_core::trial::metrics_of(meta.task()).map(MetricDef::pattern);
        let allowed: Vec<String> = names.collect();
        return Some(format!(
            "the objective `{metric}` is not measured; allowed are {}",
            allowed.join(", ")
        ));
    };
    let Targets::Classes(labels) = job.data.valid().y else {
        return None;
    };
    let needs_two = ["roc_auc", "average_precision"].contains(&known.name);
    let is_one = labels.windows(2).all(|pair| pair[0] == pair[1]);
    (needs_two && is_one)
        .then(|| format!("all validation rows are of one class: they have no `{metric}`"))
}
