//! Sixteen floats in memory and in registers: what a kernel is written over, whatever the instruction set.
//!
//! Invariant: every matrix and vector is made of whole [`F32x16`]; nothing here knows which instruction sets there
//! are.

/// Floats in a [`F32x16`].
pub const LANES: usize = 16;

/// One cache line of floats: the unit in which all matrices and vectors are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[repr(C, align(64))]
pub struct F32x16(pub [f32; LANES]);

impl F32x16 {
    pub const ZERO: F32x16 = F32x16([0.0; LANES]);
}

/// The number of each place.
pub const PLACES: F32x16 = F32x16([
    0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0,
]);

/// Lines that `count` floats take.
pub const fn vectors(count: usize) -> usize {
    count.div_ceil(LANES)
}

/// A computation written over [`Simd`]. `run` must be `#[inline(always)]`, so that it is compiled
/// with the instruction set of its caller; so must be all that it calls, which rules out closures.
pub trait Kernel {
    type Output;
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// Operations on sixteen floats in registers.
pub trait Simd: Copy {
    type Floats: Copy;

    /// Most rows of a register tile one line wide: enough sums under way to hide the latency of
    /// a fused multiply-add, few enough to stay in registers.
    const TILE: usize;

    fn splat(self, value: f32) -> Self::Floats;
    fn load(self, line: &F32x16) -> Self::Floats;
    fn store(self, value: Self::Floats, line: &mut F32x16);

    fn add(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    fn sub(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    fn mul(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    fn div(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    fn sqrt(self, a: Self::Floats) -> Self::Floats;
    /// `a * b + c`, rounded once where the machine can.
    fn mul_add(self, a: Self::Floats, b: Self::Floats, c: Self::Floats) -> Self::Floats;
    /// The greater one; `b` where either is not a number.
    fn max(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// To the nearest integer, ties to even.
    fn round(self, a: Self::Floats) -> Self::Floats;
    /// 2^`a` for integral `a` in -126..=127.
    fn power_of_two(self, a: Self::Floats) -> Self::Floats;
    /// `yes` where `a < b`, `no` elsewhere; what is not a number is never less.
    fn if_less(
        self,
        a: Self::Floats,
        b: Self::Floats,
        yes: Self::Floats,
        no: Self::Floats,
    ) -> Self::Floats;

    /// The lines' transpose.
    fn transpose(self, from: &[F32x16; LANES], to: &mut [F32x16; LANES]);

    #[inline(always)]
    fn zero(self) -> Self::Floats {
        self.splat(0.0)
    }

    #[inline(always)]
    fn to_line(self, value: Self::Floats) -> F32x16 {
        let mut line = F32x16::ZERO;
        self.store(value, &mut line);
        line
    }

    /// The sum of all places: each half onto the other until one is left.
    #[inline(always)]
    fn sum(self, value: Self::Floats) -> f32 {
        let mut sums = self.to_line(value).0;
        let mut half = LANES / 2;
        while half > 0 {
            for place in 0..half {
                sums[place] += sums[place + half];
            }
            half /= 2;
        }
        sums[0]
    }
}
