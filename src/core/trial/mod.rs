//! Ground vocabulary: what a trial is, what it is called, and what it gives. No I/O.
//!
//! A [`TrialSpec`] is valid by construction: it is only ever built by setting keys one by one
//! through [`ModelSpec::set`], which refuses what cannot be trained.

mod embedding;
mod evaluation;
mod id;
mod metric;
mod mlp;
mod model_def;
mod result;
mod settings;
mod tables;
mod transfer;
mod trees;
mod value;

pub use embedding::Embedding;
pub use evaluation::{Evaluated, EvaluatedRun, Evaluation, TEST_METRICS, TestScore};
pub use id::{ConfigId, DataDigest, TRIAL_FORMAT, TrialId};
pub use metric::{Goal, METRICS, Metric, Objective};
pub use mlp::{Activation, BatchSize, Decay, EarlyStopping, LrSchedule, MlpSpec, Optimizer};
pub use model_def::Mark;
pub use result::{Artifact, Status, TrialResult};
pub use settings::{Fault, Key, Rejected};
pub use tables::{EARLY_STOPPING_KEYS, LR_SCHEDULE_KEYS};
pub use transfer::{FROM, INIT, Transfer, WEIGHTS};
pub use trees::{BoostSpec, ForestSpec, MaxFeatures};
pub use value::{Params, Value};

use model_def::ModelDef;
use serde::{Deserialize, Serialize};

/// One configuration with one replicate seed: all that decides a result besides the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialSpec {
    pub model: ModelSpec,
    /// Replicate seed: fixes initial weights, batch order, dropout masks, bootstrap draws.
    pub seed: u64,
    /// What decides the best epoch; part of the result, since the weights of that epoch are kept.
    pub objective: Objective,
    /// Fraction of the training rows that is trained on, in (0, 1]; 1 is all of them.
    #[serde(default = "all_rows", skip_serializing_if = "is_all_rows")]
    pub train_fraction: f64,
    /// Layers that are copied instead of drawn; networks only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<Transfer>,
}

/// The hyperparameter under which [`TrialSpec::train_fraction`] is shown, where it is not 1.
pub const TRAIN_FRACTION: &str = "train_fraction";

fn all_rows() -> f64 {
    1.0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a function of a reference"
)]
fn is_all_rows(fraction: &f64) -> bool {
    *fraction == 1.0
}

/// What is trained, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum ModelSpec {
    #[serde(rename = "mlp")]
    Mlp(MlpSpec),
    #[serde(rename = "xgboost")]
    Boost(BoostSpec),
    #[serde(rename = "random_forest")]
    Forest(ForestSpec),
}

/// The kinds of model, as spelled in TOML, in the store and in tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    #[serde(rename = "mlp")]
    Mlp,
    #[serde(rename = "xgboost")]
    Boost,
    #[serde(rename = "random_forest")]
    Forest,
}

impl TrialSpec {
    /// A trial on all training rows that begins from scratch.
    pub fn new(model: ModelSpec, seed: u64, objective: Objective) -> TrialSpec {
        TrialSpec {
            model,
            seed,
            objective,
            train_fraction: all_rows(),
            transfer: None,
        }
    }

    /// Every hyper-parameter: those of the model, and those of the trial that are not as usual.
    pub fn params(&self) -> Params {
        let mut params = self.model.params();
        if !is_all_rows(&self.train_fraction) {
            params.push((TRAIN_FRACTION.to_owned(), Value::Float(self.train_fraction)));
        }
        params.extend(self.transfer.iter().flat_map(Transfer::params));
        params
    }
}

/// Gives every trial of one record the hyper-parameters that any of them has beyond those of its
/// model, with the value that leaving them out means, so that trials can be compared by them.
pub fn complete<'a>(trials: impl Iterator<Item = (Kind, &'a mut Params)>) {
    let mut trials: Vec<(Kind, &mut Params)> = trials.collect();
    let usual = [
        (TRAIN_FRACTION, Value::Float(all_rows()), false),
        (INIT, Value::Text("scratch".to_owned()), true),
    ];
    for (name, value, networks_alone) in usual {
        let has = |params: &Params| params.iter().any(|(key, _)| key == name);
        if !trials.iter().any(|(_, params)| has(params)) {
            continue;
        }
        for (kind, params) in &mut trials {
            if !has(params) && (*kind == Kind::Mlp || !networks_alone) {
                params.push((name.to_owned(), value.clone()));
            }
        }
    }
}

impl Kind {
    pub const ALL: [Kind; 3] = [Kind::Mlp, Kind::Boost, Kind::Forest];
    pub const BASELINES: [Kind; 2] = [Kind::Boost, Kind::Forest];

    /// All that the rest of the program has to know of the kind, beside its settings.
    fn def(self) -> &'static ModelDef {
        match self {
            Kind::Mlp => &mlp::DEF,
            Kind::Boost => &trees::XGBOOST,
            Kind::Forest => &trees::RANDOM_FOREST,
        }
    }

    /// As spelled in TOML and in the store.
    pub fn name(self) -> &'static str {
        self.def().name
    }

    /// As prose, tables and plots call it.
    pub fn label(self) -> &'static str {
        self.def().label
    }

    /// The shape of its points in plots.
    pub fn mark(self) -> Mark {
        self.def().mark
    }

    /// Its colour in plots: red, green, blue.
    pub fn color(self) -> (u8, u8, u8) {
        self.def().color
    }

    /// The kind spelled `name`, if there is one.
    pub fn parse(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    pub fn is_baseline(self) -> bool {
        self.def().is_baseline
    }

    /// The keys that a model of this kind takes.
    pub fn keys(self) -> &'static [Key] {
        self.def().keys
    }

    /// A model of this kind with every key at its default.
    pub fn default_model(self) -> ModelSpec {
        match self {
            Kind::Mlp => ModelSpec::Mlp(MlpSpec::default()),
            Kind::Boost => ModelSpec::Boost(BoostSpec::default()),
            Kind::Forest => ModelSpec::Forest(ForestSpec::default()),
        }
    }
}

impl ModelSpec {
    pub fn kind(&self) -> Kind {
        match self {
            ModelSpec::Mlp(_) => Kind::Mlp,
            ModelSpec::Boost(_) => Kind::Boost,
            ModelSpec::Forest(_) => Kind::Forest,
        }
    }

    /// Sets `key` to `value`, or says what would be allowed.
    pub fn set(&mut self, key: &str, value: &Value) -> Result<(), Rejected> {
        match self {
            ModelSpec::Mlp(spec) => spec.set(key, value),
            ModelSpec::Boost(spec) => spec.set(key, value),
            ModelSpec::Forest(spec) => spec.set(key, value),
        }
    }

    /// Every key with its resolved value, in the order of the kind's keys.
    pub fn params(&self) -> Params {
        match self {
            ModelSpec::Mlp(spec) => spec.params(),
            ModelSpec::Boost(spec) => spec.params(),
            ModelSpec::Forest(spec) => spec.params(),
        }
    }

    /// Most steps that training takes: epochs, rounds or trees.
    pub fn steps(&self) -> u32 {
        match self {
            ModelSpec::Mlp(spec) => spec.epochs,
            ModelSpec::Boost(spec) => spec.rounds,
            ModelSpec::Forest(spec) => spec.trees,
        }
    }

    /// Whether `key` has no effect beside the other settings.
    pub fn is_inactive(&self, key: &str) -> bool {
        match self {
            ModelSpec::Mlp(spec) => spec.is_inactive(key),
            ModelSpec::Boost(_) | ModelSpec::Forest(_) => false,
        }
    }

    /// Whether `key` stands for how models were trained before there was such a key.
    pub fn is_legacy_default(&self, key: &str) -> bool {
        match self {
            ModelSpec::Mlp(spec) => spec.is_legacy_default(key),
            ModelSpec::Boost(_) | ModelSpec::Forest(_) => false,
        }
    }
}
