//! Exponential and activation functions on sixteen floats: each gives the value and, where training
//! wants it, the derivative. Largest errors are stated beside each and checked by tests. What is not a
//! number stays so.

use super::simd::Simd;

/// A function of one number with its derivative. `at` must be `#[inline(always)]`, as a kernel's `run`.
pub trait Function {
    /// Value and derivative at `x`.
    fn at<S: Simd>(simd: S, x: S::Floats) -> (S::Floats, S::Floats);
}

/// max(x, 0) and its derivative, 0 at 0.
pub struct Relu;

/// x / (1 + e^-x); value and derivative within 3e-7 + 4e-7 of their size.
pub struct Silu;

/// tanh x; value and derivative within 3e-7 + 3e-7 of their size, small values within 5e-7 of it.
pub struct Tanh;

/// x Φ(x), Φ the normal distribution function; value and derivative within 4e-7 + 3e-7 of their size.
pub struct Gelu;

/// e^x with a relative error below 2e-7, for x clamped to -87..=88, where the result is a normal
/// number.
///
/// x = n ln 2 + r with |r| <= ln 2 / 2; e^r = 1 + r + r^2 p(r), with p fitted to the least largest
/// relative error (3e-9).
#[inline(always)]
pub fn exp<S: Simd>(simd: S, x: S::Floats) -> S::Floats {
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    // ln 2 in two parts, the first with trailing zeros, so that n * LN2_HIGH is exact.
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    const P: [f32; 5] = [
        1.381_454e-3,
        8.368_745e-3,
        4.166_839e-2,
        1.666_652e-1,
        4.999_999_3e-1,
    ];
    let (low, high) = (simd.splat(-87.0), simd.splat(88.0));
    let x = simd.if_less(x, low, low, x);
    let x = simd.if_less(high, x, high, x);
    let n = simd.round(simd.mul(x, simd.splat(LOG2_E)));
    let r = simd.mul_add(n, simd.splat(-LN2_HIGH), x);
    let r = simd.mul_add(n, simd.splat(-LN2_LOW), r);
    let p = polynomial(simd, r, P);
    let r2 = simd.mul(r, r);
    let value = simd.mul_add(r2, p, simd.add(r, simd.splat(1.0)));
    simd.mul(value, simd.power_of_two(n))
}

impl Function for Relu {
    #[inline(always)]
    fn at<S: Simd>(simd: S, x: S::Floats) -> (S::Floats, S::Floats) {
        let (zero, one) = (simd.zero(), simd.splat(1.0));
        (simd.max(zero, x), simd.if_less(zero, x, one, zero))
    }
}

impl Function for Silu {
    #[inline(always)]
    fn at<S: Simd>(simd: S, x: S::Floats) -> (S::Floats, S::Floats) {
        let one = simd.splat(1.0);
        let e = exp(simd, simd.sub(simd.zero(), x));
        let s = simd.div(one, simd.add(one, e));
        let value = simd.mul(x, s);
        // s + x s (1 - s), where 1 - s = e s loses no digits.
        (value, simd.mul_add(value, simd.mul(e, s), s))
    }
}

impl Function for Tanh {
    // Below 0.625 an odd polynomial, fitted to the least largest relative error, since the other form,
    // 1 - 2 / (e^2x + 1), loses digits there.
    #[inline(always)]
    fn at<S: Simd>(simd: S, x: S::Floats) -> (S::Floats, S::Floats) {
        const P: [f32; 5] = [
            -5.717_045e-3,
            2.065_058_7e-2,
            -5.374_35e-2,
            1.333_149_1e-1,
            -3.333_328_4e-1,
        ];
        let (one, two) = (simd.splat(1.0), simd.splat(2.0));
        let x2 = simd.mul(x, x);
        let near = simd.mul_add(simd.mul(x2, x), polynomial(simd, x2, P), x);
        let size = absolute(simd, x);
        let e = exp(simd, simd.add(size, size));
        let far = simd.sub(one, simd.div(two, simd.add(e, one)));
        let far = simd.if_less(x, simd.zero(), simd.sub(simd.zero(), far), far);
        let value = simd.if_less(size, simd.splat(0.625), near, far);
        let minus = simd.sub(simd.zero(), value);
        (value, simd.mul_add(minus, value, one))
    }
}

impl Function for Gelu {
    // Φ by formula 7.1.26 of Abramowitz and Stegun, "Handbook of Mathematical Functions" (1964), whose
    // error in erf is at most 1.5e-7. It needs e^(-x^2/2), which is φ but for a factor.
    #[inline(always)]
    fn at<S: Simd>(simd: S, x: S::Floats) -> (S::Floats, S::Floats) {
        const P: [f32; 5] = [
            1.061_405_4,
            -1.453_152,
            1.421_413_7,
            -0.284_496_74,
            0.254_829_6,
        ];
        const SCALE: f32 = 0.327_591_1 * std::f32::consts::FRAC_1_SQRT_2;
        const PHI_0: f32 = 0.398_942_3;
        let one = simd.splat(1.0);
        let size = absolute(simd, x);
        let t = simd.div(one, simd.mul_add(size, simd.splat(SCALE), one));
        let e = exp(simd, simd.mul(simd.mul(x, x), simd.splat(-0.5)));
        let tail = simd.mul(
            simd.mul(simd.mul(e, t), simd.splat(0.5)),
            polynomial(simd, t, P),
        );
        let share = simd.if_less(x, simd.zero(), tail, simd.sub(one, tail));
        let grad = simd.mul_add(simd.mul(x, simd.splat(PHI_0)), e, share);
        (simd.mul(x, share), grad)
    }
}

/// Cosine and sine of `turns` full circles, each within 3e-7 for up to 2^20 quarters; further out the
/// digits of `turns` itself are what is lost.
#[inline(always)]
pub fn turn<S: Simd>(simd: S, turns: S::Floats) -> (S::Floats, S::Floats) {
    // Taylor series to the quarter's half, where their next terms are below 3e-9.
    const SINE: [f32; 4] = [1.0 / 362_880.0, -1.0 / 5_040.0, 1.0 / 120.0, -1.0 / 6.0];
    const COSINE: [f32; 5] = [
        -1.0 / 3_628_800.0,
        1.0 / 40_320.0,
        -1.0 / 720.0,
        1.0 / 24.0,
        -0.5,
    ];
    let zero = simd.zero();
    let quarters = simd.round(simd.mul(turns, simd.splat(4.0)));
    let rest = simd.mul_add(quarters, simd.splat(-0.25), turns);
    let x = simd.mul(rest, simd.splat(std::f32::consts::TAU));
    let x2 = simd.mul(x, x);
    let sine = simd.mul_add(simd.mul(x2, x), polynomial(simd, x2, SINE), x);
    let cosine = simd.mul_add(x2, polynomial(simd, x2, COSINE), simd.splat(1.0));
    // Which quarter, as -2, -1, 0, 1 or 2: an odd one swaps the two, and some turn signs.
    let fours = simd.round(simd.mul(quarters, simd.splat(0.25)));
    let quarter = simd.mul_add(fours, simd.splat(-4.0), quarters);
    let odd = absolute(simd, simd.sub(absolute(simd, quarter), simd.splat(1.0)));
    let half = simd.splat(0.5);
    let (a, b) = (
        simd.if_less(odd, half, sine, cosine),
        simd.if_less(odd, half, cosine, sine),
    );
    let (minus_a, minus_b) = (simd.sub(zero, a), simd.sub(zero, b));
    let a_of = simd.if_less(half, quarter, minus_a, a);
    let a_of = simd.if_less(quarter, simd.splat(-1.5), minus_a, a_of);
    let b_of = simd.if_less(quarter, simd.splat(-0.5), minus_b, b);
    let b_of = simd.if_less(simd.splat(1.5), quarter, minus_b, b_of);
    (a_of, b_of)
}

#[inline(always)]
fn absolute<S: Simd>(simd: S, x: S::Floats) -> S::Floats {
    simd.if_less(x, simd.zero(), simd.sub(simd.zero(), x), x)
}

/// By Horner's rule; the highest coefficient first.
#[inline(always)]
fn polynomial<S: Simd, const N: usize>(simd: S, x: S::Floats, coefficients: [f32; N]) -> S::Floats {
    let mut value = simd.splat(coefficients[0]);
    for coefficient in &coefficients[1..] {
        value = simd.mul_add(value, x, simd.splat(*coefficient));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::super::simd::{F32x16, Isa, Kernel, LANES};
    use super::*;

    #[derive(Clone, Copy)]
    enum Kind {
        Exp,
        Relu,
        Silu,
        Tanh,
        Gelu,
        Turn,
    }

    struct At(Kind, F32x16);

    impl Kernel for At {
        type Output = (F32x16, F32x16);

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> (F32x16, F32x16) {
            let x = simd.load(&self.1);
            let (value, grad) = match self.0 {
                Kind::Exp => (exp(simd, x), exp(simd, x)),
                Kind::Relu => Relu::at(simd, x),
                Kind::Silu => Silu::at(simd, x),
                Kind::Tanh => Tanh::at(simd, x),
                Kind::Gelu => Gelu::at(simd, x),
                Kind::Turn => turn(simd, x),
            };
            (simd.to_line(value), simd.to_line(grad))
        }
    }

    /// erf in f64 to 1e-12: its Taylor series near 0, the continued fraction of erfc beyond.
    fn erf(x: f64) -> f64 {
        if x.abs() > 2.0 {
            let tail = (1..=100)
                .rev()
                .fold(x.abs(), |tail, k| x.abs() + f64::from(k) / 2.0 / tail);
            let erfc = (-x * x).exp() / tail / std::f64::consts::PI.sqrt();
            return x.signum() * (1.0 - erfc);
        }
        let (mut term, mut sum) = (x, x);
        for n in 1..60 {
            let n = f64::from(n);
            term *= -x * x / n;
            sum += term / (2.0 * n + 1.0);
        }
        sum * std::f64::consts::FRAC_2_SQRT_PI
    }

    fn exact(function: Kind, x: f64) -> (f64, f64) {
        match function {
            Kind::Exp => (x.exp(), x.exp()),
            Kind::Relu => (x.max(0.0), f64::from(u8::from(x > 0.0))),
            Kind::Silu => {
                let s = 1.0 / (1.0 + (-x).exp());
                (x * s, s * (1.0 + x * (1.0 - s)))
            }
            Kind::Tanh => (x.tanh(), 1.0 - x.tanh().powi(2)),
            Kind::Gelu => {
                let share = 0.5 * (1.0 + erf(x * std::f64::consts::FRAC_1_SQRT_2));
                let phi = (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt();
                (x * share, share + x * phi)
            }
            Kind::Turn => {
                let (sine, cosine) = (std::f64::consts::TAU * x).sin_cos();
                (cosine, sine)
            }
        }
    }

    /// Asserts that value and derivative are within `absolute` + `relative` * exact over -`end`..=`end`.
    fn assert_close(function: Kind, end: f64, absolute: f64, relative: f64) {
        const LINES: usize = 2000;
        let last = (LINES * LANES - 1) as f64;
        for isa in Isa::all() {
            for line in 0..LINES {
                let x = F32x16(std::array::from_fn(|place| {
                    (-end + 2.0 * end * (line * LANES + place) as f64 / last) as f32
                }));
                let (values, activation_grad) = isa.run(At(function, x));
                for place in 0..LANES {
                    let at = f64::from(x.0[place]);
                    let (value, grad) = exact(function, at);
                    for (given, wanted) in
                        [(values.0[place], value), (activation_grad.0[place], grad)]
                    {
                        let error = (f64::from(given) - wanted).abs();
                        assert!(
                            error <= absolute + relative * wanted.abs(),
                            "{isa:?} at {at}: {given} for {wanted}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn exponential_is_right_to_float_precision() {
        assert_close(Kind::Exp, 86.9, 0.0, 2e-7);
    }

    #[test]
    fn activations_and_their_slopes_are_right_to_a_millionth() {
        assert_close(Kind::Relu, 20.0, 0.0, 0.0);
        assert_close(Kind::Silu, 20.0, 3e-7, 4e-7);
        assert_close(Kind::Tanh, 20.0, 3e-7, 3e-7);
        assert_close(Kind::Gelu, 20.0, 4e-7, 3e-7);
    }

    #[test]
    fn cosines_and_sines_of_turns_are_right_to_a_millionth() {
        assert_close(Kind::Turn, 3.0, 3e-7, 0.0);
        assert_close(Kind::Turn, 1000.0, 3e-7, 0.0);
    }

    #[test]
    fn small_values_of_tanh_keep_their_digits() {
        for isa in Isa::all() {
            let x = F32x16(std::array::from_fn(|place| 0.7f32.powi(3 * place as i32)));
            let values = isa.run(At(Kind::Tanh, x)).0;
            for (x, value) in x.0.into_iter().zip(values.0) {
                let wanted = f64::from(x).tanh();
                assert!((f64::from(value) - wanted).abs() <= 5e-7 * wanted, "{x}");
            }
        }
    }

    #[test]
    fn what_is_not_a_number_stays_so() {
        for isa in Isa::all() {
            for function in [
                Kind::Exp,
                Kind::Relu,
                Kind::Silu,
                Kind::Tanh,
                Kind::Gelu,
                Kind::Turn,
            ] {
                let values = isa.run(At(function, F32x16([f32::NAN; LANES]))).0;
                assert!(values.0.iter().all(|value| value.is_nan()));
            }
        }
    }
}
