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
}
