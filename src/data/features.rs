//! Features of rows of a table, and the rows that have none.

use super::meta::Inputs;

/// Features of some rows of a table.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Features {
    /// Row-major [rows, features].
    pub x: Vec<f32>,
    /// The rows of the table that `x` has, ascending, from 0.
    pub rows: Vec<u32>,
    /// The other rows, ascending.
    pub refused: Vec<RejectedRow>,
    /// Of each field, its column and the cells with a category that no training row had, or a text
    /// without a known term; in the order of the fields, and only those with such cells.
    pub unseen: Vec<(String, usize)>,
    /// As of [`Inputs`]; `None` if no field keeps missing cells.
    pub missing: Option<Vec<u8>>,
}

/// A row without features.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRow {
    /// From 0.
    pub row: u32,
    /// Line of the file, from 1, header included.
    pub line: u64,
    /// The first column at fault, in the order of the features.
    pub column: String,
    /// What is wrong with its cell.
    pub reason: String,
}

impl Features {
    /// What models predict from.
    pub fn inputs(&self) -> Inputs<'_> {
        Inputs {
            x: &self.x,
            missing: self.missing.as_deref(),
        }
    }
}
