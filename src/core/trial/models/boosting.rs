//! Settings that the kinds of gradient boosting share: how many rounds there are, and which one is kept.

use super::super::value::Value;
use super::param::{Choice, IntRange, Literal, ParamDef, ParamType};
use super::view::{ParamValue, unexpected, word};

pub(super) const ROUNDS: ParamDef = ParamDef::new(
    "rounds",
    ParamType::Int(IntRange::new(1, 100_000)),
    Literal::Int(300),
    "most boosting rounds",
);

pub(super) const EARLY_STOPPING_ROUNDS: ParamDef = ParamDef::new(
    "early_stopping_rounds",
    ParamType::Int(IntRange::from(0)),
    Literal::Int(0),
    "rounds without improvement on validation rows before ending",
)
.note(" (0 = off)");

/// `early_stopping_metric`, by default `default`. Where trials are ranked by the loss, both words come to the same.
pub(super) const fn early_stopping_metric(default: &'static str) -> ParamDef {
    ParamDef::new(
        "early_stopping_metric",
        ParamType::Choice(STOPPING_METRICS),
        Literal::Text(default),
        "what chooses the round that is kept, and has to improve for early stopping",
    )
    .resolve(|_, context| {
        let is_both = context.ranks_by_loss();
        is_both.then(|| word("objective"))
    })
}

static STOPPING_METRICS: &[Choice] = &[Choice::new("loss"), Choice::new("objective")];

/// What chooses the round that is kept, and has to improve for early stopping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoppingMetric {
    /// The validation loss: the log loss, or of numbers the loss that is trained.
    Loss,
    /// The objective that ranks trials.
    Objective,
}

impl ParamValue for StoppingMetric {
    fn from_value(value: &Value) -> StoppingMetric {
        match value {
            Value::Text(name) if name == "loss" => StoppingMetric::Loss,
            Value::Text(name) if name == "objective" => StoppingMetric::Objective,
            other => unexpected(other),
        }
    }

    fn to_value(&self) -> Value {
        word(match self {
            StoppingMetric::Loss => "loss",
            StoppingMetric::Objective => "objective",
        })
    }
}
