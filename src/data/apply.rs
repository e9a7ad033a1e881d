//! Applying a fitted preparation to a table that had no part in fitting it.
//!
//! Invariant: a row's features are those that [`super::prepare()`] would have given it, to the bit,
//! or the row is refused with its reason; nothing is fitted here, and no row depends on another.

use std::ops::Range;

use sweep_core::format::pluralize;
use sweep_table::date::{DateFormat, year};
use sweep_table::error::{list, quote};
use sweep_table::{DataError, Table};

use super::categories::{CategoryFeature, CategorySlots, TargetFeatures};
use super::features::{Features, RejectedRow};
use super::preprocessor::{FittedField, Scaling};
use super::saved::SavedPreprocessor;
use super::text::FittedText;

/// A preparation beside the table it is applied to, whose columns are kept as text.
pub struct Encoder<'a> {
    table: &'a Table,
    fields: Vec<Bound<'a>>,
    width: usize,
}

/// A field and where its cells stand.
struct Bound<'a> {
    field: &'a FittedField,
    column: usize,
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
enum Wrong {
    /// It is missing, and nothing was fitted for that.
    Missing,
    Because(String),
}

/// Features of a row, or the column at fault and what is wrong with its cell.
type Encoded<T> = Result<T, (String, String)>;

impl SavedPreprocessor {
    /// Finds the columns that features are made from in `table`, by name; others do not matter, nor
    /// does their order.
    ///
    /// # Errors
    /// One that names every column that is not there.
    pub fn on<'a>(&'a self, table: &'a Table) -> Result<Encoder<'a>, DataError> {
        let mut missing = Vec::new();
        let mut texts = self.texts.iter();
        let mut fields = Vec::with_capacity(self.preprocessor.fields.len());
        for field in &self.preprocessor.fields {
            let text = match field {
                FittedField::Text { .. } => texts.next(),
                _ => None,
            };
            match table.find(field.column()) {
                Some(column) => fields.push(Bound::new(field, column, text)),
                None if missing.contains(&field.column()) => {}
                None => missing.push(field.column()),
            }
        }
        if missing.is_empty() {
            return Ok(Encoder {
                table,
                fields,
                width: self.preprocessor.width(),
            });
        }
        let named: Vec<String> = missing.iter().map(|name| quote(name)).collect();
        let message = format!(
            "{} that the model needs {} not there: {}",
            pluralize(missing.len(), "column"),
            if missing.len() == 1 { "is" } else { "are" },
            named.join(", ")
        );
        let there: Vec<&str> = table.names.iter().map(String::as_str).collect();
        let help = format!(
            "names must be those of the training data; there are {}",
            list(&there)
        );
        Err(DataError::new(&table.path, message, help).line(1))
    }
}

impl Encoder<'_> {
    /// Features of `rows`.
    ///
    /// A missing cell takes what was fitted for it, and refuses the row where nothing was (under the
    /// rules `error` and `drop`). A category that no training row had is 0 in every feature of its
    /// column, as it is for validation and test rows, unless the experiment refuses such rows. A
    /// missing text is an empty one, unless the experiment has a rule of its own for its column,
    /// which refuses the row.
    ///
    /// # Errors
    /// When a sentence encoder cannot be used.
    ///
    /// # Panics
    /// When the table has fewer rows.
    pub fn encode(&self, rows: Range<u32>) -> Result<Features, DataError> {
        let keeps = self.fields.iter().any(|bound| bound.field.kept() > 0);
        let mut features = Features {
            missing: keeps.then(Vec::new),
            ..Features::default()
        };
        features.x.reserve(rows.len() * self.width);
        // Texts of a column are encoded together, since that is done in parallel.
        let texts = self
            .fields
            .iter()
            .map(|bound| bound.texts(self.table, &rows));
        let texts: Vec<Vec<f32>> = texts.collect::<Result<_, _>>()?;
        let mut unseen = vec![0; self.fields.len()];
        for (place, row) in rows.enumerate() {
            let start = features.x.len();
            let mut row_unseen = Vec::new();
            match self.encode_row(row, place, &texts, &mut features.x, &mut row_unseen) {
                Ok(()) => {
                    features.rows.push(row);
                    row_unseen
                        .iter()
                        .for_each(|field: &usize| unseen[*field] += 1);
                    if let Some(missing) = &mut features.missing {
                        self.mark_missing(row, missing);
                    }
                }
                Err((column, reason)) => {
                    features.x.truncate(start);
                    features.refused.push(RejectedRow {
                        row,
                        line: self.table.line(row),
                        column,
                        reason,
                    });
                }
            }
        }
        let columns = self
            .fields
            .iter()
            .map(|bound| bound.field.column().to_owned());
        features.unseen = columns
            .zip(unseen)
            .filter(|(_, cells)| *cells > 0)
            .collect();
        Ok(features)
    }

    /// Adds the features of `row` to `x`, or names the column at fault and says what is wrong with it.
    /// `texts` has the features of the text fields, those of `row` at `place`; fields with an unknown
    /// category are added to `unseen`.
    fn encode_row(
        &self,
        row: u32,
        place: usize,
        texts: &[Vec<f32>],
        x: &mut Vec<f32>,
        unseen: &mut Vec<usize>,
    ) -> Encoded<()> {
        for (number, (bound, texts)) in self.fields.iter().zip(texts).enumerate() {
            let cell = self.table.present(row, bound.column);
            let width = bound.field.width();
            // Of other fields than texts there are none.
            let text = texts.get(place * width..(place + 1) * width);
            match bound.encode(cell.as_deref(), text.unwrap_or_default(), x) {
                Ok(is_known) => unseen.extend((!is_known).then_some(number)),
                Err(wrong) => {
                    let reason = match wrong {
                        Wrong::Missing => self.missing(row, bound.column),
                        Wrong::Because(reason) => reason,
                    };
                    return Err((bound.field.column().to_owned(), reason));
                }
            }
        }
        Ok(())
    }

    /// Adds to `missing` which features of `row` are of missing cells that models may get as such.
    fn mark_missing(&self, row: u32, missing: &mut Vec<u8>) {
        for bound in &self.fields {
            let kept = bound.field.kept();
            let is_missing = kept > 0 && self.table.present(row, bound.column).is_none();
            missing.extend(std::iter::repeat_n(u8::from(is_missing), kept));
            missing.extend(std::iter::repeat_n(0, bound.field.width() - kept));
        }
    }

    fn missing(&self, row: u32, column: usize) -> String {
        match self.table.cell(row, column).trim() {
            "" => "the cell is empty".to_owned(),
            cell => format!(
                "the cell reads {}, which stands for a missing value",
                quote(cell)
            ),
        }
    }
}

impl<'a> Bound<'a> {
    fn new(field: &'a FittedField, column: usize, text: Option<&'a FittedText>) -> Bound<'a> {
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
    fn encode(&self, cell: Option<&str>, text: &[f32], x: &mut Vec<f32>) -> Result<bool, Wrong> {
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
    fn texts(&self, table: &Table, rows: &Range<u32>) -> Result<Vec<f32>, DataError> {
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::Preprocessor;
    use sweep_core::trial::DataDigest;

    fn preprocessor() -> SavedPreprocessor {
        let number = |column: &str, imputed| FittedField::Number {
            column: column.to_owned(),
            scaling: Scaling {
                mean: 1.0,
                sd: 2.0,
                imputed,
                quantiles: None,
            },
            style: sweep_table::NumberStyle::PLAIN,
            indicator: false,
            keep: false,
        };
        let year = FittedField::Year {
            column: "date".to_owned(),
            scaling: Scaling {
                mean: 2000.0,
                sd: 10.0,
                imputed: None,
                quantiles: None,
            },
            keep: false,
        };
        let kind = FittedField::Category {
            column: "kind".to_owned(),
            categories: vec!["x".to_owned(), "y".to_owned()],
            imputed: None,
            base: None,
            rare: Vec::new(),
            missing: false,
            known_only: false,
        };
        let preprocessor = Preprocessor {
            fields: vec![number("a", None), number("b", Some(7.0)), year, kind],
        };
        SavedPreprocessor {
            digest: DataDigest::from_hex("5".repeat(64)),
            features: preprocessor.features(),
            classes: vec!["no".to_owned(), "yes".to_owned()],
            preprocessor,
            target: None,
            reading: None,
            texts: Vec::new(),
        }
    }

    fn table(text: &str) -> Table {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new.csv");
        fs::write(&path, text).unwrap();
        crate::tests::as_text(&path)
    }

    #[test]
    fn columns_are_found_by_name_in_any_order_among_others() {
        let table = table("other,kind,date,b,a\n?,y,2010-02-03,3,5\n");
        let preprocessor = preprocessor();
        let features = preprocessor.on(&table).unwrap().encode(0..1).unwrap();
        assert_eq!(features.x, [2.0, 1.0, 1.0, 0.0, 1.0]);
        assert_eq!((features.rows, features.unseen), (vec![0], Vec::new()));
    }

    #[test]
    fn rows_that_cannot_be_encoded_are_named_with_their_reason_and_the_others_stay() {
        let text = "a,b,date,kind\n\
                    1,,2000,z\n\
                    ,1,2000,x\n\
                    one,1,2000,x\n\
                    1,1,2000-13,x\n\
                    1,1,2000, NA \n\
                    1e300,1,2000,x\n\
                    3,1,2000,x\n";
        let table = table(text);
        let preprocessor = preprocessor();
        let features = preprocessor.on(&table).unwrap().encode(0..7).unwrap();
        assert_eq!(features.rows, [0, 6]);
        assert_eq!(
            features.x,
            [0.0, 3.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0]
        );
        assert_eq!(features.unseen, [("kind".to_owned(), 1)]);
        let refused: Vec<String> = features
            .refused
            .iter()
            .map(|refused| format!("{}: {}: {}", refused.line, refused.column, refused.reason))
            .collect();
        assert_eq!(
            refused,
            [
                "3: a: the cell is empty",
                "4: a: `one` is not a number",
                "5: date: `2000-13` is not a date: YYYY, YYYY-MM or YYYY-MM-DD",
                "6: kind: the cell reads `NA`, which stands for a missing value",
                "7: a: 1e300 becomes too large for a 32-bit feature",
            ]
        );
    }

    #[test]
    fn all_columns_that_lack_are_named_in_one_error() {
        let table = table("a,Kind\n1,x\n");
        let error = preprocessor().on(&table).err().unwrap();
        assert_eq!(
            error.message,
            "3 columns that the model needs are not there: `b`, `date`, `kind`"
        );
        assert!(error.help.ends_with("there are `a`, `Kind`"), "{error:?}");
    }
}
