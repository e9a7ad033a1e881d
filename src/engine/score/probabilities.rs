//! Scores of predicted probabilities, as scikit-learn's `roc_auc_score` and `average_precision_score` (of several classes
//! each against the rest, and their mean), `brier_score_loss`, `top_k_accuracy_score`; and the expected calibration error
//! (Guo et al., "On calibration of modern neural networks", 2017).

use sweep_core::trial::log_loss;

/// Bins of the calibration error, of equal width.
const BINS: usize = 15;

/// Probabilities of classes, and the classes that rows have.
#[derive(Debug, Clone, Copy)]
pub struct Probabilities<'a> {
    /// Row-major [rows, classes].
    pub values: &'a [f64],
    /// [rows].
    pub labels: &'a [u32],
    /// How often each row counts [rows]; `None` is once.
    pub times: Option<&'a [u32]>,
    pub classes: usize,
}

impl Probabilities<'_> {
    /// Area under the ROC curve; `None` where rows have one class alone.
    pub fn roc_auc(self) -> Option<f64> {
        self.over_classes(roc_auc)
    }

    /// Average precision; `None` where rows have one class alone.
    pub fn average_precision(self) -> Option<f64> {
        self.over_classes(average_precision)
    }

    /// Mean over rows of the squared error, summed over classes; half of it for two classes.
    pub fn brier(self) -> f64 {
        let half = if self.classes == 2 { 0.5 } else { 1.0 };
        half * self.mean(|row, label| {
            let errors = row.iter().enumerate().map(|(class, value)| {
                let wanted = if class == label { 1.0 } else { 0.0 };
                (value - wanted) * (value - wanted)
            });
            errors.sum()
        })
    }

    /// Fraction of rows whose class is among the `k` most probable; of equal ones the first count as more probable.
    pub fn top_k(self, k: usize) -> f64 {
        self.mean(|row, label| {
            let own = row[label];
            let is_before = |(class, value): &(usize, &f64)| {
                **value > own || (**value == own && *class < label)
            };
            let before = row.iter().enumerate().filter(is_before).count();
            if before < k { 1.0 } else { 0.0 }
        })
    }

    /// Mean log loss.
    pub fn log_loss(self) -> f64 {
        self.mean(|row, label| log_loss(row[label]))
    }

    /// Mean distance between the probability of the predicted class and how often it is right, over bins.
    pub fn ece(self) -> f64 {
        let mut bins = [(0.0, 0.0); BINS];
        for (row, label, times) in self.rows() {
            let predicted = super::argmax(row);
            let claim = row[predicted];
            let place = ((claim * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
            bins[place].0 += times * claim;
            bins[place].1 += if predicted == label { times } else { 0.0 };
        }
        let distances = bins
            .iter()
            .map(|(claimed, right): &(f64, f64)| (claimed - right).abs());
        distances.sum::<f64>() / self.all()
    }

    /// Each with its class, and how often it counts.
    fn rows(&self) -> impl Iterator<Item = (&[f64], usize, f64)> {
        let rows = self.values.chunks_exact(self.classes).zip(self.labels);
        let times = |place: usize| self.times.map_or(1.0, |times| f64::from(times[place]));
        let rows = rows.enumerate();
        rows.map(move |(place, (row, label))| (row, *label as usize, times(place)))
    }

    fn all(&self) -> f64 {
        self.rows().map(|(_, _, times)| times).sum()
    }

    fn mean(&self, of: impl Fn(&[f64], usize) -> f64) -> f64 {
        let sum: f64 = self
            .rows()
            .map(|(row, label, times)| times * of(row, label))
            .sum();
        sum / self.all()
    }

    /// Of two classes the score of the second one; of more the mean over those that some rows have and others have not.
    fn over_classes(self, score: fn(&mut [Scored]) -> f64) -> Option<f64> {
        let first = if self.classes == 2 { 1 } else { 0 };
        let mut scores = Vec::with_capacity(self.classes);
        for class in first..self.classes {
            let rows = self.rows().filter(|(_, _, times)| *times > 0.0);
            let scored = rows.map(|(row, label, times)| match label == class {
                true => (row[class], times, 0.0),
                false => (row[class], 0.0, times),
            });
            let mut scored: Vec<Scored> = scored.collect();
            let has = |side: fn(&Scored) -> f64| scored.iter().any(|row| side(row) > 0.0);
            if has(|row| row.1) && has(|row| row.2) {
                scores.push(score(&mut scored));
            }
        }
        (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64)
    }
}

/// The score of a row, and how often it counts as a positive and as a negative one.
type Scored = (f64, f64, f64);

/// Fraction of pairs of a positive and a negative row in which the positive one has the higher score; equal ones count half.
fn roc_auc(rows: &mut [Scored]) -> f64 {
    rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (mut positives, mut negatives, mut wins) = (0.0, 0.0, 0.0);
    for same in rows.chunk_by(|a, b| a.0 == b.0) {
        let positive: f64 = same.iter().map(|row| row.1).sum();
        let negative: f64 = same.iter().map(|row| row.2).sum();
        wins += positive * (negatives + 0.5 * negative);
        positives += positive;
        negatives += negative;
    }
    wins / (positives * negatives)
}

/// Mean over positive rows of the precision at their score.
fn average_precision(rows: &mut [Scored]) -> f64 {
    rows.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let (mut seen, mut hits, mut sum) = (0.0, 0.0, 0.0);
    for same in rows.chunk_by(|a, b| a.0 == b.0) {
        let positive: f64 = same.iter().map(|row| row.1).sum();
        seen += positive + same.iter().map(|row| row.2).sum::<f64>();
        hits += positive;
        sum += positive * hits / seen;
    }
    sum / hits
}
