//! What dropout multiplies hidden layers by: native's masks, made on the processor for a CPU and on the
//! device for a GPU.
//!
//! Invariant: both ways give the numbers that `sweep_engine::models::mlp::init_rng` describes, to the bit.

use sweep_core::random::Stream;
use sweep_engine::models::mlp::init_rng::{self, Mask};
use tch::{Device, Kind, Tensor};

/// Counters that a device draws at once for one layer: some hundred megabytes at work.
const COUNTERS_AT_ONCE: usize = 1 << 21;
/// Rows that share one call of the generator.
const ROWS: usize = 4;
/// The lower half of a word.
const HALF: i64 = 0xFFFF;
/// Rotation distances and key-schedule constant of Threefry-2x32; see [`sweep_core::random`].
const ROTATIONS: [i64; 8] = [13, 15, 26, 6, 17, 29, 16, 24];
const PARITY: i64 = 0x1BD1_1BDA;
const ROUNDS: usize = 13;

/// A lane's place: which masks it draws in the epoch under way.
#[derive(Debug, Clone, Copy)]
pub struct Source {
    pub seed: u64,
    /// From 1.
    pub epoch: u32,
    /// `None` drops nothing.
    pub mask: Option<Mask>,
}

/// What a device draws the masks of an epoch from: copied there before its first step, so that no step
/// waits for the host.
struct Keys {
    /// Of each hidden layer, [steps, K, 2].
    layers: Vec<Tensor>,
    /// What 16 bits have to reach to be kept, and what is kept is multiplied by, each [1, K, 1, 1].
    threshold: Tensor,
    scale: Tensor,
}

/// The masks of one epoch.
pub struct Masks<'a> {
    sources: &'a [Source],
    /// Of the hidden layers.
    widths: &'a [usize],
    /// Rows of a whole batch.
    batch: usize,
    steps: usize,
    device: Device,
    /// Of a device alone.
    keys: Option<Keys>,
    /// On a device: the steps that are drawn, and their masks by layer, [steps, K, H, rows].
    drawn: (std::ops::Range<usize>, Vec<Tensor>),
    buffer: Vec<f32>,
}

impl<'a> Masks<'a> {
    pub fn new(
        sources: &'a [Source],
        widths: &'a [usize],
        (batch, steps): (usize, usize),
        device: Device,
    ) -> Masks<'a> {
        Masks {
            sources,
            widths,
            batch,
            steps,
            device,
            keys: None,
            drawn: (0..0, Vec::new()),
            buffer: Vec::new(),
        }
    }

    /// The factors of every hidden layer at `step` for a batch of `rows`, each [K, H, rows]; none where
    /// no lane drops anything.
    pub fn at(&mut self, step: usize, rows: usize) -> Option<Vec<Tensor>> {
        if self.widths.is_empty() || self.sources.iter().all(|source| source.mask.is_none()) {
            return None;
        }
        Some(match self.device {
            Device::Cpu => self.on_processor(step, rows),
            _ => self.on_device(step, rows),
        })
    }

    fn on_processor(&mut self, step: usize, rows: usize) -> Vec<Tensor> {
        let mut layers = Vec::with_capacity(self.widths.len());
        for (layer, width) in self.widths.iter().copied().enumerate() {
            self.buffer.clear();
            self.buffer.resize(self.sources.len() * width * rows, 1.0);
            for (source, to) in self
                .sources
                .iter()
                .zip(self.buffer.chunks_mut(width * rows))
            {
                if let Some(mask) = source.mask {
                    init_rng::factors(source.stream(step, layer), mask, rows, width, to);
                }
            }
            let size = [self.sources.len(), width, rows].map(|number| number as i64);
            layers.push(Tensor::from_slice(&self.buffer).view(size));
        }
        layers
    }

    pub fn on_device(&mut self, step: usize, rows: usize) -> Vec<Tensor> {
        if !self.drawn.0.contains(&step) {
            let widest = self.widths.iter().max().copied().unwrap_or(1);
            let counters = self.sources.len() * self.batch.div_ceil(ROWS) * widest;
            let steps = (COUNTERS_AT_ONCE / counters).clamp(1, self.steps - step);
            let range = step..step + steps;
            // Before those that follow take as much.
            self.drawn.1.clear();
            let keys = self.keys.take().unwrap_or_else(|| self.copy_keys());
            let layers = keys.layers.iter().zip(self.widths);
            let masks = layers.map(|(layer, width)| {
                let layer = layer.narrow(0, step as i64, steps as i64);
                self.draw(&layer, *width as i64, &keys)
            });
            self.drawn = (range, masks.collect());
            self.keys = Some(keys);
        }
        let place = (step - self.drawn.0.start) as i64;
        let masks = self.drawn.1.iter();
        masks
            .map(|masks| masks.select(0, place).narrow(2, 0, rows as i64))
            .collect()
    }

    fn copy_keys(&self) -> Keys {
        let lanes = self.sources.len() as i64;
        let layers = (0..self.widths.len()).map(|layer| {
            let steps = 0..self.steps;
            let streams = steps.flat_map(|step| {
                let sources = self.sources.iter();
                sources.flat_map(move |source| source.stream(step, layer).key())
            });
            let keys: Vec<i32> = streams.map(u32::cast_signed).collect();
            let keys = Tensor::from_slice(&keys).view([self.steps as i64, lanes, 2]);
            keys.to_device(self.device)
        });
        let column = |number: &dyn Fn(Mask) -> f32, none: f32| {
            let sources = self.sources.iter();
            let numbers: Vec<f32> = sources
                .map(|source| source.mask.map_or(none, number))
                .collect();
            let numbers = Tensor::from_slice(&numbers).view([1, lanes, 1, 1]);
            numbers.to_device(self.device)
        };
        Keys {
            layers: layers.collect(),
            // Sixteen bits are whole numbers in single precision too.
            threshold: column(&|mask| mask.threshold as f32, 0.0),
            scale: column(&|mask| mask.scale, 1.0),
        }
    }

    /// The factors of a hidden layer of `width` units from its keys at some steps, [steps, K, 2]:
    /// [steps, K, H, 4 * ceil(batch / 4)], with integer operations on the device.
    fn draw(&self, layer: &Tensor, width: i64, keys: &Keys) -> Tensor {
        let (steps, lanes) = (layer.size()[0], layer.size()[1]);
        let groups = self.batch.div_ceil(ROWS) as i64;
        let counters = Tensor::arange(groups * width, (Kind::Int, self.device)).unsqueeze(0);
        let each = layer.reshape([steps * lanes, 2]);
        let [low, high] = threefry(&each, &counters);
        let upper = |word: &Tensor| {
            word.bitwise_right_shift_tensor_scalar(16)
                .bitwise_and_(HALF)
        };
        let halves = [
            low.bitwise_and(HALF),
            upper(&low),
            high.bitwise_and(HALF),
            upper(&high),
        ];
        // [steps * K, groups * H, 4] to [steps, K, H, groups * 4].
        Tensor::stack(&halves, -1)
            .view([steps, lanes, groups, width, ROWS as i64])
            .permute([0, 1, 3, 2, 4])
            .reshape([steps, lanes, width, groups * ROWS as i64])
            .to_kind(Kind::Float)
            .ge_tensor(&keys.threshold)
            .to_kind(Kind::Float)
            * &keys.scale
    }
}

impl Source {
    fn stream(&self, step: usize, layer: usize) -> Stream {
        init_rng::dropout_stream(self.seed, self.epoch, step as u32, layer)
    }
}

/// Both words of Threefry-2x32, 13 rounds, for every key, [keys, 2], and counter, [1, counters]; words are 32-bit
/// integers with a sign, whose sums wrap and whose shifts to the right bring copies of it in.
fn threefry(keys: &Tensor, counters: &Tensor) -> [Tensor; 2] {
    let (first, second) = (
        keys.select(1, 0).unsqueeze(1),
        keys.select(1, 1).unsqueeze(1),
    );
    let third = first.bitwise_xor_tensor(&second).bitwise_xor(PARITY);
    let keys = [first, second, third];
    let mut x0 = counters + &keys[0];
    let mut x1 = keys[1].expand_as(&x0).copy();
    for round in 0..ROUNDS {
        let _ = x0.g_add_(&x1);
        let distance = ROTATIONS[round % ROTATIONS.len()];
        let right = x1
            .bitwise_right_shift_tensor_scalar(32 - distance)
            .bitwise_and_((1 << distance) - 1);
        x1 = x1
            .bitwise_left_shift_tensor_scalar(distance)
            .bitwise_or_tensor_(&right)
            .bitwise_xor_tensor_(&x0);
        if (round + 1) % 4 == 0 {
            let injection = (round + 1) / 4;
            let _ = x0.g_add_(&keys[injection % 3]);
            let _ = x1
                .g_add_(&keys[(injection + 1) % 3])
                .g_add_scalar_(injection as i64);
        }
    }
    [x0, x1]
}
