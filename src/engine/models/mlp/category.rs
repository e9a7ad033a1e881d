//! Columns of categories as learned vectors ("Entity Embeddings of Categorical Variables", Guo and
//! Berkhahn 2016; PyTorch's `Embedding`).
//!
//! Before training, rows become entries: the features that belong to no such column, then for each
//! column the number of its category. The vectors follow the other inputs of the first layer. A row
//! whose 0/1 features are all 0 (a category that no training row has, or the base) has the vector of
//! zeros, which is what a linear layer without bias makes of such features, and which is not learned.
//! Invariant: gradients are added up in the order of the batch, so that their bits depend on nothing
//! else.

use std::borrow::Cow;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::simd::{F32x16, LANES, vectors};
use sweep_core::trial::models::CategoryEmbedding;
use sweep_data::{CategoryBlock, Preprocessor};

/// A column whose categories have vectors, as it stands in `model.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EmbeddedColumn {
    #[serde(flatten)]
    pub block: CategoryBlock,
    /// Of the vectors.
    pub width: usize,
}

/// Which features are columns of categories with vectors.
#[derive(Debug, Clone, PartialEq)]
pub struct Categories {
    /// Number of all features.
    features: usize,
    /// Places of the features that are no such column's, ascending.
    others: Vec<usize>,
    /// Ascending, and apart.
    columns: Vec<EmbeddedColumn>,
}

impl Categories {
    /// Each feature as it is.
    #[cfg(test)]
    pub fn none(features: usize) -> Categories {
        Categories::new(features, Vec::new())
    }

    /// The columns of `preprocessor` that `embedding` makes vectors of.
    pub fn of(embedding: CategoryEmbedding, preprocessor: &Preprocessor) -> Categories {
        let blocks = preprocessor.category_blocks(CategoryEmbedding::MIN_FEATURES);
        let columns = blocks.into_iter().filter_map(|block| {
            let width = embedding.width(block.features)?;
            Some(EmbeddedColumn { block, width })
        });
        Categories::new(preprocessor.width(), columns.collect())
    }

    /// Those with `columns` read from a file, unless these cannot be columns of `features` features.
    pub fn read(features: usize, columns: Vec<EmbeddedColumn>) -> Option<Categories> {
        let blocks = columns.iter().map(|column| &column.block);
        let end = CategoryBlock::end_of(blocks, CategoryEmbedding::MIN_FEATURES)?;
        let is_sound = end <= features && columns.iter().all(|column| column.width > 0);
        is_sound.then(|| Categories::new(features, columns))
    }

    fn new(features: usize, columns: Vec<EmbeddedColumn>) -> Categories {
        let mut others = Vec::with_capacity(features);
        let mut next = 0;
        for EmbeddedColumn { block, .. } in &columns {
            others.extend(next..block.first);
            next = block.first + block.features;
        }
        others.extend(next..features);
        Categories {
            features,
            others,
            columns,
        }
    }

    /// Number of all features.
    pub fn features(&self) -> usize {
        self.features
    }

    /// Places of the features that are no such column's.
    pub fn others(&self) -> &[usize] {
        &self.others
    }

    pub fn columns(&self) -> &[EmbeddedColumn] {
        &self.columns
    }

    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Entries of a row.
    pub fn entries(&self) -> usize {
        self.others.len() + self.columns.len()
    }

    /// Inputs that the columns become.
    pub fn inputs(&self) -> usize {
        self.columns.iter().map(|column| column.width).sum()
    }

    /// The entries, row-major [rows, entries], of `x`, row-major [rows, features]. Where a row has no
    /// vector, the number is that of the column's features.
    pub fn entries_of<'a>(&self, x: &'a [f32]) -> Cow<'a, [f32]> {
        if self.is_empty() {
            return Cow::Borrowed(x);
        }
        let rows = x.chunks_exact(self.features);
        let mut entries = Vec::with_capacity(rows.len() * self.entries());
        for row in rows {
            entries.extend(self.others.iter().map(|place| row[*place]));
            entries.extend(self.columns.iter().map(|EmbeddedColumn { block, .. }| {
                let number = block.place(row).unwrap_or(block.features);
                // Far below 2^24, up to which such numbers are exact.
                number as f32
            }));
        }
        Cow::Owned(entries)
    }
}

/// The tables of a network's columns, for a batch.
pub struct Tables<'a> {
    pub categories: &'a Categories,
    /// Lines of each column's table among the parameters: [features, width], one number after the
    /// other.
    pub lines: &'a [Range<usize>],
    pub rows: usize,
    /// [rows, entries].
    pub entries: &'a [F32x16],
    /// Inputs that stand before those of the columns.
    pub start: usize,
}

impl Tables<'_> {
    /// Puts the entries that are no column's before the vectors, as inputs.
    pub fn copy_others(&self, inputs: &mut [F32x16]) {
        let others = self.categories.others.len();
        let lines = self.rows * vectors(others);
        inputs[..lines].copy_from_slice(&self.entries[..lines]);
        let over = others % LANES;
        if over > 0 {
            for line in &mut inputs[lines - self.rows..lines] {
                line.0[over..].fill(0.0);
            }
        }
    }

    /// Puts the vectors of `parameters` behind the other inputs.
    pub fn look_up(&self, parameters: &[F32x16], inputs: &mut [F32x16]) {
        let end = self.start + self.categories.inputs();
        inputs[self.rows * vectors(self.start)..self.rows * vectors(end)].fill(F32x16::ZERO);
        self.each(|lines, from, row, input, width| {
            let table = &parameters[lines.clone()];
            for column in 0..width {
                let (from, to) = (from + column, input + column);
                inputs[to / LANES * self.rows + row].0[to % LANES] =
                    table[from / LANES].0[from % LANES];
            }
        });
    }

    /// Adds `gradient`, that of the inputs, up to those of the tables.
    pub fn scatter(&self, gradient: &[F32x16], gradients: &mut [F32x16]) {
        for lines in self.lines {
            gradients[lines.clone()].fill(F32x16::ZERO);
        }
        self.each(|lines, to, row, input, width| {
            let table = &mut gradients[lines.clone()];
            for column in 0..width {
                let (to, from) = (to + column, input + column);
                table[to / LANES].0[to % LANES] +=
                    gradient[from / LANES * self.rows + row].0[from % LANES];
            }
        });
    }

    /// Calls `with` for each column and row with a vector: the lines of the table, where in it the
    /// vector begins, the row, the vector's first input, and its width.
    #[inline(always)]
    fn each(&self, mut with: impl FnMut(&Range<usize>, usize, usize, usize, usize)) {
        let mut input = self.start;
        for (place, (column, lines)) in self.categories.columns.iter().zip(self.lines).enumerate() {
            let entry = self.categories.others.len() + place;
            let numbers = &self.entries[entry / LANES * self.rows..][..self.rows];
            for (row, line) in numbers.iter().enumerate() {
                let number = line.0[entry % LANES] as usize;
                if number < column.block.features {
                    with(lines, number * column.width, row, input, column.width);
                }
            }
            input += column.width;
        }
    }
}
