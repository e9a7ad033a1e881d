//! A step that is fixed beforehand, for every kind of model.

use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::fixtures::{CLASSES, Remember, fixture};
use crate::models::xgboost;
use crate::train;
use sweep_core::run_dir::PREDICTIONS;
use sweep_core::trial::models::{
    Decay, EarlyStopping, LrSchedule, MlpSpec, RandomForestSpec, XgboostSpec,
};
use sweep_core::trial::{Kind, ModelSpec, Objective};
use sweep_data::{Rows, Targets};

/// Steps of models that early stopping would end sooner.
const PLANNED: u32 = 14;

/// One of each kind, with what reacts to validation rows or hangs on how far training has come.
fn models() -> Vec<ModelSpec> {
    let network = MlpSpec {
        layers: vec![8],
        epochs: PLANNED,
        lr: 0.03,
        dropout: 0.2,
        ema: 0.9,
        lr_schedule: LrSchedule {
            warmup: 1.5,
            decay: Decay::Cosine { floor: 0.1 },
        },
        early_stopping: Some(EarlyStopping {
            patience: 2,
            min_delta: 0.0,
        }),
        ..MlpSpec::default()
    };
    let boosted = XgboostSpec {
        rounds: PLANNED,
        max_depth: 6,
        eta: 1.0,
        subsample: 0.5,
        early_stopping_rounds: 2,
        ..XgboostSpec::default()
    };
    let forest = RandomForestSpec {
        trees: PLANNED,
        ..RandomForestSpec::default()
    };
    let mut models = vec![ModelSpec::from(network), ModelSpec::from(forest)];
    if xgboost::locate().is_ok() {
        models.push(ModelSpec::from(boosted));
    }
    models
}

/// The data of [`fixture`], and the same training rows with other validation rows: few, and their labels moved on by one.
fn data() -> [Dataset; 2] {
    let data = fixture(16);
    let width = data.meta().features.len();
    let own = |rows: Rows<'_>, number: usize, shift: u32| {
        let Targets::Classes(labels) = rows.y else {
            panic!("these are classes")
        };
        let labels = labels[..number].iter();
        let moved = labels.map(|label| (label + shift) % CLASSES as u32);
        (rows.x[..number * width].to_vec(), moved.collect())
    };
    let train = own(data.train(), data.train().y.len(), 0);
    let other = Dataset::in_memory(width, CLASSES, train, own(data.valid(), 50, 1));
    [data, other]
}

/// The result, what was reported, and the files by name.
type Trained = (TrialResult, Vec<Epoch>, BTreeMap<String, Vec<u8>>);

fn run(model: &ModelSpec, data: &Dataset, keep: Keep) -> Trained {
    let folder = tempfile::tempdir().unwrap();
    let spec = TrialSpec::new(model.clone(), 7, Objective::default());
    let job = Job {
        keep,
        ..Job::new(&spec, data, folder.path())
    };
    let mut told = Remember::default();
    let Outcome::Done(result) = train(job, None, &mut told).unwrap() else {
        panic!("no callback asked to stop")
    };
    assert_eq!(result.diverged, None);
    (*result, told.timeless(), files(folder.path()))
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let file = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        (name, std::fs::read(entry.path()).unwrap())
    };
    entries.map(file).collect()
}

#[test]
fn a_fixed_step_gives_the_model_of_that_step_whatever_the_validation_rows_say() {
    let [data, other] = data();
    for model in models() {
        let kind = model.kind();
        let (best, epochs, mut kept) = run(&model, &data, Keep::Best);
        let step = best.best_step;
        let is_stopped = best.steps < PLANNED;
        assert_eq!(is_stopped, kind != Kind::RANDOM_FOREST, "{kind:?}");
        // What the validation rows are predicted to be is kept of trials alone.
        assert!(kept.remove(PREDICTIONS).is_some(), "{kind:?}");

        let (fixed, reported, files) = run(&model, &data, Keep::Step(step));
        assert_eq!((fixed.steps, fixed.best_step), (step, step), "{kind:?}");
        assert_eq!(reported[..], epochs[..reported.len()], "{kind:?}");
        assert!(files == kept, "{kind:?}");
        let (_, _, unmoved) = run(&model, &other, Keep::Step(step));
        assert!(unmoved == kept, "{kind:?}");
        // With the other rows to choose by, another model is kept, but of a forest.
        let (_, _, mut chosen) = run(&model, &other, Keep::Best);
        chosen.remove(PREDICTIONS);
        assert_eq!(chosen == kept, kind == Kind::RANDOM_FOREST, "{kind:?}");
    }
}

#[test]
fn a_fixed_step_is_reached_where_early_stopping_would_have_ended_training() {
    let [data, _] = data();
    for model in models() {
        let kind = model.kind();
        let (best, ..) = run(&model, &data, Keep::Best);
        let (fixed, ..) = run(&model, &data, Keep::Step(PLANNED));
        assert_eq!(
            (fixed.steps, fixed.best_step),
            (PLANNED, PLANNED),
            "{kind:?}"
        );
        assert!(fixed.steps >= best.steps, "{kind:?}");
        let measured = |result: &TrialResult, name: &str| {
            result.metrics.iter().any(|(known, _)| known == name)
        };
        // A metric that is only measured of a model that was chosen.
        assert!(measured(&best, "valid/brier"), "{kind:?}");
        assert!(!measured(&fixed, "valid/brier"), "{kind:?}");
    }
}
