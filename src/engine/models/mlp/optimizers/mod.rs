//! Update rules on the flat list of parameters: those of PyTorch's `torch.optim`, with its names.
//!
//! A new one is a file here with an [`Optimizer`], its `mod` and its arm in [`of`], and its name and constants among the
//! settings of networks.

mod adam;
mod sgd;
mod update_rule;

pub use update_rule::{Optimizer, Step};

use adam::Adam;
use sgd::Sgd;
use sweep_core::trial::models::MlpSpec;

/// The optimiser that `spec` names.
pub fn of(spec: &MlpSpec) -> &'static dyn Optimizer {
    match spec.optimizer.name() {
        "adam" => &Adam {
            is_decoupled: false,
        },
        "adamw" => &Adam { is_decoupled: true },
        "sgd" => &Sgd,
        name => unreachable!("{name} has an arm here, which a test walks"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweep_core::trial::models;

    #[test]
    fn every_optimizer_of_the_settings_is_there() {
        for optimizer in models::Optimizer::all() {
            let spec = MlpSpec {
                optimizer,
                ..MlpSpec::default()
            };
            assert!(of(&spec).moments(&spec) <= 2, "{}", optimizer.name());
        }
    }
}
