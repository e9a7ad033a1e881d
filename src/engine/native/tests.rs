//! Tests of whole training runs: against PyTorch's, and against themselves.

use std::path::Path;

use super::*;
use crate::data::Dataset;
use crate::random::{Purpose, Stream};
use crate::trial::{
    Activation, BatchSize, EarlyStopping, ModelSpec, Objective, Optimizer, TrialSpec, Value,
};

/// Keeps what is reported and the checkpoints of the epochs; stops after `stop_after`.
#[derive(Default)]
struct Record {
    epochs: Vec<Epoch>,
    checkpoints: Vec<Vec<u8>>,
    stop_after: Option<u32>,
    keep_checkpoints: bool,
}

impl Watch for Record {
    fn epoch(&mut self, epoch: &Epoch, checkpoint: &mut dyn FnMut() -> Vec<u8>) -> Control {
        self.epochs.push(epoch.clone());
        if self.keep_checkpoints || self.stop_after == Some(epoch.step) {
            self.checkpoints.push(checkpoint());
        }
        match self.stop_after == Some(epoch.step) {
            true => Control::Stop,
            false => Control::Continue,
        }
    }
}

/// `rows` rows: labels from one stream, features from another, moved by the label.
fn rows(epoch: u32, rows: usize, features: usize, classes: usize) -> (Vec<f32>, Vec<u32>) {
    let labels = Stream::new(0, Purpose::Synthetic, epoch, 0);
    let noise = Stream::new(0, Purpose::Synthetic, epoch, 1);
    let y: Vec<u32> = (0..rows as u32)
        .map(|row| (labels.uniform(row) * classes as f64) as u32)
        .collect();
    let x = (0..rows * features)
        .map(|place| {
            let on = place % features == y[place / features] as usize;
            (2.0 * noise.uniform(place as u32) - 1.0 + f64::from(u8::from(on))) as f32
        })
        .collect();
    (x, y)
}

fn data(features: usize, classes: usize) -> Dataset {
    let (train, valid) = (
        rows(1, 70, features, classes),
        rows(2, 40, features, classes),
    );
    Dataset::in_memory(features, classes, train, valid)
}

fn trial(model: MlpSpec, seed: u64) -> TrialSpec {
    TrialSpec {
        model: ModelSpec::Mlp(model),
        seed,
        objective: Objective::default(),
    }
}

fn small() -> MlpSpec {
    MlpSpec {
        layers: vec![20, 12],
        batch_norm: true,
        dropout: 0.3,
        epochs: 6,
        batch_size: BatchSize::Rows(32),
        lr: 3e-3,
        clip_norm: 1.0,
        weight_decay: 1e-4,
        ..MlpSpec::default()
    }
}

fn mlp(spec: &TrialSpec) -> &MlpSpec {
    match &spec.model {
        ModelSpec::Mlp(model) => model,
        _ => unreachable!("these are trials of networks"),
    }
}

fn run_in(
    folder: &Path,
    spec: &TrialSpec,
    data: &Dataset,
    checkpoint: Option<&[u8]>,
    record: &mut Record,
) -> Result<Ending, EngineError> {
    train(Job { spec, data, folder }, mlp(spec), checkpoint, record)
}

fn run(spec: &TrialSpec, data: &Dataset) -> (Vec<Epoch>, TrialResult) {
    let folder = tempfile::tempdir().unwrap();
    let mut record = Record::default();
    match run_in(folder.path(), spec, data, None, &mut record).unwrap() {
        Ending::Done(result) => (record.epochs, *result),
        Ending::Stopped { .. } => panic!("nobody asked to stop"),
    }
}

/// Without the clock.
fn timeless(values: &[(Metric, f64)]) -> Vec<(Metric, u64)> {
    values
        .iter()
        .filter(|(name, _)| name != "seconds")
        .map(|(name, value)| (name.clone(), value.to_bits()))
        .collect()
}

fn assert_same_bits(a: &(Vec<Epoch>, TrialResult), b: &(Vec<Epoch>, TrialResult)) {
    assert_eq!(a.0.len(), b.0.len());
    for (a, b) in a.0.iter().zip(&b.0) {
        assert_eq!(a.step, b.step);
        assert_eq!(timeless(&a.values), timeless(&b.values));
    }
    assert_eq!(timeless(&a.1.metrics), timeless(&b.1.metrics));
    let clean = |result: &TrialResult| TrialResult {
        seconds: 0.0,
        metrics: Vec::new(),
        ..result.clone()
    };
    assert_eq!(clean(&a.1), clean(&b.1));
}

fn value_of(epoch: &Epoch, metric: &str) -> f64 {
    epoch
        .values
        .iter()
        .find(|(name, _)| name == metric)
        .unwrap()
        .1
}

#[test]
fn whole_runs_are_those_of_pytorch() {
    let text = include_str!("../../../tests/fixtures/native_torch.json");
    let fixture: serde_json::Value = serde_json::from_str(text).unwrap();
    let data = data(9, 5);
    for case in fixture["cases"].as_array().unwrap() {
        let mut model = ModelSpec::Mlp(MlpSpec::default());
        for (key, value) in case["config"].as_object().unwrap() {
            let value: Value = serde_json::from_value(value.clone()).unwrap();
            model.set(key, &value).unwrap();
        }
        let spec = TrialSpec {
            model,
            seed: case["seed"].as_u64().unwrap(),
            objective: Objective::default(),
        };
        let (epochs, _) = run(&spec, &data);
        let history = case["history"].as_array().unwrap();
        assert_eq!(epochs.len(), history.len());
        for (epoch, wanted) in epochs.iter().zip(history) {
            for (metric, wanted) in wanted.as_object().unwrap() {
                let (given, wanted) = (value_of(epoch, metric), wanted.as_f64().unwrap());
                assert!(
                    (given - wanted).abs() <= 1e-4 * wanted.abs().max(1.0),
                    "{}: epoch {}, {metric}: {given} for {wanted}",
                    case["name"],
                    epoch.step
                );
            }
        }
    }
}
