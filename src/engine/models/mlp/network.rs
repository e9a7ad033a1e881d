//! A network with the workspace to train it: parameters, gradients and every intermediate result.
//!
//! Invariant: nothing is allocated after [`Network::new`], and a result depends on parameters, batch
//! and masks alone, not on what the buffers held before.

use super::category::Tables;
use super::evaluation::Evaluation;
use super::init_rng::{Mask, dropout_stream, initial_category, initial_embedding, initial_linear};
use super::loss::{CrossEntropy, NumberLoss};
use super::matrix::{Gradient, Product, Transpose};
use super::piecewise::Encode;
use super::shape::{InputLayer, Shape};
use super::simd::{F32x16, Isa, vectors};
use super::workspace::{Pass, Workspace};
use sweep_core::trial::models::{Activation, Embedding, Loss, MlpSpec};
use sweep_data::{Rows, Targets};

/// Rows that are evaluated at a time: their values stay in the first cache levels.
const EVALUATION_ROWS: usize = 64;

pub struct Network {
    pub shape: Shape,
    /// Weights, biases, gammas and betas.
    pub parameters: Vec<F32x16>,
    /// Gradients of the last training step, laid out as the parameters.
    pub gradients: Vec<F32x16>,
    /// Running means and variances.
    pub running: Vec<F32x16>,
    /// Layers, from the input on, that training leaves as they are: they normalise with their running
    /// statistics, and no gradient reaches them.
    pub frozen: usize,
    isa: Isa,
    activation: Activation,
    mask: Option<Mask>,
    smoothing: f32,
    /// Of numbers.
    loss: Loss,
    workspace: Workspace,
}

/// Which masks a training step draws.
#[derive(Debug, Clone, Copy)]
pub struct Draw {
    pub seed: u64,
    /// From 1.
    pub epoch: u32,
    /// Within the epoch, from 0.
    pub step: u32,
}

impl Network {
    /// A network with the initial weights of `seed` and a workspace for batches of `batch` rows.
    pub fn new(isa: Isa, spec: &MlpSpec, shape: Shape, batch: usize, seed: u64) -> Network {
        let mut parameters = vec![F32x16::ZERO; shape.parameters];
        let mut running = vec![F32x16::ZERO; shape.running];
        let mut embedding = match (spec.embedding, &shape.entry) {
            (Embedding::Periodic { sigma, .. }, InputLayer::Periodic(periodic)) => {
                initial_embedding(seed, periodic, sigma)
            }
            _ => Vec::new(),
        }
        .into_iter();
        let columns = shape.categories.columns().iter().enumerate();
        let mut tables = columns.map(|(place, column)| {
            initial_category(seed, place, column.block.features, column.width)
        });
        let mut linear = (0..shape.layers.len()).flat_map(|place| {
            let layer = &shape.layers[place];
            let (weight, bias) = initial_linear(seed, place, layer.inputs, layer.outputs);
            [weight, bias]
        });
        for tensor in shape.tensors() {
            let constant = match tensor.name.rsplit_once(".norm.") {
                Some((_, "weight" | "running_var")) => Some(1.0),
                Some(_) => Some(0.0),
                None => None,
            };
            let numbers = match constant {
                Some(constant) => vec![constant; tensor.len()],
                None if tensor.name.starts_with("embedding.") => {
                    embedding.next().expect("an embedding has its tensors")
                }
                None if tensor.name.starts_with("category.") => {
                    tables.next().expect("each column has a table")
                }
                None => linear.next().expect("each linear layer has two tensors"),
            };
            let list = if tensor.running {
                &mut running
            } else {
                &mut parameters
            };
            tensor.write(list, numbers.into_iter());
        }
        drop((linear, tables));
        Network {
            gradients: vec![F32x16::ZERO; shape.parameters],
            parameters,
            running,
            frozen: 0,
            isa,
            activation: spec.activation,
            mask: Mask::of(spec.dropout),
            smoothing: spec.label_smoothing as f32,
            loss: spec.loss(),
            workspace: Workspace::new(&shape, batch.max(EVALUATION_ROWS)),
            shape,
        }
    }

    /// Forward and backward over the rows of `data`, of entries, that `batch` names; leaves the
    /// gradients of their mean loss and gives the sum of their losses.
    pub fn step(&mut self, data: Rows<'_>, batch: &[u32], draw: Draw) -> f64 {
        let rows = batch.len();
        self.enter(data, batch);
        self.forward(rows, Some(draw));
        let loss = self.loss(rows, self.smoothing);
        self.backward(rows);
        loss
    }

    /// The mean loss over `data`, of entries, with the running statistics and without dropout; takes predictions
    /// in.
    pub fn evaluate(&mut self, data: Rows<'_>, evaluation: &mut Evaluation) -> f64 {
        let mut loss = 0.0;
        let total = data.y.len();
        let mut all = [0u32; EVALUATION_ROWS];
        for start in (0..total).step_by(EVALUATION_ROWS) {
            let rows = EVALUATION_ROWS.min(total - start);
            for (place, row) in all[..rows].iter_mut().enumerate() {
                *row = (start + place) as u32;
            }
            self.enter(data, &all[..rows]);
            self.forward(rows, None);
            for row in 0..rows {
                let label = self.workspace.labels[row];
                evaluation.add(label, self.workspace.scores_of(rows, row));
            }
            loss += self.loss(rows, 0.0);
        }
        loss / total as f64
    }

    /// Scores before the softmax, or numbers, of the rows of `x` [rows, features], given to `each` one by one.
    pub fn scores(&mut self, x: &[f32], mut each: impl FnMut(&[f32])) {
        let labels = [0u32; EVALUATION_ROWS];
        let places: [u32; EVALUATION_ROWS] = std::array::from_fn(|place| place as u32);
        let features = self.shape.categories.features();
        for x in x.chunks(EVALUATION_ROWS * features) {
            let rows = x.len() / features;
            let data = Rows {
                x: &self.shape.categories.entries_of(x),
                y: Targets::Classes(&labels[..rows]),
                weights: None,
                missing: None,
            };
            self.enter(data, &places[..rows]);
            self.forward(rows, None);
            for row in 0..rows {
                each(self.workspace.scores_of(rows, row));
            }
        }
    }

    /// The rows of `data`, of entries, that `batch` names, to inputs.
    fn enter(&mut self, data: Rows<'_>, batch: &[u32]) {
        let (isa, rows, entries) = (self.isa, batch.len(), self.shape.categories.entries());
        let workspace = &mut self.workspace;
        workspace.gather(isa, entries, data, batch);
        if workspace.raw.is_empty() {
            return;
        }
        let raw = rows * vectors(entries);
        let tables = tables_of(&self.shape, rows, &workspace.raw);
        match (&self.shape.entry, &mut workspace.periodic) {
            (InputLayer::Piecewise(pieces), _) => isa.run(Encode {
                rows,
                pieces,
                from: &workspace.raw[..raw],
                to: &mut workspace.inputs[..rows * vectors(pieces.inputs)],
            }),
            (InputLayer::Periodic(periodic), Some(waves)) => periodic.forward(
                isa,
                rows,
                &workspace.raw[..raw],
                &self.parameters,
                waves,
                &mut workspace.inputs,
            ),
            _ => tables.copy_others(&mut workspace.inputs),
        }
        // These share a panel with what was written before, beyond its width.
        tables.look_up(&self.parameters, &mut workspace.inputs);
    }

    /// Inputs to scores; for training if there are masks to draw.
    fn forward(&mut self, rows: usize, draw: Option<Draw>) {
        let isa = self.isa;
        let workspace = &mut self.workspace;
        let hidden = self.shape.layers.len() - 1;
        for place in 0..=hidden {
            let layer = &self.shape.layers[place];
            let size = rows * vectors(layer.outputs);
            let (before, after) = workspace.hidden.split_at_mut(place);
            let left = match before.last() {
                None => &workspace.inputs,
                Some(before) => &before.values,
            };
            let learns = draw.is_some() && place >= self.frozen;
            let to = match after.first_mut() {
                None => &mut workspace.scores,
                Some(here) if layer.norm.is_some() && learns => &mut here.normal,
                Some(here) => &mut here.values,
            };
            isa.run(Product {
                rows,
                inner: layer.inputs,
                left: &left[..rows * vectors(layer.inputs)],
                right: &self.parameters[layer.weight.clone()],
                bias: Some(&self.parameters[layer.bias.clone()]),
                to: &mut to[..size],
            });
            let Some(here) = after.first_mut() else {
                break;
            };
            let pass = Pass {
                isa,
                rows,
                layer,
                activation: self.activation,
                parameters: &self.parameters,
            };
            match draw {
                Some(draw) => {
                    let stream = || dropout_stream(draw.seed, draw.epoch, draw.step, place);
                    let mask = self.mask.map(|mask| (mask, stream()));
                    match learns {
                        true => here.train(pass, &mut self.running, mask),
                        false => here.train_frozen(pass, &self.running, mask),
                    }
                }
                None => here.evaluate(pass, &self.running),
            }
        }
    }

    /// The sum of losses; leaves the gradients of scores and of the output's bias.
    fn loss(&mut self, rows: usize, smoothing: f32) -> f64 {
        let output = self.shape.layers.last().expect("there is always an output");
        let workspace = &mut self.workspace;
        let scores = &mut workspace.scores[..rows * vectors(self.shape.classes)];
        let bias = &mut self.gradients[output.bias.clone()];
        let weights = workspace.has_weights.then_some(&workspace.weights[..rows]);
        if workspace.has_numbers {
            return NumberLoss {
                loss: self.loss,
                scores,
                numbers: &workspace.numbers[..rows],
                weights,
                bias: &mut bias[0],
            }
            .run();
        }
        self.isa.run(CrossEntropy {
            rows,
            classes: self.shape.classes,
            smoothing,
            scores,
            labels: &workspace.labels[..rows],
            weights,
            bias,
        })
    }

    /// Gradients of scores to gradients of parameters.
    fn backward(&mut self, rows: usize) {
        let isa = self.isa;
        let workspace = &mut self.workspace;
        let output = self.shape.layers.len() - 1;
        for place in (self.frozen..=output).rev() {
            let layer = &self.shape.layers[place];
            let size = rows * vectors(layer.outputs);
            if place < output {
                let pass = Pass {
                    isa,
                    rows,
                    layer,
                    activation: self.activation,
                    parameters: &self.parameters,
                };
                let gradient = &mut workspace.gradient[..size];
                workspace.hidden[place].back(pass, gradient, &mut self.gradients);
            }
            let right = match place < output {
                true => &workspace.gradient[..size],
                false => &workspace.scores[..size],
            };
            let left = match place {
                0 => &workspace.inputs,
                _ => &workspace.hidden[place - 1].values,
            };
            isa.run(Gradient {
                rows,
                inputs: layer.inputs,
                left: &left[..rows * vectors(layer.inputs)],
                right,
                to: &mut self.gradients[layer.weight.clone()],
            });
            let entry_learns = self.frozen == 0 && self.shape.entry_learns();
            if place == self.frozen && !entry_learns {
                break;
            }
            let given = match place {
                0 => self.shape.given_panels(),
                _ => 0,
            };
            let transposed = &mut workspace.transposed[..vectors(layer.inputs) * layer.outputs];
            isa.run(Transpose {
                rows: layer.inputs,
                columns: layer.outputs,
                from: &self.parameters[layer.weight.clone()],
                to: transposed,
            });
            isa.run(Product {
                rows,
                inner: layer.outputs,
                left: right,
                right: &transposed[given * layer.outputs..],
                bias: None,
                to: &mut workspace.next_gradient[..rows * vectors(layer.inputs)][given * rows..],
            });
            std::mem::swap(&mut workspace.gradient, &mut workspace.next_gradient);
        }
        if self.frozen > 0 {
            return;
        }
        // The periodic embedding writes over what is beyond its own width.
        tables_of(&self.shape, rows, &workspace.raw)
            .scatter(&workspace.gradient, &mut self.gradients);
        if let (InputLayer::Periodic(periodic), Some(waves)) =
            (&self.shape.entry, &mut workspace.periodic)
        {
            let size = rows * vectors(periodic.inputs());
            let gradient = &mut workspace.gradient[..size];
            let (parameters, gradients) = (&self.parameters, &mut self.gradients);
            periodic.backward(isa, rows, parameters, waves, gradient, gradients);
        }
    }
}

/// The tables of a network of `shape` for the `rows` rows of `entries`.
fn tables_of<'a>(shape: &'a Shape, rows: usize, entries: &'a [F32x16]) -> Tables<'a> {
    Tables {
        categories: &shape.categories,
        lines: &shape.tables,
        rows,
        entries,
        start: shape.first_inputs(),
    }
}
