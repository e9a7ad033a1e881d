//! Extra replicate seeds for some configurations of a plan. Pure.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Plan, PlannedTrial, expand::counts};
use sweep_core::trial::{ConfigId, DataDigest, TrialId};

impl Plan {
    /// Appends the trials of `extra` seeds, seed by seed, in the plan's order of configurations, and
    /// returns how many; `data` is as for [`super::expand`]. Trials that the plan already has, and configurations that it does not have,
    /// are skipped.
    pub fn add_seeds(&mut self, extra: &[(ConfigId, Vec<u64>)], data: &[DataDigest]) -> usize {
        let wanted: HashMap<&ConfigId, &Vec<u64>> = extra
            .iter()
            .map(|(config, seeds)| (config, seeds))
            .collect();
        let mut met: HashSet<(&ConfigId, Option<u32>)> = HashSet::new();
        // One of each fold.
        let first_of_each: Vec<&PlannedTrial> = (self.trials.iter())
            .filter(|trial| wanted.contains_key(&trial.config) && self.takes_seeds(&trial.spec))
            .filter(|trial| met.insert((&trial.config, trial.fold)))
            .collect();
        let mut known: HashSet<TrialId> =
            self.trials.iter().map(|trial| trial.id.clone()).collect();
        let seeds: BTreeSet<u64> = extra.iter().flat_map(|(_, seeds)| seeds).copied().collect();
        let mut added = Vec::new();
        for seed in seeds {
            for first in &first_of_each {
                if !wanted[&first.config].contains(&seed) {
                    continue;
                }
                let mut spec = first.spec.clone();
                spec.seed = seed;
                let id = spec.id(&data[first.data_index()]);
                if known.insert(id.clone()) {
                    added.push(PlannedTrial {
                        id,
                        config: first.config.clone(),
                        spec,
                        fold: first.fold,
                    });
                }
            }
        }
        let number = added.len();
        self.trials.extend(added);
        self.counts = counts(&self.trials);
        number
    }
}

/// Gives all `chosen` configurations the same seeds, so that they can be compared as pairs: their
/// union plus the `number` smallest unused ones from 1 on. Each list holds the seeds that its
/// configuration lacks in `plan`, ascending. Configurations whose seed has no effect are left out.
pub fn extra_seeds(plan: &Plan, chosen: &[ConfigId], number: usize) -> Vec<(ConfigId, Vec<u64>)> {
    let of = |config: &ConfigId| -> BTreeSet<u64> {
        let trials = plan.trials.iter().filter(|trial| trial.config == *config);
        trials.map(|trial| trial.spec.seed).collect()
    };
    let mut all: BTreeSet<u64> = chosen.iter().flat_map(of).collect();
    let new: Vec<u64> = (1..)
        .filter(|seed| !all.contains(seed))
        .take(number)
        .collect();
    all.extend(new);
    (chosen.iter())
        .filter(|config| plan.is_seeded(config))
        .map(|config| {
            (
                config.clone(),
                all.difference(&of(config)).copied().collect(),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::expand;
    use super::*;
    use crate::plan::tests::{classes, digest, experiment};
    use sweep_core::trial::Kind;

    fn plan() -> Plan {
        let experiment = experiment(
            "experiment.seeds = [1, 2, 5]
             grid.lr = [0.1, 0.2, 0.3]
             baseline = [{ kind = \"random_forest\" }]",
        );
        expand(&experiment, &[digest()], classes(&[]))
    }

    /// The first of each configuration: the forest, then the networks.
    fn configs(plan: &Plan) -> Vec<ConfigId> {
        plan.trials[..4]
            .iter()
            .map(|trial| trial.config.clone())
            .collect()
    }

    #[test]
    fn what_the_seed_does_not_change_gets_no_more_seeds() {
        let experiment = experiment(
            "experiment.seeds = [1, 2]
             baseline = [{ kind = \"random_forest\" }, { kind = \"xgboost\" }]",
        );
        let mut plan = expand(&experiment, &[digest()], classes(&[]));
        let configs = [0, 1].map(|place: usize| plan.trials[place].config.clone());
        let [forest, boosted] = configs.clone();
        let extra = extra_seeds(&plan, &configs, 2);
        assert_eq!(extra, [(forest, vec![3, 4])]);
        // As an earlier edition of the sweep may have recorded them.
        assert_eq!(plan.add_seeds(&[(boosted, vec![3, 4])], &[digest()]), 0);
        assert_eq!(plan.add_seeds(&extra, &[digest()]), 2);
    }

    #[test]
    fn chosen_configurations_get_the_same_new_seeds() {
        let plan = plan();
        let configs = configs(&plan);
        let chosen = [configs[2].clone(), configs[0].clone()];
        let extra = extra_seeds(&plan, &chosen, 3);
        assert_eq!(
            extra,
            [
                (chosen[0].clone(), vec![3, 4, 6]),
                (chosen[1].clone(), vec![3, 4, 6])
            ]
        );
    }

    #[test]
    fn extra_seeds_come_last_and_late_configurations_catch_up() {
        let mut plan = plan();
        let configs = configs(&plan);
        let before = plan.trials.clone();
        let extra = extra_seeds(&plan, &configs[..2], 2);
        assert_eq!(plan.add_seeds(&extra, &[digest()]), 4);
        assert_eq!(plan.trials[..12], before[..]);
        let added: Vec<(u64, &ConfigId)> = (plan.trials[12..].iter())
            .map(|trial| (trial.spec.seed, &trial.config))
            .collect();
        let (forest, network) = (&configs[0], &configs[1]);
        assert_eq!(
            added,
            [(3, forest), (3, network), (4, forest), (4, network)]
        );
        assert_eq!(plan.counts, [(Kind::MLP, 11), (Kind::RANDOM_FOREST, 5)]);
        // Adding them again changes nothing.
        assert_eq!(plan.clone().add_seeds(&extra, &[digest()]), 0);
        let late = extra_seeds(&plan, &[configs[1].clone(), configs[3].clone()], 1);
        assert_eq!(late[0].1, [6]);
        assert_eq!(late[1].1, [3, 4, 6]);
    }

    #[test]
    fn an_extra_trial_is_the_one_that_the_file_would_ask_for_with_that_seed() {
        let mut few = plan();
        let config = configs(&few)[1].clone();
        few.add_seeds(&[(config, vec![9])], &[digest()]);
        let many = experiment("experiment.seeds = [9]\ngrid.lr = [0.1]");
        assert_eq!(
            few.trials[12].id,
            expand(&many, &[digest()], classes(&[])).trials[0].id
        );
    }

    #[test]
    fn configurations_outside_the_plan_are_skipped() {
        let mut plan = plan();
        let gone = ConfigId::from_hex("ab".repeat(16));
        assert_eq!(plan.add_seeds(&[(gone, vec![7, 8])], &[digest()]), 0);
        assert_eq!(plan.trials.len(), 12);
    }
}
