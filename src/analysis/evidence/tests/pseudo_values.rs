//! Pseudo-values: their mean is the metric, and what a row does to them is what leaving it out does to the metric.

use super::super::Units;
use super::super::pseudo_values::{auc, jackknife, macro_f1, r_squared, root_mean};
use sweep_core::random::{Purpose, Stream};

const ROWS: usize = 400;

fn normal(what: u32) -> Vec<f32> {
    let stream = Stream::new(1, Purpose::Synthetic, what, 77);
    (0..ROWS as u32)
        .map(|row| stream.normal(row) as f32)
        .collect()
}

fn moments(values: &[f32]) -> (f64, f64) {
    let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / values.len() as f64;
    let squares = values
        .iter()
        .map(|value| (f64::from(*value) - mean).powi(2));
    (mean, squares.sum::<f64>() / (values.len() - 1) as f64)
}

/// `values` are those of `metric` by leaving out each row, up to what is of the second order.
fn agree(values: &[f32], metric: impl FnMut(&[f32]) -> f64, tolerance: f64) {
    let left_out = jackknife(&Units::rows(ROWS), metric);
    let ((mean, variance), (other_mean, other_variance)) = (moments(values), moments(&left_out));
    assert!((mean - other_mean).abs() < 1e-5, "{mean} {other_mean}");
    let ratio = variance / other_variance;
    assert!((ratio - 1.0).abs() < tolerance, "{ratio}");
    for (one, other) in values.iter().zip(&left_out) {
        let error = f64::from(one - other).abs();
        assert!(
            error < tolerance * other_variance.sqrt() * 10.0,
            "{one} {other}"
        );
    }
}

fn weighted(weights: &[f32], value: impl Fn(usize) -> f64) -> f64 {
    let sum: f64 = (0..ROWS)
        .map(|row| f64::from(weights[row]) * value(row))
        .sum();
    sum / weights.iter().map(|weight| f64::from(*weight)).sum::<f64>()
}

#[test]
fn those_of_regression_agree_with_leaving_rows_out() {
    let (errors, noise) = (normal(0), normal(1));
    let squares: Vec<f32> = errors.iter().map(|error| error * error).collect();
    let targets: Vec<f32> = noise
        .iter()
        .zip(&errors)
        .map(|(a, b)| 2.0 * a + 0.5 * b)
        .collect();
    let square = |row: usize| f64::from(squares[row]);
    agree(
        &root_mean(&squares),
        |weights| weighted(weights, square).sqrt(),
        0.02,
    );
    let unexplained = |weights: &[f32]| {
        let centre = weighted(weights, |row| f64::from(targets[row]));
        let variance = weighted(weights, |row| (f64::from(targets[row]) - centre).powi(2));
        1.0 - weighted(weights, square) / variance
    };
    agree(&r_squared(&squares, &targets), unexplained, 0.02);
    assert_eq!(root_mean(&[0.0; 3]), [0.0; 3]);
}

#[test]
fn those_of_the_area_under_the_curve_agree_with_leaving_rows_out() {
    let noise = normal(2);
    let is_positive: Vec<bool> = normal(3).iter().map(|value| *value > 0.5).collect();
    // Rounded, so that there are ties.
    let scores: Vec<f32> = (noise.iter().zip(&is_positive))
        .map(|(noise, positive)| ((noise + f32::from(u8::from(*positive))) * 4.0).round())
        .collect();
    let area = |weights: &[f32]| {
        let (mut sum, mut pairs) = (0.0, 0.0);
        for a in (0..ROWS).filter(|row| is_positive[*row]) {
            for b in (0..ROWS).filter(|row| !is_positive[*row]) {
                let weight = f64::from(weights[a] * weights[b]);
                let above = f64::from(u8::from(scores[a] > scores[b]));
                let tied = f64::from(u8::from(scores[a] == scores[b]));
                sum += weight * (above + 0.5 * tied);
                pairs += weight;
            }
        }
        sum / pairs
    };
    agree(&auc(&scores, &is_positive), area, 0.03);
}

#[test]
fn those_of_macro_f1_agree_with_leaving_rows_out() {
    let class = |value: f32| u32::from(value > -0.5) + u32::from(value > 1.0);
    let (truth, noise) = (normal(4), normal(5));
    let actual: Vec<u32> = truth.iter().map(|value| class(*value)).collect();
    let predicted: Vec<u32> = truth
        .iter()
        .zip(&noise)
        .map(|(truth, noise)| class(truth + 0.5 * noise))
        .collect();
    let f1 = |weights: &[f32]| {
        let of_class = |class: u32| {
            let (mut right, mut either) = (0.0, 0.0);
            for row in 0..ROWS {
                let weight = f64::from(weights[row]);
                let (is_actual, is_predicted) = (actual[row] == class, predicted[row] == class);
                right += weight * f64::from(u8::from(is_actual && is_predicted));
                either += weight * f64::from(u8::from(is_actual) + u8::from(is_predicted));
            }
            2.0 * right / either
        };
        (0..3).map(of_class).sum::<f64>() / 3.0
    };
    // A fourth class that no row has does not count.
    agree(&macro_f1(&predicted, &actual, 4), f1, 0.03);
}

#[test]
fn blocks_stand_for_many_units_and_keep_them_whole() {
    let groups: Vec<u64> = (0..ROWS as u64).map(|row| row / 2).collect();
    let units = Units::groups(&groups);
    let blocks = units.blocks(50);
    assert_eq!((units.count(), blocks.count()), (200, 50));
    assert!((0..ROWS).all(|row| blocks.of_row(row) == blocks.of_row(row ^ 1)));
    assert!((0..50).all(|block| blocks.size(block) == 8));
    let values = normal(6);
    let mut evaluations = 0;
    let found = jackknife(&blocks, |weights| {
        evaluations += 1;
        weighted(weights, |row| f64::from(values[row]))
    });
    assert_eq!(evaluations, 51);
    // Of a mean, the deviations of blocks are exact.
    let (mean, of_blocks) = blocks.deviations(&found).unwrap();
    let (expected, deviations) = blocks.deviations(&values).unwrap();
    assert!((mean - expected).abs() < 1e-6);
    for (one, other) in of_blocks.iter().zip(&deviations) {
        assert!((one - other).abs() < 1e-5, "{one} {other}");
    }
    assert_eq!(units.blocks(200), units);
}
