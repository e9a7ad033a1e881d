//! The tree baselines: gradient boosting by XGBoost and our own random forest.

use serde::{Deserialize, Serialize};

use super::model_def::{Mark, ModelDef};
use super::settings::{Key, Rejected, find};
use super::{Params, Value};

pub(super) static XGBOOST: ModelDef = ModelDef {
    name: "xgboost",
    label: "XGBoost",
    is_baseline: true,
    mark: Mark::Diamond,
    color: (213, 94, 0),
    keys: BoostSpec::KEYS,
};

pub(super) static RANDOM_FOREST: ModelDef = ModelDef {
    name: "random_forest",
    label: "random forest",
    is_baseline: true,
    mark: Mark::Square,
    color: (0, 158, 115),
    keys: ForestSpec::KEYS,
};

/// XGBoost's `hist` tree method; names and defaults are XGBoost's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoostSpec {
    pub rounds: u32,
    /// Rounds without improvement of the objective on validation rows before ending; 0 is off.
    pub early_stopping_rounds: u32,
    pub max_depth: u32,
    pub eta: f64,
    pub subsample: f64,
    pub colsample_bytree: f64,
    pub min_child_weight: f64,
    pub gamma: f64,
    pub lambda: f64,
    pub alpha: f64,
    pub max_bin: u32,
}

/// A forest of histogram trees grown on bootstrap samples (Breiman 2001); names are scikit-learn's
/// where it has one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForestSpec {
    pub trees: u32,
    /// Deepest level of a tree; 0 is no limit.
    pub max_depth: u32,
    pub min_leaf: u32,
    pub max_features: MaxFeatures,
    pub bootstrap: bool,
    pub max_bin: u32,
}

/// How many features are tried at a node.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MaxFeatures {
    /// The square root of their number, at least 1.
    Sqrt,
    All,
    /// This share of them, at least 1.
    Share(f64),
}

impl MaxFeatures {
    /// The number of features to try when there are `features`.
    pub fn count(self, features: usize) -> usize {
        let count = match self {
            MaxFeatures::Sqrt => (features as f64).sqrt().floor() as usize,
            MaxFeatures::All => features,
            MaxFeatures::Share(share) => (features as f64 * share).floor() as usize,
        };
        count.clamp(1, features.max(1))
    }
}

impl Default for BoostSpec {
    fn default() -> BoostSpec {
        BoostSpec {
            rounds: 300,
            early_stopping_rounds: 0,
            max_depth: 6,
            eta: 0.3,
            subsample: 1.0,
            colsample_bytree: 1.0,
            min_child_weight: 1.0,
            gamma: 0.0,
            lambda: 1.0,
            alpha: 0.0,
            max_bin: 256,
        }
    }
}

impl Default for ForestSpec {
    fn default() -> ForestSpec {
        ForestSpec {
            trees: 100,
            max_depth: 0,
            min_leaf: 1,
            max_features: MaxFeatures::Sqrt,
            bootstrap: true,
            max_bin: 256,
        }
    }
}

impl BoostSpec {
    pub const KEYS: &'static [Key] = &[
        Key::new(
            "rounds",
            "an integer from 1 to 100000",
            "most boosting rounds",
        ),
        Key::new(
            "early_stopping_rounds",
            "an integer from 0 (0 = off)",
            "rounds without improvement of the objective before ending",
        ),
        Key::new(
            "max_depth",
            "an integer from 1 to 64",
            "deepest level of a tree",
        ),
        Key::new("eta", "a number in (0, 1]", "shrinkage of each tree"),
        Key::new("subsample", "a number in (0, 1]", "share of rows a round"),
        Key::new(
            "colsample_bytree",
            "a number in (0, 1]",
            "share of features a tree",
        ),
        Key::new(
            "min_child_weight",
            "a number from 0",
            "least hessian of a leaf",
        ),
        Key::new("gamma", "a number from 0", "least gain of a split"),
        Key::new("lambda", "a number from 0", "L2 on leaf weights"),
        Key::new("alpha", "a number from 0", "L1 on leaf weights"),
        Key::new(
            "max_bin",
            "an integer from 2 to 65536",
            "histogram bins a feature",
        ),
    ];

    /// Sets `key` to `value`, or says what would be allowed.
    pub fn set(&mut self, name: &str, value: &Value) -> Result<(), Rejected> {
        let key = find(BoostSpec::KEYS, name)?;
        let share = |value| key.number(value, |share| share > 0.0 && share <= 1.0);
        let amount = |value| key.number(value, |amount| amount >= 0.0);
        match name {
            "rounds" => self.rounds = key.integer(value, 1, 100_000)?,
            "early_stopping_rounds" => {
                self.early_stopping_rounds = key.integer(value, 0, u32::MAX)?
            }
            "max_depth" => self.max_depth = key.integer(value, 1, 64)?,
            "eta" => self.eta = share(value)?,
            "subsample" => self.subsample = share(value)?,
            "colsample_bytree" => self.colsample_bytree = share(value)?,
            "min_child_weight" => self.min_child_weight = amount(value)?,
            "gamma" => self.gamma = amount(value)?,
            "lambda" => self.lambda = amount(value)?,
            "alpha" => self.alpha = amount(value)?,
            "max_bin" => self.max_bin = key.integer(value, 2, 65_536)?,
            _ => unreachable!("every name in KEYS has an arm, which a test walks"),
        }
        Ok(())
    }

    /// Every key with its value, in the order of [`BoostSpec::KEYS`].
    pub fn params(&self) -> Params {
        vec![
            ("rounds".to_owned(), Value::Int(self.rounds.into())),
            (
                "early_stopping_rounds".to_owned(),
                Value::Int(self.early_stopping_rounds.into()),
            ),
            ("max_depth".to_owned(), Value::Int(self.max_depth.into())),
            ("eta".to_owned(), Value::Float(self.eta)),
            ("subsample".to_owned(), Value::Float(self.subsample)),
            (
                "colsample_bytree".to_owned(),
                Value::Float(self.colsample_bytree),
            ),
            (
                "min_child_weight".to_owned(),
                Value::Float(self.min_child_weight),
            ),
            ("gamma".to_owned(), Value::Float(self.gamma)),
            ("lambda".to_owned(), Value::Float(self.lambda)),
            ("alpha".to_owned(), Value::Float(self.alpha)),
            ("max_bin".to_owned(), Value::Int(self.max_bin.into())),
        ]
    }
}

impl ForestSpec {
    pub const KEYS: &'static [Key] = &[
        Key::new(
            "trees",
            "an integer from 1 to 100000",
            "trees of the forest",
        ),
        Key::new(
            "max_depth",
            "an integer from 0 to 64 (0 = no limit)",
            "deepest level of a tree",
        ),
        Key::new("min_leaf", "an integer from 1", "fewest rows of a leaf"),
        Key::new(
            "max_features",
            "\"sqrt\", \"all\" or a share in (0, 1]",
            "features tried at a node",
        ),
        Key::new(
            "bootstrap",
            "true or false",
            "draw rows with replacement for each tree",
        ),
        Key::new(
            "max_bin",
            "an integer from 2 to 256",
            "histogram bins a feature",
        ),
    ];

    /// Sets `key` to `value`, or says what would be allowed.
    pub fn set(&mut self, name: &str, value: &Value) -> Result<(), Rejected> {
        let key = find(ForestSpec::KEYS, name)?;
        match name {
            "trees" => self.trees = key.integer(value, 1, 100_000)?,
            "max_depth" => self.max_depth = key.integer(value, 0, 64)?,
            "min_leaf" => self.min_leaf = key.integer(value, 1, u32::MAX)?,
            "max_features" => {
                self.max_features = match value {
                    Value::Text(text) if text == "sqrt" => MaxFeatures::Sqrt,
                    Value::Text(text) if text == "all" => MaxFeatures::All,
                    _ => MaxFeatures::Share(key.number(value, |s| s > 0.0 && s <= 1.0)?),
                }
            }
            "bootstrap" => self.bootstrap = key.bool(value)?,
            "max_bin" => self.max_bin = key.integer(value, 2, 256)?,
            _ => unreachable!("every name in KEYS has an arm, which a test walks"),
        }
        Ok(())
    }

    /// Every key with its value, in the order of [`ForestSpec::KEYS`].
    pub fn params(&self) -> Params {
        let max_features = match self.max_features {
            MaxFeatures::Sqrt => Value::Text("sqrt".to_owned()),
            MaxFeatures::All => Value::Text("all".to_owned()),
            MaxFeatures::Share(share) => Value::Float(share),
        };
        vec![
            ("trees".to_owned(), Value::Int(self.trees.into())),
            ("max_depth".to_owned(), Value::Int(self.max_depth.into())),
            ("min_leaf".to_owned(), Value::Int(self.min_leaf.into())),
            ("max_features".to_owned(), max_features),
            ("bootstrap".to_owned(), Value::Bool(self.bootstrap)),
            ("max_bin".to_owned(), Value::Int(self.max_bin.into())),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Kind, ModelSpec};

    #[test]
    fn every_key_reads_back_what_it_shows() {
        for kind in Kind::BASELINES {
            let spec: ModelSpec = kind.default_model();
            let mut copy = kind.default_model();
            for (key, value) in spec.params() {
                copy.set(&key, &value)
                    .unwrap_or_else(|_| panic!("{key} = {value}"));
            }
            assert_eq!(copy, spec);
            let names: Vec<String> = spec.params().into_iter().map(|(name, _)| name).collect();
            assert_eq!(
                names,
                kind.keys().iter().map(|key| key.name).collect::<Vec<_>>()
            );
        }
    }
}
