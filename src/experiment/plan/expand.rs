//! Writing out the grid. The same experiment and data always give the same plan.

use std::collections::HashSet;

use super::check_target::Target;
use super::{AxisSummary, Plan, PlannedTrial};
use crate::{Experiment, Space, TransferSpec};
use sweep_core::data_config::Edition;
use sweep_core::trial::models::MlpSpec;
use sweep_core::trial::{ConfigId, DataDigest, Kind, ModelSpec, Objective, Transfer, TrialSpec};

/// Writes out every trial of `experiment` on `data`, which has this `target`: one data set, or one for each fold of
/// a cross-validation.
///
/// All folds of a configuration share its name, which is made with the first one's data: folds that are
/// added later change no name.
pub fn expand(experiment: &Experiment, data: &[DataDigest], target: Target<'_>) -> Plan {
    let has_folds = experiment.data.split.folds.is_some();
    debug_assert!(has_folds || data.len() == 1);
    let objective = experiment
        .objective
        .clone()
        .unwrap_or_else(|| Objective::usual(target.task));
    let context = target.context(&objective);
    let mut excluded = 0;
    let baselines = experiment.baselines.iter();
    let models: Vec<ModelSpec> = baselines
        .chain(&experiment.networks)
        .flat_map(|space| models(space, &mut excluded))
        .map(|model| model.resolved(&context))
        .collect();
    // Each network from scratch, then every way of transferring it: its pairs.
    let starts: Vec<(&ModelSpec, Option<Transfer>)> = models
        .iter()
        .flat_map(|model| {
            let transfers = transfers(experiment, model).into_iter().map(Some);
            std::iter::once(None)
                .chain(transfers)
                .map(move |transfer| (model, transfer))
        })
        .collect();
    let points: Vec<(f64, &(&ModelSpec, Option<Transfer>))> = (experiment.train_fractions.iter())
        .flat_map(|fraction| starts.iter().map(|start| (*fraction, start)))
        .collect();
    let mut trials = Vec::with_capacity(points.len() * experiment.seeds.len() * data.len());
    let mut seen = HashSet::with_capacity(trials.capacity());
    // All replicates of a configuration share its name, which takes as long to make as an id.
    let mut configs: Vec<ConfigId> = Vec::with_capacity(points.len());
    let (mut duplicates, mut deterministic) = (0, 0);
    let once = experiment.data.format.edition >= Edition::Third;
    let folds = || data.iter().zip(1..);
    for ((place, seed), (data_of_fold, fold)) in
        (experiment.seeds.iter().enumerate()).flat_map(|seed| folds().map(move |fold| (seed, fold)))
    {
        for (index, (fraction, (model, transfer))) in points.iter().enumerate() {
            let mut spec = TrialSpec::new((*model).clone(), *seed, objective.clone());
            spec.train_fraction = *fraction;
            spec.transfer = transfer.clone();
            if configs.len() == index {
                configs.push(spec.config_id(&data[0]));
            }
            if once && place > 0 && spec.is_deterministic() {
                deterministic += 1;
                continue;
            }
            let id = spec.id(data_of_fold);
            if seen.insert(id.clone()) {
                trials.push(PlannedTrial {
                    id,
                    config: configs[index].clone(),
                    spec,
                    fold: has_folds.then_some(fold),
                });
            } else {
                duplicates += 1;
            }
        }
    }
    Plan {
        counts: counts(&trials),
        axes: experiment
            .spaces()
            .flat_map(axes)
            .chain(transfer_axes(experiment))
            .collect(),
        train_fractions: experiment.train_fractions.clone(),
        fixed: experiment.spaces().flat_map(fixed).collect(),
        trials,
        objective,
        duplicates,
        trains_deterministic_once: once,
        deterministic,
        excluded,
    }
}

/// The configurations of one space in file order, the last axis moving fastest.
fn models(space: &Space, excluded: &mut u64) -> Vec<ModelSpec> {
    let mut models = Vec::new();
    for index in 0..space.combinations() {
        let rows = space.rows(index);
        if space.is_excluded(&rows) {
            *excluded += 1;
        } else {
            models.push(space.model(&rows));
        }
    }
    models
}

/// Every way in which `model` is transferred.
fn transfers(experiment: &Experiment, model: &ModelSpec) -> Vec<Transfer> {
    match (&experiment.transfer, MlpSpec::of(model)) {
        (Some(transfer), Some(model)) => transfer.transfers(&model),
        _ => Vec::new(),
    }
}

fn transfer_axes(experiment: &Experiment) -> Vec<AxisSummary> {
    let axes = experiment.transfer.iter().flat_map(TransferSpec::axes);
    axes.map(|(path, name, values)| AxisSummary {
        kind: Kind::MLP,
        name: name.to_owned(),
        values,
        path,
    })
    .collect()
}

fn axes(space: &Space) -> Vec<AxisSummary> {
    let axis = |(group, at): (usize, usize)| {
        let group = &space.groups[group];
        AxisSummary {
            kind: space.base.kind(),
            name: group.keys[at].clone(),
            values: group.rows.iter().map(|row| row[at].clone()).collect(),
            path: format!("{}.{}", space.grid_path, group.keys[at]),
        }
    };
    let groups = space.groups.iter().enumerate();
    groups
        .flat_map(|(index, group)| (0..group.keys.len()).map(move |at| (index, at)))
        .map(axis)
        .collect()
}

fn fixed(space: &Space) -> Vec<(String, Kind, String)> {
    let path = |key: &String| {
        let path = format!("{}.{key}", space.path);
        (path, space.base.kind(), key.clone())
    };
    space.fixed.iter().map(path).collect()
}

pub(super) fn counts(trials: &[PlannedTrial]) -> Vec<(Kind, u64)> {
    let kinds = Kind::all();
    kinds
        .map(|kind| {
            let of_kind = trials
                .iter()
                .filter(|trial| trial.spec.model.kind() == kind);
            (kind, of_kind.count() as u64)
        })
        .filter(|(_, count)| *count > 0)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::remaining;
    use super::*;
    use crate::plan::tests::{classes, digest, experiment, numbers, of_edition};
    use sweep_core::trial::{Status, Value};

    fn shown(plan: &Plan, keys: &[&str]) -> Vec<String> {
        let row = |trial: &PlannedTrial| {
            let params = trial.spec.model.params();
            let cells: Vec<String> = params
                .iter()
                .filter(|(name, _)| keys.contains(&name.as_str()))
                .map(|(_, value)| value.to_string())
                .collect();
            let kind = trial.spec.model.kind().name();
            format!("{} {kind} {}", trial.spec.seed, cells.join(" "))
        };
        plan.trials.iter().map(row).collect()
    }

    #[test]
    fn every_configuration_comes_once_before_the_second_seed_and_baselines_lead() {
        let experiment = experiment(
            "experiment.seeds = [3, 1]
             grid.layers = [[8], [4, 4]]
             grid.lr = [0.1, 0.01]
             baseline = [{ kind = \"random_forest\" }]",
        );
        let plan = expand(&experiment, &[digest()], classes(&[]));
        assert_eq!(
            shown(&plan, &["layers", "lr"]),
            [
                "3 random_forest ",
                "3 mlp [8] 0.1",
                "3 mlp [8] 0.01",
                "3 mlp [4, 4] 0.1",
                "3 mlp [4, 4] 0.01",
                "1 random_forest ",
                "1 mlp [8] 0.1",
                "1 mlp [8] 0.01",
                "1 mlp [4, 4] 0.1",
                "1 mlp [4, 4] 0.01",
            ]
        );
        assert_eq!(plan.counts, [(Kind::MLP, 8), (Kind::RANDOM_FOREST, 2)]);
        assert_eq!(plan.configurations(), 5);
        assert_eq!((plan.duplicates, plan.excluded), (0, 0));
        assert_eq!(plan.axes[1].path, "grid.lr");
        assert_eq!(plan.axes[1].values, [Value::Float(0.1), Value::Float(0.01)]);
    }

    #[test]
    fn every_fraction_and_every_transfer_is_planned_and_scratch_trials_are_ordinary_ones() {
        let networks = "experiment.seeds = [1, 2]\ngrid.lr = [0.1, 0.01]\n";
        let ordinary = expand(&experiment(networks), &[digest()], classes(&[]));
        let mut asked = experiment(&format!(
            "{networks}experiment.learning_curve = [0.1, 1.0]
             transfer = {{ from = \"a:best\", freeze = [0, 1] }}
             baseline = [{{ kind = \"random_forest\" }}]"
        ));
        let source = sweep_core::trial::TrialId::from_hex("ab".repeat(16));
        let own = MlpSpec::of(&ordinary.trials[0].spec.model).unwrap();
        asked.adopt(&source, &own, &"0".repeat(64)).unwrap();
        let plan = expand(&asked, &[digest()], classes(&[]));
        // Two seeds, two fractions, one forest and two networks begun in three ways each.
        assert_eq!(plan.counts, [(Kind::MLP, 24), (Kind::RANDOM_FOREST, 4)]);
        assert_eq!(plan.configurations(), 14);
        let ids: HashSet<_> = plan.trials.iter().map(|trial| &trial.id).collect();
        assert!(ordinary.trials.iter().all(|trial| ids.contains(&trial.id)));
        let fractions: Vec<f64> = (plan.trials[..14].iter())
            .map(|trial| trial.spec.train_fraction)
            .collect();
        assert_eq!(fractions, [[1.0; 7], [0.1; 7]].concat());
        // Each network from scratch, then its ways of beginning otherwise.
        let starts: Vec<Option<usize>> = (plan.trials[1..7].iter())
            .map(|trial| trial.spec.transfer.as_ref().map(|transfer| transfer.freeze))
            .collect();
        assert_eq!(starts, [None, Some(0), Some(1), None, Some(0), Some(1)]);
    }

    #[test]
    fn zipped_axes_move_together_and_excluded_points_are_counted() {
        let experiment = experiment(
            "grid.layers = [[8], [4]]
             grid.dropout = [0.0, 0.5]
             grid.lr = [1, 0.01]
             grid.zip = [[\"lr\", \"layers\"]]
             grid.exclude = [{ layers = [8], lr = 1.0, dropout = 0 }]",
        );
        let plan = expand(&experiment, &[digest()], classes(&[]));
        assert_eq!(
            shown(&plan, &["layers", "dropout", "lr"]),
            ["1 mlp [8] 0.5 1", "1 mlp [4] 0 0.01", "1 mlp [4] 0.5 0.01"]
        );
        assert_eq!(plan.excluded, 1);
    }

    #[test]
    fn an_axis_without_effect_gives_duplicates_which_are_dropped_and_counted() {
        let experiment = experiment(
            "experiment.seeds = [1, 2]
             grid.optimizer = [\"adam\", \"sgd\"]
             grid.momentum = [0.0, 0.5, 0.9]",
        );
        let plan = expand(&experiment, &[digest()], classes(&[]));
        assert_eq!(plan.trials.len(), 8);
        assert_eq!(plan.duplicates, 4);
    }

    #[test]
    fn a_plan_depends_on_values_and_not_on_how_the_file_spells_them() {
        let one = experiment("grid.lr = [0.001, 1]\ngrid.clip_norm = [1.0]");
        let other =
            experiment("model.clip_norm = 1\ngrid.lr = [1e-3, 1.0]\nexperiment.name = \"x\"");
        let ids = |experiment| -> Vec<_> {
            let plan = expand(experiment, &[digest()], classes(&[]));
            plan.trials.into_iter().map(|trial| trial.id).collect()
        };
        assert_eq!(ids(&one), ids(&other));
        assert_eq!(ids(&one).len(), 2);
    }

    /// Names of trials by edition: the first two are those of what a file meant before there was a third.
    #[test]
    fn a_later_default_is_a_new_trial_unless_it_changes_nothing_and_earlier_editions_keep_theirs() {
        let boosted = "baseline = [{ kind = \"xgboost\"";
        let ids = |objective: &str, setting: &str, edition: Edition| {
            let text = format!("experiment.objective = \"{objective}\"\n{boosted}{setting} }}]");
            let plan = expand(&of_edition(&text, edition), &[digest()], classes(&[]));
            plan.trials[0].id.as_str().to_owned()
        };
        let by_objective = ", early_stopping_metric = \"objective\"";
        let before = "fd8033a0e0d8ee69790ae9da3dbf2a12";
        for edition in [Edition::First, Edition::Second] {
            assert_eq!(ids("valid/accuracy", "", edition), before);
        }
        assert_eq!(ids("valid/accuracy", by_objective, Edition::Third), before);
        assert_ne!(ids("valid/accuracy", "", Edition::Third), before);
        assert_eq!(
            ids("valid/loss", "", Edition::Third),
            ids("valid/loss", "", Edition::Second)
        );
    }

    #[test]
    fn a_forest_tries_all_features_for_numbers_and_their_root_for_classes_and_says_which() {
        let text = |setting: &str| format!("baseline = [{{ kind = \"random_forest\"{setting} }}]");
        let spec = |setting: &str, target, edition| {
            let experiment = of_edition(&text(setting), edition);
            expand(&experiment, &[digest()], target).trials[0]
                .spec
                .clone()
        };
        let tried = |target, edition| {
            let spec = spec("", target, edition);
            spec.model.get("max_features").unwrap().to_string()
        };
        assert_eq!(tried(numbers(), Edition::Third), "all");
        assert_eq!(tried(classes(&[]), Edition::Third), "sqrt");
        for target in [numbers(), classes(&[])] {
            assert_eq!(tried(target, Edition::Second), "sqrt");
        }
        let all = spec(", max_features = \"all\"", numbers(), Edition::First);
        assert_eq!(spec("", numbers(), Edition::Third), all);
    }

    #[test]
    fn what_the_seed_does_not_change_is_trained_with_the_first_seed_alone() {
        let text = "experiment.seeds = [3, 1, 2]
             experiment.learning_curve = [0.5]
             baseline = [
                 { kind = \"xgboost\", grid = { subsample = [1.0, 0.5] } },
                 { kind = \"random_forest\" },
             ]";
        let plan = expand(&experiment(text), &[digest()], classes(&[]));
        let seeds = |subsample: f64, fraction: f64| -> Vec<u64> {
            let is_it = |trial: &&PlannedTrial| {
                let found = trial.spec.model.get("subsample");
                found == Some(&Value::Float(subsample)) && trial.spec.train_fraction == fraction
            };
            let trials = plan.trials.iter().filter(is_it);
            trials.map(|trial| trial.spec.seed).collect()
        };
        assert_eq!(seeds(1.0, 1.0), [3]);
        // The seed draws rows: for trees, and for a fraction of them.
        for (subsample, fraction) in [(0.5, 1.0), (1.0, 0.5), (0.5, 0.5)] {
            assert_eq!(seeds(subsample, fraction), [3, 1, 2]);
        }
        assert_eq!(plan.deterministic, 2);
        assert_eq!(plan.counts, [(Kind::XGBOOST, 10), (Kind::RANDOM_FOREST, 6)]);
        let earlier = expand(
            &of_edition(text, Edition::Second),
            &[digest()],
            classes(&[]),
        );
        assert_eq!((earlier.deterministic, earlier.trials.len()), (0, 18));
    }

    #[test]
    fn what_remains_is_all_but_the_finished_the_diverged_and_the_failed() {
        let experiment = experiment("grid.lr = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]");
        let plan = expand(&experiment, &[digest()], classes(&[]));
        let statuses: Vec<Option<Status>> =
            Status::ALL.into_iter().map(Some).chain([None]).collect();
        let status_of = |id: &_| {
            let at = plan.trials.iter().position(|trial| trial.id == *id);
            statuses[at.expect("a planned trial")]
        };
        let due = |retry_failed| -> Vec<Option<Status>> {
            let rest = remaining(&plan, status_of, |_| retry_failed);
            rest.into_iter().map(|trial| status_of(&trial.id)).collect()
        };
        let (pending, running) = (Some(Status::Pending), Some(Status::Running));
        let (failed, interrupted) = (Some(Status::Failed), Some(Status::Interrupted));
        let pruned = Some(Status::Pruned);
        assert_eq!(due(false), [pending, running, interrupted, pruned, None]);
        assert_eq!(
            due(true),
            [pending, running, failed, interrupted, pruned, None]
        );
    }
}
