//! For tests: the data set of `benches/oracle_sklearn.py`, and a callback that remembers what it is told.
//!
//! Invariant: the same numbers as the Python script makes, since stored oracles depend on them.

use super::{Callback, Control, Epoch};
use sweep_data::Dataset;

const FEATURES: usize = 6;
pub(super) const CLASSES: usize = 3;
const TRAIN_ROWS: usize = 2000;
const VALID_ROWS: usize = 1000;

/// Six features in [0, 1) of `bits` bits each, three classes, 2000 training and 1000 validation rows.
pub(super) fn fixture(bits: u32) -> Dataset {
    let mut state = 1u64;
    let mut side = |rows: usize| {
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for _ in 0..rows {
            let mut row = [0.0f64; FEATURES + 1];
            for value in &mut row {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                *value = (state >> (64 - bits)) as f64 / f64::from(1 << bits);
            }
            let step = if row[3] > 0.5 { 0.5 } else { 0.0 };
            let score = row[0] + row[1] * row[2] + step + 0.5 * row[FEATURES];
            x.extend(row[..FEATURES].iter().map(|value| *value as f32));
            y.push(((1.5 * score) as u32).min(CLASSES as u32 - 1));
        }
        (x, y)
    };
    let train = side(TRAIN_ROWS);
    Dataset::in_memory(FEATURES, CLASSES, train, side(VALID_ROWS))
}

/// Remembers every epoch; stops at the step asked for, keeping a checkpoint of it.
#[derive(Default)]
pub(super) struct Remember {
    pub stop_at: Option<u32>,
    pub epochs: Vec<Epoch>,
    pub checkpoint: Option<Vec<u8>>,
}

impl Callback for Remember {
    fn epoch(&mut self, epoch: &Epoch, checkpoint: &mut dyn FnMut() -> Vec<u8>) -> Control {
        self.epochs.push(epoch.clone());
        if self.stop_at != Some(epoch.step) {
            return Control::Continue;
        }
        self.checkpoint = Some(checkpoint());
        Control::Stop
    }
}

impl Remember {
    /// What was told, less the time it took, which no two runs share.
    pub fn timeless(&self) -> Vec<Epoch> {
        let mut epochs = self.epochs.clone();
        for epoch in &mut epochs {
            epoch.values.retain(|(name, _)| name != "seconds");
        }
        epochs
    }
}
