//! What an experiment asks of its data: which file, which columns, which rows, which split.
//! Ground vocabulary between `spec`, which writes it, and `data`, which carries it out. No I/O.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The `[data]` table of an experiment, checked for all that can be checked without the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataSpec {
    /// CSV, or TSV when the name ends in `.tsv` or `.tab`; relative to the working directory.
    pub path: PathBuf,
    /// The column to predict; its values are the classes.
    pub target: String,
    /// Rows with the same value here never stand on two sides of a split.
    pub group: Option<String>,
    /// Rows left out: column -> values.
    pub exclude: BTreeMap<String, Vec<String>>,
    /// Columns taken as numbers; `None` is every numeric column but target and group.
    pub numeric: Option<Vec<String>>,
    /// Date columns of which the year is taken.
    pub year: Vec<String>,
    /// Columns of which each value becomes a 0/1 feature.
    pub categorical: Vec<String>,
    pub missing: MissingRules,
    pub scale: Scale,
    pub split: SplitSpec,
}

/// What to do with an empty cell or one that reads `NA`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MissingPolicy {
    /// Refuse the file, naming row and column.
    Error,
    /// Leave the row out, and count it.
    Drop,
    /// The median of the training rows; numbers only.
    Median,
    /// The most frequent value of the training rows.
    Mode,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingRules {
    pub default: MissingPolicy,
    pub columns: BTreeMap<String, MissingPolicy>,
}

impl MissingRules {
    /// The policy for `column`.
    pub fn of(&self, column: &str) -> MissingPolicy {
        self.columns.get(column).copied().unwrap_or(self.default)
    }
}

/// How features are brought to one scale; fitted on the training rows alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Mean 0 and standard deviation 1.
    Standard,
    /// The point of the normal distribution below which as large a share of the training rows lies.
    Quantile,
    None,
}

/// How rows are told into training, validation and test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SplitSpec {
    /// Share of validation rows, in (0, 1).
    pub valid: f64,
    /// Share of test rows, in [0, 1); 0 with `test_path`.
    pub test: f64,
    /// A file of its own with the test rows.
    pub test_path: Option<PathBuf>,
    /// Keep the share of each class on every side.
    pub stratify: bool,
    pub seed: u64,
}
