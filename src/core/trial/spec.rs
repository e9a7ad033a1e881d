//! A trial: one configuration with one replicate seed.

use serde::{Deserialize, Serialize};

use super::metric::Objective;
use super::models::{Kind, ModelSpec};
use super::transfer::{INIT, Transfer};
use super::value::{Params, Value};

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
