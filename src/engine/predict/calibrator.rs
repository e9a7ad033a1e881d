//! Probabilities made to match how often they are right, fitted on validation rows.
//!
//! Temperature scaling raises all probabilities to one power, which keeps their order (Guo and others, "On calibration of modern
//! neural networks", ICML 2017). Isotonic regression maps those of each class by a rising curve, and makes them add up
//! to 1 again (Zadrozny and Elkan, "Transforming classifier scores into accurate multiclass probability estimates", KDD 2002); it needs
//! more rows. Definitions are those of scikit-learn's `CalibratedClassifierCV` of a fitted model.

use std::ops::Range;

use super::temperature::{LEAST, Logits};
use sweep_core::trial::{Kind, log_loss};

/// How probabilities are calibrated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CalibrationMethod {
    Temperature,
    Isotonic,
}

impl CalibrationMethod {
    /// Those that models of `kind` are tried with. Networks are off by much the same power everywhere; the probabilities of
    /// trees are bent in ways of their own.
    pub fn of(kind: Kind) -> &'static [CalibrationMethod] {
        match kind.is_network() {
            true => &[CalibrationMethod::Temperature],
            false => &[CalibrationMethod::Temperature, CalibrationMethod::Isotonic],
        }
    }
}

/// A fitted calibration.
#[derive(Debug, Clone, PartialEq)]
pub enum Calibrator {
    /// Logarithms of probabilities are divided by this.
    Temperature(f64),
    /// A curve for each class; of two classes for the second alone.
    Isotonic(Vec<Curve>),
}

/// A rising curve: straight between its points, flat beyond them.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// (probability, calibrated), ascending in both.
    points: Vec<(f64, f64)>,
}

impl Calibrator {
    /// Fitted by `method` to `probabilities`, row-major [rows, `classes`], of rows with these `labels`.
    ///
    /// # Panics
    /// Without a row, and when the two are not of as many.
    pub fn fit(
        method: CalibrationMethod,
        classes: usize,
        probabilities: &[f64],
        labels: &[u32],
    ) -> Calibrator {
        assert!(!labels.is_empty() && probabilities.len() == labels.len() * classes);
        match method {
            CalibrationMethod::Temperature => {
                let logits = Logits::new(classes, probabilities, labels, 0..labels.len());
                let all = 0..labels.len();
                Calibrator::Temperature(1.0 / logits.power(std::slice::from_ref(&all), 1.0))
            }
            CalibrationMethod::Isotonic => {
                let curve = |class: usize| {
                    let own = probabilities.iter().skip(class).step_by(classes);
                    let is_own = labels.iter().map(|label| *label as usize == class);
                    let mut rows: Vec<(f64, bool)> = own.copied().zip(is_own).collect();
                    rows.sort_by(|one, other| one.0.total_cmp(&other.0));
                    Curve::fit(rows.into_iter())
                };
                Calibrator::Isotonic(Calibrator::curves(classes).map(curve).collect())
            }
        }
    }

    /// Log losses [rows] of calibrated `probabilities`, row-major [rows, classes], of rows with these `labels`.
    pub fn losses(&self, probabilities: &[f64], labels: &[u32]) -> Vec<f64> {
        let mut calibrated = probabilities.to_vec();
        let rows = calibrated.chunks_exact_mut(probabilities.len() / labels.len().max(1));
        let each = rows.zip(labels).map(|(row, label)| {
            self.apply(row);
            log_loss(row[*label as usize])
        });
        each.collect()
    }

    /// Those of so many `classes` that isotonic regression has a curve of.
    pub(super) fn curves(classes: usize) -> Range<usize> {
        let first = if classes == 2 { 1 } else { 0 };
        first..classes
    }

    /// Calibrates the probabilities of one row [classes].
    pub fn apply(&self, row: &mut [f64]) {
        match self {
            Calibrator::Temperature(temperature) => raise(row, 1.0 / temperature),
            Calibrator::Isotonic(curves) => match (curves.as_slice(), &mut *row) {
                ([second], [no, yes]) => {
                    *yes = second.at(*yes);
                    *no = 1.0 - *yes;
                }
                _ => {
                    for (value, curve) in row.iter_mut().zip(curves) {
                        *value = curve.at(*value);
                    }
                    let sum: f64 = row.iter().sum();
                    let even = 1.0 / row.len() as f64;
                    for value in row {
                        *value = if sum > 0.0 { *value / sum } else { even };
                    }
                }
            },
        }
    }
}

/// The probabilities of a row to this power, made to add up to 1.
fn raise(row: &mut [f64], power: f64) {
    let log = |value: f64| power * value.max(LEAST).ln();
    let highest = row.iter().map(|value| log(*value)).fold(f64::MIN, f64::max);
    for value in row.iter_mut() {
        *value = (log(*value) - highest).exp();
    }
    let sum: f64 = row.iter().sum();
    row.iter_mut().for_each(|value| *value /= sum);
}

impl Curve {
    /// Least squares among rising curves, by pooling adjacent violators: of (probability, whether it is right), ascending.
    pub(super) fn fit(rows: impl Iterator<Item = (f64, bool)>) -> Curve {
        // (first, last, right, rows)
        let mut blocks: Vec<(f64, f64, f64, f64)> = Vec::new();
        for (value, is_right) in rows {
            let right = f64::from(u8::from(is_right));
            match blocks.last_mut() {
                Some(last) if last.0 == value && last.1 == value => {
                    last.2 += right;
                    last.3 += 1.0;
                }
                _ => blocks.push((value, value, right, 1.0)),
            }
        }
        let mut pooled: Vec<(f64, f64, f64, f64)> = Vec::new();
        for block in blocks {
            pooled.push(block);
            while let [.., before, last] = pooled.as_slice() {
                if before.2 * last.3 < last.2 * before.3 {
                    break;
                }
                let together = (before.0, last.1, before.2 + last.2, before.3 + last.3);
                pooled.truncate(pooled.len() - 2);
                pooled.push(together);
            }
        }
        // Laplace's rule of succession for what these rows never or always had: no number of rows makes it certain, and a
        // log loss of 36 nats would be the price of the first row that is otherwise.
        let all: f64 = pooled.iter().map(|block| block.3).sum();
        let least = 1.0 / (all + 2.0);
        let mut points = Vec::new();
        for (first, last, right, rows) in pooled {
            let share = (right / rows).clamp(least, 1.0 - least);
            points.push((first, share));
            if last > first {
                points.push((last, share));
            }
        }
        Curve { points }
    }

    fn at(&self, value: f64) -> f64 {
        let after = self.points.partition_point(|point| point.0 < value);
        match (after.checked_sub(1), self.points.get(after)) {
            (None, Some(first)) => first.1,
            (Some(last), None) => self.points[last].1,
            (Some(before), Some(after)) => {
                let before = self.points[before];
                before.1 + (after.1 - before.1) * (value - before.0) / (after.0 - before.0)
            }
            (None, None) => unreachable!("a curve has a point"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BINARY: [(f64, u32); 10] = [
        (0.1, 0),
        (0.2, 0),
        (0.2, 1),
        (0.35, 0),
        (0.4, 1),
        (0.5, 0),
        (0.6, 1),
        (0.7, 1),
        (0.8, 0),
        (0.95, 1),
    ];

    fn binary() -> (Vec<f64>, Vec<u32>) {
        let pairs = BINARY.iter().flat_map(|(p, _)| [1.0 - p, *p]).collect();
        (pairs, BINARY.iter().map(|(_, label)| *label).collect())
    }

    fn apply(calibrator: &Calibrator, row: &[f64]) -> Vec<f64> {
        let mut row = row.to_vec();
        calibrator.apply(&mut row);
        row
    }

    fn close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
    }

    #[test]
    fn isotonic_regression_is_that_of_scikit_learn() {
        // IsotonicRegression(out_of_bounds="clip") of scikit-learn 1.9.1, one against the rest and normalised, once its values
        // are between 1 / (rows + 2) and 1 less that: benches/oracle_calibration.py.
        let (pairs, labels) = binary();
        let found = Calibrator::fit(CalibrationMethod::Isotonic, 2, &pairs, &labels);
        let at = |p: f64| apply(&found, &[1.0 - p, p])[1];
        let found: Vec<f64> = [0.05, 0.15, 0.3, 0.55, 0.9, 0.99].map(at).to_vec();
        let twelfth = 1.0 / 12.0;
        let expected = [1.0, 2.5, 4.0, 7.0, 10.0, 11.0].map(|count| count * twelfth);
        close(&found, &expected);
        let found = Calibrator::fit(CalibrationMethod::Isotonic, 3, &THREE, &LABELS);
        close(
            &apply(&found, &[0.55, 0.25, 0.2]),
            &[0.606_557_4, 0.295_082_0, 0.098_360_7],
        );
        close(
            &apply(&found, &[0.15, 0.45, 0.4]),
            &[0.103_448_3, 0.517_241_4, 0.379_310_3],
        );
        close(
            &apply(&found, &[0.0, 0.0, 1.0]),
            &[0.090_909_1, 0.090_909_1, 0.818_181_8],
        );
    }

    #[test]
    fn the_temperature_has_the_least_log_loss() {
        // scipy.optimize.minimize_scalar of the log loss over the logarithm of the power, and of three classes
        // CalibratedClassifierCV(method="temperature"): benches/oracle_calibration.py.
        let (pairs, labels) = binary();
        let of = |classes, pairs: &[f64], labels: &[u32]| match Calibrator::fit(
            CalibrationMethod::Temperature,
            classes,
            pairs,
            labels,
        ) {
            Calibrator::Temperature(temperature) => temperature,
            Calibrator::Isotonic(_) => unreachable!("a temperature was asked for"),
        };
        close(&[of(2, &pairs, &labels)], &[1.746_430_6]);
        close(&[of(3, &THREE, &LABELS)], &[0.460_446_9]);
        // Where every row is right, as if one more were of every class alike: no power is best without.
        let right = [0, 1, 3, 5, 6];
        let rows: Vec<f64> = (right.iter())
            .flat_map(|row| &THREE[3 * row..3 * row + 3])
            .copied()
            .collect();
        close(
            &[of(3, &rows, &right.map(|row| LABELS[row]))],
            &[0.507_923_3],
        );
        // Nothing tells one class from the other; and wrong rows alone.
        let even = [0.5; 8];
        assert!(of(2, &even, &[0, 1, 0, 1]).is_finite());
        let lowest = of(2, &[0.9, 0.1, 0.8, 0.2], &[1, 1]);
        assert!((lowest.ln() - 5.0).abs() < 1e-6, "{lowest}");
        // A power of 2 makes three of one nine of one.
        close(
            &apply(&Calibrator::Temperature(0.5), &[0.75, 0.25]),
            &[0.9, 0.1],
        );
        close(
            &apply(&Calibrator::Temperature(3.0), &[1.0, 0.0]),
            &[0.999_993_9, 0.000_006_1],
        );
    }

    const THREE: [f64; 24] = [
        0.7, 0.2, 0.1, 0.1, 0.8, 0.1, 0.5, 0.3, 0.2, 0.2, 0.2, 0.6, 0.3, 0.4, 0.3, 0.1, 0.3, 0.6,
        0.6, 0.2, 0.2, 0.25, 0.5, 0.25,
    ];
    const LABELS: [u32; 8] = [0, 1, 1, 2, 1, 2, 0, 0];
}
