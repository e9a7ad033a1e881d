//! Fitting the preparation of features on training rows.
//!
//! Invariant: nothing here sees a validation or test row.

use std::path::Path;

use rayon::prelude::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};

use sweep_core::data_config::{DataSpec, DatePart, MissingPolicy, Scale};
use sweep_table::date::part;
use sweep_table::error::quote;
use sweep_table::{DataError, Table};

use super::columns::{Field, Form};
use super::fit_category::{self, Training};
use super::fitted::{Fitted, nothing_known, scaling};
use super::parse::{Part, Values};
use super::preprocessor::{DateFeature, FittedField, Preprocessor, Scaling};
use super::text::{self, FittedText};
use super::warnings::Note;

/// What is fitted: the preparation, what was learned from texts, in the order of the text fields, and
/// features of training rows, by field.
pub(super) struct FittedAll {
    pub preprocessor: Preprocessor,
    pub texts: Vec<FittedText>,
    pub notes: Vec<Note>,
    pub out_of_fold: Vec<Option<Vec<f32>>>,
}

/// Fits `fields` on the training rows of `part`; what is slow to compute from a text is remembered in
/// the folder `cache`.
pub(super) fn fit(
    table: &Table,
    fields: &[Field],
    part: &Part<'_>,
    training: &Training<'_>,
    spec: &DataSpec,
    cache: &Path,
) -> Result<FittedAll, Vec<DataError>> {
    let names = text::names(fields, &spec.text);
    let fit = |((field, values), name): ((&Field, &Values<'_>), String)| {
        let policy = spec.missing.of(&field.name);
        match (values, &field.form) {
            (Values::Texts(texts), Form::Text(at)) => {
                let cells: Vec<_> = training.cells(texts).collect();
                let required = spec.missing.columns.contains_key(&field.name);
                let encoder = &spec.text[*at].encoder;
                let fitted = FittedText::fit(name, encoder, &cells, required, spec.scale, cache);
                fitted
                    .map(|fitted| of_text(field, fitted))
                    .map_err(|(message, help)| {
                        let error = DataError::new(&table.path, message, help);
                        error.key(field.key.clone()).column(&field.name)
                    })
            }
            (Values::Texts(texts), _) => {
                fit_category::fit(table, field, texts, training, policy, spec)
            }
            (Values::Numbers { values, style }, form) => {
                let known = training.rows.iter().map(|row| values[*row as usize]);
                let known: Vec<f64> = known.collect();
                let number = fit_number(table, field, known, policy, spec)?;
                let (column, scaling) = (field.name.clone(), number.scaling);
                let keep = policy == MissingPolicy::Keep;
                // Where a kept cell is missing tells something, also of a constant.
                let note = number.note.filter(|_| !(keep && number.has_missing));
                let field = match form {
                    Form::Year => FittedField::Year {
                        column,
                        scaling,
                        keep,
                    },
                    _ => FittedField::Number {
                        column,
                        scaling,
                        style: *style,
                        indicator: number.indicator,
                        keep,
                    },
                };
                Ok(Fitted {
                    field,
                    text: None,
                    notes: note.into_iter().collect(),
                    out_of_fold: None,
                })
            }
            (Values::Dates { texts, moments }, form) => {
                let moment = |row: &u32| moments[texts.codes[*row as usize] as usize];
                fit_date(table, field, form, training.rows, moment, (policy, spec))
            }
        }
    };
    let each = fields.par_iter().zip(&part.values).zip(names);
    let fitted: Vec<_> = each.map(fit).collect();
    let mut all = FittedAll {
        preprocessor: Preprocessor { fields: Vec::new() },
        texts: Vec::new(),
        notes: Vec::new(),
        out_of_fold: Vec::new(),
    };
    let mut errors = Vec::new();
    for result in fitted {
        match result {
            Ok(fitted) => {
                all.preprocessor.fields.push(fitted.field);
                all.texts.extend(fitted.text);
                all.notes.extend(fitted.notes);
                all.out_of_fold.push(fitted.out_of_fold);
            }
            Err(error) => errors.push(error),
        }
    }
    match errors.is_empty() {
        true => Ok(all),
        false => Err(errors),
    }
}

fn of_text(field: &Field, fitted: FittedText) -> Fitted {
    let column = field.name.clone();
    let text = fitted.field().clone();
    Fitted {
        field: FittedField::Text { column, text },
        text: Some(fitted),
        notes: Vec::new(),
        out_of_fold: None,
    }
}

/// A column of numbers, fitted.
struct FittedNumber {
    scaling: Scaling,
    /// Whether a further feature says where a cell is missing.
    indicator: bool,
    /// Whether a training row lacks it.
    has_missing: bool,
    note: Option<Note>,
}

/// Fits the numbers of the training rows, some of which may be missing.
fn fit_number(
    table: &Table,
    field: &Field,
    mut known: Vec<f64>,
    policy: MissingPolicy,
    spec: &DataSpec,
) -> Result<FittedNumber, DataError> {
    let rows = known.len();
    known.retain(|value| !value.is_nan());
    if known.is_empty() {
        return Err(nothing_known(table, field));
    }
    let imputed = match policy {
        MissingPolicy::Median | MissingPolicy::Impute | MissingPolicy::Keep => Some(median(&known)),
        MissingPolicy::Mode => Some(mode(&known)),
        MissingPolicy::Error | MissingPolicy::Drop | MissingPolicy::Category => None,
    };
    let missing = rows - known.len();
    known.extend(std::iter::repeat_n(imputed.unwrap_or(f64::NAN), missing));
    let (scaling, is_constant) = scaling(&known, imputed, spec.scale).ok_or_else(|| {
        let message = "the numbers are too large to be scaled";
        let help = "values beyond about 1e150 have no standard deviation: correct them, or \
                    leave the column out";
        let error = DataError::new(&table.path, message, help).key(field.key.clone());
        error.column(&field.name)
    })?;
    let note = is_constant.then(|| {
        Note::warning(format!(
            "column {} is {} in every training row: it tells nothing{}",
            quote(&field.name),
            known[0],
            if spec.scale == Scale::None {
                ""
            } else {
                " and becomes 0"
            }
        ))
        .key(field.key.clone())
        .leave_out(&field.name)
    });
    Ok(FittedNumber {
        scaling,
        indicator: spec.missing.indicator && missing > 0 && imputed.is_some(),
        has_missing: missing > 0,
        note,
    })
}

fn fit_date(
    table: &Table,
    field: &Field,
    form: &Form,
    train: &[u32],
    moment: impl Fn(&u32) -> Option<jiff::civil::DateTime>,
    (policy, spec): (MissingPolicy, &DataSpec),
) -> Result<Fitted, DataError> {
    let Form::Date {
        format,
        parts,
        cyclic,
    } = form
    else {
        unreachable!("dates are read for fields of dates");
    };
    let mut features: Vec<DateFeature> = Vec::with_capacity(parts.len());
    let mut notes = Vec::new();
    let mut indicator = false;
    for date_part in parts {
        let value = |row: &u32| moment(row).map_or(f64::NAN, |moment| part(moment, *date_part));
        let known: Vec<f64> = train.iter().map(value).collect();
        let number = fit_number(table, field, known, policy, spec)?;
        let is_cyclic = *cyclic && date_part.period().is_some();
        // A part that never changes is not worth a word: others of the date do.
        let tells = is_cyclic || number.note.is_none() || *date_part == DatePart::Days;
        notes.extend(number.note.filter(|_| *date_part == DatePart::Days));
        indicator |= number.indicator;
        if tells {
            features.push(DateFeature {
                part: *date_part,
                cyclic: is_cyclic,
                scaling: number.scaling,
            });
        }
    }
    Ok(Fitted {
        field: FittedField::Date {
            column: field.name.clone(),
            format: format.name().to_owned(),
            features,
            indicator,
            keep: policy == MissingPolicy::Keep,
        },
        text: None,
        notes,
        out_of_fold: None,
    })
}

/// The middle value, or the mean of the two in the middle.
fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    let middle = values.len() / 2;
    let is_even = values.len().is_multiple_of(2);
    let (below, at, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let at = *at;
    match is_even {
        false => at,
        true => {
            let before = below.iter().copied().max_by(f64::total_cmp);
            before.unwrap_or(at) / 2.0 + at / 2.0
        }
    }
}

/// The most frequent value, the smallest of several.
fn mode(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let runs = sorted.chunk_by(|a, b| a == b);
    let longest = runs.rev().max_by_key(|run| run.len());
    longest.map_or(f64::NAN, |run| run[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_and_mode_are_those_of_pandas() {
        assert_eq!(median(&[5.0, 1.0, 4.0]), 4.0);
        assert_eq!(median(&[5.0, 1.0, 4.0, 2.0]), 3.0);
        assert_eq!(mode(&[3.0, 1.0, 3.0, 1.0, 2.0]), 1.0);
    }
}
