//! The optimisers of networks and their constants.
//!
//! A new optimiser is a line in [`OPTIMIZERS`] (with constants of its own beside those below), and its update in the
//! engine's `models/mlp/optimizers`.

use super::super::super::value::Value;
use super::super::param::{Choice, FloatRange, InBatch, Literal, ParamDef, ParamType};
use super::super::view::{ParamValue, unexpected, word};

/// Every optimiser, with the constants that it uses; constants that the chosen one does not use have no effect.
pub(super) static OPTIMIZERS: &[Choice] = &[
    Choice {
        name: "adam",
        uses: &["betas", "eps"],
    },
    Choice {
        name: "adamw",
        uses: &["betas", "eps"],
    },
    Choice {
        name: "sgd",
        uses: &["momentum", "nesterov"],
    },
];

pub(super) const MOMENTUM: ParamDef = ParamDef::new(
    "momentum",
    ParamType::Float(FloatRange::BELOW_1),
    Literal::Float(0.0),
    "sgd only",
)
.in_batch(InBatch::SameSwitch);

pub(super) const NESTEROV: ParamDef = ParamDef::new(
    "nesterov",
    ParamType::Bool,
    Literal::Bool(false),
    "sgd only; needs momentum above 0",
)
.unless("momentum", Literal::Float(0.0))
.in_batch(InBatch::Same);

pub(super) const BETAS: ParamDef = ParamDef::new(
    "betas",
    ParamType::Pair(FloatRange::BELOW_1),
    Literal::Floats(&[0.9, 0.999]),
    "adam and adamw only",
)
.note(", such as [0.9, 0.999]");

pub(super) const EPS: ParamDef = ParamDef::new(
    "eps",
    ParamType::Float(FloatRange::ABOVE_0),
    Literal::Float(1e-8),
    "adam and adamw only",
);

/// One of [`OPTIMIZERS`].
#[derive(Debug, Clone, Copy)]
pub struct Optimizer(&'static Choice);

impl Optimizer {
    pub const ADAM: Optimizer = Optimizer(&OPTIMIZERS[0]);
    pub const ADAMW: Optimizer = Optimizer(&OPTIMIZERS[1]);
    pub const SGD: Optimizer = Optimizer(&OPTIMIZERS[2]);

    pub fn all() -> impl Iterator<Item = Optimizer> {
        OPTIMIZERS.iter().map(Optimizer)
    }

    pub fn name(self) -> &'static str {
        self.0.name
    }
}

impl PartialEq for Optimizer {
    fn eq(&self, other: &Optimizer) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Optimizer {}

impl ParamValue for Optimizer {
    fn from_value(value: &Value) -> Optimizer {
        let found = match value {
            Value::Text(name) => Optimizer::all().find(|optimizer| optimizer.name() == name),
            _ => None,
        };
        found.unwrap_or_else(|| unexpected(value))
    }

    fn to_value(&self) -> Value {
        word(self.name())
    }
}
