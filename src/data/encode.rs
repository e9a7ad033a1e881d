//! Applying a fitted preparation to rows of the table that it was fitted on, or that was split with it.
//!
//! Invariant: what is encoded depends on nothing but the preparation and the row's cells (and, for
//! target statistics of training rows, the rows of other folds).

use std::ops::Range;

use rayon::prelude::{
    IndexedParallelIterator, IntoParallelIterator, IntoParallelRefMutIterator, ParallelIterator,
};

use sweep_table::error::quote;
use sweep_table::{DataError, Table, Texts};

use super::categories::{CategorySlots, Slot, TargetFeatures};
use super::columns::Field;
use super::parse::{Part, Values};
use super::preprocessor::{DateFeature, FittedField, Preprocessor, Scaling};
use super::text::FittedText;

/// Rows that are encoded at a time.
pub(super) const BLOCK: usize = 4096;

/// The rows of one split, ready to be encoded block by block.
pub(super) struct SplitEncoder<'a> {
    /// Each with its number of features.
    fields: Vec<(usize, FieldEncoder<'a>)>,
    /// Rows of the table, ascending.
    rows: Vec<u32>,
    pub width: usize,
}

/// What was met in encoding some rows, by field.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    /// Missing cells.
    pub missing: Vec<usize>,
    /// Cells with a category that no training row has, or with a text of which no term is known.
    pub unseen: Vec<usize>,
}

/// How one field is encoded.
enum FieldEncoder<'a> {
    Number {
        values: &'a [f64],
        scaling: &'a Scaling,
        indicator: bool,
    },
    Date {
        texts: &'a Texts,
        moments: &'a [Option<jiff::civil::DateTime>],
        features: &'a [DateFeature],
        indicator: bool,
    },
    Category {
        texts: &'a Texts,
        /// Of each level.
        slots: Vec<Slot>,
    },
    Target {
        texts: &'a Texts,
        /// Features of each level, [levels, classes].
        features: Vec<f32>,
        is_unseen: Vec<bool>,
        classes: usize,
    },
    /// Features that are there already, [rows, width]; and which rows are missing or unknown.
    Ready {
        x: Vec<f32>,
        width: usize,
        missing: Vec<bool>,
        unseen: Vec<bool>,
    },
}

impl<'a> SplitEncoder<'a> {
    /// Readies the places `places` of `part`, whose values stand in the order of the fields; `texts`
    /// in the order of the text fields, `out_of_fold` for training rows alone.
    pub fn new(
        preprocessor: &'a Preprocessor,
        texts: &[FittedText],
        (table, fields): (&Table, &[Field]),
        part: &'a Part<'a>,
        places: &[u32],
        out_of_fold: &[Option<Vec<f32>>],
    ) -> Result<SplitEncoder<'a>, Vec<DataError>> {
        let rows: Vec<u32> = places
            .iter()
            .map(|place| part.rows[*place as usize])
            .collect();
        let mut errors = Vec::new();
        let mut encoders = Vec::with_capacity(fields.len());
        let mut fitted_texts = texts.iter();
        for (place, (field, values)) in preprocessor.fields.iter().zip(&part.values).enumerate() {
            let text = match field {
                FittedField::Text { .. } => fitted_texts.next(),
                _ => None,
            };
            let ready = out_of_fold.get(place).and_then(Option::as_ref);
            match FieldEncoder::new(field, values, text, &rows, ready) {
                Ok(encoder) => encoders.push((field.width(), encoder)),
                Err((message, help)) => {
                    let error = DataError::new(&table.path, message, help);
                    errors.push(error.key(fields[place].key.clone()));
                }
            }
            if let Some(row) = first_unknown(field, values, &rows) {
                let message = format!(
                    "{} is a category that no training row has",
                    cell(values, row)
                );
                let help = "correct it, or set `categories = { unknown = \"zero\" }`";
                let error = table
                    .error_at(row, message, help)
                    .column(&fields[place].name);
                errors.push(error.key(fields[place].key.clone()));
            }
        }
        match errors.is_empty() {
            true => Ok(SplitEncoder {
                fields: encoders,
                rows,
                width: preprocessor.width(),
            }),
            false => Err(errors),
        }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Gives the features of all rows to `each`, block by block in order, row-major [rows, features].
    ///
    /// # Errors
    /// Those of `each`.
    pub fn for_each_block<E>(
        &self,
        mut each: impl FnMut(&[f32]) -> Result<(), E>,
    ) -> Result<(), E> {
        let starts: Vec<usize> = (0..self.rows.len()).step_by(BLOCK).collect();
        // As many blocks are in memory as threads encode.
        let threads = rayon::current_num_threads().clamp(1, starts.len().max(1));
        let mut blocks = vec![vec![0.0; BLOCK * self.width]; threads];
        for starts in starts.chunks(threads) {
            let places = |start: usize| start..(start + BLOCK).min(self.rows.len());
            blocks
                .par_iter_mut()
                .zip(starts)
                .for_each(|(block, start)| {
                    self.block(places(*start), block);
                });
            for (block, start) in blocks.iter().zip(starts) {
                each(&block[..places(*start).len() * self.width])?;
            }
        }
        Ok(())
    }

    /// Writes the features of the rows at `places` to the beginning of `x`.
    fn block(&self, places: Range<usize>, x: &mut [f32]) {
        let rows = &self.rows[places.clone()];
        let x = &mut x[..rows.len() * self.width];
        x.fill(0.0);
        let mut first = 0;
        for (width, field) in &self.fields {
            field.encode(rows, places.start, &mut x[first..], self.width);
            first += width;
        }
    }

    /// What is missing or unknown in these rows.
    pub fn counts(&self) -> Counts {
        let counts: Vec<(usize, usize)> = (&self.fields)
            .into_par_iter()
            .map(|(_, field)| field.counts(&self.rows))
            .collect();
        let (missing, unseen) = counts.into_iter().unzip();
        Counts { missing, unseen }
    }

    /// The first row, and its field, of which a feature is not finite.
    pub fn not_finite(&self) -> Vec<(u32, usize)> {
        let found: Vec<Option<u32>> = (&self.fields)
            .into_par_iter()
            .map(|(_, field)| field.not_finite(&self.rows))
            .collect();
        let found = found.into_iter().enumerate();
        found
            .filter_map(|(field, row)| Some((row?, field)))
            .collect()
    }
}

impl<'a> FieldEncoder<'a> {
    fn new(
        field: &'a FittedField,
        values: &'a Values<'a>,
        text: Option<&FittedText>,
        rows: &[u32],
        ready: Option<&Vec<f32>>,
    ) -> Result<FieldEncoder<'a>, (String, String)> {
        Ok(match (field, values) {
            (
                FittedField::Number {
                    scaling, indicator, ..
                },
                Values::Numbers { values, .. },
            ) => FieldEncoder::Number {
                values,
                scaling,
                indicator: *indicator,
            },
            (FittedField::Year { scaling, .. }, Values::Numbers { values, .. }) => {
                FieldEncoder::Number {
                    values,
                    scaling,
                    indicator: false,
                }
            }
            (
                FittedField::Date {
                    features,
                    indicator,
                    ..
                },
                Values::Dates { texts, moments },
            ) => FieldEncoder::Date {
                texts,
                moments,
                features,
                indicator: *indicator,
            },
            (FittedField::Category { .. }, Values::Texts(texts)) => FieldEncoder::Category {
                texts,
                slots: slots(field, texts),
            },
            (FittedField::Target { classes, .. }, Values::Texts(texts)) => match ready {
                Some(x) => FieldEncoder::Ready {
                    x: x.clone(),
                    width: classes.len(),
                    missing: missing(texts, rows),
                    unseen: vec![false; rows.len()],
                },
                None => target(field, texts),
            },
            (FittedField::Text { text: about, .. }, Values::Texts(texts)) => {
                let fitted = text.expect("one for each text field");
                let cells: Vec<_> = rows
                    .iter()
                    .map(|row| texts.present(*row as usize))
                    .collect();
                let x = fitted.encode(&cells)?;
                let width = about.dims();
                let encoded = x.chunks_exact(width).zip(&cells);
                let unseen = encoded.map(|(x, cell)| cell.is_some() && x.iter().all(|x| *x == 0.0));
                FieldEncoder::Ready {
                    unseen: unseen.collect(),
                    missing: cells.iter().map(Option::is_none).collect(),
                    x,
                    width,
                }
            }
            _ => unreachable!("values are read in the form of the fields they were fitted to"),
        })
    }

    /// Writes the features of `rows`, the first of which is at `start`, to rows of `out` that begin
    /// `stride` apart.
    fn encode(&self, rows: &[u32], start: usize, out: &mut [f32], stride: usize) {
        let each = rows.iter().zip(out.chunks_mut(stride));
        match self {
            FieldEncoder::Number {
                values,
                scaling,
                indicator: false,
            } if scaling.quantiles.is_none() && scaling.sd != 0.0 => {
                let (mean, sd) = (scaling.mean, scaling.sd);
                let imputed = scaling.imputed.unwrap_or(f64::NAN);
                for (row, out) in each {
                    let value = values[*row as usize];
                    let value = if value.is_nan() { imputed } else { value };
                    // Adding zero turns -0 to 0, so that equal rows are equal bytes.
                    out[0] = ((value - mean) / sd) as f32 + 0.0;
                }
            }
            FieldEncoder::Number {
                values,
                scaling,
                indicator,
            } => {
                for (row, out) in each {
                    let value = values[*row as usize];
                    out[0] = scaling.apply(value);
                    if *indicator {
                        out[1] = f32::from(u8::from(value.is_nan()));
                    }
                }
            }
            FieldEncoder::Date {
                texts,
                moments,
                features,
                indicator,
            } => {
                for (row, out) in each {
                    let moment = moments[texts.codes[*row as usize] as usize];
                    let mut place = 0;
                    for feature in *features {
                        place += feature.apply(moment, &mut out[place..]);
                    }
                    if *indicator {
                        out[place] = f32::from(u8::from(moment.is_none()));
                    }
                }
            }
            FieldEncoder::Category { texts, slots } => {
                for (row, out) in each {
                    let slot = slots[texts.codes[*row as usize] as usize];
                    if let Slot::Feature(place) | Slot::Unseen(Some(place)) = slot {
                        out[place as usize] = 1.0;
                    }
                }
            }
            FieldEncoder::Target {
                texts,
                features,
                classes,
                ..
            } => {
                for (row, out) in each {
                    let level = texts.codes[*row as usize] as usize;
                    out[..*classes].copy_from_slice(&features[level * classes..][..*classes]);
                }
            }
            FieldEncoder::Ready { x, width, .. } => {
                for (place, (_, out)) in each.enumerate() {
                    out[..*width].copy_from_slice(&x[(start + place) * width..][..*width]);
                }
            }
        }
    }

    /// Missing cells, and cells of which nothing is known.
    fn counts(&self, rows: &[u32]) -> (usize, usize) {
        let count =
            |holds: &dyn Fn(usize) -> bool| rows.iter().filter(|row| holds(**row as usize)).count();
        let missing = |texts: &Texts| count(&|row| texts.is_missing[texts.codes[row] as usize]);
        match self {
            FieldEncoder::Number { values, .. } => (count(&|row| values[row].is_nan()), 0),
            FieldEncoder::Date { texts, .. } => (missing(texts), 0),
            FieldEncoder::Category { texts, slots } => {
                let is_unseen =
                    |row: usize| matches!(slots[texts.codes[row] as usize], Slot::Unseen(_));
                (missing(texts), count(&is_unseen))
            }
            FieldEncoder::Target {
                texts, is_unseen, ..
            } => (
                missing(texts),
                count(&|row| is_unseen[texts.codes[row] as usize]),
            ),
            FieldEncoder::Ready {
                missing, unseen, ..
            } => {
                let count = |flags: &[bool]| flags.iter().filter(|flag| **flag).count();
                (count(missing), count(unseen))
            }
        }
    }

    fn not_finite(&self, rows: &[u32]) -> Option<u32> {
        let FieldEncoder::Number {
            values, scaling, ..
        } = self
        else {
            return None;
        };
        let is_bad = |row: &&u32| !scaling.apply(values[**row as usize]).is_finite();
        rows.iter().find(is_bad).copied()
    }
}

/// The slot of each level of `texts`.
fn slots(field: &FittedField, texts: &Texts) -> Vec<Slot> {
    let known = CategorySlots::of(field);
    let levels = texts.levels.iter().zip(&texts.is_missing);
    let slots = levels.map(|(level, is_missing)| known.of_cell((!is_missing).then_some(level)));
    slots.collect()
}

/// Features of target statistics by level.
fn target<'a>(field: &FittedField, texts: &'a Texts) -> FieldEncoder<'a> {
    let known = TargetFeatures::of(field);
    let mut features = Vec::with_capacity(texts.levels.len() * field.width());
    let mut is_unseen = Vec::with_capacity(texts.levels.len());
    for (level, is_missing) in texts.levels.iter().zip(&texts.is_missing) {
        let (own, is_known) = known.of_cell((!is_missing).then_some(level));
        features.extend_from_slice(own);
        is_unseen.push(!is_known);
    }
    FieldEncoder::Target {
        texts,
        features,
        is_unseen,
        classes: field.width(),
    }
}

/// The first of `rows` with a category that no training row has, where that is refused.
fn first_unknown(field: &FittedField, values: &Values<'_>, rows: &[u32]) -> Option<u32> {
    let Values::Texts(texts) = values else {
        return None;
    };
    let is_unknown: Vec<bool> = match field {
        FittedField::Category {
            known_only: true, ..
        } => {
            let slots = slots(field, texts);
            slots
                .iter()
                .map(|slot| matches!(slot, Slot::Unseen(_)))
                .collect()
        }
        FittedField::Target {
            known_only: true, ..
        } => match target(field, texts) {
            FieldEncoder::Target { is_unseen, .. } => is_unseen,
            _ => unreachable!("made of target statistics"),
        },
        _ => return None,
    };
    let unknown = |row: &&u32| is_unknown[texts.codes[**row as usize] as usize];
    rows.iter().find(unknown).copied()
}

fn cell(values: &Values<'_>, row: u32) -> String {
    match values {
        Values::Texts(texts) => quote(texts.cell(row as usize)),
        Values::Numbers { .. } | Values::Dates { .. } => String::new(),
    }
}

fn missing(texts: &Texts, rows: &[u32]) -> Vec<bool> {
    let missing = |row: &u32| texts.is_missing[texts.codes[*row as usize] as usize];
    rows.iter().map(missing).collect()
}
