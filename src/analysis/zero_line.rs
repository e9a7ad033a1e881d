//! The zero line of a summary, and the winner's lead over it.

use std::collections::HashMap;

use super::configuration::Run;
use super::dummy::Dummy;
use super::inference::Estimate;
use super::lead::{Lead, Matrix, Predicted, RowLosses, RowNumbers, ZeroLine};
use super::summary::Summary;
use sweep_core::trial::TrialId;

impl Summary {
    /// Likewise, beside the scores of models that ignore their input; `matrices`, `losses` and `numbers` are those of the winner's trials
    /// on the validation rows, as far as they are known.
    pub fn above(
        mut self,
        dummy: Option<&Dummy>,
        matrices: &HashMap<TrialId, Matrix>,
        losses: &HashMap<TrialId, RowLosses>,
        numbers: &HashMap<TrialId, RowNumbers>,
    ) -> Summary {
        let runs = (self.ranking.first()).map_or(&[][..], |winner| winner.runs.as_slice());
        let rows = dummy.map_or(0, |dummy| dummy.valid_rows);
        let cells = |matrix: &Matrix| matrix.iter().flatten().sum::<u64>();
        let matrices: Vec<Matrix> = whole(runs, rows, matrices, cells, added).unwrap_or_default();
        let rows_of = |rows: &RowLosses| rows.len() as u64;
        let known: Vec<Run> = with(runs, losses);
        let losses = whole(&known, rows, losses, rows_of, |one, other| {
            joined(one, other)
        })
        .unwrap_or_default();
        let rows_of = |rows: &RowNumbers| rows.len() as u64;
        let known: Vec<Run> = with(runs, numbers);
        let numbers = whole(&known, rows, numbers, rows_of, |one, other| {
            joined(one, other)
        })
        .unwrap_or_default();
        let predicted = Predicted {
            matrices: matrices.iter().collect(),
            losses: losses.iter().collect(),
            numbers: numbers.iter().collect(),
        };
        let score = dummy.and_then(|dummy| dummy.score(&self.objective.metric));
        let zero_line = dummy.zip(score).map(|(dummy, score)| ZeroLine {
            lead: Estimate::of_winner(&self).map(|winner| {
                let known = (winner.mean, winner.interval);
                let goal = self.objective.goal;
                Lead::of(&score, goal, known, &predicted, dummy.valid_rows)
            }),
            score,
            dummy: dummy.clone(),
        });
        self.zero_line = zero_line;
        self
    }
}

/// Those of `runs` of which something is known.
fn with<T>(runs: &[Run], known: &HashMap<TrialId, T>) -> Vec<Run> {
    let has = runs.iter().filter(|run| known.contains_key(&run.trial));
    has.cloned().collect()
}

/// What each seed of `runs` predicted for all validation rows: by its run, or by its folds until all `rows` have been
/// validated once, put together by `join`. `None` where a run is not `known`.
fn whole<T: Clone>(
    runs: &[Run],
    rows: u64,
    known: &HashMap<TrialId, T>,
    rows_of: impl Fn(&T) -> u64,
    join: impl Fn(T, &T) -> T,
) -> Option<Vec<T>> {
    let mut all: Vec<(u64, T)> = Vec::new();
    for run in runs {
        let own = known.get(&run.trial)?;
        match all.last_mut().filter(|(seed, _)| *seed == run.seed) {
            None => all.push((run.seed, own.clone())),
            Some((_, before)) if rows_of(before) < rows => *before = join(before.clone(), own),
            Some(_) => {}
        }
    }
    Some(all.into_iter().map(|(_, own)| own).collect())
}

fn added(mut one: Matrix, other: &Matrix) -> Matrix {
    for (row, more) in one.iter_mut().zip(other) {
        for (cell, more) in row.iter_mut().zip(more) {
            *cell += more;
        }
    }
    one
}

fn joined<T: Clone>(mut one: Vec<T>, other: &[T]) -> Vec<T> {
    one.extend_from_slice(other);
    one
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{imbalanced, minimise_loss};
    use super::super::lead::LeadVerdict;

    #[test]
    fn the_winner_is_held_against_the_zero_line_of_the_objective() {
        let mut input = imbalanced();
        let summary = input.summary();
        let zero = summary.zero_line.unwrap();
        assert_eq!(
            (zero.score.metric.as_str(), zero.score.value),
            ("valid/accuracy", 0.85)
        );
        let lead = zero.lead.unwrap();
        assert!((lead.by - 0.025).abs() < 1e-12);
        assert_eq!(lead.verdict(), LeadVerdict::UnclearOverRows);
        minimise_loss(&mut input);
        let zero = input.summary().zero_line.unwrap();
        assert_eq!(zero.score.metric, "valid/loss");
        assert_eq!(zero.lead.unwrap().over_rows, None);
    }

    #[test]
    fn without_a_result_there_is_a_zero_line_and_no_lead_and_without_counts_neither() {
        let mut input = imbalanced();
        input.experiment.trials.clear();
        assert_eq!(input.summary().zero_line.unwrap().lead, None);
        input.dummy = None;
        assert_eq!(input.summary().zero_line, None);
    }

    #[test]
    fn predictions_of_some_seeds_alone_give_no_interval_over_rows() {
        let mut input = imbalanced();
        let winner = input.summary().ranking[0].clone();
        assert!(winner.runs.len() > 1);
        input.confusion.remove(&winner.runs[0].trial);
        let lead = input.summary().zero_line.unwrap().lead.unwrap();
        assert_eq!(lead.over_rows, None);
    }
}
