//! One field applied to the cells of a column of a table that had no part in fitting it.
//!
//! Invariant: a cell adds as many features as its field has, or none and a reason.

use std::ops::Range;

use sweep_table::date::{DateFormat, year};
use sweep_table::error::quote;
use sweep_table::{DataError, Table};

use super::categories::{CategoryFeature, CategorySlots, TargetFeatures};
use super::preprocessor::{FittedField, Scaling};
use super::text::FittedText;

/// A field and where its cells stand.
pub(super) struct Bound<'a> {
    pub field: &'a FittedField,
    pub column: usize,
    how: How<'a>,
}

/// What it takes to encode the cells of a field.
enum How<'a> {
    Plain,
    Date(DateFormat),
    Category(CategorySlots<'a>),
    Target(TargetFeatures<'a>),
    Text(&'a FittedText),
}

/// Why a cell has no features.
pub(super) enum Wrong {
    /// It is missing, and nothing was fitted for that.
    Missing,
    Because(String),
}

impl<'a> Bound<'a> {
    /// Binds `field` to the column of a table; `text` is what a text field has learned.
    pub fn new(field: &'a FittedField, column: usize, text: Option<&'a FittedText>) -> Bound<'a> {
        let how = match (field, text) {
            (FittedField::Text { .. }, Some(text)) => How::Text(text),
            (FittedField::Category { .. }, _) => How::Category(CategorySlots::of(field)),
            (FittedField::Target { .. }, _) => How::Target(TargetFeatures::of(field)),
            (FittedField::Date { format, .. }, _) => How::Date(DateFormat::named(format)),
            _ => How::Plain,
        };
        Bound { field, column, how }
    }

    /// Adds the features of `cell`, which is `None` where missing; false if no training row had its
    /// category, or none of its terms. `text` has the features of a text field.
    pub fn encode(
        &self,
        cell: Option<&str>,
        text: &[f32],
        x: &mut Vec<f32>,
    ) -> Result<bool, Wrong> {
        match (self.field, &self.how) {
            (FittedField::Date { .. }, How::Date(format)) => self.date(cell, format, x),
            (FittedField::Category { .. }, How::Category(slots)) => self.category(cell, slots, x),
            (
                FittedField::Target {
                    imputed,
                    missing,
                    known_only,
                    ..
                },
                How::Target(target),
            ) => {
                if cell.is_none() && imputed.is_none() && missing.is_none() {
                    return Err(Wrong::Missing);
                }
                let (own, is_known) = target.of_cell(cell);
                if !is_known && *known_only {
                    return Err(Wrong::unknown(cell));
                }
                x.extend_from_slice(own);
                Ok(is_known)
            }
            (FittedField::Text { text: about, .. }, _) => {
                if about.required && cell.is_none() {
                    return Err(Wrong::Missing);
                }
                x.extend_from_slice(text);
                Ok(cell.is_none() || text.iter().any(|x| *x != 0.0))
            }
            (
                FittedField::Number {
                    scaling,
                    style,
                    indicator,
                    ..
                },
                _,
            ) => {
                x.push(scaled(
                    cell,
                    |cell| style.number(cell),
                    "a number",
                    scaling,
                )?);
                if *indicator {
                    x.push(f32::from(u8::from(cell.is_none())));
                }
                Ok(true)
            }
            (FittedField::Year { scaling, .. }, _) => {
                let wanted = "a date: YYYY, YYYY-MM or YYYY-MM-DD";
                x.push(scaled(cell, year, wanted, scaling)?);
                Ok(true)
            }
            _ => unreachable!("a field is bound to what it takes"),
        }
    }

    fn date(
        &self,
        cell: Option<&str>,
        format: &DateFormat,
        x: &mut Vec<f32>,
    ) -> Result<bool, Wrong> {
        let FittedField::Date {
            features,
            indicator,
            ..
        } = self.field
        else {
            unreachable!("dates are of fields of dates");
        };
        let parse = |cell: &str| {
            let not_a_date = || {
                let format = quote(format.name());
                Wrong::Because(format!("{} is not a date written as {format}", quote(cell)))
            };
            format.parse(cell).ok_or_else(not_a_date)
        };
        let moment = cell.map(parse).transpose()?;
        if moment.is_none() && features.iter().any(|one| one.scaling.imputed.is_none()) {
            return Err(Wrong::Missing);
        }
        let mut at = x.len();
        x.resize(at + self.field.width(), 0.0);
        for feature in features {
            at += feature.apply(moment, &mut x[at..]);
        }
        if *indicator {
            x[at] = f32::from(u8::from(moment.is_none()));
        }
        Ok(true)
    }

    fn category(
        &self,
        cell: Option<&str>,
        slots: &CategorySlots<'_>,
        x: &mut Vec<f32>,
    ) -> Result<bool, Wrong> {
        let FittedField::Category {
            imputed,
            missing,
            known_only,
            ..
        } = self.field
        else {
            unreachable!("slots are of categories");
        };
        if cell.is_none() && imputed.is_none() && !missing {
            return Err(Wrong::Missing);
        }
        let (place, is_known) = match slots.feature(cell) {
            CategoryFeature::One(place) => (Some(place), true),
            CategoryFeature::None => (None, true),
            CategoryFeature::Unseen(_) if *known_only => return Err(Wrong::unknown(cell)),
            CategoryFeature::Unseen(place) => (place, false),
        };
        let start = x.len();
        x.resize(start + self.field.width(), 0.0);
        if let Some(place) = place {
            x[start + place] = 1.0;
        }
        Ok(is_known)
    }

    /// Features of the texts of `rows`, row-major; none for what is no text field.
    pub fn texts(&self, table: &Table, rows: &Range<u32>) -> Result<Vec<f32>, DataError> {
        let How::Text(text) = self.how else {
            return Ok(Vec::new());
        };
        let cells: Vec<_> = rows
            .clone()
            .map(|row| table.present(row, self.column))
            .collect();
        let cells: Vec<Option<&str>> = cells.iter().map(|cell| cell.as_deref()).collect();
        text.encode(&cells)
            .map_err(|(message, help)| DataError::new(&table.path, message, help))
    }
}

impl Wrong {
    fn unknown(cell: Option<&str>) -> Wrong {
        let cell = quote(cell.unwrap_or_default());
        Wrong::Because(format!("{cell} is a category that no training row had"))
    }
}

/// The feature of a number.
fn scaled(
    cell: Option<&str>,
    parse: impl Fn(&str) -> Option<f64>,
    wanted: &str,
    scaling: &Scaling,
) -> Result<f32, Wrong> {
    let not_wanted = |cell| Wrong::Because(format!("{} is not {wanted}", quote(cell)));
    let value = match cell {
        Some(cell) => parse(cell).ok_or_else(|| not_wanted(cell))?,
        None => scaling.imputed.ok_or(Wrong::Missing)?,
    };
    let feature = scaling.apply(value);
    match feature.is_finite() {
        true => Ok(feature),
        false => Err(Wrong::Because(format!(
            "{value:e} becomes too large for a 32-bit feature"
        ))),
    }
}
