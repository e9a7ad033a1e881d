//! What BERT does between matrix products, value by value or row by row.
//!
//! Invariant: the same bits with every instruction set. Each kernel is compiled a second time for
//! AVX2, without fused operations, so only the number of values at a time differs; sums run in
//! `LANES` strands that are added up in one order.

use super::weights::Norm;

/// Strands of a sum.
const LANES: usize = 16;

/// Defines a function that runs `$body` with AVX2 where the machine has it.
macro_rules! with_avx2 {
    ($(#[$doc:meta])* $name:ident($($arg:ident: $kind:ty),*) by $body:ident) => {
        $(#[$doc])*
        pub(crate) fn $name($($arg: $kind),*) {
            #[cfg(target_arch = "x86_64")]
            if std::arch::is_x86_feature_detected!("avx2") {
                #[target_feature(enable = "avx2")]
                fn wide($($arg: $kind),*) {
                    $body($($arg),*);
                }
                // SAFETY: the machine has AVX2, as just asked.
                return unsafe { wide($($arg),*) };
            }
            $body($($arg),*);
        }
    };
}

with_avx2! {
    /// x / 2 · (1 + erf(x / √2)), in place (Hendrycks and Gimpel 2016, arXiv 1606.08415).
    gelu(values: &mut [f32]) by gelu_each
}

with_avx2! {
    /// Layer normalisation of each row in place (Ba et al. 2016, arXiv 1607.06450); a row is as wide
    /// as the weights.
    norm(by: &Norm, eps: f32, rows: &mut [f32]) by norm_each
}

with_avx2! {
    /// exp(scale · x) divided by its sum, in place.
    softmax(scale: f32, row: &mut [f32]) by softmax_row
}

with_avx2! {
    /// Adds the bias to each row; a row is as wide as the bias.
    add_bias(bias: &[f32], rows: &mut [f32]) by add_bias_each
}

#[inline(always)]
fn gelu_each(values: &mut [f32]) {
    for value in values {
        let x = *value;
        *value = 0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2));
    }
}

#[inline(always)]
fn norm_each(by: &Norm, eps: f32, rows: &mut [f32]) {
    let width = by.weight.len();
    for row in rows.chunks_exact_mut(width) {
        let mean = sum(row, |value| value) / width as f32;
        let variance = sum(row, |value| (value - mean) * (value - mean)) / width as f32;
        let scale = 1.0 / (variance + eps).sqrt();
        for ((value, weight), bias) in row.iter_mut().zip(&by.weight).zip(&by.bias) {
            *value = (*value - mean) * scale * weight + bias;
        }
    }
}

#[inline(always)]
fn softmax_row(scale: f32, row: &mut [f32]) {
    let mut largest = f32::NEG_INFINITY;
    for value in row.iter() {
        largest = if *value > largest { *value } else { largest };
    }
    for value in row.iter_mut() {
        *value = exp(scale * (*value - largest));
    }
    let total = sum(row, |value| value);
    for value in row.iter_mut() {
        *value /= total;
    }
}

#[inline(always)]
fn add_bias_each(bias: &[f32], rows: &mut [f32]) {
    for row in rows.chunks_exact_mut(bias.len()) {
        for (value, bias) in row.iter_mut().zip(bias) {
            *value += bias;
        }
    }
}

/// The sum of `of` over the values, in strands.
#[inline(always)]
fn sum(values: &[f32], of: impl Fn(f32) -> f32) -> f32 {
    let (whole, rest) = values.as_chunks::<LANES>();
    let mut strands = [0.0; LANES];
    for chunk in whole {
        for (strand, value) in strands.iter_mut().zip(chunk) {
            *strand += of(*value);
        }
    }
    let mut total = 0.0;
    for strand in strands {
        total += strand;
    }
    for value in rest {
        total += of(*value);
    }
    total
}

/// The error function to 2e-7 (Abramowitz and Stegun 1964, 7.1.26).
#[inline(always)]
fn erf(x: f32) -> f32 {
    let size = x.abs();
    let t = 1.0 / (1.0 + 0.327_591_1 * size);
    let mut series = 1.061_405_4;
    for factor in [-1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6] {
        series = series * t + factor;
    }
    (1.0 - series * t * exp(-size * size)).copysign(x)
}

/// e to the power of `x` to 3e-7 of it, for `x` from -87 to 0; what is below is taken for -87.
///
/// 2^n · e^f with |f| at most ln(2) / 2, the latter by its Taylor series; ln(2) stands in two parts,
/// the first so short that n times it is exact (Cody and Waite 1980).
#[inline(always)]
fn exp(x: f32) -> f32 {
    // Added and taken away again, it rounds to a whole number.
    const ROUND: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let x = if x > -87.0 { x } else { -87.0 };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    let rest = (x - whole * LN_2_HIGH) - whole * LN_2_LOW;
    let mut series = 1.0 / 720.0;
    for factor in [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        series = series * rest + factor;
    }
    // The low bits of the shifted number are the whole one; moved up they are the exponent.
    let exponent = shifted.to_bits().wrapping_sub(ROUND.to_bits()) << 23;
    f32::from_bits(series.to_bits().wrapping_add(exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_that_of_the_standard_library() {
        for step in 0..87_000 {
            let x = -(step as f32) / 1000.0;
            let (ours, exact) = (f64::from(exp(x)), f64::from(x).exp());
            assert!((ours / exact - 1.0).abs() < 3e-7, "{x}: {ours} {exact}");
        }
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(-1e30) < 1.7e-38);
    }

    #[test]
    fn gelu_is_that_of_pytorch() {
        // torch.nn.functional.gelu(torch.tensor([...], dtype=torch.float64)), PyTorch 2.11.
        let expected = [
            (-6.0, -5.919_525_870_776_963e-9),
            (-3.0, -0.004_049_694_094_902_8),
            (-1.0, -0.158_655_253_931_457_05),
            (-0.1, -0.046_017_216_272_297_1),
            (0.0, 0.0),
            (0.5, 0.345_731_230_637_006_6),
            (2.0, 1.954_499_736_103_641_5),
            (9.0, 9.0),
        ];
        let mut values: Vec<f32> = expected.iter().map(|(x, _)| *x).collect();
        gelu(&mut values);
        for (ours, (x, exact)) in values.iter().zip(expected) {
            assert!(
                (f64::from(*ours) - exact).abs() < 1e-6,
                "{x}: {ours} {exact}"
            );
        }
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let values: Vec<f32> = (0..1000u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) as f32 / u32::MAX as f32 - 0.5) * 9.0)
            .collect();
        let by = Norm {
            weight: values[..100].to_vec(),
            bias: values[100..200].to_vec(),
        };
        let bits = |values: &[f32]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        let (mut wide, mut narrow) = (values.clone(), values.clone());
        gelu(&mut wide);
        gelu_each(&mut narrow);
        assert_eq!(bits(&wide), bits(&narrow));
        norm(&by, 1e-12, &mut wide);
        norm_each(&by, 1e-12, &mut narrow);
        assert_eq!(bits(&wide), bits(&narrow));
        softmax(0.3, &mut wide);
        softmax_row(0.3, &mut narrow);
        assert_eq!(bits(&wide), bits(&narrow));
        let total: f32 = wide.iter().sum();
        assert!((total - 1.0).abs() < 1e-5, "{total}");
    }
}
