//! What is minimised, with the gradient of the scores: cross-entropy of the softmax, or a loss of numbers.

use super::layer_ops::sum_rows;
use super::math::exp;
use super::simd::{F32x16, Kernel, LANES, PLACES, Simd, vectors};
use sweep_core::trial::models::Loss;

/// Cross-entropy of the softmax of scores; gives its sum over rows, each times its weight.
pub struct CrossEntropy<'a> {
    pub rows: usize,
    pub classes: usize,
    /// Share of the target spread evenly over all classes (Szegedy et al., "Rethinking the Inception
    /// Architecture for Computer Vision", 2016), as PyTorch's `label_smoothing`.
    pub smoothing: f32,
    /// [rows, classes]: in, scores; out, the gradient of the mean loss by them.
    pub scores: &'a mut [F32x16],
    /// [rows]: classes.
    pub labels: &'a [u32],
    /// [rows]: weights of the losses of rows.
    pub weights: Option<&'a [f32]>,
    /// [classes]: out, the gradient of the last bias.
    pub bias: &'a mut [F32x16],
}

impl Kernel for CrossEntropy<'_> {
    type Output = f64;

    /// Sixteen rows at a time, turned so that each register holds one class of all of them.
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> f64 {
        let CrossEntropy {
            rows,
            classes,
            scores,
            ..
        } = self;
        assert_eq!(self.labels.len(), rows);
        assert_eq!(scores.len(), rows * vectors(classes));
        let share = 1.0 / rows as f32;
        let even = self.smoothing / classes as f32;
        let own = 1.0 - self.smoothing;
        let mut loss = 0.0;
        for (group, labels) in self.labels.chunks(LANES).enumerate() {
            let first = group * LANES;
            let mut highest = simd.splat(f32::NEG_INFINITY);
            for (panel, scores) in scores.chunks_exact(rows).enumerate() {
                let turned = turn(simd, &scores[first..][..labels.len()]);
                for line in &turned[..LANES.min(classes - panel * LANES)] {
                    highest = simd.max(simd.load(line), highest);
                }
            }
            let weights = self
                .weights
                .map(|weights| &weights[first..][..labels.len()]);
            let weight = |row: usize| weights.map_or(1.0, |weights| f64::from(weights[row]));
            if self.smoothing > 0.0 {
                let own = (labels, self.smoothing);
                loss += smoothed(simd, scores, rows, classes, first, own, &weight);
            }
            let highest_of = simd.to_line(highest);
            for (row, label) in labels.iter().enumerate() {
                let (panel, place) = (*label as usize / LANES, *label as usize % LANES);
                let score = scores[panel * rows + first + row].0[place];
                loss += weight(row) * (f64::from(highest_of.0[row]) - f64::from(score));
            }

            let mut sum = simd.zero();
            for (panel, scores) in scores.chunks_exact_mut(rows).enumerate() {
                let scores = &mut scores[first..][..labels.len()];
                let mut turned = turn(simd, scores);
                let (inside, beyond) = turned.split_at_mut(LANES.min(classes - panel * LANES));
                for line in inside {
                    let power = exp(simd, simd.sub(simd.load(line), highest));
                    sum = simd.add(sum, power);
                    simd.store(power, line);
                }
                beyond.fill(F32x16::ZERO);
                scores.copy_from_slice(&turn(simd, &turned)[..scores.len()]);
            }
            // Each sum is from 1 to the number of classes, less than 2^32: the product of sixteen
            // cannot overflow, and one logarithm does for all.
            let sums = simd.to_line(sum);
            let sums = sums.0[..labels.len()].iter().map(|sum| f64::from(*sum));
            loss += match weights {
                None => sums.product::<f64>().ln(),
                Some(_) => sums
                    .enumerate()
                    .map(|(row, sum)| weight(row) * sum.ln())
                    .sum(),
            };

            let factors = simd.to_line(simd.div(simd.splat(share), sum));
            for scores in scores.chunks_exact_mut(rows) {
                let scores = &mut scores[first..][..labels.len()];
                for (line, factor) in scores.iter_mut().zip(factors.0) {
                    simd.store(simd.mul(simd.load(line), simd.splat(factor)), line);
                }
            }
            let rows_here = (rows, first, labels.len());
            if self.smoothing > 0.0 {
                subtract(simd, scores, classes, rows_here, share * even);
            }
            for (row, label) in labels.iter().enumerate() {
                let (panel, place) = (*label as usize / LANES, *label as usize % LANES);
                scores[panel * rows + first + row].0[place] -= share * own;
            }
            if let Some(weights) = weights {
                multiply(simd, scores, rows_here, weights);
            }
        }
        for (scores, bias) in scores.chunks_exact(rows).zip(self.bias) {
            simd.store(sum_rows(simd, scores), bias);
        }
        loss
    }
}

/// Takes `each` off the gradient of every class of `count` rows of `rows`, from `first` on.
#[inline(always)]
fn subtract<S: Simd>(
    simd: S,
    scores: &mut [F32x16],
    classes: usize,
    (rows, first, count): (usize, usize, usize),
    each: f32,
) {
    let each = simd.splat(each);
    for (panel, scores) in scores.chunks_exact_mut(rows).enumerate() {
        let end = simd.splat((classes - panel * LANES) as f32);
        let minus = simd.if_less(simd.load(&PLACES), end, each, simd.zero());
        for line in &mut scores[first..][..count] {
            simd.store(simd.sub(simd.load(line), minus), line);
        }
    }
}

/// Multiplies the gradients of `count` rows of `rows`, from `first` on, by the weight of each.
#[inline(always)]
fn multiply<S: Simd>(
    simd: S,
    scores: &mut [F32x16],
    (rows, first, count): (usize, usize, usize),
    weights: &[f32],
) {
    for scores in scores.chunks_exact_mut(rows) {
        let scores = &mut scores[first..][..count];
        for (line, weight) in scores.iter_mut().zip(weights) {
            simd.store(simd.mul(simd.load(line), simd.splat(*weight)), line);
        }
    }
}

/// A loss of numbers, of which a row has one; gives its sum over rows, each times its weight.
pub struct NumberLoss<'a> {
    pub loss: Loss,
    /// [rows, 1]: in, predictions; out, the gradient of the mean loss by them.
    pub scores: &'a mut [F32x16],
    /// [rows].
    pub numbers: &'a [f32],
    /// [rows].
    pub weights: Option<&'a [f32]>,
    /// [1]: out, the gradient of the last bias.
    pub bias: &'a mut F32x16,
}

impl NumberLoss<'_> {
    pub fn run(self) -> f64 {
        let share = 1.0 / self.numbers.len() as f64;
        let (mut sum, mut bias) = (0.0, 0.0f64);
        for (row, (line, number)) in self.scores.iter_mut().zip(self.numbers).enumerate() {
            let weight = self.weights.map_or(1.0, |weights| f64::from(weights[row]));
            let error = f64::from(line.0[0]) - f64::from(*number);
            sum += weight * self.loss.of(error);
            let gradient = (share * weight * self.loss.slope(error)) as f32;
            bias += f64::from(gradient);
            *line = F32x16::ZERO;
            line.0[0] = gradient;
        }
        *self.bias = F32x16::ZERO;
        self.bias.0[0] = bias as f32;
        sum
    }
}

/// What smoothing adds to the losses of the rows from `first` on: the share of it times each label's
/// score less the mean of all scores.
#[inline(always)]
fn smoothed<S: Simd>(
    simd: S,
    scores: &[F32x16],
    rows: usize,
    classes: usize,
    first: usize,
    (labels, smoothing): (&[u32], f32),
    weight: &dyn Fn(usize) -> f64,
) -> f64 {
    let mut more = 0.0;
    for (row, label) in labels.iter().enumerate() {
        let (panel, place) = (*label as usize / LANES, *label as usize % LANES);
        let own = f64::from(scores[panel * rows + first + row].0[place]);
        let mut sum = 0.0;
        for panel in 0..vectors(classes) {
            // Places beyond the last class hold zeros.
            sum += f64::from(simd.sum(simd.load(&scores[panel * rows + first + row])));
        }
        more += weight(row) * f64::from(smoothing) * (own - sum / classes as f64);
    }
    more
}

/// The transpose of at most sixteen lines, zeros for those that are not there.
#[inline(always)]
fn turn<S: Simd>(simd: S, lines: &[F32x16]) -> [F32x16; LANES] {
    let mut turned = [F32x16::ZERO; LANES];
    match lines.as_array() {
        Some(lines) => simd.transpose(lines, &mut turned),
        None => {
            let mut padded = [F32x16::ZERO; LANES];
            padded[..lines.len()].copy_from_slice(lines);
            simd.transpose(&padded, &mut turned);
        }
    }
    turned
}
