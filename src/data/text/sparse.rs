//! A sparse matrix of rows, and its products with thin dense ones.
//!
//! Invariant: the columns of a row ascend; sums are taken in one order, so that no result depends
//! on the number of threads.

use nalgebra::DMatrix;
use rayon::prelude::{IndexedParallelIterator, ParallelIterator, ParallelSliceMut};

/// Rows that a thread takes at a time.
const ROWS_AT_ONCE: usize = 64;

/// Compressed sparse rows.
#[derive(Debug)]
pub(super) struct Sparse {
    /// Where each row begins in `entries`, and where the last one ends.
    starts: Vec<usize>,
    /// Column and value.
    entries: Vec<(u32, f64)>,
    columns: usize,
}

impl Sparse {
    /// A matrix of `rows`, each with its entries by ascending column below `columns`.
    pub fn from_rows(rows: Vec<Vec<(u32, f64)>>, columns: usize) -> Sparse {
        let mut starts = Vec::with_capacity(rows.len() + 1);
        let mut entries = Vec::with_capacity(rows.iter().map(Vec::len).sum());
        starts.push(0);
        for row in rows {
            entries.extend(row);
            starts.push(entries.len());
        }
        Sparse {
            starts,
            entries,
            columns,
        }
    }

    pub fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    pub fn columns(&self) -> usize {
        self.columns
    }

    pub fn row(&self, row: usize) -> &[(u32, f64)] {
        &self.entries[self.starts[row]..self.starts[row + 1]]
    }

    /// The same numbers with rows and columns exchanged.
    pub fn transposed(&self) -> Sparse {
        let mut starts = vec![0; self.columns + 1];
        for (column, _) in &self.entries {
            starts[*column as usize + 1] += 1;
        }
        for column in 0..self.columns {
            starts[column + 1] += starts[column];
        }
        let mut next = starts.clone();
        let mut entries = vec![(0, 0.0); self.entries.len()];
        for row in 0..self.rows() {
            for (column, value) in self.row(row) {
                let place = &mut next[*column as usize];
                entries[*place] = (row as u32, *value);
                *place += 1;
            }
        }
        Sparse {
            starts,
            entries,
            columns: self.rows(),
        }
    }

    /// This matrix times `thin`, both sides turned: `thin` is [k, columns], the product [k, rows].
    pub fn times(&self, thin: &DMatrix<f64>) -> DMatrix<f64> {
        let k = thin.nrows();
        let dense = thin.as_slice();
        assert_eq!(dense.len(), k * self.columns);
        let mut product = DMatrix::zeros(k, self.rows());
        product
            .as_mut_slice()
            .par_chunks_mut(k * ROWS_AT_ONCE)
            .enumerate()
            .for_each(|(part, sums)| {
                for (offset, sums) in sums.chunks_exact_mut(k).enumerate() {
                    for (column, value) in self.row(part * ROWS_AT_ONCE + offset) {
                        let from = *column as usize * k;
                        for (sum, x) in sums.iter_mut().zip(&dense[from..from + k]) {
                            *sum += value * x;
                        }
                    }
                }
            });
        product
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_those_of_the_dense_matrix() {
        let rows = vec![
            vec![(0, 1.0), (2, -2.0)],
            vec![],
            vec![(1, 3.0)],
            vec![(0, 0.5), (1, 0.25), (2, 4.0)],
        ];
        let matrix = Sparse::from_rows(rows, 3);
        let dense = DMatrix::from_row_slice(
            4,
            3,
            &[1.0, 0.0, -2.0, 0.0, 0.0, 0.0, 0.0, 3.0, 0.0, 0.5, 0.25, 4.0],
        );
        let thin = DMatrix::from_fn(2, 3, |row, column| (row * 3 + column) as f64 - 1.5);
        assert_eq!(matrix.times(&thin), &thin * dense.transpose());
        let other = DMatrix::from_fn(2, 4, |row, column| (row * 4 + column) as f64 - 2.5);
        assert_eq!(matrix.transposed().times(&other), &other * dense);
    }
}
