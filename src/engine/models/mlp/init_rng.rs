//! The random numbers of a network: initial weights, batch order, dropout masks. Another engine that
//! draws the same trains the same network.
//!
//! Invariant: everything here is a function of the replicate seed and the place asked for, of
//! nothing that was drawn before, and of no other setting of the trial. Epochs count from 1, steps
//! within an epoch and layers from 0.
//!
//! # Dropout masks
//!
//! Hidden layer `l` at step `s` of epoch `e` draws from
//! `Stream::new(seed, Purpose::Dropout, e, s * 64 + l)`. The value in row `r` of the batch and column
//! `c` of a layer `width` wide looks at counter `r / 4 * width + c` (modulo 2^32); of its two words
//! `[x0, x1]` (13 rounds) it takes sixteen bits: `x0 & 0xFFFF`, `x0 >> 16`, `x1 & 0xFFFF`, `x1 >> 16`
//! for `r % 4` = 0, 1, 2, 3. It is kept if these are not below [`Mask::threshold`], and multiplied by
//! [`Mask::scale`]. As tensors: words `[2, ceil(rows / 4), width]`, split into halves
//! `[ceil(rows / 4), 4, width]`, reshaped to `[4 * ceil(rows / 4), width]`, cut to `rows`.

use super::layer_ops::Factors;
use super::periodic::Periodic;
use super::simd::Isa;
use sweep_core::random::{Purpose, Stream};

/// Hidden layers that have dropout streams of their own in each step.
const LAYERS_A_STEP: u32 = 64;

/// Which values dropout keeps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mask {
    /// Sixteen random bits below it drop the value: `dropout` in units of 2^-16, rounded.
    pub threshold: u32,
    /// One over the share of values kept, so that the mean is kept to the last digit.
    pub scale: f32,
}

impl Mask {
    /// The mask for dropping with probability `dropout`; `None` if nothing is ever dropped.
    pub fn of(dropout: f64) -> Option<Mask> {
        let steps = f64::from(1u32 << 16);
        let threshold = (dropout * steps).round().min(steps - 1.0);
        (threshold > 0.0).then(|| Mask {
            threshold: threshold as u32,
            scale: (steps / (steps - threshold)) as f32,
        })
    }
}

/// Fills `to`, row-major [width, rows], with what dropout by `mask` multiplies the values of a layer by.
///
/// # Panics
/// When `to` has not that many numbers.
pub fn factors(stream: Stream, mask: Mask, rows: usize, width: usize, to: &mut [f32]) {
    assert_eq!(to.len(), rows * width);
    Isa::detect().run(Factors {
        rows,
        width,
        key: stream.key(),
        threshold: mask.threshold,
        scale: mask.scale,
        to,
    });
}

/// The stream of dropout masks of hidden layer `layer` (from 0) at `step` (from 0) of `epoch` (from 1).
pub fn dropout_stream(seed: u64, epoch: u32, step: u32, layer: usize) -> Stream {
    let place = step
        .wrapping_mul(LAYERS_A_STEP)
        .wrapping_add(layer as u32 % LAYERS_A_STEP);
    Stream::new(seed, Purpose::Dropout, epoch, place)
}

/// Fills `order` with the order of the training rows in `epoch` (from 1): each index once.
pub fn batch_order(seed: u64, epoch: u32, order: &mut [u32]) {
    for (place, row) in order.iter_mut().enumerate() {
        *row = place as u32;
    }
    Stream::new(seed, Purpose::BatchOrder, epoch, 0).shuffle(order);
}

/// Initial weights [outputs, inputs], row-major, and bias [outputs] of linear layer `layer` (from 0):
/// uniform within ± 1/sqrt(inputs), as PyTorch's `Linear` has them. Weights are tensor 2 * `layer`
/// of the stream, the bias is the one after; elements are counters in row-major order.
pub fn initial_linear(
    seed: u64,
    layer: usize,
    inputs: usize,
    outputs: usize,
) -> (Vec<f32>, Vec<f32>) {
    let bound = 1.0 / (inputs as f64).sqrt();
    let draw = |tensor: usize, count: usize| {
        let stream = Stream::new(seed, Purpose::Weights, 0, tensor as u32);
        (0..count)
            .map(|index| ((2.0 * stream.uniform(index as u32) - 1.0) * bound) as f32)
            .collect()
    };
    (
        draw(2 * layer, inputs * outputs),
        draw(2 * layer + 1, outputs),
    )
}

/// Tensors of the linear layers end before this one of the stream of weights.
const EMBEDDING_TENSOR: u32 = 256;

/// Initial frequencies [features, frequencies], normal with deviation `sigma`, weights
/// [features, waves, width] and bias [features, width], uniform within ± 1/sqrt(waves): tensors 256,
/// 257 and 258 of the stream of weights; elements are counters in row-major order.
pub fn initial_embedding(seed: u64, periodic: &Periodic, sigma: f64) -> Vec<Vec<f32>> {
    let stream = |tensor: u32| Stream::new(seed, Purpose::Weights, 0, EMBEDDING_TENSOR + tensor);
    let bound = 1.0 / (periodic.waves() as f64).sqrt();
    let uniform = |tensor: u32, count: usize| -> Vec<f32> {
        let stream = stream(tensor);
        (0..count)
            .map(|index| ((2.0 * stream.uniform(index as u32) - 1.0) * bound) as f32)
            .collect()
    };
    let frequencies = periodic.features * periodic.frequencies;
    vec![
        (0..frequencies)
            .map(|index| (sigma * stream(0).normal(index as u32)) as f32)
            .collect(),
        uniform(1, periodic.inputs() * periodic.waves()),
        uniform(2, periodic.inputs()),
    ]
}

/// Tensors of other embeddings end before this one of the stream of weights.
const CATEGORY_TENSOR: u32 = 512;

/// Initial vectors [features, width] of the categories of embedded column `column` (from 0), uniform
/// within ± 1/sqrt(width), as Gorishniy et al. have them ("Revisiting Deep Learning Models for Tabular
/// Data", 2021): tensor 512 + `column` of the stream of weights; elements are counters in row-major
/// order.
pub fn initial_category(seed: u64, column: usize, features: usize, width: usize) -> Vec<f32> {
    let bound = 1.0 / (width as f64).sqrt();
    let stream = Stream::new(seed, Purpose::Weights, 0, CATEGORY_TENSOR + column as u32);
    (0..features * width)
        .map(|index| ((2.0 * stream.uniform(index as u32) - 1.0) * bound) as f32)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_drop_the_share_asked_for_and_keep_the_mean() {
        let mask = Mask::of(0.3).unwrap();
        assert_eq!(mask.threshold, 19_661);
        let kept = f64::from((1 << 16) - mask.threshold) / f64::from(1 << 16);
        assert!((kept * f64::from(mask.scale) - 1.0).abs() < 1e-7);
        assert_eq!(Mask::of(0.0), None);
        assert!(Mask::of(1.0 - 1e-12).unwrap().scale.is_finite());
    }

    #[test]
    fn factors_are_those_that_the_layout_of_masks_names() {
        let (rows, width) = (11, 19);
        let (stream, mask) = (dropout_stream(9, 2, 5, 1), Mask::of(0.4).unwrap());
        let mut given = vec![f32::NAN; rows * width];
        factors(stream, mask, rows, width, &mut given);
        for row in 0..rows {
            for column in 0..width {
                let words = stream.pair((row / 4 * width + column) as u32);
                let drawn = words[row % 4 / 2] >> (row % 2 * 16) & 0xFFFF;
                let wanted = if drawn >= mask.threshold {
                    mask.scale
                } else {
                    0.0
                };
                assert_eq!(
                    given[column * rows + row],
                    wanted,
                    "row {row}, column {column}"
                );
            }
        }
    }

    #[test]
    fn initial_weights_fill_their_bounds() {
        let (weights, bias) = initial_linear(5, 1, 100, 30);
        assert_eq!((weights.len(), bias.len()), (3000, 30));
        let largest = weights.iter().fold(0.0f32, |most, w| most.max(w.abs()));
        assert!(largest <= 0.1 && largest > 0.099);
        let mean_square = weights.iter().map(|w| w * w).sum::<f32>() / 3000.0;
        assert!((mean_square - 0.01 / 3.0).abs() < 3e-4);
    }
}
