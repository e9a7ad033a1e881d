//! Update rules on the flat list of parameters: those of PyTorch's `torch.optim`, with its names.
//!
//! A new one is a file here with an [`Optimizer`], a line in [`of`], and its name and constants among the settings of
//! networks.

mod adam;
mod sgd;

use super::simd::{F32x16, Isa, Simd};
use adam::Adam;
use sgd::Sgd;
use sweep_core::trial::models::MlpSpec;

/// An update rule.
pub trait Optimizer: Sync {
    /// How many moving averages of gradients it keeps for each parameter, up to 2.
    fn moments(&self, spec: &MlpSpec) -> usize;

    /// Takes one step on `isa`.
    fn step(&self, isa: Isa, step: Step<'_>);
}

/// One step of an optimiser; `step` counts from 1 and `lr` is that of this step.
pub struct Step<'a> {
    pub spec: &'a MlpSpec,
    pub step: u64,
    pub lr: f64,
    /// What the gradients are multiplied by first.
    pub clip: f32,
    pub parameters: &'a mut [F32x16],
    pub gradients: &'a [F32x16],
    /// First moments; empty without any.
    pub first: &'a mut [F32x16],
    /// Second moments; empty unless there are two.
    pub second: &'a mut [F32x16],
}

/// The optimiser that `spec` names.
pub fn of(spec: &MlpSpec) -> &'static dyn Optimizer {
    match spec.optimizer.name() {
        "adam" => &Adam {
            is_decoupled: false,
        },
        "adamw" => &Adam { is_decoupled: true },
        "sgd" => &Sgd,
        name => unreachable!("{name} has a line here, which a test walks"),
    }
}

#[inline(always)]
fn splat<S: Simd>(simd: S, value: f64) -> S::Floats {
    simd.splat(value as f32)
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
