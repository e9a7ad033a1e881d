//! How far the winner is from the zero line, and how well that is known: over other validation rows, and over seeds.
//!
//! Pure. Rows are compared in pairs: model and zero line are scored on the same ones, so that a row which both get right, or
//! both wrong, says nothing about their difference.

mod predicted;
mod rows;

pub use predicted::{Matrix, Predicted, RowLosses, RowNumbers};

use super::dummy::{Dummy, DummyScore, Strategy};
use rows::{of_matrices, paired_errors, paired_losses};
use sweep_core::trial::Goal;

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

#[cfg(test)]
mod tests;
