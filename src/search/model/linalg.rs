//! Cholesky factors by rows. A row depends on the rows before it alone, so that a factor which is extended one
//! observation at a time has the same bits as one made at once: a search that resumes decides the same. Libraries that
//! work in blocks do not promise that, and at a few hundred rows they gain little.

/// Partial sums of a dot product: fixed, so that its order is, and enough to fill vector registers.
const LANES: usize = 8;

/// The dot product of two slices of equal length, always summed in the same order.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let len = a.len().min(b.len());
    let (a, b) = (&a[..len], &b[..len]);
    let mut sums = [0.0; LANES];
    let mut left = a.chunks_exact(LANES);
    let mut right = b.chunks_exact(LANES);
    for (a, b) in (&mut left).zip(&mut right) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let tail: f64 = left
        .remainder()
        .iter()
        .zip(right.remainder())
        .map(|(a, b)| a * b)
        .sum();
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + e) + (b + f)) + ((c + g) + (d + h)) + tail
}

/// The lower factor L of a symmetric positive definite matrix, L Lᵀ.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cholesky {
    rows: Vec<Vec<f64>>,
}

impl Cholesky {
    /// The factor of a matrix given by its lower rows; `None` if it is not positive definite.
    pub fn new(matrix: &[Vec<f64>]) -> Option<Cholesky> {
        let mut factor = Cholesky::default();
        for row in matrix {
            factor
                .push(&row[..factor.len()], row[factor.len()])
                .then_some(())?;
        }
        Some(factor)
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn row(&self, index: usize) -> &[f64] {
        &self.rows[index]
    }

    /// Extends the factor by one row of the matrix; false, and unchanged, if it is then not positive definite.
    pub fn push(&mut self, covariances: &[f64], variance: f64) -> bool {
        let mut row = self.solve_lower(covariances);
        let rest = variance - dot(&row, &row);
        if rest.is_nan() || rest <= 0.0 {
            return false;
        }
        row.push(rest.sqrt());
        self.rows.push(row);
        true
    }

    /// Forgets all rows but the first ones.
    pub fn truncate(&mut self, len: usize) {
        self.rows.truncate(len);
    }

    /// L⁻¹ b.
    pub fn solve_lower(&self, b: &[f64]) -> Vec<f64> {
        let mut out = Vec::with_capacity(self.len() + 1);
        for (row, &b) in self.rows.iter().zip(b) {
            out.push((b - dot(&row[..out.len()], &out)) / row[out.len()]);
        }
        out
    }

    /// L⁻ᵀ b.
    pub fn solve_upper(&self, b: &[f64]) -> Vec<f64> {
        let mut out = b.to_vec();
        for index in (0..self.len()).rev() {
            let value = out[index] / self.rows[index][index];
            out[index] = value;
            for (out, l) in out[..index].iter_mut().zip(&self.rows[index]) {
                *out -= value * l;
            }
        }
        out
    }

    /// Half the log of the determinant.
    pub fn half_log_det(&self) -> f64 {
        self.rows
            .iter()
            .enumerate()
            .map(|(index, row)| row[index].ln())
            .sum()
    }

    /// The lower rows of the inverse of the matrix.
    pub fn inverse(&self) -> Vec<Vec<f64>> {
        let len = self.len();
        // Columns of L⁻¹, each from its diagonal down.
        let columns: Vec<Vec<f64>> = (0..len)
            .map(|first| {
                let mut column = Vec::with_capacity(len - first);
                column.push(1.0 / self.rows[first][first]);
                for index in first + 1..len {
                    let row = &self.rows[index];
                    column.push(-dot(&row[first..index], &column) / row[index]);
                }
                column
            })
            .collect();
        (0..len)
            .map(|i| {
                (0..=i)
                    .map(|j| dot(&columns[i], &columns[j][i - j..]))
                    .collect()
            })
            .collect()
    }
}

#[cfg(test)]
#[expect(
    clippy::needless_range_loop,
    reason = "indices stand as in the formulas"
)]
mod tests {
    use super::*;
    use crate::random::{Random, Use};

    fn matrix(len: usize) -> Vec<Vec<f64>> {
        let random = Random::new(3, Use::Points, len as u32);
        let at = |row: usize, column: usize| random.uniform((row * len + column) as u32) - 0.5;
        let product = |i: usize, j: usize| (0..len).map(|k| at(i, k) * at(j, k)).sum::<f64>();
        (0..len)
            .map(|i| {
                (0..=i)
                    .map(|j| product(i, j) + if i == j { 0.1 } else { 0.0 })
                    .collect()
            })
            .collect()
    }

    fn full(lower: &[Vec<f64>], i: usize, j: usize) -> f64 {
        lower[i.max(j)][i.min(j)]
    }

    #[test]
    fn factor_times_its_transpose_is_the_matrix() {
        for len in [1, 2, 7, 8, 9, 40] {
            let matrix = matrix(len);
            let factor = Cholesky::new(&matrix).unwrap();
            for i in 0..len {
                for j in 0..=i {
                    let product = dot(&factor.row(i)[..=j], factor.row(j));
                    assert!((product - matrix[i][j]).abs() < 1e-12, "{len} {i} {j}");
                }
            }
        }
    }

    #[test]
    fn inverse_and_solutions_undo_the_matrix() {
        let len = 23;
        let matrix = matrix(len);
        let factor = Cholesky::new(&matrix).unwrap();
        let inverse = factor.inverse();
        let b: Vec<f64> = (0..len).map(|i| (i as f64).sin()).collect();
        let solved = factor.solve_upper(&factor.solve_lower(&b));
        for i in 0..len {
            let sum: f64 = (0..len).map(|k| full(&matrix, i, k) * solved[k]).sum();
            assert!((sum - b[i]).abs() < 1e-9);
            for j in 0..len {
                let sum: f64 = (0..len)
                    .map(|k| full(&matrix, i, k) * full(&inverse, k, j))
                    .sum();
                let expected = if i == j { 1.0 } else { 0.0 };
                assert!((sum - expected).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn a_factor_made_row_by_row_has_the_bits_of_one_made_at_once() {
        let matrix = matrix(40);
        let whole = Cholesky::new(&matrix).unwrap();
        let mut grown = Cholesky::new(&matrix[..13]).unwrap();
        grown.push(&matrix[30][..13], matrix[30][30] + 1.0);
        grown.truncate(13);
        for row in &matrix[13..] {
            assert!(grown.push(&row[..grown.len()], row[grown.len()]));
        }
        for i in 0..40 {
            assert!(
                whole
                    .row(i)
                    .iter()
                    .zip(grown.row(i))
                    .all(|(a, b)| a.to_bits() == b.to_bits())
            );
        }
    }

    #[test]
    fn what_is_not_positive_definite_is_refused() {
        assert!(Cholesky::new(&[vec![1.0], vec![2.0, 1.0]]).is_none());
        assert!(Cholesky::new(&[vec![f64::NAN]]).is_none());
    }
}
