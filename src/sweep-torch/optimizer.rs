//! Update rules of native on the parameters of several lanes, each with its own constants.
//!
//! Invariant: every operation rounds once, so that a number does not depend on where it stands in a
//! tensor. (Fused operations such as `addcmul` are rounded differently at the end of a loop.)

use sweep_core::trial::models::{MlpSpec, Optimizer};
use sweep_engine::models::mlp::average_decay;
use sweep_engine::models::mlp::trial_state::{ParamGroup, TrialState};
use tch::{Device, Tensor};

/// Added to the norm before dividing by it, as native does.
const CLIP_EPS: f64 = 1e-6;

/// What of the update rule does not change from step to step; tensors are [K, 1].
pub struct Constants {
    rule: Rule,
    /// L2 added to the gradient, if any lane has it.
    decay: Option<Tensor>,
    /// Whether any lane's parameters shrink on their own.
    shrinks: bool,
    /// Largest norm of each lane, infinite where there is none; [K].
    clip: Option<Tensor>,
    averages: bool,
}

enum Rule {
    Adam {
        rest1: Tensor,
        beta2: Tensor,
        rest2: Tensor,
        eps: Tensor,
    },
    Momentum {
        keep: Tensor,
        nesterov: bool,
    },
    Descent,
}

/// What changes with every step of an epoch: [steps, columns, K, 1] on the device.
pub struct Table {
    numbers: Tensor,
}

/// The numbers that are trained, each [K, P] but `average`, which may be missing as moments may.
pub struct Numbers {
    pub parameters: Tensor,
    pub first: Option<Tensor>,
    pub second: Option<Tensor>,
    pub average: Option<Tensor>,
}

impl Constants {
    pub fn of(specs: &[&MlpSpec], device: Device) -> Constants {
        let column = |number: &dyn Fn(&MlpSpec) -> f64| -> Tensor {
            let numbers: Vec<f32> = specs.iter().map(|spec| number(spec) as f32).collect();
            Tensor::from_slice(&numbers).unsqueeze(1).to_device(device)
        };
        let any = |holds: &dyn Fn(&MlpSpec) -> bool| specs.iter().any(|spec| holds(spec));
        let first = specs[0];
        let rule = if is_adam(first) {
            Rule::Adam {
                rest1: column(&|spec| 1.0 - spec.betas.0),
                beta2: column(&|spec| spec.betas.1),
                rest2: column(&|spec| 1.0 - spec.betas.1),
                eps: column(&|spec| spec.eps),
            }
        } else if first.momentum > 0.0 {
            Rule::Momentum {
                keep: column(&|spec| spec.momentum),
                nesterov: first.nesterov,
            }
        } else {
            Rule::Descent
        };
        let clips: Vec<f32> = specs
            .iter()
            .map(|spec| match spec.clip_norm > 0.0 {
                true => spec.clip_norm as f32,
                false => f32::INFINITY,
            })
            .collect();
        Constants {
            rule,
            decay: any(&|spec| added_decay(spec) > 0.0).then(|| column(&added_decay)),
            shrinks: any(&|spec| shrinking_decay(spec) > 0.0),
            clip: any(&|spec| spec.clip_norm > 0.0)
                .then(|| Tensor::from_slice(&clips).to_device(device)),
            averages: first.ema > 0.0,
        }
    }

    /// One step along `gradient`, [K, P], whose norms are `norm`, [K]; `row` is the step's of the table.
    pub fn step(
        &self,
        numbers: &mut Numbers,
        param_groups: &[(i64, i64)],
        gradient: &Tensor,
        norm: &Tensor,
        row: &[Tensor],
    ) {
        let clipped = self.clip.as_ref().map(|clip| {
            let factor = (clip / (norm + CLIP_EPS)).clamp_max(1.0);
            gradient * factor.unsqueeze(1)
        });
        let gradient = clipped.as_ref().unwrap_or(gradient);
        let whole = gradient.size()[1];
        for (place, (start, count)) in param_groups.iter().copied().enumerate() {
            let cut = |tensor: &Tensor| match count == whole {
                true => tensor.shallow_clone(),
                false => tensor.narrow(1, start, count),
            };
            let cut_of = |tensor: &Option<Tensor>| tensor.as_ref().map(cut);
            let coefficients = Coefficients {
                rate: &row[2 * place],
                shrink: &row[2 * place + 1],
                root: &row[2 * param_groups.len()],
            };
            self.update(
                cut(&numbers.parameters),
                cut(gradient),
                cut_of(&numbers.first),
                cut_of(&numbers.second),
                &coefficients,
            );
        }
        if let (true, Some(average)) = (self.averages, &mut numbers.average) {
            let apart = &numbers.parameters - &*average;
            let rest = &row[2 * param_groups.len() + 1];
            let _ = average.g_add_(&(apart * rest));
        }
    }

    /// The update of native's `optimizer`, on tensors that share their numbers with the lanes'.
    fn update(
        &self,
        mut parameters: Tensor,
        gradient: Tensor,
        first: Option<Tensor>,
        second: Option<Tensor>,
        coefficients: &Coefficients<'_>,
    ) {
        let slope = match &self.decay {
            Some(decay) => &parameters * decay + gradient,
            None => gradient,
        };
        let rate = coefficients.rate;
        match (&self.rule, first, second) {
            (
                Rule::Adam {
                    rest1,
                    beta2,
                    rest2,
                    eps,
                },
                Some(mut mean),
                Some(mut square),
            ) => {
                let apart = (&slope - &mean).g_mul_(rest1);
                let _ = mean.g_add_(&apart);
                let squared = (&slope * &slope).g_mul_(rest2);
                let _ = square.g_mul_(beta2).g_add_(&squared);
                let size = square.sqrt().g_mul_(coefficients.root).g_add_(eps);
                let step = (&mean / size).g_mul_(rate);
                if self.shrinks {
                    let _ = parameters.g_mul_(coefficients.shrink);
                }
                let _ = parameters.g_sub_(&step);
            }
            (Rule::Momentum { keep, nesterov }, Some(mut speed), _) => {
                let _ = speed.g_mul_(keep).g_add_(&slope);
                let step = match nesterov {
                    true => (&speed * keep).g_add_(&slope).g_mul_(rate),
                    false => &speed * rate,
                };
                let _ = parameters.g_sub_(&step);
            }
            _ => {
                let _ = parameters.g_sub_(&(slope * rate));
            }
        }
    }
}

/// A step's coefficients for one parameter group, each [K, 1].
struct Coefficients<'a> {
    rate: &'a Tensor,
    shrink: &'a Tensor,
    root: &'a Tensor,
}

impl Table {
    /// The coefficients of `steps` steps from where each lane stands: for each parameter group rate and
    /// shrinkage, then one over the root of the bias of second moments and what of a moving average
    /// is renewed.
    pub fn of(lanes: &[(&TrialState<'_>, &[ParamGroup])], steps: u64, device: Device) -> Table {
        let columns = 2 * lanes[0].1.len() + 2;
        let mut numbers = Vec::with_capacity(steps as usize * columns * lanes.len());
        for step in 0..steps {
            for column in 0..columns {
                for (lane, param_groups) in lanes {
                    let at = At {
                        spec: lane.spec(),
                        step: lane.steps() + step,
                        steps,
                    };
                    let number = match (param_groups.get(column / 2), column % 2) {
                        (Some(param_group), 0) => at.rate(param_group.lr),
                        (Some(param_group), _) => at.shrink(param_group.lr),
                        (None, 0) => at.root(),
                        (None, _) => 1.0 - average_decay(at.spec.ema, at.step + 1),
                    };
                    numbers.push(number as f32);
                }
            }
        }
        let size = [steps as i64, columns as i64, lanes.len() as i64, 1];
        Table {
            numbers: Tensor::from_slice(&numbers).view(size).to_device(device),
        }
    }

    /// The columns at `step` of the epoch, each [K, 1].
    pub fn row(&self, step: i64) -> Vec<Tensor> {
        self.numbers.select(0, step).unbind(0)
    }
}

/// A lane's place in its training: `step` counts from 0 over all epochs.
struct At<'a> {
    spec: &'a MlpSpec,
    step: u64,
    /// Of an epoch.
    steps: u64,
}

impl At<'_> {
    fn lr(&self, lr: f64) -> f64 {
        let schedule = &self.spec.lr_schedule;
        lr * schedule.factor(self.step, self.steps, self.spec.epochs)
    }

    fn rate(&self, lr: f64) -> f64 {
        let (beta1, _) = self.spec.betas;
        match is_adam(self.spec) {
            true => self.lr(lr) / (1.0 - beta1.powf((self.step + 1) as f64)),
            false => self.lr(lr),
        }
    }

    fn shrink(&self, lr: f64) -> f64 {
        1.0 - self.lr(lr) * shrinking_decay(self.spec)
    }

    fn root(&self) -> f64 {
        let (_, beta2) = self.spec.betas;
        1.0 / (1.0 - beta2.powf((self.step + 1) as f64)).sqrt()
    }
}

/// Decay that is added to the gradient.
fn added_decay(spec: &MlpSpec) -> f64 {
    match spec.optimizer == Optimizer::ADAMW {
        true => 0.0,
        false => spec.weight_decay,
    }
}

/// Decay that is taken from the parameters, decoupled from the gradient.
fn shrinking_decay(spec: &MlpSpec) -> f64 {
    match spec.optimizer == Optimizer::ADAMW {
        true => spec.weight_decay,
        false => 0.0,
    }
}

/// Whether this engine has the optimiser of `spec`.
pub fn has_optimizer_of(spec: &MlpSpec) -> bool {
    is_adam(spec) || spec.optimizer == Optimizer::SGD
}

fn is_adam(spec: &MlpSpec) -> bool {
    [Optimizer::ADAM, Optimizer::ADAMW].contains(&spec.optimizer)
}
