//! Plain loops over sixteen floats, for machines without a path of their own; the compiler turns
//! them into the vector instructions that every machine of the target has.

use super::vector::{F32x16, LANES, Simd};

/// The path that runs everywhere.
#[derive(Debug, Clone, Copy)]
pub struct Portable;

/// Whether a fused multiply-add is one instruction; elsewhere it is a slow library call.
const FUSED: bool = cfg!(any(target_arch = "aarch64", target_feature = "fma"));

impl Simd for Portable {
    type Floats = [f32; LANES];

    const TILE: usize = 4;

    #[inline(always)]
    fn splat(self, value: f32) -> [f32; LANES] {
        [value; LANES]
    }

    #[inline(always)]
    fn load(self, line: &F32x16) -> [f32; LANES] {
        line.0
    }

    #[inline(always)]
    fn store(self, value: [f32; LANES], line: &mut F32x16) {
        line.0 = value;
    }

    #[inline(always)]
    fn add(self, a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        std::array::from_fn(|place| a[place] + b[place])
    }

    #[inline(always)]
    fn sub(self, a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        std::array::from_fn(|place| a[place] - b[place])
    }

    #[inline(always)]
    fn mul(self, a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        std::array::from_fn(|place| a[place] * b[place])
    }

    #[inline(always)]
    fn div(self, a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        std::array::from_fn(|place| a[place] / b[place])
    }

    #[inline(always)]
    fn sqrt(self, a: [f32; LANES]) -> [f32; LANES] {
        a.map(f32::sqrt)
    }

    #[inline(always)]
    fn mul_add(self, a: [f32; LANES], b: [f32; LANES], c: [f32; LANES]) -> [f32; LANES] {
        std::array::from_fn(|place| match FUSED {
            true => a[place].mul_add(b[place], c[place]),
            false => a[place] * b[place] + c[place],
        })
    }

    #[inline(always)]
    fn max(self, a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        std::array::from_fn(|place| {
            if a[place] > b[place] {
                a[place]
            } else {
                b[place]
            }
        })
    }

    #[inline(always)]
    fn round(self, a: [f32; LANES]) -> [f32; LANES] {
        a.map(f32::round_ties_even)
    }

    #[inline(always)]
    fn power_of_two(self, a: [f32; LANES]) -> [f32; LANES] {
        a.map(|exponent| f32::from_bits(((exponent as i32 + 127) as u32) << 23))
    }

    #[inline(always)]
    fn if_less(
        self,
        a: [f32; LANES],
        b: [f32; LANES],
        yes: [f32; LANES],
        no: [f32; LANES],
    ) -> [f32; LANES] {
        std::array::from_fn(|place| match a[place] < b[place] {
            true => yes[place],
            false => no[place],
        })
    }

    #[inline(always)]
    fn transpose(self, from: &[F32x16; LANES], to: &mut [F32x16; LANES]) {
        for (row, line) in from.iter().enumerate() {
            for (column, value) in line.0.iter().enumerate() {
                to[column].0[row] = *value;
            }
        }
    }
}
