//! Weights of training rows: those of the data, times those of classes.

use sweep_core::trial::models::ClassWeight;
use sweep_data::{DatasetMeta, Rows, Targets};

/// The weight of each training row [rows]; `None` is all alike. `positive` is of the second of two classes.
pub(crate) fn of_rows(
    meta: &DatasetMeta,
    rows: Rows<'_>,
    class_weight: &ClassWeight,
    positive: f64,
) -> Option<Vec<f32>> {
    let of_class = match rows.y {
        Targets::Classes(labels) => of_classes(meta, labels, class_weight, positive),
        Targets::Numbers(_) => None,
    };
    match (rows.weights, rows.y, of_class) {
        (None, _, None) => None,
        (Some(weights), _, None) => Some(weights.to_vec()),
        (weights, Targets::Classes(labels), Some(of_class)) => {
            let own = |place: usize| weights.map_or(1.0, |weights| f64::from(weights[place]));
            let labels = labels.iter().enumerate();
            Some(
                labels
                    .map(|(place, label)| (own(place) * of_class[*label as usize]) as f32)
                    .collect(),
            )
        }
        (_, Targets::Numbers(_), Some(_)) => unreachable!("numbers have no classes"),
    }
}

/// The weight of each class; `None` is all alike.
fn of_classes(
    meta: &DatasetMeta,
    labels: &[u32],
    class_weight: &ClassWeight,
    positive: f64,
) -> Option<Vec<f64>> {
    let classes = meta.classes.len();
    let mut weights = match class_weight {
        ClassWeight::None => vec![1.0; classes],
        ClassWeight::Balanced => {
            let mut rows = vec![0.0f64; classes];
            labels.iter().for_each(|label| rows[*label as usize] += 1.0);
            // Of a share of the rows a class may be missing: nothing has its weight then.
            let present = rows.iter().filter(|rows| **rows > 0.0).count() as f64;
            let all = labels.len() as f64;
            rows.iter()
                .map(|own| all / (present * own.max(1.0)))
                .collect()
        }
        ClassWeight::Given(given) => {
            let names = meta.classes.iter();
            names
                .map(|name| given.get(name).copied().unwrap_or(1.0))
                .collect()
        }
    };
    if classes == 2 {
        weights[1] *= positive;
    }
    weights
        .iter()
        .any(|weight| *weight != 1.0)
        .then_some(weights)
}

/// `weights` with mean 1, so that a learning rate means the same with and without.
pub(crate) fn with_mean_1(mut weights: Vec<f32>) -> Vec<f32> {
    let sum: f64 = weights.iter().map(|weight| f64::from(*weight)).sum();
    let factor = weights.len() as f64 / sum;
    weights
        .iter_mut()
        .for_each(|weight| *weight = (f64::from(*weight) * factor) as f32);
    weights
}
