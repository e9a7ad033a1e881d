//! Scores of class predictions: accuracy, macro F1, log loss, confusion matrix.
//! Definitions are scikit-learn's (`accuracy_score`, `f1_score(average="macro", zero_division=0)`,
//! `log_loss`).

/// Counts of rows by (actual, predicted) class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confusion {
    classes: usize,
    counts: Vec<u64>,
}

impl Confusion {
    pub fn new(classes: usize) -> Confusion {
        Confusion {
            classes,
            counts: vec![0; classes * classes],
        }
    }

    pub fn clear(&mut self) {
        self.counts.fill(0);
    }

    pub fn add(&mut self, actual: usize, predicted: usize) {
        self.counts[actual * self.classes + predicted] += 1;
    }

    /// Share of rows predicted right; not a number without rows.
    pub fn accuracy(&self) -> f64 {
        let right: u64 = (0..self.classes).map(|class| self.at(class, class)).sum();
        right as f64 / self.counts.iter().sum::<u64>() as f64
    }

    /// Mean over classes of the F1 score. A class that neither stands in the rows nor is predicted
    /// does not count, as in scikit-learn when no labels are given.
    pub fn macro_f1(&self) -> f64 {
        let mut sum = 0.0;
        let mut present = 0;
        for class in 0..self.classes {
            let right = self.at(class, class);
            let actual: u64 = (0..self.classes).map(|other| self.at(class, other)).sum();
            let predicted: u64 = (0..self.classes).map(|other| self.at(other, class)).sum();
            if actual + predicted > 0 {
                present += 1;
                sum += 2.0 * right as f64 / (actual + predicted) as f64;
            }
        }
        sum / f64::from(present)
    }

    /// Row-major rows: `[actual][predicted]`.
    pub fn rows(&self) -> Vec<Vec<u64>> {
        self.counts
            .chunks(self.classes.max(1))
            .map(<[u64]>::to_vec)
            .collect()
    }

    fn at(&self, actual: usize, predicted: usize) -> u64 {
        self.counts[actual * self.classes + predicted]
    }
}

/// Index of the largest value, the first of several; what is not a number never wins.
pub fn argmax(values: &[f32]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] || values[best].is_nan() {
            best = index;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_those_of_scikit_learn() {
        // y_true = [0, 1, 2, 0, 1, 2, 2], y_pred = [0, 2, 1, 0, 1, 2, 2]:
        // accuracy_score 5/7, f1_score(average="macro") (1 + 1/2 + 2/3) / 3.
        let mut confusion = Confusion::new(3);
        for (actual, predicted) in [(0, 0), (1, 2), (2, 1), (0, 0), (1, 1), (2, 2), (2, 2)] {
            confusion.add(actual, predicted);
        }
        assert!((confusion.accuracy() - 5.0 / 7.0).abs() < 1e-12);
        assert!((confusion.macro_f1() - (1.0 + 0.5 + 2.0 / 3.0) / 3.0).abs() < 1e-12);
        assert_eq!(confusion.rows(), [[2, 0, 0], [0, 1, 1], [0, 1, 2]]);
    }

    #[test]
    fn argmax_takes_the_first_of_equals_and_never_a_nan() {
        assert_eq!(argmax(&[1.0, 3.0, 3.0]), 1);
        assert_eq!(argmax(&[f32::NAN, -1.0, f32::NAN]), 1);
    }
}
