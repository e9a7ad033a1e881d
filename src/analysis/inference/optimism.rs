//! What the winner owes to having been picked: the largest of many means is too large.
//!
//! Leave one seed out: choose by all seeds but one, as the ranking does, and look at what was chosen with the seed that
//! had no part in the choice. On average the two differ by as much as choosing flatters (cross-validation of the
//! choice: Stone, "Cross-validatory choice and assessment of statistical predictions", Journal of the Royal Statistical Society B 36,
//! 1974; for picking among many configurations: Cawley and Talbot, "On over-fitting in model selection and subsequent selection
//! bias in performance evaluation", Journal of Machine Learning Research 11, 2010).

use super::result::Optimism;
use super::table::Table;
use crate::bounds::Bounds;
use crate::ranking;

/// The optimism of the mean of place 0; values in the table are the objective times `sign`.
///
/// Values are taken as they are, as the ranking takes them. What a seed does to all configurations is no optimism, and
/// drops out: over all seeds the drops of one configuration add up to nothing, so from the drop of what was chosen that of
/// the winner with the same seed is taken off. A choice by one seed fewer flatters more, by the root of n / (n - 1), which is
/// put right.
pub(super) fn leave_one_seed_out(table: &Table, sign: f64, bounds: Bounds) -> Option<Optimism> {
    if table.samples.len() < 2 {
        return None;
    }
    let all: Vec<&[(u64, f64)]> = (table.samples.iter())
        .map(|sample| &sample.values[..])
        .collect();
    let (mut folds, mut same_choice, mut sum) = (0, 0, 0.0);
    for (seed, _) in all[0] {
        let Some(chosen) = choice_without(&all, *seed) else {
            continue;
        };
        let (Some(drop), Some(own)) = (drop(all[chosen], *seed), drop(all[0], *seed)) else {
            continue;
        };
        let seeds = all[chosen].len() as f64;
        sum += (drop - own) * ((seeds - 1.0) / seeds).sqrt();
        folds += 1;
        same_choice += usize::from(chosen == 0);
    }
    let by = (folds > 1).then(|| (sum / folds as f64).max(0.0))?;
    let winner = all[0].iter().map(|(_, value)| value);
    let bias_corrected = sign * (winner.sum::<f64>() / all[0].len() as f64 - by);
    Some(Optimism {
        by,
        bias_corrected: bias_corrected.clamp(bounds.low, bounds.high),
        folds,
        same_choice,
    })
}

/// What the ranking would begin with, had there been no `left_out` seed.
fn choice_without(all: &[&[(u64, f64)]], left_out: u64) -> Option<usize> {
    let without = |values: &&[(u64, f64)]| {
        let rest = values.iter().filter(|(seed, _)| *seed != left_out);
        rest.copied().collect()
    };
    let without: Vec<Vec<(u64, f64)>> = all.iter().map(without).collect();
    ranking::best_first(&without).into_iter().next()
}

/// By how much the value with seed `left_out` falls short of the mean of the others; `None` where either lacks.
fn drop(values: &[(u64, f64)], left_out: u64) -> Option<f64> {
    let (own, rest): (Vec<_>, Vec<_>) = (values.iter()).partition(|(seed, _)| *seed == left_out);
    let (_, own) = own.first()?;
    let mean = rest.iter().map(|(_, value)| value).sum::<f64>() / rest.len() as f64;
    (!rest.is_empty()).then_some(mean - own)
}
