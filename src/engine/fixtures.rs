//! For tests: the data set of `benches/oracle_sklearn.py`, and a callback that remembers what it is told.
//!
//! Invariant: the same numbers as the Python script makes, since stored oracles depend on them.

use super::{Callback, Control, Epoch, Outcome};
use sweep_core::data_config::TargetTransform;
use sweep_core::trial::TrialResult;
use sweep_data::{Dataset, FittedField, Preprocessor};

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

/// The rows of [`fixture`], the first class against the others.
pub(super) fn two_classes() -> Dataset {
    let plain = fixture(24);
    let side = |rows: sweep_data::Rows<'_>| {
        let labels = rows.y.classes().unwrap().iter();
        (
            rows.x.to_vec(),
            labels.map(|class| (*class).min(1)).collect(),
        )
    };
    Dataset::in_memory(FEATURES, 2, side(plain.train()), side(plain.valid()))
}

/// What the Python scripts make of [`fixture`]: its first column as seven categories and an unknown one, its second as four
/// and a base, and its third with missing cells.
pub(super) fn with_categories() -> Dataset {
    let plain = fixture(24);
    let side = |rows: sweep_data::Rows<'_>| {
        let (mut x, mut missing) = (Vec::new(), Vec::new());
        for row in rows.x.chunks_exact(FEATURES) {
            let bin = |place: usize, bins: f32| (row[place] * bins) as usize;
            let mut one_hot = [0.0; FIRST + SECOND];
            let first = bin(0, 8.0) * 5 % 8;
            if first < FIRST {
                one_hot[first] = 1.0;
            }
            let second = bin(1, 5.0) * 2 % 5;
            if second < SECOND {
                one_hot[FIRST + second] = 1.0;
            }
            x.extend(one_hot);
            let is_missing = bin(0, 64.0).is_multiple_of(4);
            x.push(if is_missing { 0.5 } else { row[2] });
            x.extend(&row[3..]);
            missing.extend([0; FIRST + SECOND]);
            missing.extend([u8::from(is_missing), 0, 0, 0]);
        }
        ((x, rows.y.classes().unwrap().to_vec()), missing)
    };
    let (train, train_missing) = side(plain.train());
    let (valid, valid_missing) = side(plain.valid());
    let width = FIRST + SECOND + FEATURES - 2;
    let data = Dataset::in_memory(width, CLASSES, train, valid);
    let names = |count: usize| (0..count).map(|place| place.to_string()).collect();
    let mut fields = vec![category("a", names(FIRST), None)];
    fields.push(category("b", names(SECOND), Some("4".to_owned())));
    let numbers = data.meta().preprocessor.fields.iter().take(FEATURES - 2);
    fields.extend(numbers.cloned());
    data.made_by(
        Preprocessor { fields },
        Some([train_missing, valid_missing]),
    )
}

/// Features of the first column of [`with_categories`], and of the second.
const FIRST: usize = 7;
const SECOND: usize = 4;

fn category(column: &str, categories: Vec<String>, base: Option<String>) -> FittedField {
    FittedField::Category {
        column: column.to_owned(),
        categories,
        imputed: None,
        base,
        rare: Vec::new(),
        missing: false,
        known_only: false,
    }
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

    /// What was told of `name`, step by step.
    pub fn column(&self, name: &str) -> Vec<f64> {
        let of = |epoch: &Epoch| {
            let values = epoch.values.iter();
            let found = values.clone().find(|(other, _)| other == name);
            found.unwrap().1
        };
        self.epochs.iter().map(of).collect()
    }
}

/// The result of what came to its end, less the time it took.
pub(super) fn done(outcome: Outcome) -> TrialResult {
    let Outcome::Done(mut result) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(result.seconds > 0.0);
    result.seconds = 0.0;
    result.metrics.retain(|(name, _)| name != "seconds");
    *result
}
