//! What the winner predicted on the validation rows.

/// Rows by `[actual][predicted]` class.
pub type Matrix = Vec<Vec<u64>>;

/// Class and loss of each validation row, in the order of the data set.
pub type RowLosses = Vec<(u32, f64)>;

/// Target and prediction of each validation row, in the order of the data set.
pub type RowNumbers = Vec<(f64, f64)>;

/// What the seeds of the winner predicted on the validation rows, as far as it is known.
#[derive(Debug, Clone, Default)]
pub struct Predicted<'a> {
    /// Of every seed, or empty.
    pub matrices: Vec<&'a Matrix>,
    /// Of one seed at least, or empty.
    pub losses: Vec<&'a RowLosses>,
    /// Of one seed at least, or empty: where numbers are predicted.
    pub numbers: Vec<&'a RowNumbers>,
}
