//! For tests: the data set of `benches/oracle_sklearn.py`, and a callback that remembers what it is told.
//!
//! Invariant: the same numbers as the Python script makes, since stored oracles depend on them.

use super::{Callback, Control, Epoch};
use sweep_core::data_config::TargetTransform;
use sweep_data::Dataset;

const FEATURES: usize = 6;
pub(super) const CLASSES: usize = 3;
const TRAIN_ROWS: usize = 2000;
const VALID_ROWS: usize = 1000;

/// Six features in [0, 1) of `bits` bits each, three classes, 2000 training and 1000 validation rows.
pub(super) fn fixture(bits: u32) -> Dataset {
    let [train, valid] = rows(bits).map(|(x, scores)| {
        let class = |score: &f64| ((1.5 * score) as u32).min(CLASSES as u32 - 1);
        let y = scores.iter().map(class).collect();
        (x, y)
    });
    Dataset::in_memory(FEATURES, CLASSES, train, valid)
}

/// The same rows, with a hundred times the score that decides the class as the target.
pub(super) fn fixture_numbers(bits: u32, transform: TargetTransform) -> Dataset {
    let [train, valid] = rows(bits).map(|(x, scores)| {
        let y = scores.iter().map(|score| (100.0 * score) as f32).collect();
        (x, y)
    });
    Dataset::in_memory_numbers(FEATURES, transform, train, valid)
}

/// Features and scores of training and validation rows.
fn rows(bits: u32) -> [(Vec<f32>, Vec<f64>); 2] {
    let mut state = 1u64;
    let mut side = |rows: usize| {
        let (mut x, mut scores) = (Vec::new(), Vec::new());
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
            scores.push(score);
        }
        (x, scores)
    };
    [side(TRAIN_ROWS), side(VALID_ROWS)]
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
