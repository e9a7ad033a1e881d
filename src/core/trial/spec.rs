//! A trial: one configuration with one replicate seed.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::id::{ConfigId, DataDigest, TrialId};
use super::metric::Objective;
use super::models::{Kind, ModelSpec};
use super::transfer::{INIT, Transfer};
use super::value::{Params, Value};
use crate::format::hex;

/// Raised whenever the meaning of a [`TrialSpec`] changes, so that old results are not taken for
/// new ones. A test holds golden identifiers against it.
pub const TRIAL_FORMAT: u32 = 1;
/// How [`TrialSpec::train_fraction`] is called in the text that is hashed. Format 1 has its first name.
const CANONICAL_TRAIN_FRACTION: &str = "train_share";

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

    /// Every hyperparameter: those of the model, and those of the trial that are not as usual.
    pub fn params(&self) -> Params {
        let mut params = self.model.params();
        if !is_all_rows(&self.train_fraction) {
            params.push((TRAIN_FRACTION.to_owned(), Value::Float(self.train_fraction)));
        }
        params.extend(self.transfer.iter().flat_map(Transfer::params));
        params
    }
}

/// Gives every trial of one record the hyperparameters that any of them has beyond those of its
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
            if !has(params) && (!kind.is_baseline() || !networks_alone) {
                params.push((name.to_owned(), value.clone()));
            }
        }
    }
}

impl TrialSpec {
    /// Whether the seed has no effect: it draws no rows, and the model does without.
    pub fn is_deterministic(&self) -> bool {
        is_all_rows(&self.train_fraction) && self.model.is_deterministic()
    }

    /// This trial's name on the data set `data`.
    pub fn id(&self, data: &DataDigest) -> TrialId {
        let text = format!("{}seed = {}\n", self.canonical(data), self.seed);
        TrialId::from_hex(hex(&Sha256::digest(text)[..16]))
    }

    /// The name shared by all replicate seeds of this configuration on `data`.
    pub fn config_id(&self, data: &DataDigest) -> ConfigId {
        ConfigId::from_hex(hex(&Sha256::digest(self.canonical(data))[..16]))
    }

    /// One line a key, in the order of the kind's keys, everything resolved, what has no effect
    /// left out: points that differ in that alone are the same trial.
    fn canonical(&self, data: &DataDigest) -> String {
        let mut text = format!(
            "format = {TRIAL_FORMAT}\ndata = {data}\nkind = {}\nobjective = {} {}\n",
            self.model.kind().name(),
            self.objective.goal.name(),
            self.objective.metric,
        );
        for (name, value) in self.model.significant() {
            match self.model.kind().is_open() {
                // Texts are of any form here, and `1` is not `1.0` to every program.
                true => {
                    let value = serde_json::to_string(value).expect("settings are plain data");
                    text.push_str(&format!("{name} = {value}\n"));
                }
                false => text.push_str(&format!("{name} = {value}\n")),
            }
        }
        if let Some(program) = self.model.program() {
            text.push_str(&format!("program = {}\n", program.digest));
        }
        // Left out where they are as usual: names made before there were such settings still hold.
        if self.train_fraction != 1.0 {
            let fraction = Value::Float(self.train_fraction);
            text.push_str(&format!("{CANONICAL_TRAIN_FRACTION} = {fraction}\n"));
        }
        if let Some(transfer) = &self.transfer {
            text.push_str(&transfer.canonical());
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Kind, ModelSpec, Objective};
    use super::*;

    fn spec(kind: Kind) -> TrialSpec {
        TrialSpec::new(ModelSpec::new(kind), 1, Objective::default())
    }

    fn data() -> DataDigest {
        DataDigest::from_hex("0".repeat(64))
    }

    #[test]
    fn identifiers_are_those_of_format_1() {
        // A change here makes every recorded trial a stranger: raise TRIAL_FORMAT with it.
        insta::assert_snapshot!(spec(Kind::MLP).canonical(&data()));
        insta::assert_snapshot!(spec(Kind::XGBOOST).canonical(&data()));
        insta::assert_snapshot!(spec(Kind::RANDOM_FOREST).canonical(&data()));
        insta::assert_snapshot!(spec(Kind::MLP).id(&data()));
    }

    #[test]
    fn seed_value_and_data_change_the_name_and_spelling_does_not() {
        let base = spec(Kind::MLP);
        let mut seeded = base.clone();
        seeded.seed = 2;
        assert_ne!(base.id(&data()), seeded.id(&data()));
        assert_eq!(base.config_id(&data()), seeded.config_id(&data()));

        let mut as_int = base.clone();
        let mut as_float = base.clone();
        as_int.model.set("lr", &Value::Int(1)).unwrap();
        as_float.model.set("lr", &Value::Float(1.0)).unwrap();
        assert_eq!(as_int.id(&data()), as_float.id(&data()));
        assert_ne!(base.id(&data()), as_int.id(&data()));

        let mut half = base.clone();
        half.train_fraction = 0.5;
        assert_ne!(base.id(&data()), half.id(&data()));
        assert_ne!(base.config_id(&data()), half.config_id(&data()));
        assert_ne!(
            base.id(&data()),
            base.id(&DataDigest::from_hex("1".repeat(64)))
        );
        for (key, off, on) in [
            (
                "embedding",
                Value::Text("none".to_owned()),
                Value::Text("ple".to_owned()),
            ),
            ("label_smoothing", Value::Int(0), Value::Float(0.1)),
            ("ema", Value::Int(0), Value::Float(0.99)),
            ("category_embedding", Value::Int(0), Value::Int(8)),
        ] {
            let mut other = base.clone();
            other.model.set(key, &off).unwrap();
            assert_eq!(base.id(&data()), other.id(&data()), "{key}");
            other.model.set(key, &on).unwrap();
            assert_ne!(base.id(&data()), other.id(&data()), "{key}");
        }

        let base = spec(Kind::XGBOOST);
        let mut other = base.clone();
        for (metric, is_same) in [("objective", true), ("loss", false)] {
            let value = Value::Text(metric.to_owned());
            other.model.set("early_stopping_metric", &value).unwrap();
            assert_eq!(base.id(&data()) == other.id(&data()), is_same, "{metric}");
        }
        let mut other = base.clone();
        for (is_on, is_same) in [(false, true), (true, false)] {
            let value = Value::Bool(is_on);
            other.model.set("enable_categorical", &value).unwrap();
            assert_eq!(base.id(&data()) == other.id(&data()), is_same);
        }
    }
}
