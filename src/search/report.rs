//! What a search has found so far: the best configuration, the Pareto front, and how the finish stands.

use std::collections::BTreeMap;

use crate::decision::{Outcome, Values};
use crate::finish::{self, SeedResults, Trained};
use crate::pareto;
use crate::problem::Problem;
use crate::search::Search;

/// The best configuration so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Best {
    pub config: usize,
    /// How far the search seed of it was trained.
    pub step: u32,
    /// What it reached there with the seed of the search.
    pub values: Values,
    /// Means over the further seeds, and how many there are: none before the finish.
    pub means: Vec<f64>,
    pub seeds: u32,
}

impl<P: Problem> Search<P> {
    /// The best configuration: of the finish if it has begun, otherwise by the search seed. With several objectives,
    /// one of the front.
    pub fn best(&self) -> Option<Best> {
        let told = self.told();
        let ranked = rank(&told);
        let results = self.seed_results();
        let config = match self.plan.finish {
            Some(finish) if !results.is_empty() => {
                let finalists = self.finalists();
                finish::standings(finish, &finalists, self.plan.objectives, &results)
                    .first()
                    .copied()
            }
            _ => ranked.first().copied(),
        }?;
        let (step, values) = told.get(&config)?.clone();
        let (means, seeds) = self.seed_means(config, &results);
        Some(Best {
            config,
            step,
            values,
            means,
            seeds,
        })
    }

    /// The configurations of the Pareto front, over every outcome told; those that violate a measured constraint are
    /// left out.
    pub fn front(&self) -> Vec<usize> {
        let told = self.told();
        let feasible: Vec<usize> = told
            .iter()
            .filter(|(_, (_, values))| values.is_feasible())
            .map(|(&config, _)| config)
            .collect();
        let values: Vec<Vec<f64>> = feasible
            .iter()
            .map(|config| told[config].1.objectives.clone())
            .collect();
        pareto::front(&values)
            .into_iter()
            .map(|index| feasible[index])
            .collect()
    }

    /// The hypervolume of the front above a reference point.
    pub fn hypervolume(&self, reference: &[f64]) -> f64 {
        let told = self.told();
        let values: Vec<Vec<f64>> = self
            .front()
            .iter()
            .map(|config| told[config].1.objectives.clone())
            .collect();
        pareto::hypervolume(&values, reference)
    }

    /// Finalists in their present order; empty without a finish or before it begins.
    pub fn standings(&self) -> Vec<usize> {
        let results = self.seed_results();
        match self.plan.finish {
            Some(finish) if !results.is_empty() => {
                finish::standings(finish, &self.finalists(), self.plan.objectives, &results)
            }
            _ => Vec::new(),
        }
    }

    /// Configurations with a result that is seen, best first: those that the finish chooses from.
    pub(crate) fn finalists(&self) -> Vec<usize> {
        let mut seen = BTreeMap::new();
        for (config, state) in self.states.iter().enumerate() {
            if let (Some(last), Some(rung)) = (state.last, state.reached)
                && let Some(values) = &self.seen[last].values
            {
                seen.insert(config, (self.step_of(rung), values.clone()));
            }
        }
        let is_fine = |config: &usize| seen[config].1.is_feasible();
        let ranked = rank(&seen);
        if ranked.iter().any(is_fine) {
            return ranked.into_iter().filter(is_fine).collect();
        }
        ranked
    }

    /// Jobs with further seeds, as decisions see them.
    pub(crate) fn seed_results(&self) -> SeedResults {
        let jobs = self.records.iter().zip(&self.was_seen);
        jobs.filter(|(record, _)| record.decision.job.seed > 0)
            .map(|(record, &was_seen)| {
                let job = record.decision.job;
                let trained = match &record.outcome {
                    _ if !was_seen => Trained::Pending,
                    Some(Outcome::Finished(values)) if values.is_finite() => {
                        Trained::Done(values.objectives.clone())
                    }
                    _ => Trained::Failed,
                };
                ((job.config as usize, job.seed), trained)
            })
            .collect()
    }

    /// The furthest result of each configuration with the search seed, told or known: step and values.
    fn told(&self) -> BTreeMap<usize, (u32, Values)> {
        let mut told = BTreeMap::new();
        for (config, state) in self.states.iter().enumerate() {
            if let (true, Some(last), Some(rung)) =
                (state.sent.is_none(), state.last, state.reached)
                && let Some(values) = &self.seen[last].values
            {
                told.insert(config, (self.step_of(rung), values.clone()));
            }
        }
        for record in &self.records {
            let job = record.decision.job;
            if let (0, Some(Outcome::Finished(values))) = (job.seed, &record.outcome)
                && values.is_finite()
            {
                told.insert(job.config as usize, (job.to, values.clone()));
            }
        }
        told
    }

    fn seed_means(&self, config: usize, results: &SeedResults) -> (Vec<f64>, u32) {
        let mut means = vec![0.0; self.plan.objectives];
        let mut seeds = 0;
        for (_, trained) in results.range((config, 0)..=(config, u32::MAX)) {
            if let Trained::Done(values) = trained {
                seeds += 1;
                means
                    .iter_mut()
                    .zip(values)
                    .for_each(|(mean, value)| *mean += value);
            }
        }
        if seeds == 0 {
            return (Vec::new(), 0);
        }
        means.iter_mut().for_each(|mean| *mean /= f64::from(seeds));
        (means, seeds)
    }
}

/// Configurations, best first: those that hold every constraint, then by the objective or by non-dominated rank; of
/// equal ones the first. Violations order the rest.
fn rank(results: &BTreeMap<usize, (u32, Values)>) -> Vec<usize> {
    let configs: Vec<usize> = results.keys().copied().collect();
    let objectives: Vec<Vec<f64>> = configs
        .iter()
        .map(|config| results[config].1.objectives.clone())
        .collect();
    let mut order: Vec<usize> = if objectives.first().is_some_and(|values| values.len() == 1) {
        let mut order: Vec<usize> = (0..configs.len()).collect();
        order.sort_by(|&a, &b| objectives[b][0].total_cmp(&objectives[a][0]));
        order
    } else {
        pareto::by_rank(&objectives)
    };
    let violation = |index: usize| -> f64 {
        results[&configs[index]]
            .1
            .violations
            .iter()
            .map(|violation| violation.max(0.0))
            .sum()
    };
    order.sort_by(|&a, &b| violation(a).total_cmp(&violation(b)));
    order.into_iter().map(|index| configs[index]).collect()
}
