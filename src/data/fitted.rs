//! A field fitted to the training rows, and what fitting numbers and categories share.

use sweep_core::data_config::Scale;
use sweep_table::{DataError, Table};

use super::columns::Field;
use super::preprocessor::{FittedField, Scaling};
use super::quantile::quantiles;
use super::text::FittedText;
use super::warnings::Note;

/// A field fitted to the training rows.
pub(super) struct Fitted {
    pub field: FittedField,
    pub text: Option<FittedText>,
    pub notes: Vec<Note>,
    /// Features of the training rows, in their order, where those are not what the field makes of
    /// other rows: target statistics, each estimated without the row's own fold.
    pub out_of_fold: Option<Vec<f32>>,
}

/// The scaling of `known`, and whether they are all equal; `None` if they are too large.
pub(super) fn scaling(
    known: &[f64],
    imputed: Option<f64>,
    scale: Scale,
) -> Option<(Scaling, bool)> {
    let (mean, sd) = moments(known);
    if !(mean.is_finite() && sd.is_finite()) {
        return None;
    }
    let constant = known.iter().all(|value| *value == known[0]);
    let (mean, sd) = match (scale, constant) {
        (Scale::Standard | Scale::Quantile, true) => (known[0], 0.0),
        (Scale::Standard, false) => (mean, sd),
        (Scale::Quantile, false) | (Scale::None, _) => (0.0, 1.0),
    };
    let by_quantiles = scale == Scale::Quantile && !constant;
    let scaling = Scaling {
        mean,
        sd,
        imputed,
        quantiles: by_quantiles.then(|| quantiles(known)),
    };
    Some((scaling, constant))
}

/// An error about a column of which every training row lacks a value.
pub(super) fn nothing_known(table: &Table, field: &Field) -> DataError {
    let help = "leave the column out";
    DataError::new(&table.path, "every training row lacks a value", help)
        .key(field.key.clone())
        .column(&field.name)
}

/// Mean and standard deviation (divisor n), in two passes.
fn moments(values: &[f64]) -> (f64, f64) {
    let number = values.len() as f64;
    let mean = values.iter().sum::<f64>() / number;
    let square = |value: &f64| (value - mean) * (value - mean);
    (
        mean,
        (values.iter().map(square).sum::<f64>() / number).sqrt(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_hold_far_from_zero() {
        // numpy.std([1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16]) = sqrt(22.5)
        let (mean, sd) = moments(&[1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0]);
        assert_eq!(mean, 1e9 + 10.0);
        assert!((sd - 22.5f64.sqrt()).abs() < 1e-9);
    }
}
