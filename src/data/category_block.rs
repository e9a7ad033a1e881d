//! Which features are the 0/1 features of one column of categories: a block of which at most one is 1.

use serde::{Deserialize, Serialize};

use super::preprocessor::{FittedField, Preprocessor};

/// The 0/1 features of one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CategoryBlock {
    /// The column of the table.
    pub column: String,
    /// The first of the features.
    pub first: usize,
    /// How many there are.
    pub features: usize,
    /// Whether none is 1 for one of the categories that training rows have.
    pub base: bool,
}

impl Preprocessor {
    /// The blocks of at least `least` features, in order.
    pub fn category_blocks(&self, least: usize) -> Vec<CategoryBlock> {
        let mut blocks = Vec::new();
        let mut next = 0;
        for field in &self.fields {
            let (first, features) = (next, field.width());
            next += features;
            if let FittedField::Category { column, base, .. } = field
                && features >= least
            {
                blocks.push(CategoryBlock {
                    column: column.clone(),
                    first,
                    features,
                    base: base.is_some(),
                });
            }
        }
        blocks
    }
}

impl CategoryBlock {
    /// Where the last of `blocks`, read from a file, ends; `None` unless each has at least `least`
    /// features and begins where the one before has ended.
    pub fn end_of<'a>(
        blocks: impl IntoIterator<Item = &'a CategoryBlock>,
        least: usize,
    ) -> Option<usize> {
        let mut blocks = blocks.into_iter();
        blocks.try_fold(0, |end, block| {
            let is_sound = block.first >= end && block.features >= least;
            let next = block.first.checked_add(block.features);
            next.filter(|_| is_sound)
        })
    }

    /// Which of its features is 1 in `row`, counted from 0; `None` where none is.
    pub fn place(&self, row: &[f32]) -> Option<usize> {
        let own = &row[self.first..][..self.features];
        own.iter().position(|value| *value != 0.0)
    }
}
