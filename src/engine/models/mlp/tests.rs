//! Tests of whole training runs: against PyTorch's, and against themselves.

mod best_epoch;
mod categories;
mod fine_tuning;
mod gradients;
mod numbers;
mod options;

use std::path::Path;

use super::native::train_on;
use super::simd::Isa;
use super::{init_rng, train};
use crate::{Callback, Control, EngineError, Epoch, Job, Outcome};
use sweep_core::random::{Purpose, Stream};
use sweep_core::trial::models::{Activation, BatchSize, EarlyStopping, MlpSpec, Optimizer};
use sweep_core::trial::{Kind, Metric, ModelSpec, Objective, TrialResult, TrialSpec, Value};
use sweep_data::Dataset;

/// Keeps what is reported and the checkpoints of the epochs; stops after `stop_after`.
#[derive(Default)]
struct Record {
    epochs: Vec<Epoch>,
    checkpoints: Vec<Vec<u8>>,
    stop_after: Option<u32>,
    keep_checkpoints: bool,
}

impl Callback for Record {
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
    TrialSpec::new(ModelSpec::from(model), seed, Objective::default())
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

fn mlp(spec: &TrialSpec) -> MlpSpec {
    MlpSpec::of(&spec.model).expect("these are trials of networks")
}

fn run_in(
    folder: &Path,
    spec: &TrialSpec,
    data: &Dataset,
    checkpoint: Option<&[u8]>,
    record: &mut Record,
) -> Result<Outcome, EngineError> {
    train(Job::new(spec, data, folder), &mlp(spec), checkpoint, record)
}

fn run(spec: &TrialSpec, data: &Dataset) -> (Vec<Epoch>, TrialResult) {
    let folder = tempfile::tempdir().unwrap();
    let mut record = Record::default();
    match run_in(folder.path(), spec, data, None, &mut record).unwrap() {
        Outcome::Done(result) => (record.epochs, *result),
        Outcome::Stopped { .. } => panic!("no callback asked to stop"),
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
    let text = include_str!("../../../../tests/fixtures/native_torch.json");
    assert_runs_are_those_of_pytorch(text, &data(9, 5));
}

/// Every case of a fixture that PyTorch has made, trained on `data`.
fn assert_runs_are_those_of_pytorch(text: &str, data: &Dataset) {
    let fixture: serde_json::Value = serde_json::from_str(text).unwrap();
    for case in fixture["cases"].as_array().unwrap() {
        let mut model = ModelSpec::new(Kind::MLP);
        for (key, value) in case["config"].as_object().unwrap() {
            let value: Value = serde_json::from_value(value.clone()).unwrap();
            model.set(key, &value).unwrap();
        }
        let spec = TrialSpec::new(model, case["seed"].as_u64().unwrap(), Objective::default());
        let (epochs, _) = run(&spec, data);
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

/// A run that is stopped after one epoch, or four, continues to what the `whole` one gives.
fn assert_resumes_to(whole: &(Vec<Epoch>, TrialResult), spec: &TrialSpec, data: &Dataset) {
    for stop in [1, 4] {
        let folder = tempfile::tempdir().unwrap();
        let mut before = Record {
            stop_after: Some(stop),
            ..Record::default()
        };
        run_in(folder.path(), spec, data, None, &mut before).unwrap();
        let mut after = Record::default();
        let checkpoint = Some(before.checkpoints[0].as_slice());
        let outcome = run_in(folder.path(), spec, data, checkpoint, &mut after).unwrap();
        let Outcome::Done(result) = outcome else {
            panic!("no callback asked to stop");
        };
        let together = [before.epochs, after.epochs].concat();
        assert_same_bits(whole, &(together, *result));
    }
}

#[test]
fn the_same_job_gives_the_same_bits_also_among_busy_threads() {
    let (spec, data) = (trial(small(), 3), data(9, 5));
    let alone = run(&spec, &data);
    assert_same_bits(&alone, &run(&spec, &data));
    let other = trial(small(), 4);
    std::thread::scope(|scope| {
        let busy: Vec<_> = (0..3).map(|_| scope.spawn(|| run(&other, &data))).collect();
        let inside = scope.spawn(|| run(&spec, &data)).join().unwrap();
        assert_same_bits(&alone, &inside);
        let others: Vec<_> = busy
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect();
        assert_same_bits(&others[0], &others[1]);
        assert_ne!(alone.0[0].values[0], others[0].0[0].values[0]);
    });
}

#[test]
fn going_on_from_any_epoch_gives_the_same_bits() {
    let stopping = Some(EarlyStopping {
        patience: 3,
        min_delta: 0.01,
    });
    for optimizer in [Optimizer::ADAM, Optimizer::ADAMW, Optimizer::SGD] {
        let model = MlpSpec {
            optimizer,
            momentum: 0.9,
            early_stopping: stopping,
            ..small()
        };
        let (spec, data) = (trial(model, 9), data(9, 5));
        let whole = run(&spec, &data);
        for stop in 1..whole.1.steps {
            let folder = tempfile::tempdir().unwrap();
            let mut before = Record {
                stop_after: Some(stop),
                ..Record::default()
            };
            let outcome = run_in(folder.path(), &spec, &data, None, &mut before).unwrap();
            assert_eq!(outcome, Outcome::Stopped { step: stop });
            let mut after = Record::default();
            let checkpoint = Some(before.checkpoints[0].as_slice());
            let outcome = run_in(folder.path(), &spec, &data, checkpoint, &mut after).unwrap();
            let Outcome::Done(result) = outcome else {
                panic!("no callback asked to stop");
            };
            let together = [before.epochs, after.epochs].concat();
            assert!(result.seconds > value_of(&together[0], "seconds"));
            assert_same_bits(&whole, &(together, *result));
        }
    }
}

#[test]
fn going_on_after_the_last_epoch_only_saves() {
    let (spec, data) = (trial(small(), 9), data(9, 5));
    let folder = tempfile::tempdir().unwrap();
    let mut record = Record {
        keep_checkpoints: true,
        ..Record::default()
    };
    let first = run_in(folder.path(), &spec, &data, None, &mut record).unwrap();
    let mut again = Record::default();
    let last = record.checkpoints.last().map(Vec::as_slice);
    let folder = tempfile::tempdir().unwrap();
    let second = run_in(folder.path(), &spec, &data, last, &mut again).unwrap();
    assert_eq!(first, second);
    assert!(again.epochs.is_empty());
    assert!(folder.path().join("model.safetensors").exists());
}

#[test]
fn foreign_and_damaged_checkpoints_are_refused() {
    let data = data(9, 5);
    let folder = tempfile::tempdir().unwrap();
    let mut record = Record {
        stop_after: Some(2),
        ..Record::default()
    };
    let spec = trial(small(), 9);
    run_in(folder.path(), &spec, &data, None, &mut record).unwrap();
    let bytes = record.checkpoints.remove(0);
    let refused = |spec: &TrialSpec, bytes: &[u8]| {
        let outcome = run_in(
            folder.path(),
            spec,
            &data,
            Some(bytes),
            &mut Record::default(),
        );
        matches!(outcome, Err(EngineError::Checkpoint(_)))
    };
    assert!(!refused(&spec, &bytes));
    let wider = MlpSpec {
        layers: vec![20, 13],
        ..small()
    };
    assert!(refused(&trial(wider, 9), &bytes));
    assert!(refused(&trial(small(), 10), &bytes));
    for length in [0, 7, 8, 100, bytes.len() / 2, bytes.len() - 1] {
        assert!(refused(&spec, &bytes[..length]), "{length} bytes");
    }
    for place in (0..bytes.len()).step_by(bytes.len() / 300) {
        let mut damaged = bytes.clone();
        damaged[place] ^= 0x10;
        assert!(refused(&spec, &damaged), "byte {place}");
    }
}

#[test]
fn batches_of_one_of_all_and_of_more_than_all_rows_train() {
    let data = data(9, 5);
    let with = |batch_size| {
        let model = MlpSpec {
            batch_size,
            ..small()
        };
        run(&trial(model, 1), &data)
    };
    let all = with(BatchSize::All);
    assert_same_bits(&all, &with(BatchSize::Rows(70)));
    assert_same_bits(&all, &with(BatchSize::Rows(1_000_000)));
    for (epochs, result) in [all, with(BatchSize::Rows(1)), with(BatchSize::Rows(69))] {
        assert_eq!(result.diverged, None);
        let finite = |(name, value): &(Metric, f64)| assert!(value.is_finite(), "{name}");
        epochs
            .iter()
            .flat_map(|epoch| &epoch.values)
            .for_each(finite);
    }
}

#[test]
fn a_linear_model_and_a_single_unit_learn() {
    let data = data(9, 5);
    for layers in [vec![], vec![1], vec![200, 3]] {
        let model = MlpSpec {
            layers: layers.clone(),
            epochs: 30,
            lr: 0.02,
            ..MlpSpec::default()
        };
        let (epochs, _) = run(&trial(model, 1), &data);
        let loss = |epoch: &Epoch| value_of(epoch, "train/loss");
        assert!(loss(&epochs[29]) < 0.95 * loss(&epochs[0]), "{layers:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_order_to_every_configuration() {
    let (mut first, mut second) = ([0u32; 50], [1u32; 50]);
    init_rng::batch_order(7, 2, &mut first);
    init_rng::batch_order(7, 2, &mut second);
    assert_eq!(first, second);
    init_rng::batch_order(7, 3, &mut second);
    assert_ne!(first, second);
}

#[test]
fn a_diverging_trial_says_where_and_keeps_what_it_had() {
    let data = data(9, 5);
    let model = MlpSpec {
        optimizer: Optimizer::SGD,
        batch_norm: false,
        clip_norm: 0.0,
        lr: 1e15,
        ..small()
    };
    let (epochs, result) = run(&trial(model, 1), &data);
    let reason = result.diverged.expect("a step of 1e15 cannot end well");
    assert!(
        reason.contains("epoch") && reason.contains("step"),
        "{reason}"
    );
    assert_eq!(result.steps as usize, epochs.len());
    for (_, value) in epochs.iter().flat_map(|epoch| &epoch.values) {
        assert!(!value.is_nan());
    }
    assert_eq!(result.best.is_some(), !epochs.is_empty());
}

#[test]
fn early_stopping_ends_after_its_patience() {
    let model = MlpSpec {
        early_stopping: Some(EarlyStopping {
            patience: 2,
            min_delta: 10.0,
        }),
        ..small()
    };
    let (epochs, result) = run(&trial(model, 1), &data(9, 5));
    assert_eq!((epochs.len(), result.steps), (3, 3));
}

#[test]
fn data_that_cannot_be_trained_on_is_refused() {
    let none = || (Vec::new(), Vec::new());
    let some = || rows(1, 4, 9, 5);
    for data in [
        Dataset::in_memory(9, 5, none(), some()),
        Dataset::in_memory(9, 5, some(), none()),
        Dataset::in_memory(0, 5, (Vec::new(), vec![1]), (Vec::new(), vec![1])),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let spec = trial(small(), 1);
        let outcome = run_in(folder.path(), &spec, &data, None, &mut Record::default());
        assert!(matches!(outcome, Err(EngineError::Unsupported(_))));
    }
    let mut spec = trial(small(), 1);
    spec.objective.metric = "valid/auc".to_owned();
    let folder = tempfile::tempdir().unwrap();
    let outcome = run_in(
        folder.path(),
        &spec,
        &data(9, 5),
        None,
        &mut Record::default(),
    );
    assert!(matches!(outcome, Err(EngineError::Unsupported(_))));
}

#[test]
fn all_activations_and_many_classes_train_on_every_instruction_set() {
    let data = data(40, 37);
    for isa in Isa::all() {
        for activation in [
            Activation::Relu,
            Activation::Gelu,
            Activation::Silu,
            Activation::Tanh,
        ] {
            let model = MlpSpec {
                activation,
                epochs: 40,
                dropout: 0.0,
                ..small()
            };
            let spec = trial(model, 1);
            let folder = tempfile::tempdir().unwrap();
            let job = Job::new(&spec, &data, folder.path());
            let mut record = Record::default();
            train_on(isa, job, &mlp(&spec), None, &mut record).unwrap();
            let loss = |epoch: usize| value_of(&record.epochs[epoch], "train/loss");
            assert!(loss(39) < 0.5 * loss(0), "{isa:?} {activation:?}");
        }
    }
}
