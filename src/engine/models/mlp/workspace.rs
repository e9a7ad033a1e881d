//! Workspace for the intermediate results of one batch, and what is done to them between products.
//!
//! Invariant: the first lines of every buffer hold the current batch, however many rows it has; what
//! stands after them is never read.

use super::init_rng::Mask;
use super::layer_ops::{Activate, Back, BackNormalized, Dropout, Normalize, NormalizeRunning};
use super::matrix::Gather;
use super::periodic::PeriodicWorkspace;
use super::shape::{InputLayer, Layer, Shape};
use super::simd::{F32x16, Isa, LANES, vectors};
use sweep_core::random::Stream;
use sweep_core::trial::models::Activation;
use sweep_data::{Rows, Targets};

/// Intermediate results of one batch.
pub struct Workspace {
    /// [rows, inputs of the first layer].
    pub inputs: Vec<F32x16>,
    /// [rows, entries], where these are not the inputs themselves; else empty.
    pub raw: Vec<F32x16>,
    pub periodic: Option<PeriodicWorkspace>,
    pub labels: Vec<u32>,
    /// In the place of labels, where those are numbers.
    pub numbers: Vec<f32>,
    /// Whether the current batch has numbers.
    pub has_numbers: bool,
    pub weights: Vec<f32>,
    /// Whether the rows of the current batch have weights.
    pub has_weights: bool,
    pub hidden: Vec<Hidden>,
    /// [rows, classes].
    pub scores: Vec<F32x16>,
    /// The gradient of a hidden layer, and that of the one before it.
    pub gradient: Vec<F32x16>,
    pub next_gradient: Vec<F32x16>,
    /// Weights of the layer whose inputs' gradients are being computed, transposed.
    pub transposed: Vec<F32x16>,
    /// Scores of one row.
    row: Vec<f32>,
}

/// What a hidden layer keeps for the way back; all [rows, width] but `inverse` [width].
pub struct Hidden {
    /// Normalised values; empty without batch normalisation.
    pub normal: Vec<F32x16>,
    inverse: Vec<F32x16>,
    pub values: Vec<F32x16>,
    activation_grad: Vec<F32x16>,
}

/// One layer's part in a pass over a batch.
#[derive(Clone, Copy)]
pub struct Pass<'a> {
    pub isa: Isa,
    pub rows: usize,
    pub layer: &'a Layer,
    pub activation: Activation,
    /// Those of the whole network.
    pub parameters: &'a [F32x16],
}

impl Hidden {
    /// From the linear part, in `normal` where there is normalisation and in `values` elsewhere, to
    /// values and derivatives.
    pub fn train(&mut self, pass: Pass<'_>, running: &mut [F32x16], mask: Option<(Mask, Stream)>) {
        let size = pass.rows * vectors(pass.layer.outputs);
        let (values, activation_grad) =
            (&mut self.values[..size], &mut self.activation_grad[..size]);
        if let Some(norm) = &pass.layer.norm {
            let [running_mean, running_var] = running
                .get_disjoint_mut([norm.mean.clone(), norm.var.clone()])
                .expect("statistics lie side by side");
            pass.isa.run(Normalize {
                rows: pass.rows,
                normal: &mut self.normal[..size],
                to: values,
                gamma: &pass.parameters[norm.gamma.clone()],
                beta: &pass.parameters[norm.beta.clone()],
                inverse: &mut self.inverse,
                running_mean,
                running_var,
            });
        }
        pass.isa.run(Activate {
            activation: pass.activation,
            values,
            activation_grad: Some(activation_grad),
        });
        drop_out(pass, mask, values, activation_grad);
    }

    /// From the linear part, in `values`, to values: as in evaluation, but with dropout.
    pub fn train_frozen(
        &mut self,
        pass: Pass<'_>,
        running: &[F32x16],
        mask: Option<(Mask, Stream)>,
    ) {
        self.evaluate(pass, running);
        let size = pass.rows * vectors(pass.layer.outputs);
        // These derivatives are never read: no gradient comes this far.
        drop_out(
            pass,
            mask,
            &mut self.values[..size],
            &mut self.activation_grad[..size],
        );
    }

    /// From the linear part, in `values`, to values, with the running statistics and without dropout.
    pub fn evaluate(&mut self, pass: Pass<'_>, running: &[F32x16]) {
        let size = pass.rows * vectors(pass.layer.outputs);
        let values = &mut self.values[..size];
        if let Some(norm) = &pass.layer.norm {
            pass.isa.run(NormalizeRunning {
                rows: pass.rows,
                values,
                gamma: &pass.parameters[norm.gamma.clone()],
                beta: &pass.parameters[norm.beta.clone()],
                running_mean: &running[norm.mean.clone()],
                running_var: &running[norm.var.clone()],
            });
        }
        pass.isa.run(Activate {
            activation: pass.activation,
            values,
            activation_grad: None,
        });
    }

    /// Turns the gradient of the values into that of the linear part, and leaves the gradients of
    /// bias, or of gamma and beta.
    pub fn back(&self, pass: Pass<'_>, gradient: &mut [F32x16], gradients: &mut [F32x16]) {
        let activation_grad = &self.activation_grad[..gradient.len()];
        let Some(norm) = &pass.layer.norm else {
            return pass.isa.run(Back {
                rows: pass.rows,
                gradient,
                activation_grad,
                bias: &mut gradients[pass.layer.bias.clone()],
            });
        };
        let normal = &self.normal[..gradient.len()];
        let [gamma_gradient, beta_gradient] = gradients
            .get_disjoint_mut([norm.gamma.clone(), norm.beta.clone()])
            .expect("parameters lie side by side");
        pass.isa.run(BackNormalized {
            rows: pass.rows,
            gradient,
            activation_grad,
            normal,
            gamma: &pass.parameters[norm.gamma.clone()],
            inverse: &self.inverse,
            gamma_gradient,
            beta_gradient,
        });
    }
}

fn drop_out(
    pass: Pass<'_>,
    mask: Option<(Mask, Stream)>,
    values: &mut [F32x16],
    activation_grad: &mut [F32x16],
) {
    if let Some((mask, stream)) = mask {
        pass.isa.run(Dropout {
            rows: pass.rows,
            width: pass.layer.outputs,
            key: stream.key(),
            threshold: mask.threshold,
            scale: mask.scale,
            values,
            activation_grad,
        });
    }
}

impl Workspace {
    /// Workspace for batches of up to `rows` rows.
    pub fn new(shape: &Shape, rows: usize) -> Workspace {
        let zeros = |count: usize| vec![F32x16::ZERO; count];
        let hidden = &shape.layers[..shape.layers.len() - 1];
        let inputs = vectors(shape.layers[0].inputs);
        // The gradient of the inputs is wanted where something before them learns.
        let entry_learns = shape.entry_learns();
        let widest = shape.widest().max(if entry_learns { inputs } else { 0 });
        let first = usize::from(!entry_learns);
        let transposed = shape.layers[first..]
            .iter()
            .map(|layer| vectors(layer.inputs) * layer.outputs)
            .max();
        Workspace {
            inputs: zeros(rows * inputs),
            raw: zeros(match shape.entry {
                InputLayer::Plain if shape.categories.is_empty() => 0,
                _ => rows * vectors(shape.categories.entries()),
            }),
            periodic: match &shape.entry {
                InputLayer::Plain | InputLayer::Piecewise(_) => None,
                InputLayer::Periodic(periodic) => Some(PeriodicWorkspace::new(periodic, rows)),
            },
            labels: vec![0; rows],
            numbers: vec![0.0; rows],
            has_numbers: false,
            weights: vec![1.0; rows],
            has_weights: false,
            hidden: hidden
                .iter()
                .map(|layer| {
                    let size = rows * vectors(layer.outputs);
                    let normed = layer.norm.is_some();
                    Hidden {
                        normal: zeros(if normed { size } else { 0 }),
                        inverse: zeros(if normed { vectors(layer.outputs) } else { 0 }),
                        values: zeros(size),
                        activation_grad: zeros(size),
                    }
                })
                .collect(),
            scores: zeros(rows * vectors(shape.classes)),
            gradient: zeros(rows * widest),
            next_gradient: zeros(rows * widest),
            transposed: zeros(transposed.unwrap_or(0)),
            row: vec![0.0; shape.classes],
        }
    }

    /// Lays the rows of `data`, of entries, that `batch` names out as inputs, or in `raw`, and targets.
    pub fn gather(&mut self, isa: Isa, entries: usize, data: Rows<'_>, batch: &[u32]) {
        fn pick<T: Copy>(to: &mut [T], from: &[T], batch: &[u32]) {
            for (to, row) in to.iter_mut().zip(batch) {
                *to = from[*row as usize];
            }
        }
        self.has_numbers = matches!(data.y, Targets::Numbers(_));
        match data.y {
            Targets::Classes(labels) => pick(&mut self.labels, labels, batch),
            Targets::Numbers(numbers) => pick(&mut self.numbers, numbers, batch),
        }
        self.has_weights = data.weights.is_some();
        if let Some(weights) = data.weights {
            pick(&mut self.weights, weights, batch);
        }
        let to = match self.raw.is_empty() {
            true => &mut self.inputs,
            false => &mut self.raw,
        };
        isa.run(Gather {
            features: entries,
            from: data.x,
            batch,
            to: &mut to[..batch.len() * vectors(entries)],
        });
    }

    /// The scores of row `row` of a batch of `rows`.
    pub fn scores_of(&mut self, rows: usize, row: usize) -> &[f32] {
        for (panel, part) in self.row.chunks_mut(LANES).enumerate() {
            part.copy_from_slice(&self.scores[panel * rows + row].0[..part.len()]);
        }
        &self.row
    }
}
