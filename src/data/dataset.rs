//! The prepared data set, memory-mapped. To be written.

use crate::trial::DataDigest;
use serde::{Deserialize, Serialize};
use std::path::Path;

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
}

/// Rows of one side of the split.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// Row-major [rows, features].
    pub x: &'a [f32],
    /// Labels [rows].
    pub y: &'a [u32],
}

/// Training and validation rows of a prepared data set; never the test rows.
#[derive(Debug)]
pub struct Dataset {
    meta: DatasetMeta,
    train: (Vec<f32>, Vec<u32>),
    valid: (Vec<f32>, Vec<u32>),
}

impl Dataset {
    /// A data set in memory, for tests and benches. `train` and `valid` are (x, y).
    ///
    /// # Panics
    /// When lengths do not fit.
    pub fn in_memory(
        features: usize,
        classes: usize,
        train: (Vec<f32>, Vec<u32>),
        valid: (Vec<f32>, Vec<u32>),
    ) -> Dataset {
        assert_eq!(train.0.len(), train.1.len() * features);
        assert_eq!(valid.0.len(), valid.1.len() * features);
        let meta = DatasetMeta {
            digest: DataDigest::from_hex("0".repeat(64)),
            features: (0..features).map(|i| format!("x{i}")).collect(),
            classes: (0..classes).map(|i| format!("c{i}")).collect(),
            train_rows: train.1.len(),
            valid_rows: valid.1.len(),
            test_rows: 0,
        };
        Dataset { meta, train, valid }
    }

    /// Opens the prepared data set at `path`.
    pub fn open(_path: &Path) -> std::io::Result<Dataset> {
        unimplemented!()
    }

    pub fn meta(&self) -> &DatasetMeta {
        &self.meta
    }

    pub fn train(&self) -> Rows<'_> {
        Rows {
            x: &self.train.0,
            y: &self.train.1,
        }
    }

    pub fn valid(&self) -> Rows<'_> {
        Rows {
            x: &self.valid.0,
            y: &self.valid.1,
        }
    }
}
