//! Names made from content: the same point of the same search on the same data is the same trial,
//! whatever the experiment is called and wherever it runs.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::spec::TrialSpec;
use super::value::Value;
use crate::format::hex;

/// Raised whenever the meaning of a [`TrialSpec`] changes, so that old results are not taken for
/// new ones. A test holds golden identifiers against it.
pub const TRIAL_FORMAT: u32 = 1;
/// How [`TrialSpec::train_fraction`] is called in the text that is hashed. Format 1 has its first name.
const CANONICAL_TRAIN_FRACTION: &str = "train_share";

macro_rules! hex_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes a name read back from the store or the command line.
            pub fn from_hex(text: impl Into<String>) -> $name {
                $name(text.into())
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The first eight digits: what tables show.
            pub fn short(&self) -> &str {
                &self.0[..self.0.len().min(8)]
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

hex_name! {
    /// Name of a trial: 32 hexadecimal digits.
    TrialId
}
hex_name! {
    /// Name of a configuration, that is of a trial less its replicate seed: 32 hexadecimal digits.
    ConfigId
}
hex_name! {
    /// Digest of a prepared data set: 64 hexadecimal digits.
    DataDigest
}

impl DataDigest {
    /// The digest of bytes already hashed.
    pub fn of(hash: Sha256) -> DataDigest {
        DataDigest(hex(&hash.finalize()))
    }
}

impl TrialSpec {
    /// This trial's name on the data set `data`.
    pub fn id(&self, data: &DataDigest) -> TrialId {
        let text = format!("{}seed = {}\n", self.canonical(data), self.seed);
        TrialId(hex(&Sha256::digest(text)[..16]))
    }

    /// The name shared by all replicate seeds of this configuration on `data`.
    pub fn config_id(&self, data: &DataDigest) -> ConfigId {
        ConfigId(hex(&Sha256::digest(self.canonical(data))[..16]))
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
            text.push_str(&format!("{name} = {value}\n"));
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
        ] {
            let mut other = base.clone();
            other.model.set(key, &off).unwrap();
            assert_eq!(base.id(&data()), other.id(&data()), "{key}");
            other.model.set(key, &on).unwrap();
            assert_ne!(base.id(&data()), other.id(&data()), "{key}");
        }
    }
}
