//! Fine-tuning: against PyTorch's, and what freezing promises.

use super::super::category::Categories;
use super::super::network::Network;
use super::super::shape::Shape;
use super::super::{WEIGHTS, model_io, transfer};
use super::*;
use sweep_core::trial::models::Embedding;
use sweep_core::trial::{Transfer, TrialId};

/// The name of the made-up source.
const SOURCE: &str = "feedfacefeedfacefeedfacefeedface";

/// A folder of trials with that of a made-up source of the hidden layers of `model`; gives the
/// SHA-256 of its weights. The numbers are those of `made_up` in benches/oracle_transfer.py.
fn trials(model: &MlpSpec, features: usize) -> (tempfile::TempDir, String) {
    let trials = tempfile::tempdir().unwrap();
    let folder = trials.path().join(SOURCE);
    std::fs::create_dir(&folder).unwrap();
    let shape = Shape::new(model, None, Categories::none(features), 7);
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = shape
        .tensors()
        .into_iter()
        .map(|tensor| {
            let numbers = source_numbers(&tensor.name, tensor.len());
            let bytes = numbers.into_iter().flat_map(f32::to_le_bytes).collect();
            (tensor.name, tensor.shape, bytes)
        })
        .collect();
    let views = tensors.iter().map(|(name, shape, bytes)| {
        let dtype = safetensors::Dtype::F32;
        let view = safetensors::tensor::TensorView::new(dtype, shape.clone(), bytes);
        (name.as_str(), view.unwrap())
    });
    let bytes = safetensors::serialize(views, None).unwrap();
    std::fs::write(folder.join(WEIGHTS), &bytes).unwrap();
    (trials, sha256(&bytes))
}

fn source_numbers(name: &str, count: usize) -> Vec<f32> {
    let layer = name
        .strip_prefix("layers.")
        .map_or(99, |rest| rest.split('.').next().unwrap().parse().unwrap());
    let (number, low, high) = match name.split_once('.').map(|(_, rest)| rest) {
        Some(rest) if rest.ends_with("linear.weight") => (0, -0.5, 0.5),
        Some(rest) if rest.ends_with("linear.bias") => (1, -0.5, 0.5),
        Some(rest) if rest.ends_with("norm.weight") => (2, 0.5, 1.5),
        Some(rest) if rest.ends_with("norm.bias") => (3, -0.5, 0.5),
        Some(rest) if rest.ends_with("running_mean") => (4, -0.5, 0.5),
        Some(rest) if rest.ends_with("running_var") => (5, 0.5, 1.5),
        _ => (6, -0.5, 0.5),
    };
    let stream = Stream::new(5, Purpose::Synthetic, 100 + layer, number);
    (0..count as u32)
        .map(|place| (low + (high - low) * stream.uniform(place)) as f32)
        .collect()
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    let digest = sha2::Sha256::digest(bytes);
    sweep_core::format::hex(&digest)
}

fn transferred(
    model: MlpSpec,
    seed: u64,
    weights: &str,
    (layers, freeze): (usize, usize),
) -> TrialSpec {
    let mut spec = trial(model, seed);
    spec.transfer = Some(Transfer {
        source: TrialId::from_hex(SOURCE),
        weights: weights.to_owned(),
        layers,
        freeze,
        lr: 1e-3,
    });
    spec
}

/// The folder of the trial among `trials`.
fn own(trials: &tempfile::TempDir) -> std::path::PathBuf {
    let folder = trials.path().join("own");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn run_among(
    trials: &tempfile::TempDir,
    spec: &TrialSpec,
    data: &Dataset,
) -> Result<(Vec<Epoch>, TrialResult), EngineError> {
    let mut record = Record::default();
    match run_in(&own(trials), spec, data, None, &mut record)? {
        Outcome::Done(result) => Ok((record.epochs, *result)),
        Outcome::Stopped { .. } => panic!("no callback asked to stop"),
    }
}

/// The saved tensors of the trial among `trials`, by name.
fn saved_tensors(trials: &tempfile::TempDir) -> std::collections::BTreeMap<String, Vec<u8>> {
    let bytes = std::fs::read(own(trials).join(WEIGHTS)).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    file.iter()
        .map(|(name, view)| (name.to_owned(), view.data().to_vec()))
        .collect()
}

#[test]
fn whole_runs_of_fine_tuning_are_those_of_pytorch() {
    let text = include_str!("../../../../../tests/fixtures/native_transfer.json");
    let fixture: serde_json::Value = serde_json::from_str(text).unwrap();
    let data = data(9, 5);
    for case in fixture["cases"].as_array().unwrap() {
        let mut model = ModelSpec::new(Kind::MLP);
        for (key, value) in case["config"].as_object().unwrap() {
            let value: Value = serde_json::from_value(value.clone()).unwrap();
            model.set(key, &value).unwrap();
        }
        let model = MlpSpec::of(&model).expect("a network");
        let count = |key: &str| case["transfer"][key].as_u64().unwrap() as usize;
        let (trials, weights) = trials(&model, 9);
        let seed = case["seed"].as_u64().unwrap();
        let mut spec = transferred(model, seed, &weights, (count("layers"), count("freeze")));
        spec.transfer.as_mut().unwrap().lr = case["transfer"]["lr"].as_f64().unwrap();
        let (epochs, _) = run_among(&trials, &spec, &data).unwrap();
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

#[test]
fn frozen_layers_end_as_they_were_copied_and_the_others_do_not() {
    let data = data(9, 5);
    for (freeze, optimizer) in [
        (0, Optimizer::ADAM),
        (1, Optimizer::ADAM),
        (2, Optimizer::ADAMW),
        (1, Optimizer::SGD),
    ] {
        let model = MlpSpec {
            optimizer,
            weight_decay: 0.1,
            ..small()
        };
        let (trials, weights) = trials(&model, 9);
        let spec = transferred(model, 3, &weights, (2, freeze));
        let (_, result) = run_among(&trials, &spec, &data).unwrap();
        for (name, bytes) in saved_tensors(&trials) {
            let numbers = source_numbers(&name, bytes.len() / 4);
            let copied: Vec<u8> = numbers.into_iter().flat_map(f32::to_le_bytes).collect();
            let is_frozen = (0..freeze).any(|layer| name.starts_with(&format!("layers.{layer}.")));
            assert_eq!(bytes == copied, is_frozen, "{name} with {freeze} frozen");
        }
        let layers = [9 * 20 + 60, 20 * 12 + 36, 12 * 5 + 5];
        assert_eq!(result.parameters, layers[freeze..].iter().sum::<u64>());
    }
}

#[test]
fn what_is_not_copied_begins_as_it_does_from_scratch() {
    let model = small();
    let (trials, weights) = trials(&model, 9);
    let folder = own(&trials);
    let data = data(9, 5);
    let start = |spec: &TrialSpec| {
        let job = Job::new(spec, &data, &folder);
        let shape = Shape::new(&mlp(spec), None, Categories::none(9), 5);
        let mut network = Network::new(Isa::detect(), &mlp(spec), shape, 32, spec.seed);
        transfer::begin(&job, &mlp(spec), &mut network).unwrap();
        network
    };
    let scratch = start(&trial(model.clone(), 3));
    let copied = start(&transferred(model, 3, &weights, (1, 0)));
    for tensor in scratch.shape.tensors() {
        let read = |network: &Network| match tensor.running {
            true => tensor.read(&network.running),
            false => tensor.read(&network.parameters),
        };
        match tensor.name.starts_with("layers.0.") {
            true => assert_eq!(read(&copied), source_numbers(&tensor.name, tensor.len())),
            false => assert_eq!(read(&copied), read(&scratch), "{}", tensor.name),
        }
    }
}

#[test]
fn going_on_with_a_transfer_gives_the_same_bits() {
    let data = data(9, 5);
    for freeze in [0, 1, 2] {
        let model = small();
        let (trials, weights) = trials(&model, 9);
        let spec = transferred(model, 9, &weights, (2, freeze));
        let whole = run_among(&trials, &spec, &data).unwrap();
        let weights_of_whole = saved_tensors(&trials);
        for stop in 1..whole.1.steps {
            let mut before = Record {
                stop_after: Some(stop),
                ..Record::default()
            };
            let folder = own(&trials);
            run_in(&folder, &spec, &data, None, &mut before).unwrap();
            let mut after = Record::default();
            let checkpoint = Some(before.checkpoints[0].as_slice());
            let outcome = run_in(&folder, &spec, &data, checkpoint, &mut after).unwrap();
            let Outcome::Done(result) = outcome else {
                panic!("no callback asked to stop");
            };
            let together = [before.epochs, after.epochs].concat();
            assert_same_bits(&whole, &(together, *result));
            assert_eq!(saved_tensors(&trials), weights_of_whole);
        }
    }
}

#[test]
fn a_source_that_is_missing_changed_or_of_another_shape_is_refused() {
    let (model, data) = (small(), data(9, 5));
    let (trials, weights) = trials(&model, 9);
    let refused = |spec: &TrialSpec, word: &str| {
        let error = run_among(&trials, spec, &data).unwrap_err().to_string();
        assert!(
            error.contains(word) && error.contains("feedface"),
            "{error}"
        );
    };
    let wider = MlpSpec {
        layers: vec![20, 13],
        ..small()
    };
    refused(
        &transferred(wider, 1, &weights, (2, 0)),
        "layers.1.linear.weight",
    );
    refused(
        &transferred(small(), 1, &"0".repeat(64), (2, 0)),
        "has changed",
    );
    let path = trials.path().join(SOURCE).join(WEIGHTS);
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    refused(&transferred(small(), 1, &weights, (2, 0)), "has changed");
    std::fs::remove_file(&path).unwrap();
    refused(&transferred(small(), 1, &weights, (2, 0)), "cannot read");
}

#[test]
fn a_share_of_the_rows_trains_every_kind_of_trial_on_those_alone() {
    let data = data(9, 5);
    for kind in [
        sweep_core::trial::Kind::MLP,
        sweep_core::trial::Kind::RANDOM_FOREST,
    ] {
        let mut spec = TrialSpec::new(ModelSpec::new(kind), 4, Objective::default());
        let model = &mut spec.model;
        for (key, value) in [("epochs", 2), ("trees", 3)] {
            // Each kind takes one of the two.
            let _ = model.set(key, &Value::Int(value));
        }
        let trained = |spec: &TrialSpec, data: &Dataset| {
            let folder = tempfile::tempdir().unwrap();
            let job = Job::new(spec, data, folder.path());
            match crate::train(job, None, &mut Record::default()).unwrap() {
                Outcome::Done(result) => *result,
                Outcome::Stopped { .. } => panic!("no callback asked to stop"),
            }
        };
        let all = trained(&spec, &data);
        assert!(all.metrics.iter().all(|(name, _)| name != "train/rows"));
        let by_hand = trained(&spec, &data.with_share(4, 0.5));
        spec.train_fraction = 0.5;
        let half = trained(&spec, &data);
        assert_eq!(half.confusion, by_hand.confusion);
        assert_ne!(half.metrics[0], all.metrics[0]);
        let rows = half.metrics.iter().find(|(name, _)| name == "train/rows");
        let expected = data.with_share(4, 0.5).train().y.len();
        assert_eq!(rows.map(|(_, rows)| *rows), Some(expected as f64));
        assert!((33..=37).contains(&expected), "{expected} of 70 rows");
    }
}

#[test]
fn an_embedding_comes_with_the_first_layer_and_its_bins_from_the_source() {
    // Rows of its own, so that bins fitted anew would be others.
    let (own_rows, data) = (data(9, 5), {
        let (train, valid) = (rows(7, 90, 9, 5), rows(8, 40, 9, 5));
        Dataset::in_memory(9, 5, train, valid)
    });
    for embedding in [
        Embedding::Ple {
            bins: 6,
            text: true,
        },
        Embedding::Periodic {
            frequencies: 8,
            sigma: 0.3,
            width: 4,
        },
    ] {
        let model = MlpSpec {
            embedding,
            ema: 0.9,
            ..small()
        };
        let trials = tempfile::tempdir().unwrap();
        let source = trials.path().join(SOURCE);
        std::fs::create_dir(&source).unwrap();
        let mut record = Record::default();
        run_in(&source, &trial(model.clone(), 1), &data, None, &mut record).unwrap();
        let bytes = std::fs::read(source.join(WEIGHTS)).unwrap();
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        for freeze in [0, 1] {
            let spec = transferred(model.clone(), 2, &sha256(&bytes), (1, freeze));
            run_among(&trials, &spec, &own_rows).unwrap();
            for (name, given) in saved_tensors(&trials) {
                let belongs = name.starts_with("embedding.") || name.starts_with("layers.0.");
                let is_same = file.tensor(&name).is_ok_and(|view| view.data() == given);
                assert_eq!(is_same, belongs && freeze == 1, "{name}, {freeze} frozen");
            }
            let edges = |folder: &Path| model_io::pieces_in(folder, 9).unwrap();
            assert_eq!(edges(&own(&trials)), edges(&source));
        }
        std::fs::remove_file(source.join("model.json")).unwrap();
        let spec = transferred(model, 2, &sha256(&bytes), (1, 0));
        let outcome = run_among(&trials, &spec, &own_rows);
        assert_eq!(outcome.is_err(), matches!(embedding, Embedding::Ple { .. }));
    }
}
