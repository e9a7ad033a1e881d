//! Stochastic gradient descent, with or without momentum (Nesterov's, on request).

use super::super::simd::{Isa, Kernel, Simd};
use super::update_rule::{Optimizer, Step, splat};
use sweep_core::trial::models::MlpSpec;

pub(super) struct Sgd;

impl Optimizer for Sgd {
    fn moments(&self, spec: &MlpSpec) -> usize {
        usize::from(spec.momentum > 0.0)
    }

    fn step(&self, isa: Isa, step: Step<'_>) {
        match step.spec.momentum > 0.0 {
            true => isa.run(Momentum(step)),
            false => isa.run(Descent(step)),
        }
    }
}

struct Momentum<'a>(Step<'a>);

impl Kernel for Momentum<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let update = self.0;
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
}

struct Descent<'a>(Step<'a>);

impl Kernel for Descent<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let update = self.0;
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
}
