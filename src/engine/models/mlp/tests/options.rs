//! Trials with embeddings, smoothed labels and averaged weights: stopped and resumed, saved and
//! read back. That they train as they should is checked by the runs of PyTorch in the fixture.

use super::super::Model;
use super::{Record, assert_resumes_to, assert_same_bits, data, run, run_in, small, trial};
use crate::Outcome;
use crate::models::LoadError;
use crate::score::{Confusion, argmax};
use sweep_core::trial::models::{Embedding, MlpSpec};

const PERIODIC: Embedding = Embedding::Periodic {
    frequencies: 8,
    sigma: 0.4,
    width: 8,
};

fn with(embedding: Embedding) -> MlpSpec {
    MlpSpec {
        embedding,
        label_smoothing: 0.1,
        ema: 0.9,
        ..small()
    }
}

#[test]
fn trials_with_embeddings_and_averages_go_on_to_the_same_bits() {
    let data = data(9, 5);
    for embedding in [
        Embedding::None,
        Embedding::Ple {
            bins: 8,
            text: true,
        },
        PERIODIC,
    ] {
        let spec = trial(with(embedding), 9);
        let whole = run(&spec, &data);
        assert_same_bits(&whole, &run(&spec, &data));
        assert_resumes_to(&whole, &spec, &data);
    }
}

#[test]
fn saved_networks_with_embeddings_predict_as_they_were_measured() {
    let data = data(9, 5);
    for embedding in [
        Embedding::None,
        Embedding::Ple {
            bins: 8,
            text: true,
        },
        PERIODIC,
    ] {
        let folder = tempfile::tempdir().unwrap();
        let spec = trial(with(embedding), 2);
        let outcome = run_in(folder.path(), &spec, &data, None, &mut Record::default()).unwrap();
        let Outcome::Done(result) = outcome else {
            panic!("no callback asked to stop");
        };
        let mut model = Model::load(folder.path()).unwrap();
        let valid = data.valid();
        let mut confusion = Confusion::new(5);
        for (scores, label) in model
            .scores(valid.x)
            .chunks(5)
            .zip(valid.y.classes().unwrap())
        {
            confusion.add(*label as usize, argmax(scores));
        }
        assert_eq!(confusion.rows(), result.confusion, "{embedding:?}");
    }
}

#[test]
fn what_is_kept_of_an_encoding_is_checked_when_it_is_read() {
    let data = data(9, 5);
    let folder = tempfile::tempdir().unwrap();
    let spec = trial(
        with(Embedding::Ple {
            bins: 4,
            text: true,
        }),
        2,
    );
    run_in(folder.path(), &spec, &data, None, &mut Record::default()).unwrap();
    let path = folder.path().join("model.json");
    let whole: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    type Damage = fn(&mut serde_json::Value);
    let damages: [Damage; 4] = [
        |model| model["edges"] = serde_json::Value::Null,
        |model| model["edges"][3] = serde_json::json!([1.0, 1.0]),
        |model| model["edges"] = serde_json::json!([[0.0, 1.0]]),
        |model| model["embedding"] = serde_json::json!({ "kind": "ple", "bins": 0 }),
    ];
    for damage in damages {
        let mut model = whole.clone();
        damage(&mut model);
        std::fs::write(&path, model.to_string()).unwrap();
        assert!(matches!(
            Model::load(folder.path()),
            Err(LoadError::Content { .. })
        ));
    }
    std::fs::write(&path, whole.to_string()).unwrap();
    assert!(Model::load(folder.path()).is_ok());
}

#[test]
fn the_moving_average_is_measured_and_not_trained_on() {
    let data = data(9, 5);
    let run = |ema| {
        let model = MlpSpec {
            ema,
            batch_norm: false,
            ..small()
        };
        run(&trial(model, 5), &data).0
    };
    for (plain, averaged) in run(0.0).iter().zip(run(0.9)) {
        for ((name, plain), (_, averaged)) in plain.values.iter().zip(&averaged.values) {
            match name.as_str() {
                "train/loss" | "grad_norm" | "lr" => assert_eq!(plain, averaged, "{name}"),
                "valid/loss" => assert_ne!(plain, averaged),
                _ => {}
            }
        }
    }
}
