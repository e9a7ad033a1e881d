//! What preparation did, for `sweep data` and the database.
//!
//! Invariant: plain facts; how they are shown is decided elsewhere.

use std::path::{Path, PathBuf};

use super::parse::Part;
use super::warnings::Note;

/// What preparation did.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The file that was read.
    pub source: PathBuf,
    /// Its SHA-256, hexadecimal.
    pub source_sha256: String,
    /// Training, validation, test.
    pub splits: [SplitSummary; 3],
    /// Rows left out by `exclude`, in both files.
    pub excluded: usize,
    /// Rows left out because a cell is missing.
    pub dropped: usize,
    /// Columns whose missing cells had rows left out, and how many; a row may count for several.
    pub dropped_by: Vec<(String, usize)>,
    /// Columns of which missing cells were filled in, and how many.
    pub imputed: Vec<(String, usize)>,
    /// What each column of the file is used as, in its order.
    pub columns: Vec<ColumnUse>,
    pub notes: Vec<Note>,
    /// Whether the files stood there already, byte for byte.
    pub reused: bool,
    /// How long preparation took.
    pub seconds: f64,
}

/// What a column is used as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnUse {
    pub name: String,
    /// `target`, `group`, `weight`, `number`, `year`, `date`, `category`, `binary`, `text` or `not used`.
    pub role: &'static str,
    /// More about it, or why it is not used; may be empty.
    pub detail: String,
    /// A line for `[data]` that would use a column that is not.
    pub line: Option<String>,
    /// Whether it is likely that a column should be used that is not.
    pub is_doubtful: bool,
}

/// One split.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SplitSummary {
    pub name: &'static str,
    pub rows: usize,
    /// Rows of each class, in the order of the classes; empty of a target that is a number.
    pub per_class: Vec<usize>,
    /// Smallest number of the target, mean and largest one, if it is a number and there are rows.
    pub numbers: Option<[f64; 3]>,
}

impl Summary {
    pub(super) fn new(source: &Path, source_sha256: &str) -> Summary {
        Summary {
            source: source.to_owned(),
            source_sha256: source_sha256.to_owned(),
            splits: Default::default(),
            excluded: 0,
            dropped: 0,
            dropped_by: Vec::new(),
            imputed: Vec::new(),
            columns: Vec::new(),
            notes: Vec::new(),
            reused: false,
            seconds: 0.0,
        }
    }

    pub(super) fn add_dropped(&mut self, part: &Part<'_>) {
        self.dropped += part.dropped;
        for (column, rows) in &part.dropped_by {
            match self
                .dropped_by
                .iter_mut()
                .find(|(known, _)| known == column)
            {
                Some((_, known)) => *known += rows,
                None => self.dropped_by.push((column.clone(), *rows)),
            }
        }
    }
}
