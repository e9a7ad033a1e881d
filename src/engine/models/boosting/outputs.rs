//! What the libraries of gradient boosting learn and predict of a row.

use sweep_data::{DatasetMeta, Targets};

/// What is predicted of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Predicts {
    Number,
    /// The probability of the second of two classes.
    SecondOfTwo,
    /// Those of so many classes.
    Classes(usize),
}

impl Predicts {
    /// Number of classes; 0 of a number.
    pub fn classes(self) -> usize {
        match self {
            Predicts::Number => 0,
            Predicts::SecondOfTwo => 2,
            Predicts::Classes(classes) => classes,
        }
    }

    /// How many values there are for a row.
    pub fn width(self) -> usize {
        match self {
            Predicts::Number | Predicts::SecondOfTwo => 1,
            Predicts::Classes(classes) => classes,
        }
    }

    /// What a library predicted as probabilities of all classes [rows, classes], or numbers [rows].
    pub fn of_all_classes(self, predicted: Vec<f32>) -> Vec<f32> {
        match self {
            Predicts::SecondOfTwo => {
                let both = |second: f32| [1.0 - second, second];
                predicted.into_iter().flat_map(both).collect()
            }
            Predicts::Number | Predicts::Classes(_) => predicted,
        }
    }
}

/// What the libraries call labels: classes by index, or what `of_number` makes of transformed numbers.
pub(crate) fn labels(
    meta: &DatasetMeta,
    targets: Targets<'_>,
    of_number: impl Fn(f64) -> f64,
) -> Vec<f32> {
    let transform = meta
        .number
        .map(|number| number.transform)
        .unwrap_or_default();
    let label = |number: &f32| of_number(transform.apply(f64::from(*number))) as f32;
    match targets {
        Targets::Classes(labels) => labels.iter().map(|label| *label as f32).collect(),
        Targets::Numbers(numbers) => numbers.iter().map(label).collect(),
    }
}
