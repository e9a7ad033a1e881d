//! Networks that predict numbers, and weights of rows.

use super::super::category::Categories;
use super::super::model_io::Model;
use super::super::network::{Draw, Network};
use super::super::shape::Shape;
use super::*;
use sweep_core::data_config::TargetTransform;
use sweep_core::trial::Task;
use sweep_core::trial::models::{ClassWeight, LossName};
use sweep_data::{Rows, Targets};

const FEATURES: usize = 3;

/// Rows whose target is 100 + 30 a - 20 b + 10 c, and noise.
fn linear(rows: usize, transform: TargetTransform) -> Dataset {
    let mut state = 7u64;
    let mut uniform = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32 * 2.0 - 1.0
    };
    let mut side = |rows: usize| {
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for _ in 0..rows {
            let row: [f32; FEATURES] = std::array::from_fn(|_| uniform());
            y.push(100.0 + 30.0 * row[0] - 20.0 * row[1] + 10.0 * row[2] + 2.0 * uniform());
            x.extend(row);
        }
        (x, y)
    };
    let train = side(rows);
    Dataset::in_memory_numbers(FEATURES, transform, train, side(400))
}

fn spec(model: MlpSpec, metric: &str) -> TrialSpec {
    let objective = Objective::named(metric).unwrap();
    TrialSpec::new(ModelSpec::from(model), 3, objective)
}

fn small(loss: LossName) -> MlpSpec {
    MlpSpec {
        layers: vec![16],
        epochs: 40,
        lr: 1e-2,
        loss,
        quantile: 0.9,
        ..MlpSpec::default()
    }
}

fn trained(data: &Dataset, spec: &TrialSpec) -> (TrialResult, Vec<f64>) {
    let folder = tempfile::tempdir().unwrap();
    let outcome = run_in(folder.path(), spec, data, None, &mut Record::default()).unwrap();
    let Outcome::Done(result) = outcome else {
        panic!("no callback asked to stop");
    };
    let mut model = Model::load(folder.path()).unwrap();
    let number = model.number().unwrap();
    let scores = model.scores(data.valid().x);
    (
        *result,
        scores
            .into_iter()
            .map(|score| number.number(f64::from(score)))
            .collect(),
    )
}

fn value(result: &TrialResult, name: &str) -> f64 {
    let found: Option<&(Metric, f64)> = result.metrics.iter().find(|(known, _)| known == name);
    found
        .unwrap_or_else(|| panic!("{name} in {:?}", result.metrics))
        .1
}

#[test]
fn every_loss_learns_a_line_in_units_of_the_target() {
    let data = linear(2000, TargetTransform::None);
    for loss in [
        LossName::Squared,
        LossName::Absolute,
        LossName::Huber,
        LossName::Quantile,
    ] {
        let (result, predicted) = trained(&data, &spec(small(loss), "valid/rmse"));
        // The noise alone has a standard deviation of 2 / sqrt(3) = 1.15.
        let rmse = value(&result, "valid/rmse");
        assert!(
            rmse < if loss == LossName::Quantile { 2.6 } else { 1.5 },
            "{loss:?}: {rmse}"
        );
        let actual = data.valid().y.numbers().unwrap();
        let squares = actual
            .iter()
            .zip(&predicted)
            .map(|(actual, predicted)| (predicted - f64::from(*actual)).powi(2));
        let again = (squares.sum::<f64>() / actual.len() as f64).sqrt();
        assert!((again - rmse).abs() < 1e-5, "{loss:?}: {again} {rmse}");
        if loss == LossName::Quantile {
            let below = actual
                .iter()
                .zip(&predicted)
                .filter(|(actual, predicted)| f64::from(**actual) < **predicted);
            let share = below.count() as f64 / actual.len() as f64;
            // Of the 400 rows, and of noise that is uniform: its quantile is flat.
            assert!((share - 0.9).abs() < 0.16, "{share}");
        }
    }
}

#[test]
fn losses_are_told_in_units_of_the_transformed_target() {
    let data = linear(500, TargetTransform::None);
    let (result, _) = trained(&data, &spec(small(LossName::Squared), "valid/loss"));
    let (loss, rmse) = (value(&result, "valid/loss"), value(&result, "valid/rmse"));
    assert!((loss - rmse * rmse).abs() < 1e-9 * loss, "{loss} {rmse}");
    assert!((value(&result, "train/loss") / loss - 1.0).abs() < 0.5);

    let data = linear(500, TargetTransform::Log);
    let (result, _) = trained(&data, &spec(small(LossName::Absolute), "valid/mae"));
    assert!(value(&result, "valid/loss") < 0.05 && value(&result, "valid/mae") > 0.5);
}

#[test]
fn gradients_of_numbers_and_of_weights_are_those_of_finite_differences() {
    let data = linear(12, TargetTransform::None);
    let weights: Vec<f32> = (0..12).map(|row| 0.5 + row as f32 / 8.0).collect();
    for (loss, weights) in [
        (LossName::Squared, None),
        (LossName::Huber, Some(weights.clone())),
        (LossName::Quantile, Some(weights)),
    ] {
        let model = MlpSpec {
            layers: vec![5],
            activation: Activation::Tanh,
            huber_delta: 0.3,
            ..small(loss)
        };
        let targets: Vec<f32> = (0..12).map(|row| (row as f32 * 0.7).sin()).collect();
        let rows = Rows {
            y: Targets::Numbers(&targets),
            weights: weights.as_deref(),
            ..data.train()
        };
        let batch: Vec<u32> = (0..12).collect();
        let shape = Shape::new(&model, None, Categories::none(FEATURES), 1);
        let draw = Draw {
            seed: 1,
            epoch: 1,
            step: 0,
        };
        let mut network = Network::new(Isa::detect(), &model, shape.clone(), 12, 1);
        network.step(rows, &batch, draw);
        let gradients = network.gradients.clone();
        for tensor in shape.tensors() {
            for (place, given) in tensor.read(&gradients).into_iter().enumerate() {
                let mut at = |move_by: f32| {
                    let mut numbers = tensor.read(&network.parameters);
                    let before = numbers[place];
                    numbers[place] = before + move_by;
                    tensor.write(&mut network.parameters, numbers.iter().copied());
                    let loss = network.step(rows, &batch, draw) / 12.0;
                    numbers[place] = before;
                    tensor.write(&mut network.parameters, numbers.into_iter());
                    loss
                };
                let slope = (at(2e-3) - at(-2e-3)) / 4e-3;
                let gap = (slope - f64::from(given)).abs();
                assert!(
                    gap < 2e-3 + 0.02 * slope.abs(),
                    "{loss:?} {}: {given} {slope}",
                    tensor.name
                );
            }
        }
    }
}

#[test]
fn weights_of_classes_are_repeated_rows() {
    let (x, y) = rows(5, 60, 4, 3);
    let valid = rows(6, 30, 4, 3);
    let data = Dataset::in_memory(4, 3, (x.clone(), y.clone()), valid.clone());
    let (mut x3, mut y3) = (Vec::new(), Vec::new());
    for (row, label) in x.chunks_exact(4).zip(&y) {
        for _ in 0..if *label == 2 { 3 } else { 1 } {
            x3.extend_from_slice(row);
            y3.push(*label);
        }
    }
    let repeated = Dataset::in_memory(4, 3, (x3, y3), valid);
    let model = |class_weight: ClassWeight| MlpSpec {
        layers: vec![],
        epochs: 30,
        batch_size: BatchSize::All,
        optimizer: Optimizer::SGD,
        lr: 0.5,
        class_weight,
        ..MlpSpec::default()
    };
    let loss = |data: &Dataset, class_weight: ClassWeight| {
        let objective = Objective::usual(Task::Classification);
        let spec = TrialSpec::new(ModelSpec::from(model(class_weight)), 3, objective);
        let mut record = Record::default();
        let folder = tempfile::tempdir().unwrap();
        run_in(folder.path(), &spec, data, None, &mut record).unwrap();
        let last = record.epochs.last().unwrap();
        last.values
            .iter()
            .find(|(name, _)| name == "valid/loss")
            .unwrap()
            .1
    };
    let weighted = loss(&data, ClassWeight::Given([("c2".to_owned(), 3.0)].into()));
    let other = loss(&repeated, ClassWeight::None);
    assert!((weighted - other).abs() < 1e-4, "{weighted} {other}");
    assert!((weighted - loss(&data, ClassWeight::None)).abs() > 1e-3);
}
