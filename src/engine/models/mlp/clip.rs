//! Clipping by the global norm of the gradient, as `torch.nn.utils.clip_grad_norm_` does.

use super::layer_ops::sum_squares;
use super::simd::{F32x16, Kernel, Simd};
use sweep_core::trial::models::MlpSpec;

/// Added to the norm before dividing by it.
const CLIP_EPS: f64 = 1e-6;

/// The L2 norm of all gradients.
pub struct Norm<'a> {
    pub gradients: &'a [F32x16],
}

/// What gradients of this norm are to be multiplied by; 1 without clipping.
pub fn clip_factor(spec: &MlpSpec, norm: f64) -> f32 {
    // Written so that a norm that is not a number goes on into the weights and is seen.
    match spec.clip_norm > 0.0 {
        true if norm + CLIP_EPS <= spec.clip_norm => 1.0,
        true => (spec.clip_norm / (norm + CLIP_EPS)) as f32,
        false => 1.0,
    }
}

impl Kernel for Norm<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> f64 {
        let squares = sum_squares(simd, self.gradients, simd.zero());
        f64::from(simd.sum(squares)).sqrt()
    }
}
