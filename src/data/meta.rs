//! What a prepared data set says of itself, and its rows.

use serde::{Deserialize, Serialize};

use super::preprocessor::Preprocessor;
use sweep_core::trial::DataDigest;

/// Describes a prepared data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DatasetMeta {
    pub digest: DataDigest,
    /// Names of the columns of `x`, in order.
    pub features: Vec<String>,
    /// Names of the classes; a label is an index into them.
    pub classes: Vec<String>,
    pub train_rows: usize,
    pub valid_rows: usize,
    pub test_rows: usize,
    /// How the features were made.
    #[serde(rename = "preparation")]
    pub preprocessor: Preprocessor,
}

/// Rows of one side of the split.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// Row-major [rows, features].
    pub x: &'a [f32],
    /// Labels [rows].
    pub y: &'a [u32],
    /// As of [`Inputs`].
    pub missing: Option<&'a [u8]>,
}

/// What a model predicts from.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// Row-major [rows, features], every one finite.
    pub x: &'a [f32],
    /// Row-major [rows, features]: 0, or something else where the cell is missing and what `x` has was
    /// imputed. Models that take missing values read it.
    pub missing: Option<&'a [u8]>,
}

impl<'a> Rows<'a> {
    pub fn inputs(self) -> Inputs<'a> {
        Inputs {
            x: self.x,
            missing: self.missing,
        }
    }
}

impl<'a> Inputs<'a> {
    /// Features of which none is missing.
    pub fn complete(x: &'a [f32]) -> Inputs<'a> {
        Inputs { x, missing: None }
    }

    /// At most `rows` rows at a time, of `features` features each.
    ///
    /// # Panics
    /// When either is 0.
    pub fn chunks(self, rows: usize, features: usize) -> impl Iterator<Item = Inputs<'a>> {
        let size = rows * features;
        let each = self.x.chunks(size).enumerate();
        each.map(move |(place, x)| Inputs {
            x,
            missing: self.missing.map(|mask| &mask[place * size..][..x.len()]),
        })
    }
}
