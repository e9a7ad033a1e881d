//! Sixteen floats at a time, on whatever vector registers the machine has.
//!
//! A [`Kernel`] is written once, over [`Simd`], and compiled once for each instruction set; [`Isa`]
//! picks one at run time. Invariant: a value of [`Isa`] that names an instruction set exists only on
//! a machine that has it. Every operation is the exactly rounded one of IEEE 754 and sums over the
//! sixteen places follow one fixed tree, so AVX2 and AVX-512 give the same bits; the portable path
//! does too where the target itself has a fused multiply-add.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;
mod vector;

pub use vector::{F32x16, Kernel, LANES, PLACES, Simd, vectors};

#[cfg(target_arch = "x86_64")]
use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
use avx512::Avx512;
use portable::Portable;

/// The instruction set in use.
#[derive(Debug, Clone, Copy)]
pub enum Isa {
    Portable(Portable),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

impl Isa {
    /// The best that this machine has.
    pub fn detect() -> Isa {
        *Isa::all().last().expect("the portable one is always there")
    }

    /// All that this machine has, the best one last.
    pub fn all() -> Vec<Isa> {
        let mut all = vec![Isa::Portable(Portable)];
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(Avx2::detect().map(Isa::Avx2));
            all.extend(Avx512::detect().map(Isa::Avx512));
        }
        all
    }

    #[inline]
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            Isa::Portable(simd) => kernel.run(simd),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2(simd) => simd.enter(kernel),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512(simd) => simd.enter(kernel),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(start: f32, step: f32) -> F32x16 {
        F32x16(std::array::from_fn(|place| start + step * place as f32))
    }

    /// Runs every operation of [`Simd`] once.
    struct Everything;

    impl Kernel for Everything {
        type Output = (Vec<F32x16>, f32);

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> (Vec<F32x16>, f32) {
            let (a, b) = (simd.load(&line(-3.3, 0.7)), simd.load(&line(2.0, 0.31)));
            let nan = simd.splat(f32::NAN);
            let mut to = [F32x16::ZERO; LANES];
            let from: [F32x16; LANES] = std::array::from_fn(|row| line(row as f32, 100.0));
            simd.transpose(&from, &mut to);
            let mut given: Vec<F32x16> = [
                simd.add(a, b),
                simd.sub(a, b),
                simd.mul(a, b),
                simd.div(a, b),
                simd.sqrt(b),
                simd.round(a),
                simd.power_of_two(simd.round(a)),
                simd.if_less(a, b, a, b),
                simd.if_less(nan, b, a, b),
                simd.max(a, b),
                simd.max(b, nan),
            ]
            .into_iter()
            .map(|value| simd.to_line(value))
            .collect();
            given.extend(to);
            (given, simd.sum(b))
        }
    }

    struct Fused;

    impl Kernel for Fused {
        type Output = F32x16;

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> F32x16 {
            let a = simd.load(&line(1.1, 0.123));
            simd.to_line(simd.mul_add(a, a, simd.splat(-1.0)))
        }
    }

    #[test]
    fn every_instruction_set_does_the_same_arithmetic() {
        let (given, sum) = Isa::Portable(Portable).run(Everything);
        let (a, b) = (line(-3.3, 0.7), line(2.0, 0.31));
        for place in 0..LANES {
            let (a, b) = (a.0[place], b.0[place]);
            assert_eq!(given[0].0[place], a + b);
            assert_eq!(given[3].0[place], a / b);
            assert_eq!(given[5].0[place], a.round_ties_even());
            assert_eq!(given[6].0[place], a.round_ties_even().exp2());
            assert_eq!(given[7].0[place], a.min(b));
            assert_eq!(given[8].0[place], b);
            assert_eq!(given[9].0[place], a.max(b));
            assert!(given[10].0[place].is_nan());
            assert_eq!(given[11 + place], line(100.0 * place as f32, 1.0));
        }
        assert!((sum - b.0.iter().sum::<f32>()).abs() < 1e-4);
        let bits = |lines: &[F32x16]| -> Vec<u32> {
            lines
                .iter()
                .flat_map(|line| line.0)
                .map(f32::to_bits)
                .collect()
        };
        for isa in Isa::all() {
            let (again, sum_again) = isa.run(Everything);
            assert_eq!(bits(&again), bits(&given), "{isa:?}");
            assert_eq!(sum_again, sum, "{isa:?}");
        }
    }

    #[test]
    fn multiply_add_is_fused_on_vector_machines() {
        for isa in Isa::all().into_iter().skip(1) {
            for (place, value) in isa.run(Fused).0.into_iter().enumerate() {
                let a = line(1.1, 0.123).0[place];
                assert_eq!(value, a.mul_add(a, -1.0), "{isa:?}");
            }
        }
    }
}
