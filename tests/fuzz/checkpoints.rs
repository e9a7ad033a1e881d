//! Checkpoints of every engine: what is not exactly what was written is refused.

use std::path::Path;

use sweep_core::trial::{Kind, ModelSpec, Objective, TrialSpec, Value};
use sweep_data::Dataset;
use sweep_engine::models::library;
use sweep_engine::{Callback, Control, EngineError, Epoch, Job, Outcome, train};

use super::bound::cases;
use super::mangle::{self, Rng};

/// Takes a checkpoint after the first step and stops.
#[derive(Default)]
struct Keep(Option<Vec<u8>>);

impl Callback for Keep {
    fn epoch(&mut self, _: &Epoch, checkpoint: &mut dyn FnMut() -> Vec<u8>) -> Control {
        self.0 = Some(checkpoint());
        Control::Stop
    }
}

fn data() -> Dataset {
    let mut rng = Rng(3);
    let mut side = |rows: usize| -> (Vec<f32>, Vec<u32>) {
        let y: Vec<u32> = (0..rows).map(|row| (row % 3) as u32).collect();
        let x = y
            .iter()
            .flat_map(|label| [*label as f32, rng.below(10) as f32, -(*label as f32)])
            .collect();
        (x, y)
    };
    let (train, valid) = (side(60), side(20));
    Dataset::in_memory(3, 3, train, valid)
}

fn small(kind: Kind) -> ModelSpec {
    let mut model = ModelSpec::new(kind);
    let settings = [
        ("layers", Value::List(vec![Value::Int(8)])),
        ("epochs", Value::Int(3)),
        ("rounds", Value::Int(3)),
        ("trees", Value::Int(3)),
        ("max_depth", Value::Int(3)),
    ];
    for (name, value) in &settings {
        if kind.param(name).is_some() {
            model.set(name, value).unwrap();
        }
    }
    model
}

fn only_whole_checkpoints_are_taken(kind: Kind) {
    let folder = tempfile::tempdir().unwrap();
    let data = data();
    let spec = TrialSpec::new(small(kind), 1, Objective::default());
    let other = TrialSpec::new(small(kind), 2, Objective::default());
    let job = |spec| Job::new(spec, &data, folder.path());
    let mut first = Keep::default();
    train(job(&spec), None, &mut first).unwrap();
    let sound = first.0.expect("one was taken");
    let mut second = Keep::default();
    let outcome = train(job(&spec), Some(&sound), &mut second).unwrap();
    assert!(
        !matches!(outcome, Outcome::Stopped { step: 1 }),
        "{outcome:?} resumes from the first"
    );
    let foreign = train(job(&other), Some(&sound), &mut Keep::default());
    assert!(
        matches!(foreign, Err(EngineError::Checkpoint(_))),
        "{foreign:?}"
    );

    cases(kind.name(), 150, |seed| {
        let mut rng = Rng(seed);
        let spoiled = match (kind == Kind::MLP, rng.below(2)) {
            (true, 0) => mangle::safetensors(&sound, &mut rng),
            _ => mangle::bytes(&sound, &mut rng),
        };
        let trained = train(job(&spec), Some(&spoiled), &mut Keep::default());
        match trained {
            Err(EngineError::Checkpoint(_)) => false,
            Err(error) => panic!("{error}"),
            // JSON can be written in several ways that say the same.
            Ok(_) if spoiled == sound || kind == Kind::MLP => true,
            Ok(_) => panic!("a spoiled checkpoint was taken"),
        }
    });
}

#[test]
fn spoiled_checkpoints_of_networks_are_refused() {
    only_whole_checkpoints_are_taken(Kind::MLP);
}

#[test]
fn spoiled_checkpoints_of_forests_are_refused() {
    only_whole_checkpoints_are_taken(Kind::RANDOM_FOREST);
}

#[test]
fn spoiled_checkpoints_of_boosted_trees_are_refused() {
    for (kind, required) in [
        (Kind::XGBOOST, "SWEEP_REQUIRE_XGBOOST"),
        (Kind::LIGHTGBM, "SWEEP_REQUIRE_LIGHTGBM"),
    ] {
        match library(kind).expect("it needs one") {
            Ok(_) => only_whole_checkpoints_are_taken(kind),
            Err(error) => {
                assert!(std::env::var_os(required).is_none(), "{error}");
                let fetched = Path::new(".deps").join(kind.name());
                assert!(!fetched.exists(), "{error}");
            }
        }
    }
}
