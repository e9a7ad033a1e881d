//! From an experiment to its trials: pure values in, pure values out.
//!
//! A plan holds every trial once, in the order in which trials are best run.

mod check;
mod check_target;
mod expand;
mod extra_seeds;
mod preview;
mod problem;

pub use check_target::Target;
pub use expand::expand;
pub use extra_seeds::extra_seeds;
pub use preview::{Preview, PreviewTable, preview};
pub use problem::{Problem, Severity};

use sweep_core::trial::{ConfigId, Kind, Objective, Status, TrialId, TrialSpec, Value};

/// A trial with its names.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedTrial {
    pub id: TrialId,
    pub config: ConfigId,
    pub spec: TrialSpec,
    /// The fold of the cross-validation whose rows validate it, from 1; `None` without one.
    pub fold: Option<u32>,
}

impl PlannedTrial {
    /// Which of the prepared data sets it is trained on, from 0.
    pub fn data_index(&self) -> usize {
        self.fold.map_or(0, |fold| fold as usize - 1)
    }
}

/// Everything that an experiment asks for on one data set.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Replicate seed by replicate seed in file order, so that a sweep interrupted early has seen
    /// every configuration; within a seed fold by fold; within a fold fraction by fraction of the training rows, all of them
    /// first; within a fraction the baselines come first (they are few, and the bar that networks are measured
    /// against), then the networks, the last axis varying fastest. The extra seeds of some
    /// configurations come last.
    pub trials: Vec<PlannedTrial>,
    pub objective: Objective,
    /// Networks first, then baselines in file order.
    pub axes: Vec<AxisSummary>,
    /// Fractions of the training rows, 1 first.
    pub train_fractions: Vec<f64>,
    /// What the file fixes: (dotted path of the key, kind of model, key).
    pub fixed: Vec<(String, Kind, String)>,
    /// Trials dropped because another one is the same, as when an axis has no effect.
    pub duplicates: u64,
    /// Whether a configuration whose seed has no effect is trained with one seed alone.
    pub trains_deterministic_once: bool,
    /// Trials left out because of that.
    pub deterministic: u64,
    /// Configurations left out by `exclude`.
    pub excluded: u64,
    /// Trials by kind of model; kinds without trials are left out.
    pub counts: Vec<(Kind, u64)>,
}

/// One axis of the search.
#[derive(Debug, Clone, PartialEq)]
pub struct AxisSummary {
    pub kind: Kind,
    pub name: String,
    /// In file order; a zipped axis may repeat a value.
    pub values: Vec<Value>,
    /// Dotted path of the axis in the file, for messages: `grid.lr`.
    pub path: String,
}

impl Plan {
    /// Whether another seed of `spec` would be a trial of its own.
    fn takes_seeds(&self, spec: &TrialSpec) -> bool {
        !(self.trains_deterministic_once && spec.is_deterministic())
    }

    /// Whether another seed of the configuration `config` would be a trial of its own.
    pub fn is_seeded(&self, config: &ConfigId) -> bool {
        let mut trials = self.trials.iter();
        let trial = trials.find(|trial| trial.config == *config);
        trial.is_none_or(|trial| self.takes_seeds(&trial.spec))
    }

    /// The number of different configurations.
    pub fn configurations(&self) -> usize {
        let configs: std::collections::HashSet<&ConfigId> =
            self.trials.iter().map(|trial| &trial.config).collect();
        configs.len()
    }
}

/// The trials still to be run, in plan order: all but those that have a final result. A failed trial
/// is run again only if `is_retried` says so; `status_of` is `None` for a trial that never started.
pub fn remaining(
    plan: &Plan,
    status_of: impl Fn(&TrialId) -> Option<Status>,
    is_retried: impl Fn(&TrialId) -> bool,
) -> Vec<&PlannedTrial> {
    let is_due = |trial: &&PlannedTrial| match status_of(&trial.id) {
        Some(Status::Finished | Status::Diverged) => false,
        Some(Status::Failed) => is_retried(&trial.id),
        Some(Status::Pending | Status::Running | Status::Interrupted | Status::Pruned) | None => {
            true
        }
    };
    plan.trials.iter().filter(is_due).collect()
}

#[cfg(test)]
mod tests {
    use super::{Target, expand};
    use crate::{Experiment, Source, parse};
    use sweep_core::data_config::Edition;
    use sweep_core::trial::models::{DatasetSize, MlpSpec};
    use sweep_core::trial::{DataDigest, Kind, Task, TrialId};

    const QUICKSTART: &str = include_str!("../../../experiments/quickstart.toml");
    const GENRES_GRID: &str = include_str!("../../../experiments/genres_grid.toml");
    const GENRES_TRANSFER: &str = include_str!("../../../experiments/genres_transfer.toml");
    const GENRES_BASELINES: &str = include_str!("../../../experiments/genres_baselines.toml");
    const GENRES_TEXT: &str = include_str!("../../../experiments/genres_text.toml");
    const GENRES_BOTH: &str = include_str!("../../../experiments/genres_numbers_text.toml");

    pub(super) fn digest() -> DataDigest {
        DataDigest::from_hex("0".repeat(64))
    }

    pub(super) fn classes(classes: &[String]) -> Target<'_> {
        Target {
            task: Task::Classification,
            classes,
            data: DatasetSize {
                rows: 1_000,
                features: 10,
                ..DatasetSize::default()
            },
            is_transformed: false,
        }
    }

    pub(super) fn numbers() -> Target<'static> {
        Target {
            task: Task::Regression,
            ..classes(&[])
        }
    }

    /// An experiment from what a test adds to a file without networks.
    pub(super) fn experiment(text: &str) -> Experiment {
        of_edition(text, Edition::default())
    }

    /// The same, with the defaults of `edition`.
    pub(super) fn of_edition(text: &str, edition: Edition) -> Experiment {
        let text = format!("data.path = \"a.csv\"\ndata.target = \"y\"\n{text}");
        read(text, edition)
    }

    fn read(text: String, edition: Edition) -> Experiment {
        let path = "plan.toml".into();
        let source = Source { path, text };
        match parse(&source, &[], edition) {
            Ok(experiment) => experiment,
            Err(problems) => panic!("{problems:#?}"),
        }
    }

    #[test]
    fn the_examples_ask_for_as_many_trials_as_they_say() {
        for (text, networks, boosted, forests) in [
            (GENRES_GRID, 192, 0, 0),
            // Five seeds, six fractions, from scratch and in three ways of transferring.
            (GENRES_TRANSFER, 5 * 6 * 4, 0, 0),
            (GENRES_BASELINES, 0, 6, 3),
            (GENRES_TEXT, 12, 3, 0),
            (GENRES_BOTH, 36, 3, 0),
            (QUICKSTART, 48, 2, 3),
        ] {
            let mut experiment = read(text.to_owned(), Edition::default());
            if experiment.transfer.is_some() {
                let source = TrialId::from_hex("ab".repeat(16));
                experiment
                    .adopt(&source, &MlpSpec::default(), &"0".repeat(64))
                    .unwrap();
            }
            let plan = expand(&experiment, &[digest()], classes(&[]));
            let asked = [
                (Kind::MLP, networks),
                (Kind::XGBOOST, boosted),
                (Kind::RANDOM_FOREST, forests),
            ];
            let expected: Vec<_> = asked.into_iter().filter(|(_, count)| *count > 0).collect();
            assert_eq!(plan.counts, expected);
            assert_eq!((plan.duplicates, plan.excluded), (0, 0));
        }
    }
}
