//! The moving average of the parameters that is measured and saved in their place.

use super::simd::{F32x16, Kernel, Simd};

/// A moving average of the parameters.
pub struct Average<'a> {
    pub parameters: &'a [F32x16],
    /// Fraction of the average that stays.
    pub decay: f64,
    pub average: &'a mut [F32x16],
}

/// The decay of the moving average at optimiser step `step` (from 1). It rises to `ema` from 0 at the
/// first step, so that the average forgets where training began as fast as it can.
pub fn average_decay(ema: f64, step: u64) -> f64 {
    let step = step as f64;
    ema.min((step - 1.0) / (step + 9.0))
}

impl Kernel for Average<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let rest = simd.splat((1.0 - self.decay) as f32);
        for (average, parameter) in self.average.iter_mut().zip(self.parameters) {
            let old = simd.load(average);
            let apart = simd.sub(simd.load(parameter), old);
            simd.store(simd.mul_add(apart, rest, old), average);
        }
    }
}
