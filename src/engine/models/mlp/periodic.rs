//! Periodic embedding of numbers: "PLR" of Gorishniy, Rubachev and Babenko, "On Embeddings for
//! Numerical Features in Tabular Deep Learning" (2022).
//!
//! Each feature x has frequencies f of its own, which are learned; the cosines and then the sines of
//! 2 pi f x go through a linear layer of the feature's own and ReLU. Features narrower than a line
//! share one, so that the linear layers of these are one product with a block-diagonal matrix.
//! Invariant: its zeros stay zeros, since their gradients are made zero.

use std::ops::Range;

use super::layer_ops::{Activate, Back, sum_rows};
use super::math::turn;
use super::matrix::{Gradient, Product, Transpose};
use super::simd::{F32x16, Isa, Kernel, LANES, Simd, vectors};
use sweep_core::trial::models::Activation;

/// Sizes of a periodic embedding, and where its parameters lie. Ranges are lines of the parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Periodic {
    pub features: usize,
    /// Of each feature; a multiple of 8.
    pub frequencies: usize,
    /// Inputs that each feature becomes: a divisor or a multiple of a line.
    pub width: usize,
    /// [features, frequencies] in panels.
    pub frequency: Range<usize>,
    /// A block-diagonal matrix for each group of features, in panels.
    pub weight: Range<usize>,
    /// [features * width].
    pub bias: Range<usize>,
}

/// Workspace for a batch; all but `phases` are overwritten by each.
pub struct PeriodicWorkspace {
    /// [features * waves]: frequencies, for cosines and again for sines.
    turns: Vec<F32x16>,
    /// [waves]: turns that a cosine is behind: 0, or a quarter to make a sine of it.
    phases: Vec<F32x16>,
    /// [rows, features * waves].
    waves: Vec<F32x16>,
    /// Their derivatives by frequency.
    activation_grad: Vec<F32x16>,
    /// [rows, features * width]: derivatives of the ReLU.
    open: Vec<F32x16>,
    /// [rows, waves of a group].
    gradient: Vec<F32x16>,
    transposed: Vec<F32x16>,
    /// [waves of a group].
    sums: Vec<F32x16>,
}

/// Features whose inputs share a line, or a single one.
struct Group {
    /// Number of features.
    count: usize,
    /// Lines of the group among all weights.
    weight: Range<usize>,
    /// Panels of its waves, and of its inputs.
    waves: Range<usize>,
    inputs: Range<usize>,
}

impl Periodic {
    /// Cosines and sines of a feature.
    pub fn waves(&self) -> usize {
        2 * self.frequencies
    }

    /// Inputs that all features become.
    pub fn inputs(&self) -> usize {
        self.features * self.width
    }

    /// Lines that the weights of `features` features take.
    pub fn weight_lines(features: usize, frequencies: usize, width: usize) -> usize {
        features * 2 * frequencies * vectors(width)
    }

    /// Vector and place of the weight from wave `wave` to input `input` of feature `feature`.
    pub fn weight_place(&self, feature: usize, wave: usize, input: usize) -> (usize, usize) {
        let shared = self.shared();
        let column = feature % shared * self.width + input;
        let line = (feature * vectors(self.width) + input / LANES) * self.waves() + wave;
        (line, column % LANES)
    }

    /// Features that share a line.
    fn shared(&self) -> usize {
        (LANES / self.width).max(1)
    }

    fn group(&self, number: usize) -> Group {
        let shared = self.shared();
        let first = number * shared;
        let count = shared.min(self.features - first);
        let (waves, panels) = (vectors(self.waves()), vectors(self.width));
        let all = |features: usize| features * panels * self.waves();
        Group {
            count,
            weight: all(first)..all(first + count),
            waves: first * waves..(first + count) * waves,
            inputs: number * panels..(number + 1) * panels,
        }
    }

    fn groups(&self) -> usize {
        self.features.div_ceil(self.shared())
    }

    /// From `raw` [rows, features] to `to` [rows, inputs].
    pub fn forward(
        &self,
        isa: Isa,
        rows: usize,
        raw: &[F32x16],
        parameters: &[F32x16],
        workspace: &mut PeriodicWorkspace,
        to: &mut [F32x16],
    ) {
        self.spread(&parameters[self.frequency.clone()], &mut workspace.turns);
        let size = rows * self.features * vectors(self.waves());
        isa.run(Waves {
            rows,
            raw,
            turns: &workspace.turns,
            phases: &workspace.phases,
            waves: &mut workspace.waves[..size],
            activation_grad: &mut workspace.activation_grad[..size],
        });
        let weight = &parameters[self.weight.clone()];
        let bias = &parameters[self.bias.clone()];
        for number in 0..self.groups() {
            let group = self.group(number);
            isa.run(Product {
                rows,
                inner: group.count * self.waves(),
                left: &workspace.waves[rows * group.waves.start..rows * group.waves.end],
                right: &weight[group.weight],
                bias: Some(&bias[group.inputs.clone()]),
                to: &mut to[rows * group.inputs.start..rows * group.inputs.end],
            });
        }
        let size = rows * vectors(self.inputs());
        isa.run(Activate {
            activation: Activation::Relu,
            values: &mut to[..size],
            activation_grad: Some(&mut workspace.open[..size]),
        });
    }

    /// From `gradient`, that of the inputs [rows, inputs], to `gradients`, those of all parameters.
    pub fn backward(
        &self,
        isa: Isa,
        rows: usize,
        parameters: &[F32x16],
        workspace: &mut PeriodicWorkspace,
        gradient: &mut [F32x16],
        gradients: &mut [F32x16],
    ) {
        let activation_grad = &workspace.open[..gradient.len()];
        isa.run(Back {
            rows,
            gradient,
            activation_grad,
            bias: &mut gradients[self.bias.clone()],
        });
        for number in 0..self.groups() {
            let group = self.group(number);
            let (inner, columns) = (group.count * self.waves(), group.count * self.width);
            let here = rows * group.waves.start..rows * group.waves.end;
            let right = &gradient[rows * group.inputs.start..rows * group.inputs.end];
            let to = &mut gradients[self.weight.clone()][group.weight.clone()];
            isa.run(Gradient {
                rows,
                inputs: inner,
                left: &workspace.waves[here.clone()],
                right,
                to,
            });
            if group.count > 1 {
                isa.run(KeepBlocks {
                    rows: self.waves(),
                    width: self.width,
                    matrix: to,
                });
            }
            let transposed = &mut workspace.transposed[..vectors(inner) * columns];
            isa.run(Transpose {
                rows: inner,
                columns,
                from: &parameters[self.weight.clone()][group.weight],
                to: transposed,
            });
            let waves = &mut workspace.gradient[..here.len()];
            isa.run(Product {
                rows,
                inner: columns,
                left: right,
                right: transposed,
                bias: None,
                to: waves,
            });
            let sums = &mut workspace.sums[..vectors(inner)];
            isa.run(SumProducts {
                rows,
                left: waves,
                right: &workspace.activation_grad[here],
                to: sums,
            });
            let frequency = &mut gradients[self.frequency.clone()];
            self.gather_sums(number * self.shared(), group.count, sums, frequency);
        }
    }

    /// Frequencies, as parameters lie, to those of each wave.
    fn spread(&self, frequency: &[F32x16], turns: &mut [F32x16]) {
        for wave in 0..self.features * self.waves() {
            let (feature, column) = (wave / self.waves(), wave % self.frequencies);
            let line = &frequency[feature / LANES * self.frequencies + column];
            turns[wave / LANES].0[wave % LANES] = line.0[feature % LANES];
        }
    }

    /// Gradients of the waves of `count` features from `first` on, by frequency, to those of the
    /// parameters: a frequency's cosine and its sine together.
    fn gather_sums(&self, first: usize, count: usize, sums: &[F32x16], frequency: &mut [F32x16]) {
        for of_group in 0..count {
            let feature = first + of_group;
            for column in 0..self.frequencies {
                let cosine = of_group * self.waves() + column;
                let sine = cosine + self.frequencies;
                let sum =
                    sums[cosine / LANES].0[cosine % LANES] + sums[sine / LANES].0[sine % LANES];
                let line = &mut frequency[feature / LANES * self.frequencies + column];
                line.0[feature % LANES] = sum;
            }
        }
    }
}

impl PeriodicWorkspace {
    /// Workspace for batches of up to `rows` rows.
    pub fn new(embedding: &Periodic, rows: usize) -> PeriodicWorkspace {
        let zeros = |count: usize| vec![F32x16::ZERO; count];
        let (waves, shared) = (vectors(embedding.waves()), embedding.shared());
        let mut phases = zeros(waves);
        for sine in embedding.frequencies..embedding.waves() {
            phases[sine / LANES].0[sine % LANES] = 0.25;
        }
        PeriodicWorkspace {
            turns: zeros(embedding.features * waves),
            phases,
            waves: zeros(rows * embedding.features * waves),
            activation_grad: zeros(rows * embedding.features * waves),
            open: zeros(rows * vectors(embedding.inputs())),
            gradient: zeros(rows * shared * waves),
            transposed: zeros(shared * waves * shared * embedding.width),
            sums: zeros(shared * waves),
        }
    }
}

/// Cosines of 2 pi (f x - phase), with their derivatives by f.
struct Waves<'a> {
    rows: usize,
    /// [rows, features].
    raw: &'a [F32x16],
    /// [features * waves].
    turns: &'a [F32x16],
    /// [waves].
    phases: &'a [F32x16],
    /// [rows, features * waves].
    waves: &'a mut [F32x16],
    /// [rows, features * waves].
    activation_grad: &'a mut [F32x16],
}

/// Makes what is not on the diagonal blocks of a matrix zero.
struct KeepBlocks<'a> {
    /// Rows of a block.
    rows: usize,
    /// Columns of a block.
    width: usize,
    /// One panel.
    matrix: &'a mut [F32x16],
}

/// The sum over rows of the products of two matrices' elements.
struct SumProducts<'a> {
    rows: usize,
    /// [rows, columns]: in, one matrix; out, the products.
    left: &'a mut [F32x16],
    /// [rows, columns].
    right: &'a [F32x16],
    /// [columns].
    to: &'a mut [F32x16],
}

impl Kernel for Waves<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let rows = self.rows;
        let panels = self.phases.len();
        let around = simd.splat(-std::f32::consts::TAU);
        let all = self.waves.chunks_exact_mut(rows);
        for (panel, (waves, activation_grad)) in all
            .zip(self.activation_grad.chunks_exact_mut(rows))
            .enumerate()
        {
            let feature = panel / panels;
            let raw = &self.raw[feature / LANES * rows..][..rows];
            let place = feature % LANES;
            let frequency = simd.load(&self.turns[panel]);
            let phase = simd.load(&self.phases[panel % panels]);
            for ((raw, wave), grad) in raw.iter().zip(waves).zip(activation_grad) {
                let x = simd.splat(raw.0[place]);
                let (cosine, sine) = turn(simd, simd.sub(simd.mul(x, frequency), phase));
                simd.store(cosine, wave);
                simd.store(simd.mul(simd.mul(sine, x), around), grad);
            }
        }
    }
}

impl Kernel for KeepBlocks<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        for (block, lines) in self.matrix.chunks_exact_mut(self.rows).enumerate() {
            let mut kept = F32x16::ZERO;
            kept.0[block * self.width..][..self.width].fill(1.0);
            let (kept, half) = (simd.load(&kept), simd.splat(0.5));
            for line in lines {
                let inside = simd.if_less(half, kept, simd.load(line), simd.zero());
                simd.store(inside, line);
            }
        }
    }
}

impl Kernel for SumProducts<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let panels = self.left.chunks_exact_mut(self.rows);
        let panels = panels.zip(self.right.chunks_exact(self.rows));
        for ((left, right), to) in panels.zip(self.to) {
            for (left, right) in left.iter_mut().zip(right) {
                simd.store(simd.mul(simd.load(left), simd.load(right)), left);
            }
            simd.store(sum_rows(simd, left), to);
        }
    }
}
