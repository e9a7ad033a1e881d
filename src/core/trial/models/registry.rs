//! Every kind of model.
//!
//! A new kind is a file beside this one with its [`super::KindDef`], a constant and a place in [`REGISTRY`], and
//! what trains it in the engine's `models`.

use std::cmp::Ordering;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::kind::Kind;
use super::{lightgbm, mlp, program, random_forest, xgboost};
use crate::format::one_of;

/// Every kind, in the order in which they are listed.
static REGISTRY: [Kind; 5] = [
    Kind::MLP,
    Kind::XGBOOST,
    Kind::RANDOM_FOREST,
    Kind::LIGHTGBM,
    Kind::PROGRAM,
];

impl Kind {
    /// The network that `[model]` declares.
    pub const MLP: Kind = Kind(&mlp::DEF);
    pub const XGBOOST: Kind = Kind(&xgboost::DEF);
    pub const RANDOM_FOREST: Kind = Kind(&random_forest::DEF);
    pub const LIGHTGBM: Kind = Kind(&lightgbm::DEF);

    /// A program of the user's.
    pub const PROGRAM: Kind = Kind(&program::DEF);

    /// Every kind, in the order in which they are listed.
    pub fn all() -> impl ExactSizeIterator<Item = Kind> + Clone {
        REGISTRY.iter().copied()
    }

    /// The kinds that `[[baseline]]` declares.
    pub fn baselines() -> impl Iterator<Item = Kind> + Clone {
        Kind::all().filter(|kind| kind.is_baseline())
    }

    /// The names of all, as a message lists what is allowed.
    pub fn allowed() -> String {
        one_of(Kind::all().map(|kind| kind.name().to_owned()).collect())
    }

    /// The kind spelled `name`, if there is one.
    pub fn parse(name: &str) -> Option<Kind> {
        Kind::all().find(|kind| kind.name() == name)
    }

    /// Its place among all kinds.
    pub fn index(self) -> usize {
        let found = Kind::all().position(|kind| kind == self);
        found.expect("every kind is in the registry")
    }
}

impl PartialOrd for Kind {
    fn partial_cmp(&self, other: &Kind) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Kind {
    fn cmp(&self, other: &Kind) -> Ordering {
        self.index().cmp(&other.index())
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Kind, D::Error> {
        let name = String::deserialize(deserializer)?;
        Kind::parse(&name)
            .ok_or_else(|| D::Error::custom(format!("there is no kind of model {name:?}")))
    }
}
