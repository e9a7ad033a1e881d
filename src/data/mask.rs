//! Which features are of missing cells, for models that take missing values.
//!
//! Invariant: a feature is marked only where its field keeps missing cells, so that no other data set
//! has a mask.

use std::ops::Range;

use super::encode::BLOCK;
use super::parse::{Part, Values};
use super::preprocessor::Preprocessor;

/// The rows of one split whose missing cells are kept.
pub(super) struct Mask<'a> {
    /// The features of each such field that are marked, and its cells.
    fields: Vec<(Range<usize>, &'a Values<'a>)>,
    /// Rows of the table, in the order in which they are encoded.
    rows: Vec<u32>,
    pub width: usize,
}

impl<'a> Mask<'a> {
    /// Of the places `places` of `part`, whose values stand in the order of the fields; `None` if no
    /// field keeps missing cells.
    pub fn of(preprocessor: &Preprocessor, part: &'a Part<'a>, places: &[u32]) -> Option<Mask<'a>> {
        if !preprocessor.keeps_missing() {
            return None;
        }
        let mut fields = Vec::new();
        let mut first = 0;
        for (field, values) in preprocessor.fields.iter().zip(&part.values) {
            let kept = field.kept();
            if kept > 0 {
                fields.push((first..first + kept, values));
            }
            first += field.width();
        }
        Some(Mask {
            fields,
            rows: places
                .iter()
                .map(|place| part.rows[*place as usize])
                .collect(),
            width: first,
        })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Gives the mask of all rows to `each`, block by block in order, row-major [rows, features]: 1
    /// where the cell is missing, else 0.
    ///
    /// # Errors
    /// Those of `each`.
    pub fn for_each_block<E>(&self, mut each: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        for rows in self.rows.chunks(BLOCK) {
            let mut block = vec![0; rows.len() * self.width];
            for (features, values) in &self.fields {
                for (row, marks) in rows.iter().zip(block.chunks_exact_mut(self.width)) {
                    if values.is_missing(*row) {
                        marks[features.clone()].fill(1);
                    }
                }
            }
            each(&block)?;
        }
        Ok(())
    }
}
