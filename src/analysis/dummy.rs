//! The zero line of every ranking: what models score that ignore their input, as scikit-learn's `DummyClassifier` does.
//!
//! Pure. The class or the shares that such a model predicts come from the training rows, its scores are those on the
//! validation rows. What a metric is compared with is chosen in one place, [`Dummy::score`]: another metric is an arm
//! below it and, where it predicts something else, a [`Strategy`].

use sweep_core::trial::models::Loss;
use sweep_core::trial::{Argument, Metric, MetricDef, Task, log_loss, metrics_of};

/// Rows of a data set by class, in the order of its classes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassCounts {
    pub train: Vec<u64>,
    pub valid: Vec<u64>,
}

/// What models that ignore their input score on the validation rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Dummy {
    pub valid_rows: u64,
    /// For each metric without an argument, as far as it has a zero line.
    pub scores: Vec<DummyScore>,
    /// One, or one for each fold of a cross-validation.
    targets: Vec<Target>,
}

/// What scores are computed from.
#[derive(Debug, Clone, PartialEq)]
enum Target {
    /// Names, and rows of each.
    Classes(Vec<String>, ClassCounts),
    /// Numbers of the training rows, ascending, and of the validation rows.
    Numbers { train: Vec<f64>, valid: Vec<f32> },
}

/// The score of one such model by one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct DummyScore {
    pub metric: Metric,
    pub strategy: Strategy,
    pub value: f64,
}

/// What is predicted for every row alike. Names are scikit-learn's.
#[derive(Debug, Clone, PartialEq)]
pub enum Strategy {
    /// The class most frequent among the training rows, the first of several: its place and its name.
    MostFrequent { class: usize, name: String },
    /// The shares of the classes among the training rows, as probabilities, in the order of the classes.
    Prior { shares: Vec<f64> },
    /// The mean of the training rows.
    Mean { value: f64 },
    /// Their median.
    Median { value: f64 },
    /// One of their quantiles.
    Quantile { quantile: f64, value: f64 },
}

impl Strategy {
    /// As scikit-learn calls it.
    pub fn name(&self) -> &'static str {
        match self {
            Strategy::MostFrequent { .. } => "most_frequent",
            Strategy::Prior { .. } => "prior",
            Strategy::Mean { .. } => "mean",
            Strategy::Median { .. } => "median",
            Strategy::Quantile { .. } => "quantile",
        }
    }

    /// The number that is predicted, if it is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Strategy::Mean { value }
            | Strategy::Median { value }
            | Strategy::Quantile { value, .. } => Some(*value),
            Strategy::MostFrequent { .. } | Strategy::Prior { .. } => None,
        }
    }

    /// The name of the class that is predicted, if it is one.
    pub fn class(&self) -> Option<&str> {
        match self {
            Strategy::MostFrequent { name, .. } => Some(name),
            Strategy::Prior { .. }
            | Strategy::Mean { .. }
            | Strategy::Median { .. }
            | Strategy::Quantile { .. } => None,
        }
    }
}

impl Dummy {
    /// Of a target with the classes called `names`; `None` without training or validation rows, and where `counts` are of
    /// another number of classes.
    pub fn of_classes(names: &[String], counts: &ClassCounts) -> Option<Dummy> {
        let (train, valid) = (&counts.train, &counts.valid);
        let (train_rows, valid_rows) = (train.iter().sum::<u64>(), valid.iter().sum::<u64>());
        let is_sound = [train, valid].iter().all(|of| of.len() == names.len());
        if !is_sound || train_rows == 0 || valid_rows == 0 {
            return None;
        }
        let mut dummy = Dummy {
            valid_rows,
            scores: Vec::new(),
            targets: vec![Target::Classes(names.to_vec(), counts.clone())],
        };
        dummy.scores = dummy.plain_scores(Task::Classification);
        Some(dummy)
    }

    /// Of a target of numbers; `None` without training or validation rows.
    pub fn of_numbers(train: &[f32], valid: &[f32]) -> Option<Dummy> {
        if train.is_empty() || valid.is_empty() {
            return None;
        }
        let mut sorted: Vec<f64> = train.iter().map(|number| f64::from(*number)).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let mut dummy = Dummy {
            valid_rows: valid.len() as u64,
            scores: Vec::new(),
            targets: vec![Target::Numbers {
                train: sorted,
                valid: valid.to_vec(),
            }],
        };
        dummy.scores = dummy.plain_scores(Task::Regression);
        Some(dummy)
    }

    /// Of a cross-validation whose `folds` have `valid_rows` different validation rows between them: scores are means
    /// over the folds, in each of which the strategy learns from its training rows. `None` without folds.
    pub fn of_folds(folds: Vec<Dummy>, valid_rows: u64) -> Option<Dummy> {
        let task = match folds.first()?.targets.first()? {
            Target::Classes(..) => Task::Classification,
            Target::Numbers { .. } => Task::Regression,
        };
        let mut dummy = Dummy {
            valid_rows,
            scores: Vec::new(),
            targets: folds.into_iter().flat_map(|fold| fold.targets).collect(),
        };
        dummy.scores = dummy.plain_scores(task);
        Some(dummy)
    }

    fn plain_scores(&self, task: Task) -> Vec<DummyScore> {
        let plain = metrics_of(task).filter(|metric| metric.argument == Argument::None);
        plain
            .filter_map(|metric| self.score(&metric.pattern()))
            .collect()
    }

    /// The score by `metric`, if that has a zero line; with the strategy of the first fold.
    pub fn score(&self, metric: &str) -> Option<DummyScore> {
        let (known, argument) = MetricDef::of(metric)?;
        let of = |target: &Target| match target {
            Target::Classes(names, counts) => of_classes(known.name, argument, names, counts),
            Target::Numbers { train, valid } => of_numbers(known.name, argument, train, valid),
        };
        let folds: Option<Vec<(Strategy, f64)>> = self.targets.iter().map(of).collect();
        let folds = folds?;
        let sum: f64 = folds.iter().map(|(_, value)| value).sum();
        let value = sum / folds.len() as f64;
        Some(DummyScore {
            metric: metric.to_owned(),
            strategy: folds.into_iter().next()?.0,
            value,
        })
    }
}

fn of_classes(
    metric: &str,
    argument: Option<&str>,
    names: &[String],
    counts: &ClassCounts,
) -> Option<(Strategy, f64)> {
    let class = first_of_largest(&counts.train);
    let train_rows = counts.train.iter().sum::<u64>() as f64;
    let shares: Vec<f64> = counts
        .train
        .iter()
        .map(|rows| *rows as f64 / train_rows)
        .collect();
    let constant = Constant {
        class,
        shares: &shares,
        valid: &counts.valid,
    };
    let most_frequent = || Strategy::MostFrequent {
        class,
        name: names[class].clone(),
    };
    if metric == "f1" {
        let own = names
            .iter()
            .position(|name| Some(name.as_str()) == argument)?;
        return Some((
            most_frequent(),
            if own == class { constant.f1() } else { 0.0 },
        ));
    }
    let k = argument.and_then(|k| k.parse().ok()).unwrap_or(0);
    let (is_prior, value) = constant.score(metric, k)?;
    let strategy = match is_prior {
        true => Strategy::Prior {
            shares: shares.clone(),
        },
        false => most_frequent(),
    };
    Some((strategy, value))
}

fn of_numbers(
    metric: &str,
    argument: Option<&str>,
    train: &[f64],
    valid: &[f32],
) -> Option<(Strategy, f64)> {
    let mean = train.iter().sum::<f64>() / train.len() as f64;
    let median = quantile(train, 0.5);
    let actual = || valid.iter().map(|number| f64::from(*number));
    let of = |constant: f64, loss: &dyn Fn(f64, f64) -> f64| {
        let each = actual().map(|actual| loss(actual, constant - actual));
        each.sum::<f64>() / valid.len() as f64
    };
    let square = |constant: f64| of(constant, &|_, error| error * error);
    let (by_mean, by_median) = (
        Strategy::Mean { value: mean },
        Strategy::Median { value: median },
    );
    Some(match metric {
        "rmse" => (by_mean, square(mean).sqrt()),
        "r2" => {
            let spread = square(actual().sum::<f64>() / valid.len() as f64);
            let r2 = if spread > 0.0 {
                1.0 - square(mean) / spread
            } else {
                0.0
            };
            (by_mean, r2)
        }
        "mae" => (by_median, of(median, &|_, error| error.abs())),
        "mape" => {
            let fraction = |actual: f64, error: f64| error.abs() / actual.abs().max(f64::EPSILON);
            (by_median, of(median, &fraction))
        }
        "median_ae" => {
            let mut sizes: Vec<f64> = actual().map(|actual| (actual - median).abs()).collect();
            sizes.sort_unstable_by(f64::total_cmp);
            (by_median, quantile(&sizes, 0.5))
        }
        "pinball" => {
            let share: f64 = argument?.parse().ok()?;
            let value = quantile(train, share);
            let loss = Loss::Quantile { quantile: share };
            let strategy = Strategy::Quantile {
                quantile: share,
                value,
            };
            (strategy, of(value, &|_, error| loss.of(error)))
        }
        _ => return None,
    })
}

/// What is measured, without the rows on which: `accuracy` of `valid/accuracy`.
pub(super) fn quantity(metric: &str) -> &str {
    metric.rsplit('/').next().unwrap_or(metric)
}

/// The value below which `share` of the `sorted` values lie, as `numpy.quantile` has it.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (below, above) = (
        sorted[place.floor() as usize],
        sorted[place.ceil() as usize],
    );
    below + (above - below) * place.fract()
}

/// What is predicted for rows of classes.
struct Constant<'a> {
    class: usize,
    shares: &'a [f64],
    valid: &'a [u64],
}

impl Constant<'_> {
    /// The score by the metric of this name, and whether it is that of the shares.
    fn score(&self, metric: &str, k: usize) -> Option<(bool, f64)> {
        let (class, valid) = (self.class, self.valid);
        let rows = valid.iter().sum::<u64>() as f64;
        let share = |place: usize| valid[place] as f64 / rows;
        let present = || valid.iter().filter(|rows| **rows > 0).count() as f64;
        Some(match metric {
            "accuracy" => (false, share(class)),
            "macro_f1" => (false, macro_f1(class, valid)),
            "weighted_f1" => (false, share(class) * self.f1()),
            "balanced_accuracy" => {
                let named = if valid[class] > 0 { 1.0 } else { 0.0 };
                (false, named / present())
            }
            "mcc" => (false, 0.0),
            "loss" | "calibrated_loss" => (true, cross_entropy(self.shares, valid)),
            "roc_auc" => (true, 0.5),
            "average_precision" => match valid.len() {
                2 => (true, share(1)),
                // Of each class that rows have its share, and their mean.
                _ => (true, 1.0 / present()),
            },
            "brier" => {
                let half = if valid.len() == 2 { 0.5 } else { 1.0 };
                let squares: f64 = self.shares.iter().map(|share| share * share).sum();
                let each = (0..valid.len())
                    .map(|own| share(own) * (squares + 1.0 - 2.0 * self.shares[own]));
                (true, half * each.sum::<f64>())
            }
            "ece" => (true, (self.shares[class] - share(class)).abs()),
            "top_k" => {
                let mut order: Vec<usize> = (0..valid.len()).collect();
                order.sort_by(|a, b| self.shares[*b].total_cmp(&self.shares[*a]));
                (true, order.iter().take(k).map(|place| share(*place)).sum())
            }
            _ => return None,
        })
    }

    /// The F1 score of the class that is named.
    fn f1(&self) -> f64 {
        let rows: u64 = self.valid.iter().sum();
        2.0 * self.valid[self.class] as f64 / (self.valid[self.class] + rows) as f64
    }
}

fn first_of_largest(counts: &[u64]) -> usize {
    let largest = counts.iter().max();
    let place = counts.iter().position(|count| Some(count) == largest);
    place.unwrap_or(0)
}

/// Macro F1 of naming `class` for rows of `valid` by class. Classes that neither stand in the rows nor are named do not count,
/// as in the scores of models.
fn macro_f1(class: usize, valid: &[u64]) -> f64 {
    let rows: u64 = valid.iter().sum();
    let right = valid[class];
    let classes = (valid.iter().enumerate()).filter(|(place, rows)| *place == class || **rows > 0);
    2.0 * right as f64 / (right + rows) as f64 / classes.count() as f64
}

/// Mean cross-entropy in nats of the class `shares` on rows of `valid`.
fn cross_entropy(shares: &[f64], valid: &[u64]) -> f64 {
    let rows: u64 = valid.iter().sum();
    let each = shares.iter().zip(valid).filter(|(_, rows)| **rows > 0);
    let sum: f64 = each
        .map(|(share, rows)| log_loss(*share) * *rows as f64)
        .sum();
    sum / rows as f64
}

#[cfg(test)]
mod tests;
