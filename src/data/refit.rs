//! The data set of a refit: its training rows are all training and validation rows of the split, or of all folds.
//!
//! Invariant: test rows stay test rows. The validation rows are those of the split, or of the first fold; as they are
//! among the training rows, nothing can be measured on them.

use std::path::Path;

use sweep_core::data_config::DataSpec;
use sweep_table::DataError;

use super::loaded_table::LoadedTable;
use super::prepare::{Prepared, prepare_split, read_tables};
use super::split::{Splits, TEST, TRAIN, VALID};
use super::split_by::before_test;
use super::split_keys::SplitKeys;

/// Prepares the data that `spec` asks for, with validation rows among the training rows, and writes them below `folder`;
/// what takes long to compute is taken from and kept in `cache`. Preprocessing is fitted on all of these rows.
///
/// In the order of time with a `gap`, the last times before test rows are not trained on either.
///
/// # Errors
/// As [`super::prepare()`].
pub fn prepare_refit(
    spec: &DataSpec,
    folder: &Path,
    cache: &Path,
) -> Result<Prepared, Vec<DataError>> {
    let (main, test) = read_tables(spec)?;
    let mut content = LoadedTable::read(spec, &main, test.as_ref())?;
    let folds = content.splits(spec)?;
    let folds: Vec<Splits> = folds.into_iter().map(|(splits, _)| splits).collect();
    let splits = content.united(&folds);
    let notes = Vec::new();
    prepare_split(spec, (&[folder], cache), &content, splits, (notes, None))
}

impl LoadedTable<'_> {
    /// The sides of the first of `folds`, with the training and validation rows of all of them to train on.
    fn united(&self, folds: &[Splits]) -> Splits {
        let mut sides = folds[0].clone();
        sides[TRAIN] = match &self.main.keys {
            SplitKeys::Times { times, gap } => {
                let test_rows = match &self.test {
                    // Rows of a file of their own.
                    Some(_) => 0,
                    None => sides[TEST].len(),
                };
                before_test(times, self.main.groups.as_deref(), test_rows, *gap)
            }
            _ => {
                let rows = (folds.iter()).flat_map(|fold| [&fold[TRAIN], &fold[VALID]]);
                let mut rows: Vec<u32> = rows.flatten().copied().collect();
                rows.sort_unstable();
                rows.dedup();
                rows
            }
        };
        sides
    }
}
