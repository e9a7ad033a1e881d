//! Scores of predicted numbers, as scikit-learn's `mean_squared_error`, `mean_absolute_error`, `r2_score`,
//! `mean_absolute_percentage_error`, `median_absolute_error` and `mean_pinball_loss`.

use sweep_core::trial::models::Loss;

/// Predicted and true numbers of rows, in units of the target.
#[derive(Debug, Clone, Default)]
pub struct Errors {
    actual: Vec<f64>,
    predicted: Vec<f64>,
    /// How often each row counts.
    times: Vec<u32>,
    all: f64,
}

impl Errors {
    pub fn new(rows: usize) -> Errors {
        Errors {
            actual: Vec::with_capacity(rows),
            predicted: Vec::with_capacity(rows),
            times: Vec::with_capacity(rows),
            all: 0.0,
        }
    }

    pub fn add(&mut self, actual: f64, predicted: f64) {
        self.add_times(actual, predicted, 1);
    }

    /// Adds a row that counts so often.
    pub fn add_times(&mut self, actual: f64, predicted: f64, times: u32) {
        self.actual.push(actual);
        self.predicted.push(predicted);
        self.times.push(times);
        self.all += f64::from(times);
    }

    pub fn rows(&self) -> usize {
        self.actual.len()
    }

    /// Root of the mean squared error.
    pub fn rmse(&self) -> f64 {
        self.mean(|_, error| error * error).sqrt()
    }

    /// Mean absolute error.
    pub fn mae(&self) -> f64 {
        self.mean(|_, error| error.abs())
    }

    /// Mean absolute error as a fraction of the target, which counts as at least the machine epsilon.
    pub fn mape(&self) -> f64 {
        self.mean(|actual, error| error.abs() / actual.abs().max(f64::EPSILON))
    }

    /// The middle one of the absolute errors, or the mean of the two in the middle.
    pub fn median_ae(&self) -> f64 {
        let rows = self.rows_with_times();
        let mut sizes: Vec<(f64, f64)> =
            rows.map(|(_, error, times)| (error.abs(), times)).collect();
        sizes.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        // Of the row at which so many have been passed.
        let at = |place: f64| {
            let mut passed = 0.0;
            let found = sizes.iter().find(|(_, times)| {
                passed += times;
                passed > place
            });
            found.map_or(f64::NAN, |(size, _)| *size)
        };
        let half = self.all / 2.0;
        match half.fract() > 0.0 {
            true => at(half.floor()),
            false => f64::midpoint(at(half - 1.0), at(half)),
        }
    }

    /// Coefficient of determination; of a constant target 1 for no error and else 0.
    pub fn r2(&self) -> f64 {
        let mean = self.mean(|actual, _| actual);
        let total = self.mean(|actual, _| (actual - mean) * (actual - mean));
        let left = self.mean(|_, error| error * error);
        match (total > 0.0, left > 0.0) {
            (true, _) => 1.0 - left / total,
            (false, true) => 0.0,
            (false, false) => 1.0,
        }
    }

    /// Mean pinball loss of `quantile`.
    pub fn pinball(&self, quantile: f64) -> f64 {
        self.mean(|_, error| Loss::Quantile { quantile }.of(error))
    }

    /// Mean over rows of a function of the number and of the error of its prediction.
    pub fn mean(&self, of: impl Fn(f64, f64) -> f64) -> f64 {
        let rows = self.rows_with_times();
        let sum: f64 = rows
            .map(|(actual, error, times)| times * of(actual, error))
            .sum();
        sum / self.all
    }

    fn rows_with_times(&self) -> impl Iterator<Item = (f64, f64, f64)> + '_ {
        let rows = self.actual.iter().zip(&self.predicted).zip(&self.times);
        rows.map(|((actual, predicted), times)| (*actual, predicted - actual, f64::from(*times)))
    }
}
