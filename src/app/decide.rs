//! What is fitted on validation rows for predictions, or why it cannot be, in the words of the command's options.

use sweep_core::format::one_of;
use sweep_engine::predict::{Decision, DecisionError, FittedRows, Predicted, Predictions, Wanted};

use crate::error::Error;

/// What is `wanted`, from what was `said` of validation `rows` by models that predict `predicted`.
pub fn decide(
    wanted: &Wanted,
    predicted: Predicted<'_>,
    said: Predictions,
    rows: FittedRows<'_>,
) -> Result<Decision, Error> {
    Decision::fit(wanted, predicted, said, rows).map_err(|error| match &error {
        DecisionError::TooFew(few) => {
            let most = few.rows as f64 / (few.rows as f64 + 1.0);
            let coverage = wanted.coverage.unwrap_or_default();
            let help = format!("ask for at most {:.3}", (most * 1e3).floor() / 1e3);
            Error::input(format!("--coverage {coverage}: {error}"), &help)
        }
        DecisionError::Number => Error::input(
            format!("--calibrate and --threshold are for classes: {error}"),
            "leave them out; `--coverage 0.9` gives intervals of numbers",
        ),
        DecisionError::Classes(_) => Error::input(
            format!("--threshold is for two classes: {error}"),
            "leave it out: the most probable class is predicted",
        ),
        DecisionError::Metric(_) => {
            let classes = predicted.classes.iter().map(|class| format!("f1@{class}"));
            Error::input(
                format!("--threshold: {error}"),
                &format!(
                    "use a number between 0 and 1, accuracy, balanced_accuracy, macro_f1, weighted_f1, mcc, {}",
                    one_of(classes.collect())
                ),
            )
        }
    })
}
