//! Scores of predictions for rows whose target their table tells.
//!
//! Invariant: every row of the table is counted once: as scored, or under the reason why it is not.

use sweep_core::trial::log_loss;
use sweep_data::Label;

use crate::score::{Confusion, Errors};

/// How well the rows of a table were predicted, whose target it has.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetScores {
    /// The column of the target.
    pub target: String,
    /// Rows of a known class, or with a number, that have no prediction.
    pub without_prediction: u64,
    /// Rows without a class or number.
    pub missing: u64,
    /// Rows of a class that the model does not know, or with no number.
    pub unknown: u64,
    /// Rows that are scored.
    pub rows: u64,
    /// The scored rows of each class; none where numbers are predicted.
    pub per_class: Vec<u64>,
    /// `None` where no row is scored.
    pub scores: Option<Scores>,
}

/// Definitions are scikit-learn's, as while training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scores {
    Classes {
        accuracy: f64,
        /// Mean log loss, nats.
        loss: f64,
        macro_f1: f64,
    },
    /// In units of the target, but for `r2`.
    Numbers { rmse: f64, mae: f64, r2: f64 },
}

impl Scores {
    /// Each by its name.
    pub fn named(&self) -> [(&'static str, f64); 3] {
        match *self {
            Scores::Classes {
                accuracy,
                loss,
                macro_f1,
            } => [
                ("accuracy", accuracy),
                ("loss", loss),
                ("macro_f1", macro_f1),
            ],
            Scores::Numbers { rmse, mae, r2 } => [("rmse", rmse), ("mae", mae), ("r2", r2)],
        }
    }
}

/// The prediction of a row.
#[derive(Debug, Clone, Copy)]
pub(super) enum RowPrediction<'a> {
    /// A class, and the probability of each.
    Class(u32, &'a [f64]),
    Number(f64),
}

/// Counts rows as they are predicted.
pub(super) struct Scorer<'a> {
    target: &'a str,
    confusion: Confusion,
    loss: f64,
    errors: Errors,
    without_prediction: u64,
    missing: u64,
    unknown: u64,
}

impl<'a> Scorer<'a> {
    /// Of rows whose class, one of `classes`, or number, stands in the column `target`.
    pub fn new(target: &'a str, classes: usize) -> Scorer<'a> {
        Scorer {
            target,
            confusion: Confusion::new(classes),
            loss: 0.0,
            errors: Errors::default(),
            without_prediction: 0,
            missing: 0,
            unknown: 0,
        }
    }

    /// Takes in a row: its target, and its prediction if it has one.
    pub fn add(&mut self, actual: Label, predicted: Option<RowPrediction<'_>>) {
        match (actual, predicted) {
            (Label::Missing, _) => self.missing += 1,
            (Label::Unknown, _) => self.unknown += 1,
            (Label::Class(_) | Label::Number(_), None) => self.without_prediction += 1,
            (Label::Class(class), Some(RowPrediction::Class(label, probabilities))) => {
                self.confusion.add(class as usize, label as usize);
                self.loss += log_loss(probabilities[class as usize]);
            }
            (Label::Number(number), Some(RowPrediction::Number(predicted))) => {
                self.errors.add(f64::from(number), predicted);
            }
            (Label::Class(_), Some(RowPrediction::Number(_)))
            | (Label::Number(_), Some(RowPrediction::Class(..))) => {
                unreachable!("target and predictions are of one task")
            }
        }
    }

    pub fn finish(self) -> TargetScores {
        let counts = self.confusion.rows();
        let per_class: Vec<u64> = counts.iter().map(|row| row.iter().sum()).collect();
        let of_classes = per_class.iter().sum::<u64>();
        let of_numbers = self.errors.rows() as u64;
        let scores = match (of_classes, of_numbers) {
            (0, 0) => None,
            (0, _) => Some(Scores::Numbers {
                rmse: self.errors.rmse(),
                mae: self.errors.mae(),
                r2: self.errors.r2(),
            }),
            (rows, _) => Some(Scores::Classes {
                accuracy: self.confusion.accuracy(),
                loss: self.loss / rows as f64,
                macro_f1: self.confusion.macro_f1(),
            }),
        };
        TargetScores {
            target: self.target.to_owned(),
            rows: of_classes + of_numbers,
            per_class,
            without_prediction: self.without_prediction,
            missing: self.missing,
            unknown: self.unknown,
            scores,
        }
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
            scorer.add(
                Label::Class(*actual),
                Some(RowPrediction::Class(*label, probabilities)),
            );
        }
        scorer.add(Label::Class(2), None);
        scorer.add(Label::Missing, None);
        scorer.add(
            Label::Missing,
            Some(RowPrediction::Class(0, &[1.0, 0.0, 0.0])),
        );
        scorer.add(
            Label::Unknown,
            Some(RowPrediction::Class(0, &[1.0, 0.0, 0.0])),
        );
        let found = scorer.finish();
        assert_eq!(
            (
                found.rows,
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
        let [(_, accuracy), (_, loss), (_, macro_f1)] = scores.named();
        near(accuracy, 4.0 / 6.0);
        near(loss, 6.572_813_766_855_021);
        near(macro_f1, 0.655_555_555_555_555_6);

        let mut none = Scorer::new("y", 3);
        none.add(
            Label::Unknown,
            Some(RowPrediction::Class(0, &[1.0, 0.0, 0.0])),
        );
        assert_eq!(none.finish().scores, None);
    }
}
