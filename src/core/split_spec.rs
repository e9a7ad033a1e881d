//! `split` of `[data]`: how rows are split into training, validation and test rows. No I/O.

use std::path::PathBuf;

/// How rows are split into training, validation and test rows.
#[derive(Debug, Clone, PartialEq)]
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
}

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
    },
    /// A column that names the side of each row.
    Column(String),
}

impl SplitBy {
    /// The column that decides.
    pub fn column(&self) -> Option<&str> {
        match self {
            SplitBy::Chance => None,
            SplitBy::Time { column, .. } | SplitBy::Column(column) => Some(column),
        }
    }

    /// The key of the experiment that names the column.
    pub fn key(&self) -> &'static str {
        match self {
            SplitBy::Chance => "data.split",
            SplitBy::Time { .. } => "data.split.time",
            SplitBy::Column(_) => "data.split.column",
        }
    }
}
