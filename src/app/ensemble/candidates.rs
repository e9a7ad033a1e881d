//! What an ensemble of a sweep may have: a seed of a configuration each, with all its folds.
//!
//! Seeds are candidates of their own: replacement weighs them as it weighs configurations, and the mean over the seeds of one
//! is among the ensembles that the selection can reach, while a fixed mean would make every member as many models as there
//! are seeds. A configuration whose seed changes nothing is one candidate.

use std::collections::{BTreeMap, HashMap};

use sha2::{Digest, Sha256};

use sweep_analysis::{Configuration, Run, Summary};
use sweep_core::format::hex;
use sweep_core::trial::{Kind, Objective, Params, Score, TrialId};
use sweep_store::ExperimentRecord;

/// A seed of a configuration that has finished every fold.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub kind: Kind,
    pub params: Params,
    /// By fold; one without cross-validation.
    pub trials: Vec<TrialId>,
    /// Objective, and loss if it was measured; means over folds.
    pub score: Score,
}

/// All that have finished among the ranked configurations of `record`, the best first.
pub fn finished(record: &ExperimentRecord, summary: &Summary) -> Vec<Candidate> {
    let folds = record.folds.len().max(1);
    let mut candidates: Vec<Candidate> = (summary.ranking.iter())
        .flat_map(|config| of_configuration(config, folds))
        .collect();
    candidates.sort_by(|one, other| {
        let by_score = summary.objective.order(one.score, other.score);
        by_score.then_with(|| one.trials.cmp(&other.trials))
    });
    candidates
}

/// The `most` best of each kind among `candidates`, in their order.
pub fn best_of_each_kind(candidates: Vec<Candidate>, most: usize) -> Vec<Candidate> {
    let mut taken: HashMap<Kind, usize> = HashMap::new();
    let is_taken = |candidate: &Candidate| {
        let taken = taken.entry(candidate.kind).or_default();
        *taken += 1;
        *taken <= most
    };
    candidates.into_iter().filter(is_taken).collect()
}

/// A digest of which trials have finished, in whatever order.
pub fn library(candidates: &[Candidate]) -> String {
    let mut names: Vec<&str> = (candidates.iter())
        .flat_map(|candidate| candidate.trials.iter().map(TrialId::as_str))
        .collect();
    names.sort_unstable();
    hex(&Sha256::digest(names.join("\n")))
}

/// The best by `objective` of `values` [candidates], of which the first is taken where they are equal.
pub fn best_by(objective: &Objective, values: &[Option<f64>]) -> Option<usize> {
    let known = values.iter().enumerate();
    let known = known.filter_map(|(place, value)| Some((place, (*value)?)));
    known
        .min_by(|one, other| objective.goal.order(one.1, other.1))
        .map(|(place, _)| place)
}

fn of_configuration(config: &Configuration, folds: usize) -> Vec<Candidate> {
    let mut by_seed: BTreeMap<u64, Vec<&Run>> = BTreeMap::new();
    for run in &config.runs {
        by_seed.entry(run.seed).or_default().push(run);
    }
    let whole = (by_seed.into_iter()).filter(|(_, runs)| runs.len() == folds);
    let candidate = |(_, mut runs): (u64, Vec<&Run>)| {
        runs.sort_by_key(|run| run.fold);
        let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / folds as f64;
        let losses: Option<Vec<f64>> = runs.iter().map(|run| run.loss).collect();
        Candidate {
            kind: config.kind,
            params: config.params.clone(),
            score: Score {
                value: mean(&mut runs.iter().map(|run| run.value)),
                loss: losses.map(|losses| mean(&mut losses.into_iter())),
            },
            trials: runs.iter().map(|run| run.trial.clone()).collect(),
        }
    };
    let most = if config.is_deterministic {
        1
    } else {
        usize::MAX
    };
    whole.map(candidate).take(most).collect()
}
