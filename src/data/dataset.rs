//! The prepared data set, memory-mapped: training and validation rows, never the test rows.
//!
//! Invariant: once opened, every tensor lies inside the file, aligned and of the shape that the
//! description gives, and every label is below the number of classes, so that no user of the rows
//! can index out of bounds. The file is written under another name and renamed, and never changed
//! after.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::trial::DataDigest;

use super::fit::{FittedField, Preparation, Scaling};
use super::layout::{Mapped, Place};

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
    pub preparation: Preparation,
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
    storage: Storage,
}

#[derive(Debug)]
enum Storage {
    Memory {
        train: (Vec<f32>, Vec<u32>),
        valid: (Vec<f32>, Vec<u32>),
    },
    File {
        file: Mapped,
        train: Side,
        valid: Side,
    },
}

/// Where the tensors of one side lie.
#[derive(Debug)]
struct Side {
    x: Place,
    y: Place,
    source: Place,
}

impl Dataset {
    /// A data set in memory, for tests and benches. `train` and `valid` are (x, y).
    ///
    /// # Panics
    /// When lengths do not fit, or a label is not below `classes`.
    pub fn in_memory(
        features: usize,
        classes: usize,
        train: (Vec<f32>, Vec<u32>),
        valid: (Vec<f32>, Vec<u32>),
    ) -> Dataset {
        for (x, y) in [&train, &valid] {
            assert_eq!(x.len(), y.len() * features);
            assert!(y.iter().all(|label| (*label as usize) < classes));
        }
        let names: Vec<String> = (0..features).map(|i| format!("x{i}")).collect();
        let scaling = Scaling {
            mean: 0.0,
            sd: 1.0,
            imputed: None,
            quantiles: None,
        };
        let field = |column: &String| FittedField::Number {
            column: column.clone(),
            scaling: scaling.clone(),
        };
        let meta = DatasetMeta {
            digest: DataDigest::from_hex("0".repeat(64)),
            preparation: Preparation {
                fields: names.iter().map(field).collect(),
            },
            features: names,
            classes: (0..classes).map(|i| format!("c{i}")).collect(),
            train_rows: train.1.len(),
            valid_rows: valid.1.len(),
            test_rows: 0,
        };
        Dataset {
            meta,
            storage: Storage::Memory { train, valid },
        }
    }

    /// Opens the prepared data set at `path`.
    ///
    /// # Errors When the file cannot be read, or (`InvalidData`) is not a sound prepared data set
    /// of this format.
    pub fn open(path: &Path) -> io::Result<Dataset> {
        let file = Mapped::open(path)?;
        let meta = file.meta()?;
        let side = |name: &str, rows: usize| -> io::Result<Side> {
            Ok(Side {
                x: file.floats(&format!("x_{name}"), &[rows, meta.features.len()])?,
                y: file.labels(&format!("y_{name}"), rows, meta.classes.len())?,
                source: file.words(&format!("row_{name}"), rows)?,
            })
        };
        let train = side("train", meta.train_rows)?;
        let valid = side("valid", meta.valid_rows)?;
        Ok(Dataset {
            meta,
            storage: Storage::File { file, train, valid },
        })
    }

    pub fn meta(&self) -> &DatasetMeta {
        &self.meta
    }

    pub fn train(&self) -> Rows<'_> {
        match &self.storage {
            Storage::Memory { train: (x, y), .. } => Rows { x, y },
            Storage::File { file, train, .. } => file.rows(&train.x, &train.y),
        }
    }

    pub fn valid(&self) -> Rows<'_> {
        match &self.storage {
            Storage::Memory { valid: (x, y), .. } => Rows { x, y },
            Storage::File { file, valid, .. } => file.rows(&valid.x, &valid.y),
        }
    }

    /// Where the training rows stood in their source file: 1 is the first row after the header.
    /// Empty for a data set in memory.
    pub fn train_source(&self) -> &[u32] {
        match &self.storage {
            Storage::Memory { .. } => &[],
            Storage::File { file, train, .. } => file.word_slice(&train.source),
        }
    }

    /// Where the validation rows stood, likewise.
    pub fn valid_source(&self) -> &[u32] {
        match &self.storage {
            Storage::Memory { .. } => &[],
            Storage::File { file, valid, .. } => file.word_slice(&valid.source),
        }
    }
}
