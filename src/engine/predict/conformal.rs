//! The limit of sets or intervals from what models predict for rows whose truth is known.

use sweep_core::conformal::{Conformal, TooFewRows};
use sweep_data::Targets;

use super::predictor::{Predicted, Predictions};

/// The limit for `coverage`, in (0, 1), of what was `said` of rows with these `targets` by models that predict `predicted`.
///
/// # Errors
/// When there are too few rows.
///
/// # Panics
/// When predictions and targets are not of as many rows, or of other tasks.
pub fn conformal(
    coverage: f64,
    predicted: Predicted<'_>,
    said: &Predictions,
    targets: Targets<'_>,
) -> Result<Conformal, TooFewRows> {
    match targets {
        Targets::Classes(labels) => {
            let rows = said.probabilities.chunks_exact(predicted.classes.len());
            assert_eq!(rows.len(), labels.len());
            let own = rows.zip(labels).map(|(row, label)| row[*label as usize]);
            Conformal::of_classes(coverage, own)
        }
        Targets::Numbers(numbers) => {
            assert_eq!(said.numbers.len(), numbers.len());
            let number = predicted.number.expect("a number is predicted");
            let actual = numbers.iter().map(|actual| f64::from(*actual));
            let rows = actual.zip(said.numbers.iter().copied());
            Conformal::of_numbers(coverage, number.transform, rows)
        }
    }
}
