//! Update rules on the flat list of parameters: those of PyTorch's `torch.optim`, with its names.

use super::layer_ops::sum_squares;
use super::simd::{F32x16, Kernel, Simd};
use sweep_core::trial::{MlpSpec, Optimizer};

/// Added to the norm before dividing by it, as `torch.nn.utils.clip_grad_norm_` does.
const CLIP_EPS: f64 = 1e-6;

/// One step of the optimiser of `spec`; `step` counts from 1 and `lr` is that of this step.
pub struct Update<'a> {
    pub spec: &'a MlpSpec,
    pub step: u64,
    pub lr: f64,
    /// What the gradients are multiplied by first.
    pub clip: f32,
    pub parameters: &'a mut [F32x16],
    pub gradients: &'a [F32x16],
    /// First moments, or the momentum buffer of `sgd`.
    pub first: &'a mut [F32x16],
    /// Second moments; empty for `sgd`.
    pub second: &'a mut [F32x16],
}

/// A moving average of the parameters.
pub struct Average<'a> {
    pub parameters: &'a [F32x16],
    /// Share of the average that stays.
    pub decay: f64,
    pub average: &'a mut [F32x16],
}

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

impl Kernel for Update<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        match self.spec.optimizer {
            Optimizer::Adam | Optimizer::Adamw => adam(simd, self),
            Optimizer::Sgd if self.spec.momentum > 0.0 => momentum(simd, self),
            Optimizer::Sgd => descent(simd, self),
        }
    }
}

/// Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019).
#[inline(always)]
fn adam<S: Simd>(simd: S, update: Update<'_>) {
    let spec = update.spec;
    let (beta1, beta2) = spec.betas;
    let step = update.step as f64;
    let rate = update.lr / (1.0 - beta1.powf(step));
    let root = (1.0 - beta2.powf(step)).sqrt();
    let (decay, shrink) = match spec.optimizer {
        Optimizer::Adamw => (0.0, 1.0 - update.lr * spec.weight_decay),
        Optimizer::Adam | Optimizer::Sgd => (spec.weight_decay, 1.0),
    };
    let (clip, decay, shrink) = (
        simd.splat(update.clip),
        splat(simd, decay),
        splat(simd, shrink),
    );
    let (rest1, beta2, rest2) = (
        splat(simd, 1.0 - beta1),
        splat(simd, beta2),
        splat(simd, 1.0 - beta2),
    );
    let (rate, root, eps) = (
        splat(simd, -rate),
        splat(simd, 1.0 / root),
        splat(simd, spec.eps),
    );
    let moments = update.first.iter_mut().zip(update.second);
    let parameters = update.parameters.iter_mut().zip(update.gradients);
    for ((parameter, gradient), (first, second)) in parameters.zip(moments) {
        let value = simd.load(parameter);
        let grad = simd.mul_add(decay, value, simd.mul(simd.load(gradient), clip));
        let old = simd.load(first);
        let mean = simd.mul_add(simd.sub(grad, old), rest1, old);
        simd.store(mean, first);
        let square = simd.mul(simd.mul(grad, grad), rest2);
        let square = simd.mul_add(simd.load(second), beta2, square);
        simd.store(square, second);
        let size = simd.mul_add(simd.sqrt(square), root, eps);
        let shrunk = simd.mul(value, shrink);
        let value = simd.mul_add(rate, simd.div(mean, size), shrunk);
        simd.store(value, parameter);
    }
}

#[inline(always)]
fn momentum<S: Simd>(simd: S, update: Update<'_>) {
    let spec = update.spec;
    let (clip, decay) = (simd.splat(update.clip), splat(simd, spec.weight_decay));
    let (rate, keep) = (splat(simd, -update.lr), splat(simd, spec.momentum));
    let parameters = update.parameters.iter_mut().zip(update.gradients);
    for ((parameter, gradient), first) in parameters.zip(update.first) {
        let value = simd.load(parameter);
        let grad = simd.mul_add(decay, value, simd.mul(simd.load(gradient), clip));
        let speed = simd.mul_add(simd.load(first), keep, grad);
        simd.store(speed, first);
        let move_by = match spec.nesterov {
            true => simd.mul_add(speed, keep, grad),
            false => speed,
        };
        simd.store(simd.mul_add(rate, move_by, value), parameter);
    }
}

#[inline(always)]
fn descent<S: Simd>(simd: S, update: Update<'_>) {
    let (clip, decay) = (
        simd.splat(update.clip),
        simd.splat(update.spec.weight_decay as f32),
    );
    let rate = simd.splat(-update.lr as f32);
    for (parameter, gradient) in update.parameters.iter_mut().zip(update.gradients) {
        let value = simd.load(parameter);
        let grad = simd.mul_add(decay, value, simd.mul(simd.load(gradient), clip));
        simd.store(simd.mul_add(rate, grad, value), parameter);
    }
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
        let rest = splat(simd, 1.0 - self.decay);
        for (average, parameter) in self.average.iter_mut().zip(self.parameters) {
            let old = simd.load(average);
            let apart = simd.sub(simd.load(parameter), old);
            simd.store(simd.mul_add(apart, rest, old), average);
        }
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

#[inline(always)]
fn splat<S: Simd>(simd: S, value: f64) -> S::Floats {
    simd.splat(value as f32)
}
