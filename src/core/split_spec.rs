//! `split` of `[data]`: how rows are split into training, validation and test rows. No I/O.

use std::path::PathBuf;

/// How rows are split into training, validation and test rows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SplitSpec {
    /// Fraction of validation rows, in (0, 1).
    pub valid: f64,
    /// Fraction of test rows, in [0, 1); 0 with `test_path`.
    pub test: f64,
    /// A separate file with the test rows.
    pub test_path: Option<PathBuf>,
    /// Whether every split keeps the class proportions.
    pub stratify: bool,
    pub seed: u64,
    /// What decides on which side a row stands.
    pub by: SplitBy,
    /// Cross-validation: every fold in turn holds the validation rows; `None` for a single split.
    pub folds: Option<Folds>,
}

/// The folds of a cross-validation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folds {
    /// So many of equal size, drawn `repeats` times; in the order of time, each fold is validated by
    /// what comes before it, and there is one repeat.
    Number { folds: u32, repeats: u32 },
    /// One for each group.
    LeaveOneGroupOut,
    /// One for each value of the column of [`SplitBy::FoldColumn`].
    Column,
}

/// Most folds of an experiment, repeats included: each has a prepared data set of its own.
pub const MAX_FOLDS: usize = 500;

/// What decides on which side of the split a row stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SplitBy {
    /// The seed.
    #[default]
    Chance,
    /// The order of a column: the latest rows are test rows, those before them validation rows.
    Time {
        column: String,
        /// As for `strptime`; `None` is found from the cells.
        format: Option<String>,
        /// How many different times before the first validation row are not trained on.
        gap: u32,
    },
    /// A column that names the side of each row.
    Column(String),
    /// A column that names the fold of each row, or that it is a test row.
    FoldColumn(String),
}

impl SplitBy {
    /// The column that decides.
    pub fn column(&self) -> Option<&str> {
        match self {
            SplitBy::Chance => None,
            SplitBy::Time { column, .. }
            | SplitBy::Column(column)
            | SplitBy::FoldColumn(column) => Some(column),
        }
    }

    /// The key of the experiment that names the column.
    pub fn key(&self) -> &'static str {
        match self {
            SplitBy::Chance => "data.split",
            SplitBy::Time { .. } => "data.split.time",
            SplitBy::Column(_) => "data.split.column",
            SplitBy::FoldColumn(_) => "data.split.fold_column",
        }
    }
}
