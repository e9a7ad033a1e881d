//! The network of native, for several lanes at once: libtorch's operations, differentiated by libtorch.
//!
//! Shapes: K lanes, of which the first N normalise batches, B rows, F features, H units, C classes, P
//! parameters of a lane. Units stand before rows, [K, H, B], so that one batched product does all lanes and
//! batch normalisation sees each unit of each lane as a channel, its rows side by side. Invariant: on a CPU,
//! no number of a lane depends on which lanes stand beside it, to the bit.

use std::f64::consts::TAU;

use sweep_core::trial::models::{Activation, Loss};
use sweep_engine::models::mlp::trial_state::{Inputs, TrialState};
use tch::{Kind, Reduction, Tensor};

use crate::layout::Layout;

/// Added to a variance before its root is taken, as native has it.
const NORM_EPS: f64 = 1e-5;
/// Share of a batch's statistics in the running ones, as native has it.
const NORM_MOMENTUM: f64 = 0.1;
/// What libtorch would take for a row without a label; none of ours is.
const NO_CLASS: i64 = -100;
/// Numbers that libtorch's element-wise loops on CPUs take at once, or a multiple of that. What is left
/// over goes through other code, whose last bit may differ.
const AT_ONCE: i64 = 32;

/// Where the tensors of a network lie among all; the same for every lane.
pub struct Network {
    activation: Activation,
    entry: InputLayer,
    /// Columns of categories with vectors, whose numbers are the last entries of a row.
    categories: Vec<Category>,
    layers: Vec<Layer>,
    /// Hidden layers that are not trained, from the input on.
    frozen: usize,
    /// Numbers of each parameter tensor, in the order of the group: the cuts of a lane's P.
    sizes: Vec<i64>,
    /// Numbers of each tensor of running statistics, in order.
    running: Vec<i64>,
}

/// What the lanes of a network have of their own.
#[derive(Clone, Copy)]
pub struct Lanes<'a> {
    /// [K, P].
    pub parameters: &'a Tensor,
    /// Running statistics, each [N * H]; updated by training.
    pub running: &'a [Tensor],
    /// N: how many of the lanes, from the first on, normalise.
    pub normalised: i64,
}

/// How the features of a row become inputs.
enum InputLayer {
    /// As they are; bins are filled before training begins.
    Plain,
    Periodic {
        features: i64,
        frequencies: i64,
        width: i64,
    },
}

/// A column of categories with vectors.
struct Category {
    /// The place of the table among parameters.
    table: usize,
    /// Vectors of the table; where the number of a row is this, it has zeros.
    count: i64,
    width: i64,
}

/// Places among parameters and, for `norm`, running statistics.
struct Layer {
    inputs: i64,
    outputs: i64,
    weight: usize,
    norm: Option<Norm>,
}

struct Norm {
    gamma: usize,
    mean: usize,
}

/// Whether a pass is for learning.
#[derive(Clone, Copy)]
pub enum Pass<'a> {
    /// With the statistics of the batch, and what dropout multiplies each hidden layer by, [K, H, B].
    Train { dropout: Option<&'a [Tensor]> },
    /// With the running statistics.
    Evaluate,
}

impl Network {
    /// The network of `trial_state`, and so of every trial that can be trained beside it; one that normalises, if
    /// any of them does.
    pub fn of(trial_state: &TrialState<'_>, layout: &Layout) -> Network {
        let spec = trial_state.spec();
        let (mut parameters, mut running) = (0, Vec::new());
        let mut layers: Vec<Layer> = Vec::new();
        let mut categories = Vec::new();
        for tensor in trial_state.tensors() {
            let place = if tensor.running {
                running.push(tensor.shape.iter().product::<usize>() as i64);
                running.len() - 1
            } else {
                parameters += 1;
                layout.place_of(parameters - 1)
            };
            if let [rows, columns] = tensor.shape[..] {
                match tensor.name.split_once('.') {
                    Some(("embedding", _)) => {}
                    Some(("category", _)) => categories.push(Category {
                        table: place,
                        count: rows as i64,
                        width: columns as i64,
                    }),
                    _ => layers.push(Layer {
                        inputs: columns as i64,
                        outputs: rows as i64,
                        weight: place,
                        norm: None,
                    }),
                }
            }
            let norm = layers.last_mut().map(|layer| &mut layer.norm);
            match (tensor.name.rsplit_once(".norm."), norm) {
                (Some((_, "weight")), Some(norm)) => {
                    *norm = Some(Norm {
                        gamma: place,
                        mean: 0,
                    });
                }
                (Some((_, "running_mean")), Some(Some(norm))) => norm.mean = place,
                _ => {}
            }
        }
        let entry = match trial_state.inputs() {
            Inputs::Plain | Inputs::Piecewise(_) => InputLayer::Plain,
            Inputs::Periodic { frequencies, width } => InputLayer::Periodic {
                features: trial_state.other_features().len() as i64,
                frequencies: frequencies as i64,
                width: width as i64,
            },
        };
        Network {
            activation: spec.activation,
            entry,
            categories,
            layers,
            frozen: trial_state.frozen(),
            sizes: layout.sizes(),
            running,
        }
    }

    /// Numbers of each tensor of running statistics, in order.
    pub fn running(&self) -> &[i64] {
        &self.running
    }

    /// Widths of the hidden layers.
    pub fn widths(&self) -> Vec<usize> {
        let hidden = &self.layers[..self.layers.len() - 1];
        hidden.iter().map(|layer| layer.outputs as usize).collect()
    }

    /// Scores before the softmax, [K, C, B], of entries `x`, [K, E, B].
    pub fn scores(&self, of: Lanes<'_>, x: &Tensor, pass: Pass<'_>) -> Tensor {
        let parts = of.parameters.split_with_sizes(&self.sizes, 1);
        let lanes = of.parameters.size()[0];
        let mut values = self.enter(&parts, x, lanes);
        let output = self.layers.len() - 1;
        for (place, layer) in self.layers.iter().enumerate() {
            let learns = place >= self.frozen;
            let [weight, bias] = [0, 1].map(|next| match learns {
                true => parts[layer.weight + next].shallow_clone(),
                false => parts[layer.weight + next].detach(),
            });
            // A bias before a normalisation has no effect on what comes after it: its gradient is 0,
            // not what rounding leaves of that.
            let bias = match layer.norm {
                Some(_) => in_first(of.normalised, &bias, Tensor::detach),
                None => bias,
            };
            let weight = weight.view([lanes, layer.outputs, layer.inputs]);
            values = bias.unsqueeze(2).baddbmm(&weight, &values, 1, 1);
            if place == output {
                break;
            }
            if let Some(norm) = &layer.norm {
                let learned = matches!(pass, Pass::Train { .. }) && learns;
                values = in_first(of.normalised, &values, |values| {
                    normalize(norm, values, &parts, of.running, (learns, learned))
                });
            }
            values = activate(self.activation, &values);
            if let Pass::Train {
                dropout: Some(factors),
            } = pass
            {
                // Not in place: the activation keeps what it gave for the way back.
                values = values.g_mul(&factors[place]);
            }
        }
        values
    }

    /// Entries [K, E, B] to inputs of the first layer: features, then the numbers of categories.
    fn enter(&self, parts: &[Tensor], x: &Tensor, lanes: i64) -> Tensor {
        if self.categories.is_empty() {
            return self.spread(parts, x, lanes);
        }
        let columns = self.categories.len() as i64;
        let cut = x.split_with_sizes([x.size()[1] - columns, columns], 1);
        let mut inputs = vec![self.spread(parts, &cut[0], lanes)];
        let numbers = cut[1].to_kind(Kind::Int64).unbind(1);
        let vectors = self.categories.iter().zip(&numbers);
        inputs.extend(vectors.map(|(category, numbers)| {
            let table = &parts[category.table];
            match self.frozen {
                0 => category.look_up(table, numbers),
                _ => category.look_up(&table.detach(), numbers),
            }
        }));
        Tensor::cat(&inputs, 1)
    }

    /// Features [K, F, B] to inputs.
    fn spread(&self, parts: &[Tensor], x: &Tensor, lanes: i64) -> Tensor {
        let InputLayer::Periodic {
            features,
            frequencies,
            width,
        } = self.entry
        else {
            return x.shallow_clone();
        };
        let rows = x.size()[2];
        let [frequency, weight, bias] = [0, 1, 2].map(|place: usize| match self.frozen {
            0 => parts[place].shallow_clone(),
            _ => parts[place].detach(),
        });
        let turns = frequency.view([lanes, features, frequencies, 1]) * x.unsqueeze(2);
        // Whole turns change nothing but the precision of what is left.
        let angle = (&turns - turns.round()) * TAU;
        let waves = Tensor::cat(&[angle.cos(), angle.sin()], 2);
        let weight = weight.reshape([lanes * features, 2 * frequencies, width]);
        let waves = waves.reshape([lanes * features, 2 * frequencies, rows]);
        bias.reshape([lanes * features, width, 1])
            .baddbmm(&weight.transpose(1, 2), &waves, 1, 1)
            .relu()
            .view([lanes, features * width, rows])
    }
}

impl Category {
    /// The vectors, [K, W, B], of the lanes' tables, [K, count * W], for `numbers`, [K, B].
    fn look_up(&self, table: &Tensor, numbers: &Tensor) -> Tensor {
        let (lanes, width) = (table.size()[0], self.width);
        let all = lanes * self.count;
        // Lane after lane, and one vector of zeros for all, which gets no gradient.
        let table = table.reshape([all, width]);
        let zeros = Tensor::zeros([1, width], (Kind::Float, table.device()));
        let table = Tensor::cat(&[table, zeros], 0);
        let starts = Tensor::arange(lanes, (Kind::Int64, numbers.device())) * self.count;
        let has_none = numbers.greater_equal(self.count);
        let places = (numbers + starts.unsqueeze(1)).masked_fill(&has_none, all);
        Tensor::embedding(&table, &places, all, false, false).transpose(1, 2)
    }
}

/// `change` of the first `count` lanes of `values`, and the others as they are.
fn in_first(count: i64, values: &Tensor, change: impl FnOnce(&Tensor) -> Tensor) -> Tensor {
    let lanes = values.size()[0];
    match count {
        0 => values.shallow_clone(),
        all if all == lanes => change(values),
        _ => {
            let parts = values.split_with_sizes([count, lanes - count], 0);
            Tensor::cat(&[&change(&parts[0]), &parts[1]], 0)
        }
    }
}

/// Batch normalisation of `values`, [N, H, B]. `learns` is whether the layer's parameters are trained,
/// `learned` whether the batch's own statistics are used.
fn normalize(
    norm: &Norm,
    values: &Tensor,
    parts: &[Tensor],
    running: &[Tensor],
    (learns, learned): (bool, bool),
) -> Tensor {
    let size = values.size();
    let channels = size[0] * size[1];
    let [gamma, beta] = [0, 1].map(|next| {
        let all = &parts[norm.gamma + next];
        // A cut is an operation on the way back, even one that takes all.
        let part = match all.size()[0] == size[0] {
            true => all.shallow_clone(),
            false => all.narrow(0, 0, size[0]),
        };
        match learns {
            true => part.reshape([channels]),
            false => part.detach().reshape([channels]),
        }
    });
    let (mean, variance) = (&running[norm.mean], &running[norm.mean + 1]);
    if learned && size[2] == 1 {
        // The variance of one row is 0, which leaves `beta`; it has no unbiased estimate.
        let _ = mean
            .shallow_clone()
            .g_mul_scalar_(1.0 - NORM_MOMENTUM)
            .g_add_(&(values.detach().reshape([channels]) * NORM_MOMENTUM));
        return beta.view([size[0], size[1], 1]);
    }
    values
        .reshape([1, channels, size[2]])
        .batch_norm(
            Some(&gamma),
            Some(&beta),
            Some(mean),
            Some(variance),
            learned,
            NORM_MOMENTUM,
            NORM_EPS,
            false,
        )
        .view([size[0], size[1], size[2]])
}

/// The activation of `values`, [K, H, B].
fn activate(activation: Activation, values: &Tensor) -> Tensor {
    let function = |values: &Tensor| match activation {
        Activation::Relu => values.relu(),
        Activation::Gelu => values.gelu("none"),
        Activation::Silu => values.silu(),
        Activation::Tanh => values.tanh(),
    };
    let size = values.size();
    let numbers = size[1] * size[2];
    let over = (AT_ONCE - numbers % AT_ONCE) % AT_ONCE;
    if over == 0 || activation == Activation::Relu {
        return function(values);
    }
    // Every lane begins where a loop would begin, whatever its place.
    let padded = values
        .reshape([size[0], numbers])
        .constant_pad_nd([0, over]);
    function(&padded).narrow(1, 0, numbers).reshape(&size)
}

/// What networks make small.
pub enum Criterion {
    /// Cross-entropy, with fractions of the target that are spread over all classes, [K, 1].
    Classes { smoothing: Option<Tensor> },
    /// A loss of numbers.
    Numbers(Loss),
}

impl Criterion {
    /// Losses of each row, [K, B], of `scores`, [K, C, B], for `targets`, [K, B].
    pub fn losses(&self, scores: &Tensor, targets: &Tensor) -> Tensor {
        match self {
            Criterion::Classes { smoothing } => of_classes(scores, targets, smoothing.as_ref()),
            Criterion::Numbers(loss) => of_numbers(*loss, &(scores.squeeze_dim(1) - targets)),
        }
    }

    /// The same as validation rows are measured.
    pub fn plain_losses(&self, scores: &Tensor, targets: &Tensor) -> Tensor {
        match self {
            Criterion::Classes { .. } => of_classes(scores, targets, None),
            Criterion::Numbers(_) => self.losses(scores, targets),
        }
    }
}

fn of_classes(scores: &Tensor, labels: &Tensor, smoothing: Option<&Tensor>) -> Tensor {
    let log_shares = scores.log_softmax(1, Kind::Float);
    let own = log_shares.nll_loss_nd(labels, None::<Tensor>, Reduction::None, NO_CLASS);
    match smoothing {
        None => own,
        Some(share) => {
            let even = -log_shares.mean_dim(1, false, Kind::Float);
            &own * (1.0 - share) + even * share
        }
    }
}

fn of_numbers(loss: Loss, errors: &Tensor) -> Tensor {
    let size = errors.abs();
    match loss {
        Loss::Squared => errors * errors,
        Loss::Absolute => size,
        Loss::Huber { delta } => {
            let near = size.clamp_max(delta);
            // Half the square of the part up to delta, and delta times what is beyond.
            &near * &near * 0.5 + (size - &near) * delta
        }
        Loss::PseudoHuber { delta } => {
            let ratio = errors / delta;
            ((&ratio * &ratio + 1.0).sqrt() - 1.0) * (delta * delta)
        }
        Loss::Quantile { quantile } => {
            errors.relu() * (1.0 - quantile) + (-errors).relu() * quantile
        }
    }
}
