//! Applying a fitted preparation to a table that had no part in fitting it.
//!
//! Invariant: a row's features are those that [`super::prepare()`] would have given it, to the bit,
//! or the row is refused with its reason; nothing is fitted here, and no row depends on another.

use std::ops::Range;

use sweep_core::format::pluralize;
use sweep_table::error::{list, quote};
use sweep_table::{DataError, Table};

use super::bound::{Bound, Wrong};
use super::features::{Features, RejectedRow};
use super::preprocessor::FittedField;
use super::saved::SavedPreprocessor;

/// A preparation beside the table it is applied to, whose columns are kept as text.
pub struct Encoder<'a> {
    table: &'a Table,
    fields: Vec<Bound<'a>>,
    width: usize,
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{Preprocessor, Scaling};
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
            number: None,
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
