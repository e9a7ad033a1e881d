//! What an optimizer is: an update rule, and the step that it is asked to take.

use super::super::simd::{F32x16, Isa, Simd};
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

/// `value` in every place, rounded to 32 bits.
#[inline(always)]
pub fn splat<S: Simd>(simd: S, value: f64) -> S::Floats {
    simd.splat(value as f32)
}
