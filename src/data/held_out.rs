//! The test rows of a prepared data set, in a file of their own that no trial is given.
//!
//! Invariant: as for the other rows, what is opened cannot be indexed out of bounds.

use std::io;
use std::path::Path;

use super::layout::{Mapped, Place};
use super::meta::{DatasetMeta, Rows};

/// The test rows. Every look at them should be counted.
#[derive(Debug)]
pub struct HeldOutTest {
    meta: DatasetMeta,
    file: Mapped,
    x: Place,
    y: Place,
    /// As of the other rows.
    missing: Option<Place>,
    source: Place,
    groups: Place,
}

impl HeldOutTest {
    /// Opens the test rows at `path`, `<digest>.test.safetensors`.
    ///
    /// # Errors
    /// When the file cannot be read, or (`InvalidData`) is not sound.
    pub fn open(path: &Path) -> io::Result<HeldOutTest> {
        let file = Mapped::open(path)?;
        let meta = file.meta()?;
        let rows = meta.test_rows;
        let shape = [rows, meta.features.len()];
        Ok(HeldOutTest {
            x: file.floats("x_test", &shape)?,
            missing: match meta.preprocessor.keeps_missing() {
                true => Some(file.bytes("missing_test", &shape)?),
                false => None,
            },
            y: file.targets("y_test", rows, &meta)?,
            source: file.words("row_test", rows)?,
            groups: file.words("group_test", rows)?,
            meta,
            file,
        })
    }

    pub fn meta(&self) -> &DatasetMeta {
        &self.meta
    }

    pub fn rows(&self) -> Rows<'_> {
        self.file.rows(&self.x, &self.y, self.missing.as_ref())
    }

    /// Where each row stood in its source file (the test file, if there is one): 1 is the first row
    /// after the header.
    pub fn source(&self) -> &[u32] {
        self.file.word_slice(&self.source)
    }

    /// A number for each row, equal for rows of one group: what a bootstrap has to draw together.
    pub fn groups(&self) -> &[u32] {
        self.file.word_slice(&self.groups)
    }
}
