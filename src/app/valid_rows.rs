//! The validation rows of a sweep: those of its data set, or those of all folds of its cross-validation together.
//!
//! Invariant: test rows are never read; a row has one place, in whichever folds it is.

use std::collections::HashSet;
use std::ops::Range;

use sweep_analysis::evidence::Units;
use sweep_data::Dataset;
use sweep_store::ExperimentRecord;

use crate::app::App;
use crate::valid_predictions;

/// Validation rows by fold.
pub struct ValidRows {
    /// One without cross-validation.
    pub folds: Vec<Fold>,
    /// The folds in which every row is once: one range without repeats.
    pub repeats: Vec<Range<usize>>,
    /// How many different rows there are.
    pub rows: usize,
}

/// The validation rows of one fold.
pub struct Fold {
    /// From 1; `None` without cross-validation.
    pub number: Option<u32>,
    pub data: Dataset,
    /// The place of each row among all.
    pub places: Vec<u32>,
}

impl ValidRows {
    /// Of the plan of `record`.
    ///
    /// # Errors
    /// With a sentence, when prepared data cannot be read.
    pub fn open(app: &App, record: &ExperimentRecord) -> Result<ValidRows, String> {
        let open = |digest| Dataset::open(&app.run_dir().dataset(digest));
        let numbers: Vec<Option<u32>> = match record.folds.is_empty() {
            true => vec![None],
            false => record.folds.iter().map(|fold| Some(fold.fold)).collect(),
        };
        let mut folds = Vec::new();
        for (number, dataset) in numbers.into_iter().zip(record.datasets()) {
            let data = open(&dataset.digest).map_err(|error| error.to_string())?;
            folds.push(Fold {
                number,
                data,
                places: Vec::new(),
            });
        }
        let repeats = repeats(&folds);
        let mut rows: Vec<u32> = (folds.iter())
            .flat_map(|fold| fold.data.valid_source().iter().copied())
            .collect();
        rows.sort_unstable();
        rows.dedup();
        let has_folds = folds[0].number.is_some();
        for fold in &mut folds {
            let source = fold.data.valid_source();
            fold.places = match has_folds {
                false => (0..source.len() as u32).collect(),
                true => (source.iter())
                    .map(|row| rows.partition_point(|other| other < row) as u32)
                    .collect(),
            };
        }
        Ok(ValidRows {
            folds,
            repeats,
            rows: rows.len(),
        })
    }
}

impl ValidRows {
    /// What was drawn when the rows were drawn, by the places of rows: those of the first repeat. Groups are whole in every
    /// repeat.
    ///
    /// # Errors
    /// As of [`valid_predictions::units`].
    pub fn units(&self) -> Result<Units, String> {
        let drawn: Vec<Units> = (self.folds.iter())
            .map(|fold| valid_predictions::units(&fold.data))
            .collect::<Result<_, String>>()?;
        let each: Vec<&Units> = drawn.iter().collect();
        Ok(self.units_of(&each))
    }

    /// The same of the units of each fold [folds].
    pub fn units_of(&self, drawn: &[&Units]) -> Units {
        let first = self.repeats[0].clone();
        if first.len() == 1 {
            return drawn[0].clone();
        }
        let mut of_rows = vec![0; self.rows];
        for fold in first {
            for (row, place) in self.folds[fold].places.iter().enumerate() {
                let unit = drawn[fold].of_row(row) as u64;
                of_rows[*place as usize] = (fold as u64) << 32 | unit;
            }
        }
        let units = Units::groups(&of_rows);
        match units.count() == self.rows {
            true => Units::rows(self.rows),
            false => units,
        }
    }
}

/// A repeat ends where a row comes again.
fn repeats(folds: &[Fold]) -> Vec<Range<usize>> {
    let mut repeats: Vec<Range<usize>> = Vec::new();
    let (mut start, mut seen) = (0, HashSet::new());
    for (place, fold) in folds.iter().enumerate() {
        let rows = fold.data.valid_source();
        if rows.iter().any(|row| seen.contains(row)) {
            repeats.push(start..place);
            (start, seen) = (place, HashSet::new());
        }
        seen.extend(rows.iter().copied());
    }
    repeats.push(start..folds.len());
    repeats
}
