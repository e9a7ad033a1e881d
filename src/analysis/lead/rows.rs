//! Intervals of the lead over the zero line on other validation rows, from what the winner predicted.

use super::super::distributions::{ALPHA, normal_quantile, t_quantile};
use super::super::dummy::quantity;
use super::super::summary_stats::SummaryStats;
use super::predicted::{Matrix, RowLosses, RowNumbers};
use sweep_core::trial::models::Loss;
use sweep_core::trial::{MetricDef, log_loss};

/// The interval of the difference from naming `class` on other rows, from what the seeds predicted on average.
pub(super) fn of_matrices(
    metric: &str,
    class: usize,
    matrices: &[&Matrix],
    valid_rows: u64,
) -> Option<(f64, f64)> {
    let cells = mean_cells(matrices, valid_rows)?;
    if class >= cells.len() {
        return None;
    }
    match quantity(metric) {
        "accuracy" => Some(paired_shares(&cells, class)),
        "macro_f1" => Some(paired_f1(&cells, class)),
        _ => None,
    }
}

/// The interval of a difference `by` of two scores of predicted numbers on the same rows, that of always predicting
/// `constant` and that of the winner, by Student's t over rows (the delta method, where the score is no mean); `None` unless
/// there are predictions of all `valid_rows`, and for metrics that change little with a row.
pub(super) fn paired_errors(
    metric: &str,
    constant: f64,
    numbers: &[&RowNumbers],
    valid_rows: u64,
    by: f64,
) -> Option<(f64, f64)> {
    let first = numbers.first()?;
    if numbers.iter().any(|of| of.len() as u64 != valid_rows) {
        return None;
    }
    let (name, argument) = MetricDef::of(metric)?;
    let rows = first.len() as f64;
    let square = |error: f64| error * error;
    let mean_square =
        |of: &dyn Fn(usize) -> f64| (0..first.len()).map(|row| square(of(row))).sum::<f64>() / rows;
    let zero = |row: usize| constant - first[row].0;
    let mean = first.iter().map(|(actual, _)| actual).sum::<f64>() / rows;
    let spread = mean_square(&|row| first[row].0 - mean);
    let share: f64 = argument.and_then(|share| share.parse().ok()).unwrap_or(0.5);
    let pinball = Loss::Quantile { quantile: share };
    let of_zero = mean_square(&zero).sqrt();
    let mut differences = vec![0.0; first.len()];
    for of in numbers {
        let own = |row: usize| of[row].1 - of[row].0;
        let of_own = mean_square(&own).sqrt();
        for (row, difference) in differences.iter_mut().enumerate() {
            *difference += match name.name {
                "rmse" => square(zero(row)) / (2.0 * of_zero) - square(own(row)) / (2.0 * of_own),
                "r2" => (square(zero(row)) - square(own(row))) / spread,
                "mae" => zero(row).abs() - own(row).abs(),
                "mape" => (zero(row).abs() - own(row).abs()) / first[row].0.abs().max(f64::EPSILON),
                "pinball" => pinball.of(zero(row)) - pinball.of(own(row)),
                _ => return None,
            } / numbers.len() as f64;
        }
    }
    interval_of_mean(&differences, by)
}

/// The interval of `by`, whose share of each row is among `differences`, by Student's t.
fn interval_of_mean(differences: &[f64], by: f64) -> Option<(f64, f64)> {
    if !differences.iter().all(|difference| difference.is_finite()) {
        return None;
    }
    let stats = SummaryStats::of(differences)?;
    let error = stats.sd? / (stats.n as f64).sqrt();
    let half = t_quantile(1.0 - ALPHA / 2.0, (stats.n - 1) as f64) * error;
    Some((by - half, by + half))
}

/// The interval of a difference `by` of two mean losses on the same rows, that of giving every row the class `shares` less that of
/// the winner, by Student's t over rows; `None` unless there are finite losses of all `valid_rows`.
pub(super) fn paired_losses(
    shares: &[f64],
    losses: &[&RowLosses],
    valid_rows: u64,
    by: f64,
) -> Option<(f64, f64)> {
    let first = losses.first()?;
    if losses.iter().any(|of| of.len() as u64 != valid_rows) {
        return None;
    }
    let difference = |row: usize| {
        let (class, _) = first[row];
        let own: f64 = losses.iter().map(|of| of[row].1).sum();
        let by = log_loss(*shares.get(class as usize)?) - own / losses.len() as f64;
        by.is_finite().then_some(by)
    };
    let differences: Option<Vec<f64>> = (0..first.len()).map(difference).collect();
    interval_of_mean(&differences?, by)
}

/// Rows by `[actual][predicted]` class, the mean over `matrices`; `None` unless each of them is square and has all
/// `valid_rows`.
fn mean_cells(matrices: &[&Matrix], valid_rows: u64) -> Option<Vec<Vec<f64>>> {
    let classes = matrices.first()?.len();
    let is_sound = |matrix: &&Matrix| {
        matrix.len() == classes
            && matrix.iter().all(|row| row.len() == classes)
            && matrix.iter().flatten().sum::<u64>() == valid_rows
    };
    if valid_rows == 0 || !matrices.iter().all(is_sound) {
        return None;
    }
    let mean = |actual: usize, predicted: usize| {
        let rows: u64 = matrices
            .iter()
            .map(|matrix| matrix[actual][predicted])
            .sum();
        rows as f64 / matrices.len() as f64
    };
    let row = |actual: usize| {
        (0..classes)
            .map(|predicted| mean(actual, predicted))
            .collect()
    };
    Some((0..classes).map(row).collect())
}

/// The interval of the difference of two accuracies on the same rows, that of the model and that of naming `class` (Agresti
/// and Min, "Simple improved confidence intervals for comparing matched proportions", Statistics in Medicine 24, 2005: half
/// a row is added to each of the four cells).
fn paired_shares(cells: &[Vec<f64>], class: usize) -> (f64, f64) {
    let (mut rows, mut won, mut lost) = (2.0, 0.5, 0.5);
    for (actual, row) in cells.iter().enumerate() {
        let all: f64 = row.iter().sum();
        rows += all;
        match actual == class {
            true => lost += all - row[actual],
            false => won += row[actual],
        }
    }
    let by = (won - lost) / rows;
    let variance = ((won + lost) / rows - by * by) / rows;
    around(by, variance)
}

/// The interval of the difference of two macro F1, likewise, by the delta method: each row's share in the variance is how much
/// the difference changes with the weight of the row (Takahashi et al., "Confidence interval for micro-averaged F1 and
/// macro-averaged F1 scores", Applied Intelligence 52, 2022).
fn paired_f1(cells: &[Vec<f64>], class: usize) -> (f64, f64) {
    let classes = cells.len();
    let rows: f64 = cells.iter().flatten().sum();
    let actual: Vec<f64> = cells.iter().map(|row| row.iter().sum()).collect();
    let model = F1::of(
        &(0..classes).map(|of| cells[of][of]).collect::<Vec<f64>>(),
        &actual,
        &(0..classes)
            .map(|of| cells.iter().map(|row| row[of]).sum())
            .collect::<Vec<f64>>(),
    );
    let only = |value: f64| {
        let mut by_class = vec![0.0; classes];
        by_class[class] = value;
        by_class
    };
    let dummy = F1::of(&only(actual[class]), &actual, &only(rows));
    let (mut mean, mut square) = (0.0, 0.0);
    for (of, row) in cells.iter().enumerate() {
        for (named, rows_here) in row.iter().enumerate() {
            let change = rows * (model.change(of, named) - dummy.change(of, class));
            mean += change * rows_here / rows;
            square += change * change * rows_here / rows;
        }
    }
    around(model.mean() - dummy.mean(), (square - mean * mean) / rows)
}

/// F1 of each class that stands in the rows or is predicted.
struct F1 {
    /// Score, and rows that are of the class plus rows that are called so; `None` for classes that do not count.
    classes: Vec<Option<(f64, f64)>>,
    counted: f64,
}

impl F1 {
    fn of(right: &[f64], actual: &[f64], predicted: &[f64]) -> F1 {
        let one = |class: usize| {
            let size = actual[class] + predicted[class];
            (size > 0.0).then(|| (2.0 * right[class] / size, size))
        };
        let classes: Vec<Option<(f64, f64)>> = (0..right.len()).map(one).collect();
        F1 {
            counted: classes.iter().flatten().count() as f64,
            classes,
        }
    }

    fn mean(&self) -> f64 {
        let scores = self.classes.iter().flatten().map(|(score, _)| score);
        scores.sum::<f64>() / self.counted
    }

    /// How much the mean changes with the number of rows of class `actual` that are called `named`.
    fn change(&self, actual: usize, named: usize) -> f64 {
        let of = |class: usize, right: f64| {
            self.classes[class].map_or(0.0, |(score, size)| (right - score) / size)
        };
        let right = f64::from(actual == named);
        (of(actual, right) + of(named, right)) / self.counted
    }
}

/// 95% interval by the normal distribution.
fn around(by: f64, variance: f64) -> (f64, f64) {
    let half = normal_quantile(1.0 - ALPHA / 2.0) * variance.max(0.0).sqrt();
    (by - half, by + half)
}
