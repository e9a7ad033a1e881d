//! One configuration, or two of them seed by seed and row by row: means, and the raw variances over units and seeds.

use super::input::Folds;
use super::spread::Part;
use super::units::Units;

/// The trials of one configuration.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Profile {
    pub is_deterministic: bool,
    pub trials: Vec<Trial>,
}

/// What one trial scored.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Trial {
    pub seed: u64,
    pub mean: f64,
    /// What each unit adds to the mean beyond its share [units].
    pub deviations: Vec<f64>,
}

/// A mean over rows and seeds: of one configuration, or of the difference of two.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Contrast {
    /// Mean of each seed; one where the seed changes nothing.
    pub values: Vec<f64>,
    pub mean: f64,
    /// Variance of the mean from the means of units over seeds; `None` below two units.
    pub rows: Option<Part>,
    /// What rows that change with the seed add to the variance of the mean of one seed; 0 below two seeds.
    pub overlap: f64,
    /// What the means of folds differ by beyond their rows; nothing without folds.
    pub folds: Part,
}

impl Profile {
    /// Of one configuration by itself.
    pub fn contrast(&self, units: &Units, folds: Option<&Folds>) -> Option<Contrast> {
        let pairs = self.trials.iter().map(|trial| (trial, None));
        Contrast::of(&pairs.collect::<Vec<_>>(), units, folds)
    }

    /// This one less `other`, on the seeds that both have; `None` where they share none.
    pub fn against(
        &self,
        other: &Profile,
        units: &Units,
        folds: Option<&Folds>,
    ) -> Option<Contrast> {
        // One whose seeds change nothing has a trial for every seed of the other.
        let lead = if self.is_deterministic { other } else { self };
        let seeds = lead.trials.iter().map(|trial| trial.seed);
        let pairs: Vec<(&Trial, Option<&Trial>)> = seeds
            .filter_map(|seed| Some((self.with(seed)?, Some(other.with(seed)?))))
            .collect();
        Contrast::of(&pairs, units, folds)
    }

    fn with(&self, seed: u64) -> Option<&Trial> {
        match self.is_deterministic {
            true => self.trials.first(),
            false => self.trials.iter().find(|trial| trial.seed == seed),
        }
    }
}

impl Contrast {
    /// Of the first of each pair, less the second where there is one.
    fn of(
        pairs: &[(&Trial, Option<&Trial>)],
        units: &Units,
        folds: Option<&Folds>,
    ) -> Option<Contrast> {
        if pairs.is_empty() {
            return None;
        }
        let (seeds, count) = (pairs.len() as f64, units.count());
        let values: Vec<f64> = (pairs.iter())
            .map(|(own, other)| own.mean - other.map_or(0.0, |other| other.mean))
            .collect();
        let mean = values.iter().sum::<f64>() / seeds;
        let mut averages = vec![0.0; count];
        let mut squares = 0.0;
        for (own, other) in pairs {
            for (unit, average) in averages.iter_mut().enumerate() {
                let taken_off = other.map_or(0.0, |other| other.deviations[unit]);
                let deviation = own.deviations[unit] - taken_off;
                *average += deviation / seeds;
                squares += deviation * deviation;
            }
        }
        let mut moments = [0.0; 2];
        for average in &averages {
            let square = average * average;
            moments[0] += square;
            moments[1] += square * square;
        }
        let unbiased = count as f64 / (count as f64 - 1.0);
        // What is left of rounding where no row changes with the seed is no variance.
        let within = squares - seeds * moments[0];
        let is_rounding = within <= 1e-12 * squares;
        let overlap = match pairs.len() > 1 && count > 1 && !is_rounding {
            true => within * unbiased / (seeds - 1.0),
            false => 0.0,
        };
        let rows = (count > 1).then(|| Part {
            variance: moments[0] * unbiased,
            degrees: degrees(moments, count),
        });
        let mut contrast = Contrast {
            values,
            mean,
            rows,
            overlap,
            folds: Part::NOTHING,
        };
        if let (Some(folds), Some(rows)) = (folds, rows) {
            contrast.correct_for_folds(pairs, rows, units, folds);
        }
        Some(contrast)
    }

    /// The models of the folds of a cross-validation were trained on overlapping rows, which variances within it do not show
    /// (Bengio and Grandvalet, "No unbiased estimator of the variance of k-fold cross-validation", Journal of Machine Learning
    /// Research 5, 2004). Nadeau and Bengio ("Inference for the generalization error", Machine Learning 52, 2003) add test rows
    /// over training rows to one over the number of models: 1/J + 1/(K−1). Here the part of that variance that comes from
    /// rows is known from single rows, with their degrees of freedom; what the means of folds differ by beyond, from the folds.
    fn correct_for_folds(
        &mut self,
        pairs: &[(&Trial, Option<&Trial>)],
        rows: Part,
        units: &Units,
        folds: &Folds,
    ) {
        let count = folds.count() as f64;
        if folds.count() < 2 {
            return;
        }
        let mut means = Vec::new();
        for (own, other) in pairs {
            means.extend(fold_means(own, *other, units, folds));
        }
        let models = means.len() as f64;
        let mean = means.iter().sum::<f64>() / models;
        let squares = means.iter().map(|value| (value - mean).powi(2));
        let found = squares.sum::<f64>() / (models - 1.0);
        let seeds = pairs.len() as f64;
        let of_rows = count * (rows.variance + self.overlap * (1.0 - 1.0 / seeds));
        self.folds = Part {
            variance: (found - of_rows).max(0.0) * (1.0 / models + 1.0 / (count - 1.0)),
            degrees: models - 1.0,
        };
        self.rows = Some(Part {
            variance: rows.variance * (1.0 + count / (count - 1.0)),
            ..rows
        });
    }
}

/// Mean difference within each fold that has rows.
fn fold_means(own: &Trial, other: Option<&Trial>, units: &Units, folds: &Folds) -> Vec<f64> {
    let all = units.row_count() as f64;
    let mean = own.mean - other.map_or(0.0, |other| other.mean);
    let mut sums = vec![(0.0, 0.0); folds.count()];
    for (unit, fold) in folds.with(own.seed).iter().enumerate() {
        let taken_off = other.map_or(0.0, |other| other.deviations[unit]);
        let (sum, rows) = &mut sums[usize::from(*fold)];
        *sum += (own.deviations[unit] - taken_off) * all;
        *rows += units.size(unit) as f64;
    }
    let sums = sums.into_iter().filter(|(_, rows)| *rows > 0.0);
    sums.map(|(sum, rows)| mean + sum / rows).collect()
}

/// Degrees of freedom of a variance over `count` units, of which the sums of squares and of fourth powers are `moments`.
///
/// A variance that a few units make up is known as badly as if there were only these: of two classifiers, the rows that one
/// of them gets right and the other wrong. With the kurtosis k these are n / (k − 2), which is n for a normal distribution and the
/// number of those rows for a few of many (of the variance of a variance: Cramér, "Mathematical methods of statistics", 1946, 27.4).
fn degrees([squares, fourths]: [f64; 2], count: usize) -> f64 {
    let most = (count - 1) as f64;
    if squares <= 0.0 {
        return most;
    }
    let kurtosis = count as f64 * fourths / (squares * squares);
    (count as f64 / (kurtosis - 2.0).max(1.0)).min(most)
}
