//! How far the winner is from the zero line, and how well that is known: over other validation rows, and over seeds.
//!
//! Pure. Rows are compared in pairs: model and zero line are scored on the same ones, so that a row which both get right, or
//! both wrong, says nothing about their difference.

use super::distributions::{ALPHA, normal_quantile, t_quantile};
use super::dummy::{Dummy, DummyScore, Strategy, quantity};
use super::summary_stats::SummaryStats;
use sweep_core::trial::models::Loss;
use sweep_core::trial::{Goal, MetricDef, log_loss};

/// Rows by `[actual][predicted]` class.
pub type Matrix = Vec<Vec<u64>>;

/// Class and loss of each validation row, in the order of the data set.
pub type RowLosses = Vec<(u32, f64)>;

/// Target and prediction of each validation row, in the order of the data set.
pub type RowNumbers = Vec<(f64, f64)>;

/// What the seeds of the winner predicted on the validation rows, as far as it is known.
#[derive(Debug, Clone, Default)]
pub struct Predicted<'a> {
    /// Of every seed, or empty.
    pub matrices: Vec<&'a Matrix>,
    /// Of one seed at least, or empty.
    pub losses: Vec<&'a RowLosses>,
    /// Of one seed at least, or empty: where numbers are predicted.
    pub numbers: Vec<&'a RowNumbers>,
}

/// The zero line of a ranking, by its objective.
#[derive(Debug, Clone, PartialEq)]
pub struct ZeroLine {
    pub score: DummyScore,
    /// The scores by every metric.
    pub dummy: Dummy,
    /// Of the winner; `None` while nothing is ranked.
    pub lead: Option<Lead>,
}

/// The winner's mean less the score of the zero line, positive where the winner is better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lead {
    pub by: f64,
    /// 95% interval of `by` on other validation rows of the same kind; `None` where the predictions of the winner are not known.
    pub over_rows: Option<(f64, f64)>,
    /// 95% interval of `by` with other seeds; `None` below two seeds, and where the seed changes nothing.
    pub over_seeds: Option<(f64, f64)>,
}

/// Whether the winner is above the zero line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeadVerdict {
    /// The interval over rows does not reach the zero line, nor that over seeds if it is known.
    Clear,
    /// Above, but nothing is known about other rows.
    Above,
    /// Above, but the interval over rows reaches the zero line.
    UnclearOverRows,
    /// Above, and only the interval over seeds reaches the zero line.
    UnclearOverSeeds,
    /// Equal or worse.
    NotAbove,
}

impl LeadVerdict {
    /// Whether the winner is not above the zero line, as far as that is known.
    pub fn is_warned(self) -> bool {
        !matches!(self, LeadVerdict::Clear | LeadVerdict::Above)
    }

    pub fn name(self) -> &'static str {
        match self {
            LeadVerdict::Clear => "clear",
            LeadVerdict::Above => "above",
            LeadVerdict::UnclearOverRows => "unclear_over_rows",
            LeadVerdict::UnclearOverSeeds => "unclear_over_seeds",
            LeadVerdict::NotAbove => "not_above",
        }
    }
}

impl Lead {
    /// Of a winner with this `mean`, `interval` over seeds, and what was `predicted` on the validation rows.
    pub fn of(
        score: &DummyScore,
        goal: Goal,
        (mean, interval): (f64, Option<(f64, f64)>),
        predicted: &Predicted<'_>,
        valid_rows: u64,
    ) -> Lead {
        let sign = match goal.is_better(1.0, 0.0) {
            true => 1.0,
            false => -1.0,
        };
        let turned = |value: f64| sign * (value - score.value);
        Lead {
            by: turned(mean),
            over_rows: match &score.strategy {
                Strategy::MostFrequent { class, .. } => {
                    of_matrices(&score.metric, *class, &predicted.matrices, valid_rows)
                }
                Strategy::Prior { shares } => {
                    paired_losses(shares, &predicted.losses, valid_rows, turned(mean))
                }
                Strategy::Mean { value }
                | Strategy::Median { value }
                | Strategy::Quantile { value, .. } => paired_errors(
                    &score.metric,
                    *value,
                    &predicted.numbers,
                    valid_rows,
                    turned(mean),
                ),
            },
            over_seeds: interval.map(|(low, high)| match goal.is_better(1.0, 0.0) {
                true => (turned(low), turned(high)),
                false => (turned(high), turned(low)),
            }),
        }
    }

    pub fn verdict(&self) -> LeadVerdict {
        // Two means of the same rows differ by rounding.
        const ROUNDING: f64 = 1e-12;
        let reaches = |interval: Option<(f64, f64)>| interval.is_some_and(|(low, _)| low <= 0.0);
        match self.by {
            by if by.is_nan() || by <= ROUNDING => LeadVerdict::NotAbove,
            _ if reaches(self.over_rows) => LeadVerdict::UnclearOverRows,
            _ if reaches(self.over_seeds) => LeadVerdict::UnclearOverSeeds,
            _ if self.over_rows.is_none() => LeadVerdict::Above,
            _ => LeadVerdict::Clear,
        }
    }
}

/// The interval of the difference from naming `class` on other rows, from what the seeds predicted on average.
fn of_matrices(
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
fn paired_errors(
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
fn paired_losses(
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

#[cfg(test)]
mod tests {
    use super::super::dummy::ClassCounts;
    use super::*;

    fn score(metric: &str, train: &[u64], valid: &[u64]) -> DummyScore {
        let names: Vec<String> = (0..train.len()).map(|class| class.to_string()).collect();
        let counts = ClassCounts {
            train: train.to_vec(),
            valid: valid.to_vec(),
        };
        let dummy = Dummy::of_classes(&names, &counts).unwrap();
        dummy.score(metric).unwrap().clone()
    }

    fn predicted<'a>(matrices: &[&'a Matrix]) -> Predicted<'a> {
        Predicted {
            matrices: matrices.to_vec(),
            losses: Vec::new(),
            numbers: Vec::new(),
        }
    }

    fn lead(metric: &str, mean: f64, matrix: Matrix) -> Lead {
        let valid: Vec<u64> = matrix.iter().map(|row| row.iter().sum()).collect();
        let zero = score(metric, &valid, &valid);
        let rows = valid.iter().sum();
        Lead::of(&zero, Goal::Max, (mean, None), &predicted(&[&matrix]), rows)
    }

    fn close(found: (f64, f64), expected: (f64, f64)) {
        let gap = (found.0 - expected.0)
            .abs()
            .max((found.1 - expected.1).abs());
        assert!(gap < 5e-4, "{found:?} {expected:?}");
    }

    #[test]
    fn one_row_more_of_forty_is_not_clearly_above() {
        // By hand: won 1.5, lost 0.5 of 42: 1/42 ± 1.96 sqrt((2/42 - 1/42²) / 42).
        let one = lead("valid/accuracy", 0.875, vec![vec![34, 0], vec![5, 1]]);
        assert!((one.by - 0.025).abs() < 1e-12);
        close(one.over_rows.unwrap(), (-0.0418, 0.0894));
        assert_eq!(one.verdict(), LeadVerdict::UnclearOverRows);
        // All six of the smaller class, without one of the larger.
        let all = lead("valid/accuracy", 1.0, vec![vec![34, 0], vec![0, 6]]);
        assert_eq!(all.verdict(), LeadVerdict::Clear);
    }

    #[test]
    fn rows_that_both_get_right_say_nothing_and_those_that_they_trade_do() {
        // A lead of 20 in 1,000 rows, won 30 to 10 or 460 to 440.
        let few = lead("valid/accuracy", 0.87, vec![vec![840, 10], vec![120, 30]]);
        assert_eq!(few.verdict(), LeadVerdict::Clear);
        let many = lead("valid/accuracy", 0.52, vec![vec![60, 440], vec![40, 460]]);
        assert_eq!(many.verdict(), LeadVerdict::UnclearOverRows);
    }

    #[test]
    fn what_equals_the_zero_line_or_is_below_it_is_not_above() {
        let equal = lead("valid/accuracy", 0.85, vec![vec![34, 0], vec![6, 0]]);
        assert_eq!((equal.by, equal.verdict()), (0.0, LeadVerdict::NotAbove));
        let below = lead("valid/accuracy", 0.825, vec![vec![33, 1], vec![6, 0]]);
        assert!((below.by + 0.025).abs() < 1e-12);
        assert_eq!(below.verdict(), LeadVerdict::NotAbove);
    }

    #[test]
    fn a_loss_is_better_when_it_is_lower() {
        let zero = score("valid/loss", &[85, 15], &[34, 6]);
        let none = Predicted::default();
        let of = |mean: f64, interval| Lead::of(&zero, Goal::Min, (mean, interval), &none, 40);
        let better = of(0.40, Some((0.39, 0.41)));
        assert!((better.by - (zero.value - 0.40)).abs() < 1e-12);
        let (low, high) = better.over_seeds.unwrap();
        assert!((low - (zero.value - 0.41)).abs() < 1e-12 && high > low);
        // Nothing is known about other rows.
        assert_eq!(
            (better.over_rows, better.verdict()),
            (None, LeadVerdict::Above)
        );
        let wide = of(0.40, Some((0.30, 0.50)));
        assert_eq!(wide.verdict(), LeadVerdict::UnclearOverSeeds);
        assert_eq!(of(0.45, None).verdict(), LeadVerdict::NotAbove);
        assert_eq!(of(f64::NAN, None).verdict(), LeadVerdict::NotAbove);
    }

    #[test]
    fn losses_are_compared_row_by_row() {
        // Shares 1/2 and 1/2, so that every row costs ln 2; differences 0.1, 0.2, 0.3, 0.2: sd 0.0816497, t 3.182446.
        let zero = score("valid/loss", &[5, 5], &[2, 2]);
        let ln_2 = std::f64::consts::LN_2;
        let rows = |by: [f64; 4]| -> RowLosses {
            let classes = [0, 1, 0, 1];
            classes.into_iter().zip(by.map(|by| ln_2 - by)).collect()
        };
        let (one, other) = (rows([0.0, 0.1, 0.2, 0.4]), rows([0.2, 0.3, 0.4, 0.0]));
        let of = |losses: &[&RowLosses], rows| {
            let predicted = Predicted {
                losses: losses.to_vec(),
                ..Predicted::default()
            };
            Lead::of(&zero, Goal::Min, (ln_2 - 0.2, None), &predicted, rows)
        };
        // By hand: 0.2 ± 3.182446 * 0.0816497 / 2.
        let both = of(&[&one, &other], 4);
        close(both.over_rows.unwrap(), (0.0701, 0.3299));
        assert_eq!(both.verdict(), LeadVerdict::Clear);
        let alone = of(&[&other], 4);
        assert_eq!(alone.verdict(), LeadVerdict::UnclearOverRows);
        for (losses, rows) in [(&[][..], 4), (&[&one][..], 5)] {
            assert_eq!(of(losses, rows).verdict(), LeadVerdict::Above);
        }
        let unknown = vec![(0, f64::NAN); 4];
        assert_eq!(of(&[&unknown], 4).over_rows, None);
        let foreign = vec![(7, 0.1); 4];
        assert_eq!(of(&[&foreign], 4).over_rows, None);
    }

    /// The standard error agrees with a bootstrap of 200,000 resamples of the rows (numpy, seed 1), 0.0262.
    #[test]
    fn the_interval_of_macro_f1_is_that_of_resampled_rows() {
        let matrix = vec![vec![300, 20, 10], vec![30, 60, 5], vec![25, 10, 40]];
        let model: f64 = (600.0 / 685.0 + 120.0 / 185.0 + 80.0 / 130.0) / 3.0;
        let one = lead("valid/macro_f1", model, matrix);
        let (low, high) = one.over_rows.unwrap();
        assert!(((low + high) / 2.0 - one.by).abs() < 1e-12, "{low} {high}");
        let error = (high - low) / 2.0 / 1.959_964;
        assert!((error - 0.026_194).abs() < 3e-4, "{error}");
    }

    #[test]
    fn one_row_more_is_not_clearly_above_in_macro_f1_either() {
        let f1 = (68.0 / 73.0 + 2.0 / 7.0) / 2.0;
        let one = lead("valid/macro_f1", f1, vec![vec![34, 0], vec![5, 1]]);
        assert!(one.by > 0.1);
        assert_eq!(one.verdict(), LeadVerdict::UnclearOverRows);
    }

    #[test]
    fn predictions_that_are_not_of_these_rows_give_no_interval() {
        let zero = score("valid/accuracy", &[85, 15], &[34, 6]);
        let of = |matrices: &[&Matrix], rows| {
            Lead::of(&zero, Goal::Max, (0.875, None), &predicted(matrices), rows).over_rows
        };
        let whole = vec![vec![34, 0], vec![5, 1]];
        let other = vec![vec![3, 0], vec![1, 1]];
        assert!(of(&[&whole, &whole], 40).is_some());
        for (matrices, rows) in [
            (&[][..], 40),
            (&[&whole][..], 41),
            (&[&whole, &other][..], 40),
            (&[&vec![]][..], 40),
        ] {
            assert!(of(matrices, rows).is_none(), "{matrices:?}");
        }
    }
}
