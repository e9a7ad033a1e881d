//! The temperature with the least log loss, by Newton's method (Guo and others, "On calibration of modern neural networks",
//! ICML 2017).
//!
//! What is searched is the power to which probabilities are raised, the inverse of the temperature: the log loss is convex in
//! it. Rows may be in several slices, so that those of some parts can be left out without a copy.

use std::ops::Range;

/// Probabilities are kept this far from 0 in logarithms, as in a log loss.
pub(super) const LEAST: f64 = f64::EPSILON;
/// Logarithms of the smallest and the largest power.
const POWERS: (f64, f64) = (-5.0, 5.0);
/// The search ends with a step that is this small beside the power; the next one would be its square.
const PRECISION: f64 = 1e-7;
/// Bisection alone comes to the precision in fewer.
const MAX_STEPS: u32 = 60;
/// Steps towards ever larger powers after which the largest is asked.
const PATIENCE: u32 = 3;

/// Logarithms of the probabilities of rows, as a search needs them.
pub(super) struct Logits {
    classes: usize,
    /// Less the largest of their row, row-major [rows, classes].
    below: Vec<f64>,
    /// The largest less that of the class that a row has [rows].
    margins: Vec<f64>,
}

/// The mean over rows of the log loss, and its first two derivatives by the power.
struct Slope {
    first: f64,
    second: f64,
}

impl Logits {
    /// Of `probabilities`, row-major [rows, `classes`], of rows with these `labels`, in the order of `rows`.
    pub(super) fn new(
        classes: usize,
        probabilities: &[f64],
        labels: &[u32],
        rows: impl ExactSizeIterator<Item = usize>,
    ) -> Logits {
        let mut below = Vec::with_capacity(rows.len() * classes);
        let mut margins = Vec::with_capacity(rows.len());
        for row in rows {
            let own = &probabilities[row * classes..(row + 1) * classes];
            let start = below.len();
            below.extend(own.iter().map(|value| value.max(LEAST).ln()));
            let own = &mut below[start..];
            let highest = own.iter().copied().fold(f64::MIN, f64::max);
            margins.push(highest - own[labels[row] as usize]);
            own.iter_mut().for_each(|value| *value -= highest);
        }
        Logits {
            classes,
            below,
            margins,
        }
    }

    /// The best power for the rows of all `slices`, which have at least one; the search begins at `start`.
    ///
    /// Where the class of every row is the most probable one, no power is too large. Then it is searched as if one row more
    /// were of every class alike, so that few rows do not make a model certain.
    pub(super) fn power(&self, slices: &[Range<usize>], start: f64) -> f64 {
        let is_right = |rows: &Range<usize>| {
            self.margins[rows.clone()]
                .iter()
                .all(|margin| *margin <= 0.0)
        };
        let smoothing = match slices.iter().all(is_right) {
            true => 1.0 / slices.iter().map(|rows| rows.len() as f64).sum::<f64>(),
            false => 0.0,
        };
        let (mut low, mut high) = (POWERS.0.exp(), POWERS.1.exp());
        let mut power = start;
        let mut rising = 0;
        for _ in 0..MAX_STEPS {
            let slope = self.slope(slices, power, smoothing);
            match slope.first < 0.0 {
                true => low = power,
                false => high = power,
            }
            rising = if slope.first < 0.0 { rising + 1 } else { 0 };
            if rising == PATIENCE && self.slope(slices, high, smoothing).first < 0.0 {
                return high;
            }
            let newton = power - slope.first / slope.second;
            let next = match newton > low && newton < high {
                true => newton,
                // Of both ends by their ratio: also where the slope is flat, or not a number.
                false => (low * high).sqrt(),
            };
            let is_near = (next - power).abs() <= PRECISION * power;
            power = next;
            if is_near {
                break;
            }
        }
        power
    }

    /// The log loss of a row once its probabilities are raised to `power`, in nats.
    pub(super) fn loss(&self, row: usize, power: f64) -> f64 {
        let below = &self.below[row * self.classes..(row + 1) * self.classes];
        let sum: f64 = below.iter().map(|value| (power * value).exp()).sum();
        sum.ln() + power * self.margins[row]
    }

    /// How the sum over rows changes with the power. With `smoothing`, each row is of its own class once and of all classes
    /// alike for this share of a row.
    fn slope(&self, slices: &[Range<usize>], power: f64, smoothing: f64) -> Slope {
        let (mut first, mut second) = (0.0, 0.0);
        let even = 1.0 / self.classes as f64;
        for rows in slices {
            let below = &self.below[rows.start * self.classes..rows.end * self.classes];
            let margins = &self.margins[rows.clone()];
            for (below, margin) in below.chunks_exact(self.classes).zip(margins) {
                let (mut sum, mut mean, mut square) = (0.0, 0.0, 0.0);
                for value in below {
                    let weight = (power * value).exp();
                    sum += weight;
                    mean += weight * value;
                    square += weight * value * value;
                }
                mean /= sum;
                first += mean + margin;
                second += square / sum - mean * mean;
                if smoothing > 0.0 {
                    let all: f64 = below.iter().sum();
                    first += smoothing * (mean - even * all);
                    second += smoothing * (square / sum - mean * mean);
                }
            }
        }
        Slope { first, second }
    }
}
