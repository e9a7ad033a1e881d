//! The truncated singular value decomposition of a sparse matrix, by a randomised range finder with
//! power iterations (Halko, Martinsson, Tropp: "Finding structure with randomness", SIAM Review
//! 53(2), 2011, algorithms 4.4 and 5.1).
//!
//! Invariant: the outcome is a function of the matrix alone, to the bit on one type of machine:
//! directions come from a keyed stream, and blocks are summed in order.

use nalgebra::linalg::SymmetricEigen;
use nalgebra::{DMatrix, DVector};
use rayon::prelude::{IntoParallelIterator, ParallelIterator};

use sweep_core::random::{Purpose, Stream};

use super::sparse::Sparse;

/// Directions probed beyond those asked for: as many, and a share of them.
pub(super) const EXTRA: usize = 10;
const EXTRA_SHARE: usize = 5;
/// Power iterations; scikit-learn takes 5, or 7 for few dimensions.
const ITERATIONS: usize = 7;
/// Columns of a block in products of dense matrices.
const BLOCK: usize = 2048;
/// Directions whose squared length is below this share of the longest are noise.
const NOISE: f64 = 1e-13;
/// Singular values below this share of the largest are zero.
const ZERO: f64 = 1e-6;

/// The leading singular values and right singular vectors of a matrix.
#[derive(Debug)]
pub(super) struct Svd {
    /// Descending, none of them zero.
    pub singular: Vec<f64>,
    /// [singular values, columns of the matrix], orthonormal rows in columns of memory: the
    /// numbers of one column of the matrix lie together. The largest number of each vector is positive.
    pub vectors: DMatrix<f64>,
}

/// The `dims` largest singular values of `matrix`, or all that are not zero if there are fewer.
pub(super) fn truncated(matrix: &Sparse, dims: usize) -> Svd {
    let turned = matrix.transposed();
    let probes = dims + EXTRA.max(dims / EXTRA_SHARE);
    let probes = probes.min(matrix.rows()).min(matrix.columns());
    let mut range = orthonormal(matrix.times(&directions(probes, matrix.columns())));
    for _ in 0..ITERATIONS {
        let image = turned.times(&range);
        range = orthonormal(matrix.times(&image));
    }
    // Once more, so that what rounding left is as small as rounding itself.
    range = orthonormal(range);
    let image = turned.times(&range);
    // The image holds range' matrix; its Gram matrix has the squared singular values.
    let (values, rotation) = eigen(gram(&image));
    let largest = values.first().copied().unwrap_or(0.0);
    let singular: Vec<f64> = values
        .iter()
        .take(dims)
        .take_while(|value| **value > largest * ZERO * ZERO)
        .map(|value| value.sqrt())
        .collect();
    let lengths = DVector::from_fn(singular.len(), |place, _| singular[place].recip());
    let turn = DMatrix::from_diagonal(&lengths) * rotation.columns(0, singular.len()).transpose();
    let mut vectors = times(&turn, &image);
    fix_signs(&mut vectors);
    Svd { singular, vectors }
}

/// Standard normal numbers [probes, columns].
fn directions(probes: usize, columns: usize) -> DMatrix<f64> {
    let streams: Vec<Stream> = (0..probes as u32)
        .map(|probe| Stream::new(0, Purpose::Sketch, 0, probe))
        .collect();
    let numbers: Vec<f64> = (0..columns as u32)
        .into_par_iter()
        .flat_map_iter(|column| streams.iter().map(move |stream| stream.normal(column)))
        .collect();
    DMatrix::from_vec(probes, columns, numbers)
}

/// Orthonormal rows that span those of `rows`, fewer if some depend on others (Stathopoulos and Wu
/// 2002, "SVQB"). Its products are of large matrices, unlike those of a Householder reduction.
fn orthonormal(rows: DMatrix<f64>) -> DMatrix<f64> {
    let (values, vectors) = eigen(gram(&rows));
    let largest = values.first().copied().unwrap_or(0.0);
    let kept = values
        .iter()
        .take_while(|value| **value > largest * NOISE)
        .count();
    let lengths = DVector::from_fn(kept, |place, _| values[place].sqrt().recip());
    let turn = DMatrix::from_diagonal(&lengths) * vectors.columns(0, kept).transpose();
    times(&turn, &rows)
}

/// `rows` times its transpose, blocks of columns summed in order.
fn gram(rows: &DMatrix<f64>) -> DMatrix<f64> {
    let blocks: Vec<DMatrix<f64>> = (0..rows.ncols().div_ceil(BLOCK))
        .into_par_iter()
        .map(|block| {
            let first = block * BLOCK;
            let columns = rows.columns(first, BLOCK.min(rows.ncols() - first));
            columns * columns.transpose()
        })
        .collect();
    let mut sum = DMatrix::zeros(rows.nrows(), rows.nrows());
    blocks.iter().for_each(|block| sum += block);
    sum
}

/// `turn` times `rows`, block by block.
fn times(turn: &DMatrix<f64>, rows: &DMatrix<f64>) -> DMatrix<f64> {
    let blocks: Vec<DMatrix<f64>> = (0..rows.ncols().div_ceil(BLOCK))
        .into_par_iter()
        .map(|block| {
            let first = block * BLOCK;
            turn * rows.columns(first, BLOCK.min(rows.ncols() - first))
        })
        .collect();
    let numbers: Vec<f64> = blocks
        .iter()
        .flat_map(|block| block.as_slice())
        .copied()
        .collect();
    DMatrix::from_vec(turn.nrows(), rows.ncols(), numbers)
}

/// Eigenvalues of a symmetric matrix, descending, and their vectors in columns.
fn eigen(matrix: DMatrix<f64>) -> (Vec<f64>, DMatrix<f64>) {
    let found = SymmetricEigen::new(matrix);
    let mut order: Vec<usize> = (0..found.eigenvalues.len()).collect();
    order.sort_by(|a, b| found.eigenvalues[*b].total_cmp(&found.eigenvalues[*a]));
    let values = order
        .iter()
        .map(|place| found.eigenvalues[*place])
        .collect();
    (values, found.eigenvectors.select_columns(&order))
}

/// Turns each row so that its largest number, the first of several, is positive.
fn fix_signs(rows: &mut DMatrix<f64>) {
    for mut row in rows.row_iter_mut() {
        let largest = row.iter().fold(
            0.0f64,
            |most, x| if x.abs() > most.abs() { *x } else { most },
        );
        if largest < 0.0 {
            row.neg_mut();
        }
    }
}
