//! Ground vocabulary: what a trial is, what it is called, and what it gives. No I/O.
//!
//! A [`TrialSpec`] is valid by construction: it is only ever built by setting keys one by one
//! through [`ModelSpec::set`], which refuses what cannot be trained.

mod embedding;
mod id;
mod metric;
mod mlp;
mod result;
mod settings;
mod trees;
mod value;

pub use embedding::Embedding;
pub use id::{ConfigId, DataDigest, TRIAL_FORMAT, TrialId};
pub use metric::{Goal, METRICS, Metric, Objective};
pub use mlp::{Activation, BatchSize, Decay, EarlyStopping, LrSchedule, MlpSpec, Optimizer};
pub use result::{Artifact, Status, TrialResult};
pub use settings::{Key, Rejected};
pub use trees::{BoostSpec, ForestSpec, MaxFeatures};
pub use value::{Params, Value};

use serde::{Deserialize, Serialize};

/// One configuration with one replicate seed: all that decides a result besides the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialSpec {
    pub model: ModelSpec,
    /// Replicate seed: fixes initial weights, batch order, dropout masks, bootstrap draws.
    pub seed: u64,
    /// What decides the best epoch; part of the result, since the weights of that epoch are kept.
    pub objective: Objective,
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

impl Kind {
    pub const BASELINES: [Kind; 2] = [Kind::Boost, Kind::Forest];

    pub fn name(self) -> &'static str {
        match self {
            Kind::Mlp => "mlp",
            Kind::Boost => "xgboost",
            Kind::Forest => "random_forest",
        }
    }

    /// The kind spelled `name`, if there is one.
    pub fn parse(name: &str) -> Option<Kind> {
        [Kind::Mlp, Kind::Boost, Kind::Forest]
            .into_iter()
            .find(|kind| kind.name() == name)
    }

    pub fn is_baseline(self) -> bool {
        self != Kind::Mlp
    }

    /// The keys that a model of this kind takes.
    pub fn keys(self) -> &'static [Key] {
        match self {
            Kind::Mlp => MlpSpec::KEYS,
            Kind::Boost => BoostSpec::KEYS,
            Kind::Forest => ForestSpec::KEYS,
        }
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

    /// Whether `key` has no effect beside the other settings.
    pub fn is_inert(&self, key: &str) -> bool {
        match self {
            ModelSpec::Mlp(spec) => spec.is_inert(key),
            ModelSpec::Boost(_) | ModelSpec::Forest(_) => false,
        }
    }

    /// Whether `key` stands for how models were trained before there was such a key.
    pub fn is_as_before(&self, key: &str) -> bool {
        match self {
            ModelSpec::Mlp(spec) => spec.is_as_before(key),
            ModelSpec::Boost(_) | ModelSpec::Forest(_) => false,
        }
    }
}
