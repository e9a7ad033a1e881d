//! Applying a fitted preparation to rows.
//!
//! Invariant: what is encoded is finite, and depends on nothing but the preparation and the row's
//! cells.

use std::collections::HashMap;

use super::columns::Field;
use super::error::DataError;
use super::fit::{FittedField, Preprocessor, Scaling};
use super::parse::{Part, Values};
use super::quantile::to_normal;
use super::table::Table;
use super::text::FittedText;

/// Features of some rows, and what was met in making them.
#[derive(Debug)]
pub(super) struct Encoded {
    /// Row-major [rows, features].
    pub x: Vec<f32>,
    /// Cells filled in, by field.
    pub imputed: Vec<usize>,
    /// Cells with a category that no training row has, or with a text of which no term is known, by
    /// field.
    pub unseen: Vec<usize>,
}

impl Preprocessor {
    /// Features of the places `rows` of `part`, whose values stand in the order of
    /// `fields`; `texts` in the order of the text fields.
    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each form of a field, all of which count into the same lists"
    )]
    pub(super) fn encode(
        &self,
        texts: &[FittedText],
        table: &Table,
        fields: &[Field],
        part: &Part<'_>,
        rows: &[u32],
    ) -> Result<Encoded, Vec<DataError>> {
        let width: usize = self.fields.iter().map(FittedField::width).sum();
        let mut encoded = Encoded {
            x: vec![0.0; rows.len() * width],
            imputed: vec![0; self.fields.len()],
            unseen: vec![0; self.fields.len()],
        };
        let mut errors = Vec::new();
        let mut first = 0;
        let mut fitted_texts = texts.iter();
        for (place, (field, values)) in self.fields.iter().zip(&part.values).enumerate() {
            let features = encoded
                .x
                .chunks_exact_mut(width)
                .map(|row| &mut row[first..]);
            match (field, values) {
                (
                    FittedField::Number { column, scaling } | FittedField::Year { column, scaling },
                    Values::Numbers(values),
                ) => {
                    for (features, row) in features.zip(rows) {
                        let value = values[*row as usize];
                        encoded.imputed[place] += usize::from(value.is_nan());
                        features[0] = scaling.apply(value);
                        if !features[0].is_finite() {
                            let line = table.line(part.rows[*row as usize]);
                            let key = fields[place].key.clone();
                            errors.push(too_large(table, column, value).line(line).key(key));
                            break;
                        }
                    }
                }
                (
                    FittedField::Category {
                        categories,
                        imputed,
                        ..
                    },
                    Values::Texts(texts),
                ) => {
                    let places: HashMap<&str, usize> = categories
                        .iter()
                        .enumerate()
                        .map(|(i, name)| (name.as_str(), i))
                        .collect();
                    for (features, row) in features.zip(rows) {
                        let text = texts[*row as usize];
                        encoded.imputed[place] += usize::from(text.is_none());
                        match text
                            .or(imputed.as_deref())
                            .and_then(|text| places.get(text))
                        {
                            Some(category) => features[*category] = 1.0,
                            None => encoded.unseen[place] += 1,
                        }
                    }
                }
                (FittedField::Text { .. }, Values::Texts(texts)) => {
                    let fitted = fitted_texts.next().expect("one for each text field");
                    let cells: Vec<_> = rows.iter().map(|row| texts[*row as usize]).collect();
                    let encoded_texts = match fitted.encode(&cells) {
                        Ok(encoded) => encoded,
                        Err((message, help)) => {
                            let error = DataError::new(&table.path, message, help);
                            errors.push(error.key(fields[place].key.clone()));
                            continue;
                        }
                    };
                    let encoded_rows = encoded_texts.chunks_exact(field.width());
                    for ((features, row), cell) in features.zip(encoded_rows).zip(&cells) {
                        features[..row.len()].copy_from_slice(row);
                        encoded.imputed[place] += usize::from(cell.is_none());
                        let unknown = cell.is_some() && row.iter().all(|x| *x == 0.0);
                        encoded.unseen[place] += usize::from(unknown);
                    }
                }
                _ => unreachable!("values are read in the form of the fields they were fitted to"),
            }
            first += field.width();
        }
        match errors.is_empty() {
            true => Ok(encoded),
            false => Err(errors),
        }
    }
}

impl Scaling {
    /// The feature for `value`, which is not a number where the cell is missing.
    pub(super) fn apply(&self, value: f64) -> f32 {
        if self.sd == 0.0 {
            return 0.0;
        }
        let value = if value.is_nan() {
            self.imputed.unwrap_or(value)
        } else {
            value
        };
        if let Some(quantiles) = &self.quantiles {
            return to_normal(quantiles, value) as f32 + 0.0;
        }
        // Adding zero turns -0 to 0, so that equal rows are equal bytes.
        ((value - self.mean) / self.sd) as f32 + 0.0
    }
}

fn too_large(table: &Table, column: &str, value: f64) -> DataError {
    let message = format!("{value:e} becomes too large for a 32-bit feature");
    let help = "correct the cell, or leave the column out";
    DataError::new(&table.path, message, help).column(column)
}
