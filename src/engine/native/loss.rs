//! Softmax and cross-entropy, with the gradient of the scores.

use super::hidden::sum_rows;
use super::math::exp;
use super::simd::{Kernel, LANES, Line, PLACES, Simd};

/// Rows whose sums of exponentials are multiplied up before one logarithm is taken of the product:
/// each is from 1 to the number of classes, so that even 2^32 of those cannot overflow.
const ROWS_A_LOGARITHM: usize = 16;

/// Cross-entropy of the softmax of scores; gives its sum over rows.
pub struct CrossEntropy<'a> {
    pub rows: usize,
    pub classes: usize,
    /// [rows, classes]: in, scores; out, the gradient of the mean loss by them.
    pub scores: &'a mut [Line],
    /// [rows]: classes.
    pub labels: &'a [u32],
    /// [classes]: out, the gradient of the last bias.
    pub bias: &'a mut [Line],
}

impl Kernel for CrossEntropy<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> f64 {
        let CrossEntropy { rows, classes, .. } = self;
        assert_eq!(self.labels.len(), rows);
        let share = 1.0 / rows as f32;
        let places = simd.load(&PLACES);
        let (zero, lowest) = (simd.zero(), simd.splat(f32::NEG_INFINITY));
        let panels = self.scores.len() / rows;

        let mut loss = 0.0;
        let mut product = 1.0;
        for (row, label) in self.labels.iter().enumerate() {
            let mut highest = lowest;
            for panel in 0..panels {
                let score = simd.load(&self.scores[panel * rows + row]);
                let score = simd.if_less(places, end(simd, classes, panel), score, lowest);
                highest = simd.max(score, highest);
            }
            let highest = highest_of(simd.to_line(highest));
            let actual = *label as usize;
            let place = actual / LANES * rows + row;
            loss += f64::from(highest) - f64::from(self.scores[place].0[actual % LANES]);

            let mut sum = zero;
            for panel in 0..panels {
                let line = &mut self.scores[panel * rows + row];
                let power = exp(simd, simd.sub(simd.load(line), simd.splat(highest)));
                let power = simd.if_less(places, end(simd, classes, panel), power, zero);
                simd.store(power, line);
                sum = simd.add(sum, power);
            }
            let sum = simd.sum(sum);
            product *= f64::from(sum);
            if row % ROWS_A_LOGARITHM == ROWS_A_LOGARITHM - 1 {
                loss += product.ln();
                product = 1.0;
            }
            let factor = simd.splat(share / sum);
            for panel in 0..panels {
                let line = &mut self.scores[panel * rows + row];
                simd.store(simd.mul(simd.load(line), factor), line);
            }
            self.scores[place].0[actual % LANES] -= share;
        }
        for (scores, bias) in self.scores.chunks_exact(rows).zip(self.bias) {
            simd.store(sum_rows(simd, scores), bias);
        }
        loss + product.ln()
    }
}

/// The first place of `panel` that belongs to no class.
#[inline(always)]
fn end<S: Simd>(simd: S, classes: usize, panel: usize) -> S::Floats {
    simd.splat((classes - panel * LANES) as f32)
}

#[inline(always)]
fn highest_of(line: Line) -> f32 {
    let mut values = line.0;
    let mut half = LANES / 2;
    while half > 0 {
        for place in 0..half {
            if values[place] < values[place + half] {
                values[place] = values[place + half];
            }
        }
        half /= 2;
    }
    values[0]
}
