//! What the winner owes to having been picked: the largest of many means is too large.
//!
//! Leave one seed out: choose by all seeds but one, as the ranking does, and look at what was chosen with the seed that
//! had no part in the choice. On average the two differ by as much as choosing flatters (cross-validation of the
//! choice: Stone, "Cross-validatory choice and assessment of statistical predictions", Journal of the Royal Statistical Society B 36,
//! 1974; for picking among many configurations: Cawley and Talbot, "On over-fitting in model selection and subsequent selection
//! bias in performance evaluation", Journal of Machine Learning Research 11, 2010).

use super::super::order;
use super::Optimism;
use super::table::Table;

/// The optimism of the mean of place 0; values in the table are the objective times `sign`.
///
/// What a seed does to all configurations is taken out first, so that an easy seed is not taken for optimism. A choice by one
/// seed fewer flatters more, by the root of n / (n - 1), which is put right.
pub(super) fn leave_one_seed_out(table: &Table, sign: f64) -> Option<Optimism> {
    if table.samples.len() < 2 {
        return None;
    }
    let adjusted: Vec<Vec<(u64, f64)>> = (0..table.samples.len())
        .map(|place| table.adjusted(place).collect())
        .collect();
    let winner: Vec<f64> = table.samples[0]
        .values
        .iter()
        .map(|(_, value)| *value)
        .collect();
    let (mut folds, mut same_choice, mut sum) = (0, 0, 0.0);
    for (seed, _) in &adjusted[0] {
        let without: Vec<Vec<(u64, f64)>> = (adjusted.iter())
            .map(|values| {
                values
                    .iter()
                    .filter(|(other, _)| other != seed)
                    .copied()
                    .collect()
            })
            .collect();
        let Some(chosen) = order::best_first(&without).into_iter().next() else {
            continue;
        };
        let rest = &without[chosen];
        let left_out = adjusted[chosen].iter().find(|(other, _)| other == seed);
        let (Some((_, left_out)), false) = (left_out, rest.is_empty()) else {
            continue;
        };
        let seeds = adjusted[chosen].len() as f64;
        let mean = rest.iter().map(|(_, value)| value).sum::<f64>() / rest.len() as f64;
        sum += (mean - left_out) * ((seeds - 1.0) / seeds).sqrt();
        folds += 1;
        same_choice += usize::from(chosen == 0);
    }
    let by = (folds > 0).then(|| (sum / folds as f64).max(0.0))?;
    let mean = winner.iter().sum::<f64>() / winner.len() as f64;
    Some(Optimism {
        by,
        honest: sign * (mean - by),
        folds,
        same_choice,
    })
}
