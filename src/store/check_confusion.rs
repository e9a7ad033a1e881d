//! Confusion matrices on their way into the database.

use super::StoreError;
use sweep_core::trial::TrialId;

/// A matrix of another size than the data set's classes could not be read back.
pub(super) fn check_confusion(
    trial: &TrialId,
    classes: usize,
    confusion: &[Vec<u64>],
) -> Result<(), StoreError> {
    let fits = confusion.len() == classes && confusion.iter().all(|row| row.len() == classes);
    match confusion.is_empty() || fits {
        true => Ok(()),
        false => Err(StoreError::InvalidValue {
            what: format!("the confusion matrix of trial {trial}"),
            found: format!(
                "{} rows of {:?} columns",
                confusion.len(),
                confusion.iter().map(Vec::len).collect::<Vec<_>>()
            ),
            allowed: "a row and a column for each class of the data set",
        }),
    }
}
