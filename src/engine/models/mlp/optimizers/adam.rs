//! Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019).

use super::super::simd::{Isa, Kernel, Simd};
use super::update_rule::{Optimizer, Step, splat};
use sweep_core::trial::models::MlpSpec;

/// Adam; `is_decoupled` makes it AdamW, whose decay shrinks the parameters themselves.
pub(super) struct Adam {
    pub is_decoupled: bool,
}

impl Optimizer for Adam {
    fn moments(&self, _: &MlpSpec) -> usize {
        2
    }

    fn step(&self, isa: Isa, step: Step<'_>) {
        let is_decoupled = self.is_decoupled;
        isa.run(Update { is_decoupled, step });
    }
}

struct Update<'a> {
    is_decoupled: bool,
    step: Step<'a>,
}

impl Kernel for Update<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let update = self.step;
        let spec = update.spec;
        let (beta1, beta2) = spec.betas;
        let step = update.step as f64;
        let rate = update.lr / (1.0 - beta1.powf(step));
        let root = (1.0 - beta2.powf(step)).sqrt();
        let (decay, shrink) = match self.is_decoupled {
            true => (0.0, 1.0 - update.lr * spec.weight_decay),
            false => (spec.weight_decay, 1.0),
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
}
