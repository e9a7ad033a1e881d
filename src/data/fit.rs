//! Fitting the preparation of features on training rows, and applying it to any rows.
//!
//! Invariant: nothing here sees a validation or test row before it is fitted, and what is encoded
//! is finite.

use std::collections::HashMap;
use std::path::Path;

use rayon::prelude::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};
use serde::{Deserialize, Serialize};

use sweep_core::data_config::{DataSpec, MissingPolicy, Scale};

use super::columns::{Field, Form};
use super::error::{DataError, pluralize, quote};
use super::parse::{Part, Values};
use super::quantile::quantiles;
use super::table::Table;
use super::text::{self, FittedText, TextField};
use super::warnings::Note;

/// Values of a categorical column that become features.
const MAX_CATEGORIES: usize = 1000;

/// How features are made from cells, in the order of the features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preprocessor {
    pub fields: Vec<FittedField>,
}

/// How the cells of one column become features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FittedField {
    /// One feature: the number.
    Number {
        column: String,
        #[serde(flatten)]
        scaling: Scaling,
    },
    /// One feature: the year of a date.
    Year {
        column: String,
        #[serde(flatten)]
        scaling: Scaling,
    },
    /// One feature a category, 1 where the cell is that category and 0 elsewhere; 0 in all of them
    /// for a category that is not listed.
    Category {
        column: String,
        categories: Vec<String>,
        /// Put in the place of a missing cell.
        imputed: Option<String>,
    },
    /// As many features as its encoder has dimensions; see [`FittedText`].
    Text {
        column: String,
        #[serde(flatten)]
        text: TextField,
    },
}

/// A field fitted to the training rows.
pub(super) struct Fitted {
    field: FittedField,
    text: Option<FittedText>,
    note: Option<Note>,
}

/// A feature is `(value - mean) / sd`, and 0 when `sd` is 0; with quantiles it is the point of the
/// normal distribution for the value among them (see [`super::quantile`]).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    /// Mean of the training rows, 0 without scaling.
    pub mean: f64,
    /// Standard deviation of the training rows (divisor n), 1 without scaling, 0 for a constant.
    pub sd: f64,
    /// Put in the place of a missing cell.
    pub imputed: Option<f64>,
    /// Quantiles of the training rows, rising, with scaling by quantiles; then `mean` is 0 and `sd` 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantiles: Option<Vec<f64>>,
}

impl Preprocessor {
    /// The fields whose columns hold text, in order.
    pub(super) fn text_fields(&self) -> Vec<&TextField> {
        let texts = self.fields.iter().filter_map(|field| match field {
            FittedField::Text { text, .. } => Some(text),
            _ => None,
        });
        texts.collect()
    }

    /// Fits `fields` on the places `train` of `part`; the fitted texts stand in the order of the
    /// text fields, and what is slow to compute from a text is remembered in the folder `cache`.
    pub(super) fn fit(
        table: &Table,
        fields: &[Field],
        part: &Part<'_>,
        train: &[u32],
        spec: &DataSpec,
        cache: &Path,
    ) -> Result<(Preprocessor, Vec<FittedText>, Vec<Note>), Vec<DataError>> {
        let names = text::names(fields, &spec.text);
        let fit = |((field, values), name): ((&Field, &Values<'_>), String)| {
            let policy = spec.missing.of(&field.name);
            match (values, field.form) {
                (Values::Numbers(values), _) => {
                    fit_number(table, field, values, train, policy, spec.scale)
                }
                (Values::Texts(texts), Form::Text(at)) => {
                    let encoder = &spec.text[at].encoder;
                    let texts: Vec<_> = train.iter().map(|row| texts[*row as usize]).collect();
                    let required = spec.missing.columns.contains_key(&field.name);
                    let fitted =
                        FittedText::fit(name, encoder, &texts, required, spec.scale, cache);
                    fitted
                        .map(|fitted| Fitted::text(field, fitted))
                        .map_err(|(message, help)| {
                            let error = DataError::new(&table.path, message, help);
                            error.key(field.key.clone()).column(&field.name)
                        })
                }
                (Values::Texts(texts), _) => fit_category(table, field, texts, train, policy),
            }
        };
        let each = fields.par_iter().zip(&part.values).zip(names);
        let fitted: Vec<_> = each.map(fit).collect();
        let (mut fields, mut texts, mut notes) = (Vec::new(), Vec::new(), Vec::new());
        let mut errors = Vec::new();
        for result in fitted {
            match result {
                Ok(fitted) => {
                    fields.push(fitted.field);
                    texts.extend(fitted.text);
                    notes.extend(fitted.note);
                }
                Err(error) => errors.push(error),
            }
        }
        match errors.is_empty() {
            true => Ok((Preprocessor { fields }, texts, notes)),
            false => Err(errors),
        }
    }

    /// Names of the features, in order: `tempo`, `released.year`, `key=5`.
    pub fn features(&self) -> Vec<String> {
        let mut names = Vec::new();
        for field in &self.fields {
            match field {
                FittedField::Number { column, .. } => names.push(column.clone()),
                FittedField::Year { column, .. } => names.push(format!("{column}.year")),
                FittedField::Category {
                    column, categories, ..
                } => {
                    names.extend(
                        categories
                            .iter()
                            .map(|category| format!("{column}={category}")),
                    );
                }
                FittedField::Text { text, .. } => names.extend(text.features()),
            }
        }
        names
    }
}

impl FittedField {
    /// Number of features.
    pub fn width(&self) -> usize {
        match self {
            FittedField::Number { .. } | FittedField::Year { .. } => 1,
            FittedField::Category { categories, .. } => categories.len(),
            FittedField::Text { text, .. } => text.dims(),
        }
    }

    /// The column it is made from.
    pub fn column(&self) -> &str {
        match self {
            FittedField::Number { column, .. }
            | FittedField::Year { column, .. }
            | FittedField::Category { column, .. }
            | FittedField::Text { column, .. } => column,
        }
    }
}

impl Fitted {
    fn text(field: &Field, fitted: FittedText) -> Fitted {
        let column = field.name.clone();
        let text = fitted.field().clone();
        Fitted {
            field: FittedField::Text { column, text },
            text: Some(fitted),
            note: None,
        }
    }
}

/// Names in the order in which people count: by number when all are numbers, else by letter.
pub(super) fn in_order<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_unstable();
    names.dedup();
    let numbers: Option<Vec<f64>> = names
        .iter()
        .map(|name| super::columns::number(name))
        .collect();
    if let Some(numbers) = numbers {
        let mut pairs: Vec<(f64, &str)> = numbers.into_iter().zip(names).collect();
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        return pairs.into_iter().map(|(_, name)| name).collect();
    }
    names
}

fn fit_number(
    table: &Table,
    field: &Field,
    values: &[f64],
    train: &[u32],
    policy: MissingPolicy,
    scale: Scale,
) -> Result<Fitted, DataError> {
    let mut known: Vec<f64> = train.iter().map(|row| values[*row as usize]).collect();
    known.retain(|value| !value.is_nan());
    if known.is_empty() {
        return Err(nothing_known(table, field));
    }
    let imputed = match policy {
        MissingPolicy::Median => Some(median(&known)),
        MissingPolicy::Mode => Some(mode(&known)),
        MissingPolicy::Error | MissingPolicy::Drop => None,
    };
    let missing = train.len() - known.len();
    known.extend(std::iter::repeat_n(imputed.unwrap_or(f64::NAN), missing));
    let (mean, sd) = moments(&known);
    if !(mean.is_finite() && sd.is_finite()) {
        let message = "the numbers are too large to be scaled";
        let help = "values beyond about 1e150 have no standard deviation: correct them, or \
                    leave the column out";
        let error = DataError::new(&table.path, message, help).key(field.key.clone());
        return Err(error.column(&field.name));
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
        quantiles: by_quantiles.then(|| quantiles(&known)),
    };
    let note = constant.then(|| {
        Note::warning(format!(
            "column {} is {} in every training row: it tells nothing{}",
            quote(&field.name),
            known[0],
            if scale == Scale::None {
                ""
            } else {
                " and becomes 0"
            }
        ))
        .key(field.key.clone())
    });
    let column = field.name.clone();
    let field = match field.form {
        Form::Year => FittedField::Year { column, scaling },
        Form::Number | Form::Category | Form::Text(_) => FittedField::Number { column, scaling },
    };
    Ok(Fitted {
        field,
        text: None,
        note,
    })
}

fn fit_category(
    table: &Table,
    field: &Field,
    texts: &[Option<&str>],
    train: &[u32],
    policy: MissingPolicy,
) -> Result<Fitted, DataError> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for text in train.iter().filter_map(|row| texts[*row as usize]) {
        *counts.entry(text).or_default() += 1;
    }
    let categories = in_order(counts.keys().copied());
    if categories.is_empty() {
        return Err(nothing_known(table, field));
    }
    if categories.len() > MAX_CATEGORIES {
        let message = format!(
            "{} in {}: each would become a feature",
            pluralize(categories.len(), "distinct value"),
            pluralize(train.len(), "training row")
        );
        let help = format!("at most {MAX_CATEGORIES}; leave the column out or group its values");
        let error = DataError::new(&table.path, message, help).key(field.key.clone());
        return Err(error.column(&field.name));
    }
    let imputed = (policy == MissingPolicy::Mode).then(|| {
        let most = counts.values().max().copied().unwrap_or(0);
        let first = categories.iter().find(|name| counts[**name] == most);
        first.copied().unwrap_or_default().to_owned()
    });
    Ok(Fitted {
        field: FittedField::Category {
            column: field.name.clone(),
            categories: categories.into_iter().map(str::to_owned).collect(),
            imputed,
        },
        text: None,
        note: None,
    })
}

fn nothing_known(table: &Table, field: &Field) -> DataError {
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

/// The middle value, or the mean of the two in the middle.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() % 2 {
        1 => sorted[middle],
        _ => sorted[middle - 1] / 2.0 + sorted[middle] / 2.0,
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

    #[test]
    fn moments_hold_far_from_zero() {
        // numpy.std([1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16]) = sqrt(22.5)
        let (mean, sd) = moments(&[1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0]);
        assert_eq!(mean, 1e9 + 10.0);
        assert!((sd - 22.5f64.sqrt()).abs() < 1e-9);
    }

    #[test]
    fn names_are_ordered_as_people_count() {
        assert_eq!(in_order(["10", "2", "0", "2"]), ["0", "2", "10"]);
        assert_eq!(in_order(["b", "10", "a"]), ["10", "a", "b"]);
    }
}
