//! How large a data set is: what decides the memory of a training, and settings that are left to it.

use serde::{Deserialize, Serialize};

/// The data that a trial is trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DatasetSize {
    pub rows: usize,
    pub features: usize,
    pub classes: usize,
    /// Columns of categories that a network may embed, and how many of the features are theirs.
    pub category_columns: usize,
    pub category_features: usize,
    /// Features that are made from text.
    pub text_features: usize,
}
