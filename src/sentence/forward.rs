//! BERT's encoder on a pack of texts, and the mean over the tokens of each.
//!
//! The tokens of several texts lie one below the other in one matrix, without padding: linear
//! layers see rows, attention sees each text alone. Invariant: the vector of a text is a function of
//! its tokens, to the bit on one machine type. Linear layers always multiply `BLOCK` rows, whatever
//! the pack holds, so that no shape, and with it no order of summation, depends on other texts.
//!
//! Source: Vaswani et al. 2017 (arXiv 1706.03762), Devlin et al. 2018 (arXiv 1810.04805), Reimers
//! and Gurevych 2019 (arXiv 1908.10084) for the mean.

use super::config::Config;
use super::elementwise::{add_bias, gelu, norm, softmax};
use super::product::{View, product};
use super::weights::{Layer, Linear, Weights};

/// Rows of one product of a linear layer.
const BLOCK: usize = 256;

/// Below this length a vector is not brought to length 1 but divided by this, as in PyTorch.
const SHORTEST: f32 = 1e-12;

/// The texts of a pack, as tokens.
pub(crate) type Pack<'a> = [&'a [u32]];

/// One vector a text: row-major [texts, hidden].
pub(crate) fn encode(config: &Config, weights: &Weights, pack: &Pack<'_>) -> Vec<f32> {
    let hidden = config.hidden;
    let tokens: usize = pack.iter().map(|text| text.len()).sum();
    let mut workspace = Workspace::new(config, tokens);
    embed(weights, hidden, pack, &mut workspace.state);
    let embedded = &mut workspace.state[..tokens * hidden];
    norm(&weights.norm, config.norm_eps, embedded);
    for layer in &weights.layers {
        workspace.layer(config, layer, pack, tokens);
    }
    let mut vectors = Vec::with_capacity(pack.len() * hidden);
    let mut start = 0;
    for text in pack {
        let rows = &workspace.state[start * hidden..][..text.len() * hidden];
        let mut vector = mean(rows, hidden);
        if config.normalize {
            normalize(&mut vector);
        }
        vectors.extend(vector);
        start += text.len();
    }
    vectors
}

/// Matrices between layers; rows beyond the tokens are zero at first and never read.
struct Workspace {
    /// [rows, hidden].
    state: Vec<f32>,
    /// Query, key and value: [rows, 3 · hidden].
    attention: Vec<f32>,
    /// [rows, hidden].
    mixed: Vec<f32>,
    /// [rows, hidden].
    update: Vec<f32>,
    /// [rows, intermediate].
    intermediate: Vec<f32>,
    /// [tokens, tokens] of the longest text.
    scores: Vec<f32>,
}

impl Workspace {
    fn new(config: &Config, tokens: usize) -> Workspace {
        let rows = tokens.next_multiple_of(BLOCK);
        Workspace {
            state: vec![0.0; rows * config.hidden],
            attention: vec![0.0; rows * 3 * config.hidden],
            mixed: vec![0.0; rows * config.hidden],
            update: vec![0.0; rows * config.hidden],
            intermediate: vec![0.0; rows * config.intermediate],
            scores: Vec::new(),
        }
    }

    fn layer(&mut self, config: &Config, layer: &Layer, pack: &Pack<'_>, tokens: usize) {
        linear(&layer.attention, &self.state, &mut self.attention);
        self.attend(config, pack);
        linear(&layer.attention_output, &self.mixed, &mut self.update);
        self.add_update(tokens * config.hidden);
        let state = &mut self.state[..tokens * config.hidden];
        norm(&layer.attention_norm, config.norm_eps, state);
        linear(&layer.intermediate, &self.state, &mut self.intermediate);
        gelu(&mut self.intermediate[..tokens * config.intermediate]);
        linear(&layer.output, &self.intermediate, &mut self.update);
        self.add_update(tokens * config.hidden);
        let state = &mut self.state[..tokens * config.hidden];
        norm(&layer.output_norm, config.norm_eps, state);
    }

    fn add_update(&mut self, values: usize) {
        for (state, update) in self.state[..values].iter_mut().zip(&self.update) {
            *state += update;
        }
    }

    /// softmax(Q · Kᵀ / √width) · V, for each text and each head.
    fn attend(&mut self, config: &Config, pack: &Pack<'_>) {
        let hidden = config.hidden;
        let width = hidden / config.heads;
        let scale = 1.0 / (width as f32).sqrt();
        let mut start = 0;
        for text in pack {
            let length = text.len();
            let (row, end) = (3 * hidden, start + length);
            for head in 0..config.heads {
                let part = |which: usize| {
                    &self.attention[start * row + which * hidden + head * width..end * row]
                };
                self.scores.clear();
                self.scores.resize(length * length, 0.0);
                product(
                    [length, width, length],
                    View::rows(part(0), row),
                    View::columns(part(1), row),
                    &mut self.scores,
                    length,
                    false,
                );
                for scores in self.scores.chunks_exact_mut(length) {
                    softmax(scale, scores);
                }
                product(
                    [length, length, width],
                    View::rows(&self.scores, length),
                    View::rows(part(2), row),
                    &mut self.mixed[start * hidden + head * width..end * hidden],
                    hidden,
                    false,
                );
            }
            start = end;
        }
    }
}

/// The sum of each token's vector and its position's.
fn embed(weights: &Weights, hidden: usize, pack: &Pack<'_>, to: &mut [f32]) {
    let tokens = pack.iter().flat_map(|text| text.iter().enumerate());
    for ((position, token), to) in tokens.zip(to.chunks_exact_mut(hidden)) {
        let word = &weights.words[*token as usize * hidden..][..hidden];
        let position = &weights.positions[position * hidden..][..hidden];
        for ((to, word), position) in to.iter_mut().zip(word).zip(position) {
            *to = word + position;
        }
    }
}

fn linear(layer: &Linear, from: &[f32], to: &mut [f32]) {
    let outputs = layer.bias.len();
    let inputs = layer.weight.len() / outputs;
    let blocks = from.chunks_exact(BLOCK * inputs);
    for (from, to) in blocks.zip(to.chunks_exact_mut(BLOCK * outputs)) {
        product(
            [BLOCK, inputs, outputs],
            View::rows(from, inputs),
            View::rows(&layer.weight, outputs),
            to,
            outputs,
            false,
        );
        add_bias(&layer.bias, to);
    }
}

/// The mean of the rows.
fn mean(rows: &[f32], width: usize) -> Vec<f32> {
    let mut sum = vec![0.0; width];
    for row in rows.chunks_exact(width) {
        for (sum, value) in sum.iter_mut().zip(row) {
            *sum += value;
        }
    }
    let count = (rows.len() / width) as f32;
    sum.iter().map(|sum| sum / count).collect()
}

/// Brings a vector to length 1.
fn normalize(vector: &mut [f32]) {
    let squares: f32 = vector.iter().map(|value| value * value).sum();
    let length = squares.sqrt().max(SHORTEST);
    vector.iter_mut().for_each(|value| *value /= length);
}
