//! Matrix products on the panel layout.
//!
//! A matrix of r rows and c columns is stored as panels of sixteen columns: line `p * r + i` holds
//! row i of columns 16p..16p+16. Columns beyond c are zero and stay so: every product below gives
//! zeros there from zeros. So a panel is contiguous, needs no packing, and every operand of a
//! product is read in the order in which it lies.
//!
//! Every element of a product is one sum in the order of the inner index, whatever the tiles, so
//! results do not depend on the instruction set's tile size.

use super::simd::{F32x16, Kernel, LANES, PLACES, Simd, vectors};

/// Bytes of the left operand that a block of rows may take, so that it stays in the second-level
/// cache while panels of the right operand pass by.
const BLOCK_BYTES: usize = 128 << 10;

/// Inner rows of a [`Gradient`] between two visits to its sums: two panels of them fit in the
/// first-level cache.
const BLOCK_ROWS: usize = 256;

/// Runs `$body` with the constant `$n` equal to `$count`, which is at most `$simd::TILE`.
macro_rules! by_rows {
    ($simd:ident, $count:expr, $n:ident => $body:block) => {
        by_rows!(@ $simd, $count, $n, $body, 1 2 3 4 5 6 7 8 9 10 11 12)
    };
    (@ $simd:ident, $count:expr, $n:ident, $body:block, $($rows:literal)*) => {
        match $count {
            $($rows if $rows <= $simd::TILE => {
                const $n: usize = $rows;
                $body
            })*
            _ => unreachable!("a tile has 1 to {} rows", $simd::TILE),
        }
    };
}

/// `to` = `left` · `right` (+ `bias` on each row).
pub struct Product<'a> {
    pub rows: usize,
    /// Columns of `left`, rows of `right`.
    pub inner: usize,
    /// [rows, inner].
    pub left: &'a [F32x16],
    /// [inner, columns].
    pub right: &'a [F32x16],
    /// [columns].
    pub bias: Option<&'a [F32x16]>,
    /// [rows, columns].
    pub to: &'a mut [F32x16],
}

/// `to` = `left`ᵀ · `right`: a gradient of weights from inputs and the outputs' gradients.
pub struct Gradient<'a> {
    /// Rows of both operands.
    pub rows: usize,
    /// Columns of `left`, rows of `to`.
    pub inputs: usize,
    /// [rows, inputs].
    pub left: &'a [F32x16],
    /// [rows, columns].
    pub right: &'a [F32x16],
    /// [inputs, columns].
    pub to: &'a mut [F32x16],
}

/// Lays rows out in panels.
pub struct Gather<'a> {
    pub features: usize,
    /// Row-major [any, features].
    pub from: &'a [f32],
    /// Which rows.
    pub batch: &'a [u32],
    /// [batch, features].
    pub to: &'a mut [F32x16],
}

/// `to` = `from`ᵀ.
pub struct Transpose<'a> {
    pub rows: usize,
    pub columns: usize,
    /// [rows, columns].
    pub from: &'a [F32x16],
    /// [columns, rows].
    pub to: &'a mut [F32x16],
}

impl Kernel for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Product {
            rows, inner, left, ..
        } = self;
        let panels = self.to.len() / rows;
        assert_eq!(self.to.len(), rows * panels);
        assert_eq!(left.len(), rows * vectors(inner));
        assert_eq!(self.right.len(), inner * panels);
        let block = (BLOCK_BYTES / (inner * size_of::<f32>())).max(S::TILE);
        for start in (0..rows).step_by(block) {
            let end = (start + block).min(rows);
            for panel in 0..panels {
                let right = &self.right[panel * inner..][..inner];
                let first = match self.bias {
                    Some(bias) => simd.load(&bias[panel]),
                    None => simd.zero(),
                };
                let to = &mut self.to[panel * rows..][..rows];
                for (row, count) in tiles::<S>(start, end) {
                    let left = Left::<false> {
                        from: &left[row..],
                        stride: rows,
                        inner,
                    };
                    let to = &mut to[row..row + count];
                    by_rows!(S, count, N => {
                        let sums = multiply::<S, N, false>(simd, left, right, [first; N]);
                        for (line, sum) in to.iter_mut().zip(sums) {
                            simd.store(sum, line);
                        }
                    });
                }
            }
        }
    }
}

impl Kernel for Gradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Gradient { rows, inputs, .. } = self;
        let panels = self.right.len() / rows;
        assert_eq!(self.right.len(), rows * panels);
        assert_eq!(self.left.len(), rows * vectors(inputs));
        assert_eq!(self.to.len(), inputs * panels);
        for start in (0..rows).step_by(BLOCK_ROWS) {
            let inner = BLOCK_ROWS.min(rows - start);
            for panel in 0..panels {
                let right = &self.right[panel * rows + start..][..inner];
                let to = &mut self.to[panel * inputs..][..inputs];
                for group in 0..vectors(inputs) {
                    let lines = &self.left[group * rows + start..][..inner];
                    let end = ((group + 1) * LANES).min(inputs);
                    for (input, count) in tiles::<S>(group * LANES, end) {
                        let left = Left::<true> {
                            from: lines,
                            stride: input % LANES,
                            inner,
                        };
                        let to = &mut to[input..input + count];
                        by_rows!(S, count, N => {
                            let mut sums = [simd.zero(); N];
                            if start > 0 {
                                for (sum, line) in sums.iter_mut().zip(&*to) {
                                    *sum = simd.load(line);
                                }
                            }
                            let sums = multiply::<S, N, true>(simd, left, right, sums);
                            for (line, sum) in to.iter_mut().zip(sums) {
                                simd.store(sum, line);
                            }
                        });
                    }
                }
            }
        }
    }
}

impl Kernel for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (features, rows) = (self.features, self.batch.len());
        let places = simd.load(&PLACES);
        for (panel, to) in self.to.chunks_exact_mut(rows).enumerate() {
            let count = LANES.min(features - panel * LANES);
            let end = simd.splat(count as f32);
            for (row, to) in self.batch.iter().zip(to) {
                let from = &self.from[*row as usize * features + panel * LANES..];
                // All sixteen floats are read where there are so many, also those of the next row:
                // a copy of a length not known beforehand would be a call.
                match from.first_chunk::<LANES>() {
                    Some(from) => {
                        let line = simd.load(&F32x16(*from));
                        simd.store(simd.if_less(places, end, line, simd.zero()), to);
                    }
                    None => {
                        *to = F32x16::ZERO;
                        to.0[..count].copy_from_slice(&from[..count]);
                    }
                }
            }
        }
    }
}

impl Kernel for Transpose<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Transpose { rows, columns, .. } = self;
        assert_eq!(self.from.len(), rows * vectors(columns));
        assert_eq!(self.to.len(), columns * vectors(rows));
        for panel in 0..vectors(columns) {
            for group in 0..vectors(rows) {
                let height = LANES.min(rows - group * LANES);
                let width = LANES.min(columns - panel * LANES);
                let from = &self.from[panel * rows + group * LANES..][..height];
                let to = &mut self.to[group * columns + panel * LANES..][..width];
                match (from.as_array(), to.as_mut_array()) {
                    (Some(from), Some(to)) => simd.transpose(from, to),
                    _ => transpose_part(simd, from, to),
                }
            }
        }
    }
}

/// The transpose of fewer than sixteen rows or columns; places beyond them become zero.
#[inline(always)]
fn transpose_part<S: Simd>(simd: S, from: &[F32x16], to: &mut [F32x16]) {
    let mut padded = [F32x16::ZERO; LANES];
    padded[..from.len()].copy_from_slice(from);
    let mut turned = [F32x16::ZERO; LANES];
    simd.transpose(&padded, &mut turned);
    to.copy_from_slice(&turned[..to.len()]);
}

/// Cuts `start..end` into (first, count) of at most `S::TILE`, as evenly as can be: a short last tile
/// would leave the multipliers waiting.
#[inline(always)]
fn tiles<S: Simd>(start: usize, end: usize) -> impl Iterator<Item = (usize, usize)> {
    let length = end - start;
    let count = length.div_ceil(S::TILE);
    let (each, longer) = (length / count, length % count);
    (0..count).map(move |tile| {
        let first = start + tile * each + tile.min(longer);
        (first, each + usize::from(tile < longer))
    })
}

/// Where the left operand of a tile lies.
///
/// Upright, a tile's rows are lines `from[0..]` of the first panel and the inner index runs along
/// the sixteen places and then on to the panel `stride` lines further; transposed, its rows are places
/// `stride..` and the inner index runs down the lines.
#[derive(Clone, Copy)]
struct Left<'a, const TRANSPOSED: bool> {
    from: &'a [F32x16],
    stride: usize,
    inner: usize,
}

/// `sums` + left · right for a tile of `N` rows and sixteen columns.
#[inline(always)]
fn multiply<S: Simd, const N: usize, const TRANSPOSED: bool>(
    simd: S,
    left: Left<'_, TRANSPOSED>,
    right: &[F32x16],
    mut sums: [S::Floats; N],
) -> [S::Floats; N] {
    assert_eq!(right.len(), left.inner);
    if TRANSPOSED {
        assert!(left.stride + N <= LANES);
        for (line, right) in left.from[..left.inner].iter().zip(right) {
            let right = simd.load(right);
            for (row, sum) in sums.iter_mut().enumerate() {
                // SAFETY: `left.stride + N` is at most the length of a line.
                let factor = unsafe { *line.0.get_unchecked(left.stride + row) };
                *sum = simd.mul_add(simd.splat(factor), right, *sum);
            }
        }
        return sums;
    }
    for (panel, right) in right.chunks(LANES).enumerate() {
        let rows: &[F32x16; N] = left.from[panel * left.stride..]
            .first_chunk()
            .expect("a tile ends within its matrix");
        if let Some(right) = right.as_array::<LANES>() {
            for (place, line) in right.iter().enumerate() {
                let line = simd.load(line);
                for (sum, row) in sums.iter_mut().zip(rows) {
                    *sum = simd.mul_add(simd.splat(row.0[place]), line, *sum);
                }
            }
        } else {
            for (place, line) in right.iter().enumerate() {
                let line = simd.load(line);
                for (sum, row) in sums.iter_mut().zip(rows) {
                    *sum = simd.mul_add(simd.splat(row.0[place]), line, *sum);
                }
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::super::simd::Isa;
    use super::*;

    /// A matrix in panels beside its numbers.
    fn matrix(rows: usize, columns: usize, seed: usize) -> (Vec<F32x16>, Vec<f64>) {
        let number = |place: usize| ((place * 7919 + seed * 104_729) % 1009) as f32 / 500.0 - 1.0;
        let mut panels = vec![F32x16::ZERO; rows * vectors(columns)];
        for place in 0..rows * columns {
            let (row, column) = (place / columns, place % columns);
            panels[column / LANES * rows + row].0[column % LANES] = number(place);
        }
        let numbers = (0..rows * columns).map(|place| f64::from(number(place)));
        (panels, numbers.collect())
    }

    /// Asserts that `panels` holds `numbers` and zeros beyond them.
    fn assert_holds(panels: &[F32x16], rows: usize, columns: usize, numbers: &[f64], about: &str) {
        for (place, line) in panels.iter().enumerate() {
            for (column, value) in line.0.iter().enumerate() {
                let (row, column) = (place % rows, place / rows * LANES + column);
                let wanted = match column < columns {
                    true => numbers[row * columns + column],
                    false => 0.0,
                };
                let error = (f64::from(*value) - wanted).abs();
                assert!(
                    error < 1e-3,
                    "{about}: [{row}, {column}] {value} for {wanted}"
                );
            }
        }
    }

    fn product(a: &[f64], b: &[f64], rows: usize, inner: usize, columns: usize) -> Vec<f64> {
        (0..rows * columns)
            .map(|place| {
                let (row, column) = (place / columns, place % columns);
                (0..inner)
                    .map(|k| a[row * inner + k] * b[k * columns + column])
                    .sum()
            })
            .collect()
    }

    fn transposed(a: &[f64], rows: usize, columns: usize) -> Vec<f64> {
        (0..rows * columns)
            .map(|place| a[place % rows * columns + place / rows])
            .collect()
    }

    #[test]
    fn products_of_all_shapes_are_those_of_plain_loops() {
        for isa in Isa::all() {
            for (rows, inner, columns) in [
                (1, 1, 1),
                (5, 3, 2),
                (13, 16, 16),
                (32, 17, 33),
                (70, 31, 5),
                (600, 70, 20),
                (7, 9000, 18),
            ] {
                let about = format!("{isa:?} {rows} x {inner} x {columns}");
                let (left, a) = matrix(rows, inner, 1);
                let (right, b) = matrix(inner, columns, 2);
                let (bias, offsets) = matrix(1, columns, 3);
                let mut to = vec![F32x16([f32::NAN; LANES]); rows * vectors(columns)];
                isa.run(Product {
                    rows,
                    inner,
                    left: &left,
                    right: &right,
                    bias: Some(&bias),
                    to: &mut to,
                });
                let mut wanted = product(&a, &b, rows, inner, columns);
                for (place, wanted) in wanted.iter_mut().enumerate() {
                    *wanted += offsets[place % columns];
                }
                assert_holds(&to, rows, columns, &wanted, &about);

                let mut turned = vec![F32x16([f32::NAN; LANES]); inner * vectors(rows)];
                isa.run(Transpose {
                    rows,
                    columns: inner,
                    from: &left,
                    to: &mut turned,
                });
                assert_holds(&turned, inner, rows, &transposed(&a, rows, inner), &about);

                let (over, c) = matrix(rows, columns, 4);
                let mut to = vec![F32x16([f32::NAN; LANES]); inner * vectors(columns)];
                isa.run(Gradient {
                    rows,
                    inputs: inner,
                    left: &left,
                    right: &over,
                    to: &mut to,
                });
                let wanted = product(&transposed(&a, rows, inner), &c, inner, rows, columns);
                assert_holds(&to, inner, columns, &wanted, &about);
            }
        }
    }
}
