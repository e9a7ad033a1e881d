//! What can be said of the ranking of a summary: of rows and seeds where scores of single rows are known, else of seeds.
//!
//! Pure. The forms are those of [`crate::inference`], so that whoever shows them need not ask which of the two it was.

use crate::bounds::Bounds;
use crate::configuration::{Configuration, values_by_seed};
use crate::evidence::{self, Evidence};
use crate::inference::{
    Comparison, Coverage, Estimate, Inference, Optimism, Sample, Verdict, step,
};
use crate::summary::Summary;
use sweep_core::trial::Kind;

impl Inference {
    /// Of the ranking of `summary`.
    pub fn of(summary: &Summary) -> Inference {
        let samples = samples(summary);
        let bounds = Bounds::of(&summary.objective);
        let tied = summary.ranks.iter().filter(|rank| **rank == 1).count();
        let mut of_seeds = Inference::within(&samples, summary.objective.goal, bounds, tied);
        of_seeds.rivals = rivals(&summary.ranking, tied);
        if summary.incomparable().is_some() && !of_seeds.comparisons.is_empty() {
            return without_comparisons(of_seeds);
        }
        match &summary.evidence {
            Some(evidence) if !evidence.comparisons.is_empty() => {
                of_rows_too(of_seeds, evidence, bounds)
            }
            _ => of_seeds,
        }
    }
}

impl Estimate {
    /// Over seeds, of the winner of `summary`, not compared with any other; `None` while nothing is ranked.
    pub fn of_winner(summary: &Summary) -> Option<Estimate> {
        let samples = samples(summary);
        let bounds = Bounds::of(&summary.objective);
        let winner = samples.first()?;
        Some(winner.estimate(true, step(&samples), bounds))
    }
}

fn samples(summary: &Summary) -> Vec<Sample> {
    let values = values_by_seed(&summary.ranking).into_iter();
    (summary.ranking.iter().zip(values))
        .map(|(config, values)| Sample {
            group: config.kind.index(),
            values,
            is_deterministic: config.is_deterministic,
        })
        .collect()
}

/// The first behind the `tied` ones of the first rank, and the first of every kind that none of these is of.
fn rivals(ranking: &[Configuration], tied: usize) -> Vec<usize> {
    let firsts = Kind::all()
        .filter_map(|kind| ranking.iter().position(|config| config.kind == kind))
        .filter(|place| *place >= tied);
    let runner_up = tied..ranking.len().min(tied + 1);
    let mut places: Vec<usize> = runner_up.chain(firsts).collect();
    places.sort_unstable();
    places.dedup();
    places
}

/// What is left of `inference` where scores of different configurations cannot be compared.
fn without_comparisons(mut inference: Inference) -> Inference {
    for comparison in &mut inference.comparisons {
        *comparison = Comparison::untested(comparison.over, comparison.pairs);
    }
    for estimate in &mut inference.estimates {
        estimate.is_candidate = true;
    }
    Inference {
        candidates: (0..inference.estimates.len()).collect(),
        rivals: Vec::new(),
        verdict: Verdict::Incomparable,
        optimism: None,
        ..inference
    }
}

/// What `evidence` says, beside which `of_seeds` becomes detail.
fn of_rows_too(of_seeds: Inference, evidence: &Evidence, bounds: Bounds) -> Inference {
    let (rows, units) = (evidence.rows, evidence.units);
    let comparisons: Vec<Comparison> = (of_seeds.comparisons.iter().zip(&evidence.comparisons))
        .map(|(of_seeds, found)| comparison(of_seeds, found, bounds))
        .collect();
    let estimates = (of_seeds.estimates.iter().zip(&evidence.estimates)).enumerate();
    Inference {
        estimates: estimates
            .map(|(place, (of_seeds, found))| Estimate {
                interval: found.map(|found| bounds.cut(found.interval)),
                is_candidate: evidence.may_be_best.contains(&place),
                ..*of_seeds
            })
            .collect(),
        candidates: evidence.may_be_best.clone(),
        verdict: verdict(&of_seeds, evidence, &comparisons),
        comparisons,
        optimism: evidence.optimism.map(|found| Optimism {
            by: found.by,
            bias_corrected: found.bias_corrected.clamp(bounds.low, bounds.high),
            folds: of_seeds.optimism.map_or(0, |one| one.folds),
            same_choice: of_seeds.optimism.map_or(0, |one| one.same_choice),
        }),
        coverage: match evidence.covers_seeds() {
            true => Coverage::RowsAndSeeds { rows, units },
            false => Coverage::Rows { rows, units },
        },
        tied: of_seeds.tied,
        rivals: of_seeds.rivals.clone(),
        of_seeds: Some(Box::new(of_seeds)),
    }
}

fn comparison(of_seeds: &Comparison, found: &evidence::Comparison, bounds: Bounds) -> Comparison {
    Comparison {
        pairs: found.seeds,
        by: found.by,
        p: found.test.map(|test| test.p),
        p_corrected: found.test.map(|test| test.p_corrected),
        interval: found.test.map(|test| bounds.cut_difference(test.interval)),
        is_significant: found.test.is_some_and(|test| test.is_significant),
        seeds_needed: found.test.and_then(|test| test.seeds_needed),
        rows_needed: found.test.and_then(|test| test.rows_needed),
        ..*of_seeds
    }
}

fn verdict(of_seeds: &Inference, evidence: &Evidence, comparisons: &[Comparison]) -> Verdict {
    match (of_seeds.verdict, evidence.winner) {
        (said @ (Verdict::Nothing | Verdict::Alone | Verdict::Incomparable | Verdict::Tied), _) => {
            said
        }
        (_, Some(p)) => Verdict::Winner { p },
        _ if comparisons.iter().all(|one| one.p.is_none()) => Verdict::TooFewSeeds,
        _ => Verdict::NotSignificant {
            seeds: comparisons[0].seeds_needed,
        },
    }
}

#[cfg(test)]
mod tests;
