//! Room for the intermediate results of one batch, and what is done to them between products.
//!
//! Invariant: the first lines of every buffer hold the batch in hand, however many rows it has; what
//! stands after them is never read.

use super::draw::Mask;
use super::hidden::{Activate, Back, BackNormalized, Dropout, Normalize, NormalizeRunning};
use super::matrix::Gather;
use super::periodic::PeriodicRoom;
use super::shape::{Entry, Layer, Shape};
use super::simd::{Isa, LANES, Line, lines};
use sweep_core::random::Stream;
use sweep_core::trial::Activation;
use sweep_data::Rows;

/// Intermediate results of one batch.
pub struct Room {
    /// [rows, inputs of the first layer].
    pub inputs: Vec<Line>,
    /// [rows, features], where these are not the inputs themselves; else empty.
    pub raw: Vec<Line>,
    pub periodic: Option<PeriodicRoom>,
    pub labels: Vec<u32>,
    pub hidden: Vec<Hidden>,
    /// [rows, classes].
    pub scores: Vec<Line>,
    /// The gradient of a hidden layer, and that of the one before it.
    pub gradient: Vec<Line>,
    pub next_gradient: Vec<Line>,
    /// Weights of the layer whose inputs' gradients are being computed, transposed.
    pub transposed: Vec<Line>,
    /// Scores of one row.
    row: Vec<f32>,
}

/// What a hidden layer keeps for the way back; all [rows, width] but `inverse` [width].
pub struct Hidden {
    /// Normalised values; empty without batch normalisation.
    pub normal: Vec<Line>,
    inverse: Vec<Line>,
    pub values: Vec<Line>,
    slopes: Vec<Line>,
}

/// One layer's part in a pass over a batch.
#[derive(Clone, Copy)]
pub struct Pass<'a> {
    pub isa: Isa,
    pub rows: usize,
    pub layer: &'a Layer,
    pub activation: Activation,
    /// Those of the whole network.
    pub parameters: &'a [Line],
}

impl Hidden {
    /// From the linear part, in `normal` where there is normalisation and in `values` elsewhere, to
    /// values and slopes.
    pub fn train(&mut self, pass: Pass<'_>, running: &mut [Line], mask: Option<(Mask, Stream)>) {
        let size = pass.rows * lines(pass.layer.outputs);
        let (values, slopes) = (&mut self.values[..size], &mut self.slopes[..size]);
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
            slopes: Some(slopes),
        });
        drop_out(pass, mask, values, slopes);
    }

    /// From the linear part, in `values`, to values: as in evaluation, but with dropout.
    pub fn train_frozen(&mut self, pass: Pass<'_>, running: &[Line], mask: Option<(Mask, Stream)>) {
        self.evaluate(pass, running);
        let size = pass.rows * lines(pass.layer.outputs);
        // Nobody reads these slopes: no gradient comes this far.
        drop_out(
            pass,
            mask,
            &mut self.values[..size],
            &mut self.slopes[..size],
        );
    }

    /// From the linear part, in `values`, to values, with the running statistics and without dropout.
    pub fn evaluate(&mut self, pass: Pass<'_>, running: &[Line]) {
        let size = pass.rows * lines(pass.layer.outputs);
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
            slopes: None,
        });
    }

    /// Turns the gradient of the values into that of the linear part, and leaves the gradients of
    /// bias, or of gamma and beta.
    pub fn back(&self, pass: Pass<'_>, gradient: &mut [Line], gradients: &mut [Line]) {
        let slopes = &self.slopes[..gradient.len()];
        let Some(norm) = &pass.layer.norm else {
            return pass.isa.run(Back {
                rows: pass.rows,
                gradient,
                slopes,
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
            slopes,
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
    values: &mut [Line],
    slopes: &mut [Line],
) {
    if let Some((mask, stream)) = mask {
        pass.isa.run(Dropout {
            rows: pass.rows,
            width: pass.layer.outputs,
            key: stream.key(),
            threshold: mask.threshold,
            scale: mask.scale,
            values,
            slopes,
        });
    }
}

impl Room {
    /// Room for batches of up to `rows` rows.
    pub fn new(shape: &Shape, rows: usize) -> Room {
        let room = |count: usize| vec![Line::ZERO; count];
        let hidden = &shape.layers[..shape.layers.len() - 1];
        let inputs = lines(shape.layers[0].inputs);
        // The gradient of the inputs is wanted where something before them learns.
        let learned = match &shape.entry {
            Entry::Plain | Entry::Piecewise(_) => None,
            Entry::Periodic(periodic) => Some(periodic),
        };
        let widest = shape.widest().max(learned.map_or(0, |_| inputs));
        let first = usize::from(learned.is_none());
        let transposed = shape.layers[first..]
            .iter()
            .map(|layer| lines(layer.inputs) * layer.outputs)
            .max();
        Room {
            inputs: room(rows * inputs),
            raw: room(match shape.entry {
                Entry::Plain => 0,
                Entry::Piecewise(_) | Entry::Periodic(_) => rows * lines(shape.features),
            }),
            periodic: learned.map(|periodic| PeriodicRoom::new(periodic, rows)),
            labels: vec![0; rows],
            hidden: hidden
                .iter()
                .map(|layer| {
                    let size = rows * lines(layer.outputs);
                    let normed = layer.norm.is_some();
                    Hidden {
                        normal: room(if normed { size } else { 0 }),
                        inverse: room(if normed { lines(layer.outputs) } else { 0 }),
                        values: room(size),
                        slopes: room(size),
                    }
                })
                .collect(),
            scores: room(rows * lines(shape.classes)),
            gradient: room(rows * widest),
            next_gradient: room(rows * widest),
            transposed: room(transposed.unwrap_or(0)),
            row: vec![0.0; shape.classes],
        }
    }

    /// Lays the rows of `data` that `batch` names out as inputs, or in `raw`, and labels.
    pub fn gather(&mut self, isa: Isa, features: usize, data: Rows<'_>, batch: &[u32]) {
        for (label, row) in self.labels.iter_mut().zip(batch) {
            *label = data.y[*row as usize];
        }
        let to = match self.raw.is_empty() {
            true => &mut self.inputs,
            false => &mut self.raw,
        };
        isa.run(Gather {
            features,
            from: data.x,
            batch,
            to: &mut to[..batch.len() * lines(features)],
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
