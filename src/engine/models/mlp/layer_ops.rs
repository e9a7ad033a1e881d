//! What happens between two matrix products: batch normalisation, activation, dropout, and the way
//! back through them. Matrices are in panels (see `matrix`).
//!
//! The forward pass leaves, beside each value, the derivative of all that followed the normalisation
//! (activation, mask, scale), so that the way back is one multiplication whatever the activation.

use super::math::{Function, Gelu, Relu, Silu, Tanh};
use super::simd::{F32x16, Kernel, LANES, Simd};
use sweep_core::random::threefry2x32;
use sweep_core::trial::models::Activation;

/// Added to a variance before its root is taken, as PyTorch's `BatchNorm1d` does.
pub const NORM_EPS: f32 = 1e-5;
/// Share of a batch's statistics in the running ones, as PyTorch's `BatchNorm1d` has it.
const NORM_MOMENTUM: f32 = 0.1;

/// Rows that share one call of the generator.
pub const MASK_ROWS: usize = 4;

/// Batch normalisation with the statistics of the batch (Ioffe and Szegedy 2015).
///
/// The variance of a batch of one row is 0, which gives `beta`; the running variance, whose
/// unbiased estimate does not exist then, is left as it is.
pub struct Normalize<'a> {
    pub rows: usize,
    /// [rows, width]: in, what to normalise; out, the same normalised, before `gamma` and `beta`.
    pub normal: &'a mut [F32x16],
    /// [rows, width]: normalised, times `gamma`, plus `beta`.
    pub to: &'a mut [F32x16],
    /// All below are [width].
    pub gamma: &'a [F32x16],
    pub beta: &'a [F32x16],
    /// One over the standard deviation.
    pub inverse: &'a mut [F32x16],
    pub running_mean: &'a mut [F32x16],
    pub running_var: &'a mut [F32x16],
}

/// Batch normalisation with the running statistics, in place.
pub struct NormalizeRunning<'a> {
    pub rows: usize,
    /// [rows, width].
    pub values: &'a mut [F32x16],
    /// All below are [width].
    pub gamma: &'a [F32x16],
    pub beta: &'a [F32x16],
    pub running_mean: &'a [F32x16],
    pub running_var: &'a [F32x16],
}

/// An activation function in place, with its derivatives where they are wanted.
pub struct Activate<'a> {
    pub activation: Activation,
    pub values: &'a mut [F32x16],
    pub activation_grad: Option<&'a mut [F32x16]>,
}

/// Inverted dropout on values and derivatives; see [`super::init_rng`] for the layout of the masks.
pub struct Dropout<'a> {
    pub rows: usize,
    pub width: usize,
    pub key: [u32; 2],
    pub threshold: u32,
    pub scale: f32,
    /// [rows, width].
    pub values: &'a mut [F32x16],
    /// [rows, width].
    pub activation_grad: &'a mut [F32x16],
}

/// What inverted dropout multiplies the values of a layer by, for engines that keep units in rows.
pub struct Factors<'a> {
    pub rows: usize,
    pub width: usize,
    pub key: [u32; 2],
    pub threshold: u32,
    pub scale: f32,
    /// Out: [width, rows], row-major.
    pub to: &'a mut [f32],
}

/// The way back through dropout and activation, without normalisation before them.
pub struct Back<'a> {
    pub rows: usize,
    /// [rows, width]: in, the gradient of the layer's values; out, that of its linear part.
    pub gradient: &'a mut [F32x16],
    /// [rows, width].
    pub activation_grad: &'a [F32x16],
    /// [width]: out, the gradient of the linear part's bias.
    pub bias: &'a mut [F32x16],
}

/// The way back through dropout, activation and batch normalisation.
///
/// The bias before a normalisation has no effect on what comes after it: its gradient is 0 and no
/// place for it is given.
pub struct BackNormalized<'a> {
    pub rows: usize,
    /// [rows, width]: in, the gradient of the layer's values; out, that of its linear part.
    pub gradient: &'a mut [F32x16],
    /// [rows, width].
    pub activation_grad: &'a [F32x16],
    /// [rows, width]: as [`Normalize`] left it.
    pub normal: &'a [F32x16],
    /// All below are [width].
    pub gamma: &'a [F32x16],
    pub inverse: &'a [F32x16],
    /// Out: the gradient of `gamma`.
    pub gamma_gradient: &'a mut [F32x16],
    /// Out: the gradient of `beta`.
    pub beta_gradient: &'a mut [F32x16],
}

impl Kernel for Normalize<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let rows = self.rows as f32;
        let (share, one) = (simd.splat(1.0 / rows), simd.splat(1.0));
        let (momentum, rest) = (simd.splat(NORM_MOMENTUM), simd.splat(1.0 - NORM_MOMENTUM));
        let panels = self.normal.chunks_exact_mut(self.rows);
        for (panel, (normal, to)) in panels.zip(self.to.chunks_exact_mut(self.rows)).enumerate() {
            let mean = simd.mul(sum_rows(simd, normal), share);
            let squares = sum_squares(simd, normal, mean);
            let variance = simd.add(simd.mul(squares, share), simd.splat(NORM_EPS));
            let inverse = simd.div(one, simd.sqrt(variance));
            simd.store(inverse, &mut self.inverse[panel]);

            let (gamma, beta) = (simd.load(&self.gamma[panel]), simd.load(&self.beta[panel]));
            for (normal, to) in normal.iter_mut().zip(to) {
                let value = simd.mul(simd.sub(simd.load(normal), mean), inverse);
                simd.store(value, normal);
                simd.store(simd.mul_add(value, gamma, beta), to);
            }

            let running = &mut self.running_mean[panel];
            let old = simd.mul(simd.load(running), rest);
            simd.store(simd.mul_add(mean, momentum, old), running);
            if self.rows > 1 {
                let running = &mut self.running_var[panel];
                let unbiased = simd.mul(squares, simd.splat(1.0 / (rows - 1.0)));
                let old = simd.mul(simd.load(running), rest);
                simd.store(simd.mul_add(unbiased, momentum, old), running);
            }
        }
    }
}

impl Kernel for NormalizeRunning<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let panels = self.values.chunks_exact_mut(self.rows);
        for (panel, values) in panels.enumerate() {
            let variance = simd.load(&self.running_var[panel]);
            let deviation = simd.sqrt(simd.add(variance, simd.splat(NORM_EPS)));
            let factor = simd.div(simd.load(&self.gamma[panel]), deviation);
            let mean = simd.load(&self.running_mean[panel]);
            let beta = simd.load(&self.beta[panel]);
            for line in values {
                let centred = simd.sub(simd.load(line), mean);
                simd.store(simd.mul_add(centred, factor, beta), line);
            }
        }
    }
}

impl Kernel for Activate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        match self.activation {
            Activation::Relu => apply::<S, Relu>(simd, self),
            Activation::Gelu => apply::<S, Gelu>(simd, self),
            Activation::Silu => apply::<S, Silu>(simd, self),
            Activation::Tanh => apply::<S, Tanh>(simd, self),
        }
    }
}

#[inline(always)]
fn apply<S: Simd, F: Function>(simd: S, work: Activate<'_>) {
    match work.activation_grad {
        Some(activation_grad) => {
            for (value, grad) in work.values.iter_mut().zip(activation_grad) {
                let (new, change) = F::at(simd, simd.load(value));
                simd.store(new, value);
                simd.store(change, grad);
            }
        }
        None => {
            for value in work.values {
                simd.store(F::at(simd, simd.load(value)).0, value);
            }
        }
    }
}

impl Kernel for Dropout<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let panels = self.values.chunks_exact_mut(self.rows);
        for (panel, (values, activation_grad)) in panels
            .zip(self.activation_grad.chunks_exact_mut(self.rows))
            .enumerate()
        {
            let groups = values.chunks_mut(MASK_ROWS);
            for (group, (values, activation_grad)) in groups
                .zip(activation_grad.chunks_mut(MASK_ROWS))
                .enumerate()
            {
                let first = group * self.width + panel * LANES;
                let factors = factors(self.key, first as u32, self.threshold, self.scale);
                for ((value, grad), factor) in values.iter_mut().zip(activation_grad).zip(&factors)
                {
                    let factor = simd.load(factor);
                    simd.store(simd.mul(simd.load(value), factor), value);
                    simd.store(simd.mul(simd.load(grad), factor), grad);
                }
            }
        }
    }
}

impl Kernel for Factors<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        for row in (0..self.rows).step_by(MASK_ROWS) {
            let rows = MASK_ROWS.min(self.rows - row);
            for column in (0..self.width).step_by(LANES) {
                let first = row / MASK_ROWS * self.width + column;
                let factors = factors(self.key, first as u32, self.threshold, self.scale);
                for place in 0..LANES.min(self.width - column) {
                    let to = &mut self.to[(column + place) * self.rows + row..][..rows];
                    for (to, factor) in to.iter_mut().zip(&factors) {
                        *to = factor.0[place];
                    }
                }
            }
        }
    }
}

/// What four rows of sixteen values, beginning at counter `first`, are multiplied by.
#[inline(always)]
fn factors(key: [u32; 2], first: u32, threshold: u32, scale: f32) -> [F32x16; MASK_ROWS] {
    let (mut low, mut high) = ([0u32; LANES], [0u32; LANES]);
    for place in 0..LANES {
        let counter = first.wrapping_add(place as u32);
        [low[place], high[place]] = threefry2x32::<13>(key, [counter, 0]);
    }
    let mut factors = [F32x16::ZERO; MASK_ROWS];
    for place in 0..LANES {
        let drawn = [
            low[place] & 0xFFFF,
            low[place] >> 16,
            high[place] & 0xFFFF,
            high[place] >> 16,
        ];
        for (factor, drawn) in factors.iter_mut().zip(drawn) {
            factor.0[place] = if drawn >= threshold { scale } else { 0.0 };
        }
    }
    factors
}

impl Kernel for Back<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let panels = self.gradient.chunks_exact_mut(self.rows);
        for (panel, (gradient, activation_grad)) in panels
            .zip(self.activation_grad.chunks_exact(self.rows))
            .enumerate()
        {
            for (gradient, grad) in gradient.iter_mut().zip(activation_grad) {
                let product = simd.mul(simd.load(gradient), simd.load(grad));
                simd.store(product, gradient);
            }
            simd.store(sum_rows(simd, gradient), &mut self.bias[panel]);
        }
    }
}

impl Kernel for BackNormalized<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let share = simd.splat(-1.0 / self.rows as f32);
        let panels = self.gradient.chunks_exact_mut(self.rows);
        let activation_grad = self.activation_grad.chunks_exact(self.rows);
        let normals = self.normal.chunks_exact(self.rows);
        for (panel, ((gradient, activation_grad), normal)) in
            panels.zip(activation_grad).zip(normals).enumerate()
        {
            let (mut sum, mut sum_normal) = (simd.zero(), simd.zero());
            for ((gradient, grad), normal) in gradient.iter_mut().zip(activation_grad).zip(normal) {
                let product = simd.mul(simd.load(gradient), simd.load(grad));
                simd.store(product, gradient);
                sum = simd.add(sum, product);
                sum_normal = simd.mul_add(product, simd.load(normal), sum_normal);
            }
            simd.store(sum, &mut self.beta_gradient[panel]);
            simd.store(sum_normal, &mut self.gamma_gradient[panel]);

            // gamma / deviation * (g - mean(g) - normal * mean(g * normal)), multiplied out.
            let factor = simd.mul(
                simd.load(&self.gamma[panel]),
                simd.load(&self.inverse[panel]),
            );
            let shift = simd.mul(simd.mul(factor, share), sum);
            let slant = simd.mul(simd.mul(factor, share), sum_normal);
            for (gradient, normal) in gradient.iter_mut().zip(normal) {
                let part = simd.mul_add(simd.load(normal), slant, shift);
                simd.store(simd.mul_add(simd.load(gradient), factor, part), gradient);
            }
        }
    }
}

/// The sum of `rows`: four sums side by side, so that no addition waits for the last.
#[inline(always)]
pub fn sum_rows<S: Simd>(simd: S, rows: &[F32x16]) -> S::Floats {
    let (fours, rest) = rows.as_chunks::<4>();
    let mut sums = [simd.zero(); 4];
    for four in fours {
        for (sum, line) in sums.iter_mut().zip(four) {
            *sum = simd.add(*sum, simd.load(line));
        }
    }
    for line in rest {
        sums[0] = simd.add(sums[0], simd.load(line));
    }
    simd.add(simd.add(sums[0], sums[1]), simd.add(sums[2], sums[3]))
}

/// The sum of squared distances of `rows` from `middle`, in the same order.
#[inline(always)]
pub fn sum_squares<S: Simd>(simd: S, rows: &[F32x16], middle: S::Floats) -> S::Floats {
    let (fours, rest) = rows.as_chunks::<4>();
    let mut sums = [simd.zero(); 4];
    for four in fours {
        for (sum, line) in sums.iter_mut().zip(four) {
            let off = simd.sub(simd.load(line), middle);
            *sum = simd.mul_add(off, off, *sum);
        }
    }
    for line in rest {
        let off = simd.sub(simd.load(line), middle);
        sums[0] = simd.mul_add(off, off, sums[0]);
    }
    simd.add(simd.add(sums[0], sums[1]), simd.add(sums[2], sums[3]))
}
