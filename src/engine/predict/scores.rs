//! Scores of predictions for rows whose class their table tells.
//!
//! Invariant: every row of the table is counted once: as scored, or under the reason why it is not.

use sweep_core::trial::log_loss;
use sweep_data::Label;

use crate::score::Confusion;

/// How well the rows of a table were predicted, whose target it has.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetScores {
    /// The column of the target.
    pub target: String,
    /// Rows of a known class that have no prediction.
    pub without_prediction: u64,
    /// Rows without a class.
    pub missing: u64,
    /// Rows of a class that the model does not know.
    pub unknown: u64,
    /// The scored rows of each class.
    pub per_class: Vec<u64>,
    /// `None` where no row is scored.
    pub scores: Option<Scores>,
}

/// Definitions are scikit-learn's, as while training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scores {
    pub accuracy: f64,
    /// Mean log loss, nats.
    pub loss: f64,
    pub macro_f1: f64,
}

/// Counts rows as they are predicted.
pub(super) struct Scorer<'a> {
    target: &'a str,
    confusion: Confusion,
    loss: f64,
    without_prediction: u64,
    missing: u64,
    unknown: u64,
}

impl<'a> Scorer<'a> {
    /// Of rows whose class, one of `classes`, stands in the column `target`.
    pub fn new(target: &'a str, classes: usize) -> Scorer<'a> {
        Scorer {
            target,
            confusion: Confusion::new(classes),
            loss: 0.0,
            without_prediction: 0,
            missing: 0,
            unknown: 0,
        }
    }

    /// Takes in a row: its class, and its prediction if it has one: a class and the probability of each.
    pub fn add(&mut self, actual: Label, predicted: Option<(u32, &[f64])>) {
        match (actual, predicted) {
            (Label::Missing, _) => self.missing += 1,
            (Label::Unknown, _) => self.unknown += 1,
            (Label::Class(_), None) => self.without_prediction += 1,
            (Label::Class(class), Some((label, probabilities))) => {
                self.confusion.add(class as usize, label as usize);
                self.loss += log_loss(probabilities[class as usize]);
            }
        }
    }

    pub fn finish(self) -> TargetScores {
        let counts = self.confusion.rows();
        let per_class: Vec<u64> = counts.iter().map(|row| row.iter().sum()).collect();
        let rows = per_class.iter().sum::<u64>();
        let scores = Scores {
            accuracy: self.confusion.accuracy(),
            loss: self.loss / rows as f64,
            macro_f1: self.confusion.macro_f1(),
        };
        TargetScores {
            target: self.target.to_owned(),
            per_class,
            without_prediction: self.without_prediction,
            missing: self.missing,
            unknown: self.unknown,
            scores: (rows > 0).then_some(scores),
        }
    }
}

impl TargetScores {
    /// Rows that are scored.
    pub fn rows(&self) -> u64 {
        self.per_class.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_those_of_scikit_learn_and_every_row_is_counted_once() {
        let mut scorer = Scorer::new("y", 3);
        let rows = [
            (0, 0, [0.7, 0.2, 0.1]),
            (1, 1, [0.1, 0.8, 0.1]),
            (1, 0, [0.5, 0.25, 0.25]),
            (0, 2, [0.0, 0.0, 1.0]),
            (2, 2, [0.2, 0.2, 0.6]),
            (1, 1, [0.3, 0.4, 0.3]),
        ];
        for (actual, label, probabilities) in &rows {
            scorer.add(Label::Class(*actual), Some((*label, probabilities)));
        }
        scorer.add(Label::Class(2), None);
        scorer.add(Label::Missing, None);
        scorer.add(Label::Missing, Some((0, &[1.0, 0.0, 0.0])));
        scorer.add(Label::Unknown, Some((0, &[1.0, 0.0, 0.0])));
        let found = scorer.finish();
        assert_eq!(
            (
                found.rows(),
                found.without_prediction,
                found.missing,
                found.unknown
            ),
            (6, 1, 2, 1)
        );
        assert_eq!(found.per_class, [2, 3, 1]);
        // accuracy_score, log_loss, f1_score(average="macro") of scikit-learn 1.9.1.
        let scores = found.scores.unwrap();
        let near = |one: f64, other: f64| assert!((one - other).abs() < 1e-12, "{one} {other}");
        near(scores.accuracy, 4.0 / 6.0);
        near(scores.loss, 6.572_813_766_855_021);
        near(scores.macro_f1, 0.655_555_555_555_555_6);

        let mut none = Scorer::new("y", 3);
        none.add(Label::Unknown, Some((0, &[1.0, 0.0, 0.0])));
        assert_eq!(none.finish().scores, None);
    }
}
