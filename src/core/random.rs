//! Randomness as a function: every random number is a pure function of
//! (seed, purpose, epoch, step, index). No generator state has to be saved,
//! and no result depends on the number of workers or their order.
//!
//! The generator is Threefry-2x32 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers:
//! as easy as 1, 2, 3", SC 2011). It uses additions, rotations and exclusive-ors of 32-bit words
//! alone, so it vectorises on every CPU and can be written as integer tensor operations.
//! Thirteen rounds pass BigCrush; twenty are the authors' margin of safety and derive the keys.

/// What a stream of random numbers is for. The numbers are part of every result:
/// never reuse or renumber one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Purpose {
    /// Initial weights of a network; step = index of the tensor.
    Weights = 1,
    /// Order of the training rows in an epoch.
    BatchOrder = 2,
    /// Dropout masks; step = optimiser step * 64 + hidden layer.
    Dropout = 3,
    /// Rows drawn for one tree of a forest; step = tree.
    Bootstrap = 4,
    /// Features tried at one node of a tree; epoch = tree, step = node.
    Features = 5,
    /// Which rows or groups go to which split.
    Split = 6,
    /// Synthetic demonstration data.
    Synthetic = 7,
    /// The seed of a library that has its own generator.
    Library = 8,
    /// Which training rows belong to a fraction of them.
    TrainFraction = 9,
    /// Groups of test rows drawn for one bootstrap replicate; epoch = replicate.
    Resample = 12,
    /// Folds of training rows for target statistics of categories.
    Folds = 13,
    /// Random directions of the randomised SVD of a matrix of terms; step = direction, index = term.
    Sketch = 20,
    /// Configurations drawn for one tree of the importance of settings; epoch = tree.
    SettingImportance = 30,
    /// Errors of the means of configurations over validation rows and seeds; step = configuration, index = draw. With epoch 1,
    /// which units go to which block.
    Evidence = 31,
    /// Which validation rows or groups are in the half that sets and intervals are calibrated on; epoch = half.
    Halves = 40,
    /// Which part of the validation rows is calibrated by the others.
    CalibrationParts = 41,
    /// Candidates in a bag of an ensemble selection; epoch = bag. With step 1, which validation rows or groups are in the half
    /// that chooses; epoch = repeat.
    Ensemble = 50,
}

/// Rotation distances of Threefry-2x32 (table 2 of the paper).
const ROTATIONS: [u32; 8] = [13, 15, 26, 6, 17, 29, 16, 24];
/// Key-schedule parity constant of the Threefish family.
const PARITY: u32 = 0x1BD1_1BDA;

/// Encrypts one two-word counter under a two-word key with `ROUNDS` rounds of Threefry-2x32.
///
/// Written without branches on data, so that a loop over counters vectorises.
#[inline(always)]
pub fn threefry2x32<const ROUNDS: usize>(key: [u32; 2], counter: [u32; 2]) -> [u32; 2] {
    let keys = [key[0], key[1], key[0] ^ key[1] ^ PARITY];
    let mut x0 = counter[0].wrapping_add(keys[0]);
    let mut x1 = counter[1].wrapping_add(keys[1]);
    let mut round = 0;
    while round < ROUNDS {
        x0 = x0.wrapping_add(x1);
        x1 = x1.rotate_left(ROTATIONS[round % 8]) ^ x0;
        round += 1;
        if round.is_multiple_of(4) {
            let injection = round / 4;
            x0 = x0.wrapping_add(keys[injection % 3]);
            x1 = x1
                .wrapping_add(keys[(injection + 1) % 3])
                .wrapping_add(injection as u32);
        }
    }
    [x0, x1]
}

/// One keyed, random-access stream: 2^32 counters of two 32-bit words each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    key: [u32; 2],
}

impl Stream {
    /// The stream for `seed` and `purpose` at (`epoch`, `step`).
    pub fn new(seed: u64, purpose: Purpose, epoch: u32, step: u32) -> Stream {
        let root = threefry2x32::<20>([seed as u32, (seed >> 32) as u32], [purpose as u32, 0]);
        Stream {
            key: threefry2x32::<20>(root, [epoch, step]),
        }
    }

    /// The key, for kernels that generate many words at once.
    pub fn key(self) -> [u32; 2] {
        self.key
    }

    /// The two words at counter `index`.
    #[inline(always)]
    pub fn pair(self, index: u32) -> [u32; 2] {
        threefry2x32::<13>(self.key, [index, 0])
    }

    /// 64 bits at counter `index`.
    pub fn bits(self, index: u32) -> u64 {
        let [low, high] = self.pair(index);
        u64::from(high) << 32 | u64::from(low)
    }

    /// Uniform in [0, 1), 53 bits, at counter `index`.
    pub fn uniform(self, index: u32) -> f64 {
        (self.bits(index) >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Standard normal at counter `index` (Box and Muller 1958, the cosine half).
    pub fn normal(self, index: u32) -> f64 {
        let [a, b] = self.pair(index);
        let radius = (-2.0 * ((f64::from(a) + 0.5) / 4_294_967_296.0).ln()).sqrt();
        radius * (std::f64::consts::TAU * (f64::from(b) / 4_294_967_296.0)).cos()
    }

    /// Uniform in 0..`bound` at counter `index`; `bound` must not be 0.
    ///
    /// A 64-bit multiply and shift: the bias is at most `bound` / 2^64.
    pub fn below(self, index: u32, bound: usize) -> usize {
        ((u128::from(self.bits(index)) * bound as u128) >> 64) as usize
    }

    /// Shuffles `items` in place (Fisher and Yates), using counters 0..len.
    pub fn shuffle<T>(self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u32, last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threefry_gives_the_known_answers_of_random123() {
        let pi = ([0x1319_8a2e, 0x0370_7344], [0x243f_6a88, 0x85a3_08d3]);
        assert_eq!(
            threefry2x32::<13>([0, 0], [0, 0]),
            [0x9d1c_5ec6, 0x8bd5_0731]
        );
        assert_eq!(
            threefry2x32::<20>([0, 0], [0, 0]),
            [0x6b20_0159, 0x99ba_4efe]
        );
        assert_eq!(
            threefry2x32::<13>([!0, !0], [!0, !0]),
            [0xfd36_d048, 0x2d17_272c]
        );
        assert_eq!(
            threefry2x32::<20>([!0, !0], [!0, !0]),
            [0x1cb9_96fc, 0xbb00_2be7]
        );
        assert_eq!(threefry2x32::<13>(pi.0, pi.1), [0xba3e_4725, 0xf27d_669e]);
        assert_eq!(threefry2x32::<20>(pi.0, pi.1), [0xc492_3a9c, 0x483d_f7a0]);
    }

    #[test]
    fn streams_of_different_purpose_epoch_or_step_differ() {
        let base = Stream::new(1, Purpose::Dropout, 2, 3);
        assert_eq!(base, Stream::new(1, Purpose::Dropout, 2, 3));
        for other in [
            Stream::new(2, Purpose::Dropout, 2, 3),
            Stream::new(1, Purpose::BatchOrder, 2, 3),
            Stream::new(1, Purpose::Dropout, 3, 3),
            Stream::new(1, Purpose::Dropout, 2, 4),
        ] {
            assert_ne!(base.bits(0), other.bits(0));
        }
    }

    #[test]
    fn uniform_and_normal_have_the_right_moments() {
        let stream = Stream::new(7, Purpose::Synthetic, 0, 0);
        let count = 100_000u32;
        let mean = |f: &dyn Fn(u32) -> f64| (0..count).map(f).sum::<f64>() / f64::from(count);
        assert!((mean(&|i| stream.uniform(i)) - 0.5).abs() < 0.005);
        assert!((mean(&|i| stream.uniform(i).powi(2)) - 1.0 / 3.0).abs() < 0.005);
        assert!(mean(&|i| stream.normal(i)).abs() < 0.02);
        assert!((mean(&|i| stream.normal(i).powi(2)) - 1.0).abs() < 0.03);
    }

    #[test]
    fn shuffle_is_a_permutation_that_repeats() {
        let mut first: Vec<usize> = (0..1000).collect();
        let mut second = first.clone();
        Stream::new(3, Purpose::BatchOrder, 1, 0).shuffle(&mut first);
        Stream::new(3, Purpose::BatchOrder, 1, 0).shuffle(&mut second);
        assert_eq!(first, second);
        assert_ne!(first, (0..1000).collect::<Vec<_>>());
        first.sort_unstable();
        assert_eq!(first, (0..1000).collect::<Vec<_>>());
    }
}
