//! What a network learns of the training rows: classes, or numbers with mean 0 and standard deviation 1; and weights with
//! mean 1.

use crate::{Job, weights};
use sweep_core::trial::models::MlpSpec;
use sweep_data::{Rows, Targets};

/// Beside the rows themselves.
pub struct Learned {
    /// [rows], where the target is a number.
    numbers: Option<Vec<f32>>,
    /// [rows].
    weights: Option<Vec<f32>>,
}

impl Learned {
    /// Of the training rows of `job`.
    pub fn of(job: &Job<'_>, spec: &MlpSpec) -> Learned {
        let (meta, rows) = (job.data.meta(), job.data.train());
        let weights = weights::of_rows(meta, rows, &spec.class_weight, 1.0);
        Learned {
            numbers: numbers(job, rows.y),
            weights: weights.map(weights::with_mean_1),
        }
    }

    /// Weights of the training rows, with mean 1, if they have any.
    pub fn weights(&self) -> Option<&[f32]> {
        self.weights.as_deref()
    }

    /// The training rows of a job, as they are learned.
    pub fn rows<'a>(&'a self, rows: Rows<'a>) -> Rows<'a> {
        Rows {
            y: self.numbers.as_deref().map_or(rows.y, Targets::Numbers),
            weights: self.weights.as_deref(),
            ..rows
        }
    }
}

/// The validation numbers of `job` on the scale of the network; `None` of classes.
pub fn valid_numbers(job: &Job<'_>) -> Option<Vec<f32>> {
    numbers(job, job.data.valid().y)
}

fn numbers(job: &Job<'_>, targets: Targets<'_>) -> Option<Vec<f32>> {
    let (number, own) = (job.data.meta().number?, targets.numbers()?);
    let learned = own
        .iter()
        .map(|value| number.learned(f64::from(*value)) as f32);
    Some(learned.collect())
}
