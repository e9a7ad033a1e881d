//! Matrix products, by the `gemm-f32` crate, on one thread.
//!
//! Invariant: what is read and written lies inside the slices. The numbers of a row depend on that
//! row, the right operand and the shape of the product alone; callers keep the shape the same to get
//! the same bits.

use gemm_common::Parallelism;

/// A part of a matrix: every `stride`-th value begins a row (or a column, when `transposed`).
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub values: &'a [f32],
    pub stride: usize,
    pub transposed: bool,
}

impl<'a> View<'a> {
    pub(crate) fn rows(values: &'a [f32], stride: usize) -> View<'a> {
        View {
            values,
            stride,
            transposed: false,
        }
    }

    pub(crate) fn columns(values: &'a [f32], stride: usize) -> View<'a> {
        View {
            values,
            stride,
            transposed: true,
        }
    }

    /// Distances between columns and between rows, after it was seen to that a matrix of this
    /// shape lies inside.
    fn strides(&self, rows: usize, columns: usize) -> (isize, isize) {
        let (lines, length) = match self.transposed {
            false => (rows, columns),
            true => (columns, rows),
        };
        check(self.values.len(), self.stride, lines, length);
        let stride = self.stride.cast_signed();
        match self.transposed {
            false => (1, stride),
            true => (stride, 1),
        }
    }
}

/// `to` [rows, columns] = (`add` ? `to` : 0) + `left` [rows, inner] · `right` [inner, columns];
/// `to_stride` values from one row of `to` to the next.
pub(crate) fn product(
    shape: [usize; 3],
    left: View<'_>,
    right: View<'_>,
    to: &mut [f32],
    to_stride: usize,
    add: bool,
) {
    let [rows, inner, columns] = shape;
    let (left_column, left_row) = left.strides(rows, inner);
    let (right_column, right_row) = right.strides(inner, columns);
    check(to.len(), to_stride, rows, columns);
    // The kernels want results column by column: the transposed product has them so.
    // SAFETY: the three matrices lie inside their slices, as just checked, with the strides that
    // were checked; `to` is borrowed mutably and so overlaps neither operand.
    unsafe {
        gemm_f32::gemm::f32::get_gemm_fn()(
            columns,
            rows,
            inner,
            to.as_mut_ptr(),
            to_stride.cast_signed(),
            1,
            add,
            right.values.as_ptr(),
            right_row,
            right_column,
            left.values.as_ptr(),
            left_row,
            left_column,
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

fn check(values: usize, stride: usize, lines: usize, length: usize) {
    assert!(lines > 0 && length > 0 && length <= stride);
    assert!((lines - 1) * stride + length <= values);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_of_parts_is_the_sum_over_the_inner_index() {
        let left: Vec<f32> = (0..40).map(|i| (i % 7) as f32 - 3.0).collect();
        let right: Vec<f32> = (0..60).map(|i| (i % 5) as f32 - 2.0).collect();
        let (rows, inner, columns) = (4, 3, 5);
        let mut to = vec![1.0; 4 * 6];
        let operands = (View::rows(&left, 10), View::columns(&right, 12));
        product(
            [rows, inner, columns],
            operands.0,
            operands.1,
            &mut to,
            6,
            true,
        );
        for row in 0..rows {
            for column in 0..columns {
                let sum: f32 = (0..inner)
                    .map(|k| left[row * 10 + k] * right[column * 12 + k])
                    .sum();
                assert_eq!(to[row * 6 + column], 1.0 + sum);
            }
            assert_eq!(to[row * 6 + 5], 1.0, "beyond the last column");
        }
    }

    #[test]
    #[should_panic(expected = "assertion failed")]
    fn a_matrix_that_does_not_fit_is_refused() {
        let values = [0.0; 8];
        let view = View::rows(&values, 3);
        product([3, 3, 1], view, view, &mut [0.0; 9], 1, false);
    }
}
