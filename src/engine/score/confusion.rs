//! Counts of rows by actual and predicted class, and the scores that they tell.
//!
//! Definitions are scikit-learn's: `accuracy_score`, `balanced_accuracy_score`, `matthews_corrcoef`, and `f1_score` with
//! `average="macro"`, `"weighted"` or of one class, and `zero_division=0`.

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
        self.add_times(actual, predicted, 1);
    }

    /// Adds a row that counts so often.
    pub fn add_times(&mut self, actual: usize, predicted: usize, times: u32) {
        self.counts[actual * self.classes + predicted] += u64::from(times);
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
            let (actual, predicted) = (self.actual(class), self.predicted(class));
            if actual + predicted > 0 {
                present += 1;
                sum += 2.0 * right as f64 / (actual + predicted) as f64;
            }
        }
        sum / f64::from(present)
    }

    /// Mean over classes of the F1 score, weighted by how many rows each class has.
    pub fn weighted_f1(&self) -> f64 {
        let each = (0..self.classes).map(|class| self.actual(class) as f64 * self.f1(class));
        each.sum::<f64>() / self.rows_in_all() as f64
    }

    /// The F1 score of a class; 0 where it neither stands in the rows nor is predicted.
    pub fn f1(&self, class: usize) -> f64 {
        match self.actual(class) + self.predicted(class) {
            0 => 0.0,
            both => 2.0 * self.at(class, class) as f64 / both as f64,
        }
    }

    /// Mean over the classes that stand in the rows of the fraction of their rows predicted right.
    pub fn balanced_accuracy(&self) -> f64 {
        let present = (0..self.classes).filter(|class| self.actual(*class) > 0);
        let recalls: Vec<f64> = present
            .map(|class| self.at(class, class) as f64 / self.actual(class) as f64)
            .collect();
        recalls.iter().sum::<f64>() / recalls.len() as f64
    }

    /// Matthews correlation coefficient of several classes (Gorodkin 2004); 0 where all rows are of one class or predicted
    /// as one.
    pub fn mcc(&self) -> f64 {
        let rows = self.rows_in_all() as f64;
        let right: f64 = (0..self.classes)
            .map(|class| self.at(class, class) as f64)
            .sum();
        let (mut both, mut actual, mut predicted) = (0.0, 0.0, 0.0);
        for class in 0..self.classes {
            let (own, named) = (self.actual(class) as f64, self.predicted(class) as f64);
            both += own * named;
            actual += own * own;
            predicted += named * named;
        }
        let spread = (rows * rows - actual) * (rows * rows - predicted);
        match spread > 0.0 {
            true => (right * rows - both) / spread.sqrt(),
            false => 0.0,
        }
    }

    fn rows_in_all(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn actual(&self, class: usize) -> u64 {
        (0..self.classes).map(|other| self.at(class, other)).sum()
    }

    fn predicted(&self, class: usize) -> u64 {
        (0..self.classes).map(|other| self.at(other, class)).sum()
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
