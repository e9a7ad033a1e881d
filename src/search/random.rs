//! Random numbers of searches: Threefry of `sweep-core`, keyed by the seed of the search and a purpose.

use sweep_core::random::threefry2x32;

/// What a stream is for. Numbered above the purposes of `sweep-core`; never reuse or renumber one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Use {
    /// Points drawn at random.
    Points = 60,
    /// Scrambling of Sobol's sequence; step = dimension.
    Scrambling = 61,
    /// Weights of a scalarisation; step = number of the job.
    Weights = 62,
    /// Candidates of an acquisition; step = number of the job.
    Candidates = 63,
}

/// One keyed, random-access stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Random {
    key: [u32; 2],
}

impl Random {
    pub fn new(seed: u64, purpose: Use, step: u32) -> Random {
        let root = threefry2x32::<20>([seed as u32, (seed >> 32) as u32], [purpose as u32, 0]);
        Random {
            key: threefry2x32::<20>(root, [0, step]),
        }
    }

    pub fn bits(self, index: u32) -> u64 {
        let [low, high] = threefry2x32::<13>(self.key, [index, 0]);
        u64::from(high) << 32 | u64::from(low)
    }

    /// Uniform in [0, 1).
    pub fn uniform(self, index: u32) -> f64 {
        (self.bits(index) >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform in 0..`bound`, which must not be 0.
    pub fn below(self, index: u32, bound: usize) -> usize {
        ((u128::from(self.bits(index)) * bound as u128) >> 64) as usize
    }

    /// A permutation of 0..`len` (Fisher and Yates).
    pub fn permutation(self, len: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..len).collect();
        for last in (1..len).rev() {
            order.swap(last, self.below(last as u32, last + 1));
        }
        order
    }
}
