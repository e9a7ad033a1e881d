//! What a trial takes over from another one: the first layers of a trained network.
//!
//! Invariant: `freeze <= layers`, and `layers` is at least 1 and at most the number of hidden layers
//! of the network that takes them over; who makes a [`Transfer`] checks that.

use serde::{Deserialize, Serialize};

use super::id::TrialId;
use super::value::{Params, Value};

/// Begin with the first layers of a trained network instead of random ones (Yosinski et al. 2014).
///
/// Weights, biases, and the parameters and running statistics of batch normalisation are copied;
/// everything behind them begins as it does without a transfer, with the trial's own seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transfer {
    /// The trial whose weights are copied; its folder stands beside that of this trial.
    pub source: TrialId,
    /// SHA-256 of its weights file, 64 hexadecimal digits.
    pub weights: String,
    /// Hidden layers that are copied, from the input on.
    pub layers: usize,
    /// How many of them stay as they are, from the input on.
    pub freeze: usize,
    /// Learning rate of those that are copied and not frozen, before the schedule.
    pub lr: f64,
}

impl Transfer {
    /// Lines of the canonical form of a trial. Which trial the weights came from is not among them:
    /// equal weights are the same beginning. A rate that nothing is trained with has no effect.
    pub(super) fn canonical(&self) -> String {
        let mut text = format!(
            "transfer = {}\ntransfer_layers = {}\nfreeze = {}\n",
            self.weights, self.layers, self.freeze
        );
        if self.freeze < self.layers {
            text.push_str(&format!("transfer_lr = {}\n", Value::Float(self.lr)));
        }
        text
    }

    /// As hyper-parameters.
    pub(super) fn params(&self) -> Params {
        let text = |text: &str| Value::Text(text.to_owned());
        vec![
            (INIT.to_owned(), text("transfer")),
            (FROM.to_owned(), text(self.source.as_str())),
            (WEIGHTS.to_owned(), text(&self.weights)),
            ("transfer_layers".to_owned(), Value::Int(self.layers as i64)),
            ("freeze".to_owned(), Value::Int(self.freeze as i64)),
            ("transfer_lr".to_owned(), Value::Float(self.lr)),
        ]
    }
}

/// The hyper-parameter that tells transferred networks from others: "transfer" or "scratch".
pub const INIT: &str = "init";
/// The hyper-parameter that names the trial whose weights were copied.
pub const FROM: &str = "transfer_from";
/// The hyper-parameter that holds the SHA-256 of those weights.
pub const WEIGHTS: &str = "transfer_weights";

#[cfg(test)]
mod tests {
    use super::super::{DataDigest, Kind, ModelSpec, Objective, TrialSpec};
    use super::*;

    fn spec(change: impl FnOnce(&mut Transfer)) -> TrialSpec {
        let mut transfer = Transfer {
            source: TrialId::from_hex("a".repeat(32)),
            weights: "b".repeat(64),
            layers: 2,
            freeze: 1,
            lr: 1e-4,
        };
        change(&mut transfer);
        let mut spec = TrialSpec::new(ModelSpec::new(Kind::MLP), 1, Objective::default());
        spec.transfer = Some(transfer);
        spec
    }

    fn id(spec: &TrialSpec) -> TrialId {
        spec.id(&DataDigest::from_hex("0".repeat(64)))
    }

    #[test]
    fn everything_with_an_effect_is_part_of_the_name() {
        let base = id(&spec(|_| {}));
        let mut none = spec(|_| {});
        none.transfer = None;
        let others = [
            id(&none),
            id(&spec(|transfer| transfer.weights = "c".repeat(64))),
            id(&spec(|transfer| transfer.layers = 1)),
            id(&spec(|transfer| transfer.freeze = 0)),
            id(&spec(|transfer| transfer.lr = 1e-3)),
        ];
        for (place, other) in others.iter().enumerate() {
            assert_ne!(base, *other, "change {place}");
        }
    }

    #[test]
    fn a_rate_without_effect_and_the_way_to_the_weights_are_not_part_of_the_name() {
        let frozen = |lr: f64| {
            id(&spec(|transfer| {
                transfer.freeze = 2;
                transfer.lr = lr;
            }))
        };
        assert_eq!(frozen(1e-4), frozen(1e-3));
        let elsewhere = spec(|transfer| transfer.source = TrialId::from_hex("c".repeat(32)));
        assert_eq!(id(&spec(|_| {})), id(&elsewhere));
    }
}
