//! What candidates predict for the rows by which an ensemble is chosen, and the loss of a mixture of them.

use std::ops::Range;

use sweep_core::data_config::TargetTransform;
use sweep_core::trial::models::Loss;

/// Probabilities whose product is taken before its logarithm: the least of each is the machine epsilon, and 2^(-52 * 16) is
/// still a number.
const FACTORS: usize = 16;

/// Candidates, and the rows by which they are chosen.
#[derive(Debug, Clone)]
pub struct Library {
    /// What each candidate is called; no two alike.
    pub names: Vec<String>,
    /// What it says of each row [candidates][rows]: the probability of the class that the row has, or the predicted number.
    pub values: Vec<Vec<f32>>,
    /// Rows whose mean losses count alike: those of each fold.
    pub parts: Vec<Part>,
    pub loss: RowLoss,
}

/// Rows that follow each other.
pub type Part = Range<usize>;

/// The loss of a prediction.
#[derive(Debug, Clone)]
pub enum RowLoss {
    /// Of the probability of the class that the row has.
    Log,
    /// Of the error of the predicted number, both as they are learned.
    Number {
        /// [rows], in units of the target.
        actual: Vec<f32>,
        transform: TargetTransform,
        loss: Loss,
    },
}

impl Library {
    /// The same candidates on the rows that `is_in` [rows] marks; parts without a row are left out.
    pub fn on(&self, is_in: &[bool]) -> Library {
        let mut parts = Vec::with_capacity(self.parts.len());
        let mut start = 0;
        for part in &self.parts {
            let rows = is_in[part.clone()].iter().filter(|is_in| **is_in).count();
            if rows > 0 {
                parts.push(start..start + rows);
            }
            start += rows;
        }
        // Rows stand in the order of the parts.
        let kept = |values: &[f32]| -> Vec<f32> {
            let rows = self.parts.iter().flat_map(Clone::clone);
            rows.filter(|row| is_in[*row])
                .map(|row| values[row])
                .collect()
        };
        Library {
            names: self.names.clone(),
            values: self.values.iter().map(|values| kept(values)).collect(),
            parts,
            loss: match &self.loss {
                RowLoss::Log => RowLoss::Log,
                RowLoss::Number {
                    actual,
                    transform,
                    loss,
                } => RowLoss::Number {
                    actual: kept(actual),
                    transform: *transform,
                    loss: *loss,
                },
            },
        }
    }

    /// The loss of what the candidates predict with these `weights` [candidates], which add up to 1.
    pub fn loss(&self, weights: &[f64]) -> f64 {
        let rows = self.values.first().map_or(0, Vec::len);
        let mut mixed = vec![0.0; rows];
        for (values, weight) in self.values.iter().zip(weights) {
            if *weight > 0.0 {
                (mixed.iter_mut().zip(values))
                    .for_each(|(sum, value)| *sum += weight * f64::from(*value));
            }
        }
        self.mean_loss(|row| mixed[row])
    }

    /// The mean over parts of the mean loss of what is predicted for their rows.
    pub(super) fn mean_loss(&self, predicted: impl Fn(usize) -> f64) -> f64 {
        let of_part = |part: &Part| {
            let sum = match &self.loss {
                RowLoss::Log => log_losses(part.clone(), &predicted),
                RowLoss::Number {
                    actual,
                    transform,
                    loss,
                } => (part.clone())
                    .map(|row| {
                        let actual = transform.apply(f64::from(actual[row]));
                        loss.of(transform.apply(predicted(row)) - actual)
                    })
                    .sum(),
            };
            sum / part.len() as f64
        };
        self.parts.iter().map(of_part).sum::<f64>() / self.parts.len() as f64
    }
}

/// The sum of the log losses of `rows`, clipped as in [`sweep_core::trial::log_loss`].
fn log_losses(rows: Part, probability: impl Fn(usize) -> f64) -> f64 {
    let mut sum = 0.0;
    let mut start = rows.start;
    while start < rows.end {
        let end = (start + FACTORS).min(rows.end);
        let product: f64 = (start..end)
            .map(|row| probability(row).clamp(f64::EPSILON, 1.0 - f64::EPSILON))
            .product();
        sum -= product.ln();
        start = end;
    }
    sum
}
