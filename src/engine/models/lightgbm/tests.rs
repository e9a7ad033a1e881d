//! Boosting as a whole. Without a library the tests say so and pass, unless `SWEEP_REQUIRE_LIGHTGBM` is set.

mod oracle;

use std::io::Write;
use std::thread;

use super::super::library::Surroundings;
use super::*;
use crate::fixtures::{Remember, done, fixture, fixture_numbers, two_classes, with_categories};
use sweep_core::data_config::TargetTransform;
use sweep_core::trial::models::{ClassWeight, LossName, StoppingMetric};
use sweep_core::trial::{Goal as Aim, ModelSpec, Objective, TrialSpec};
use sweep_data::Dataset;

/// Whether there is a library to test.
fn available() -> bool {
    let Err(missing) = locate() else { return true };
    assert!(
        std::env::var_os("SWEEP_REQUIRE_LIGHTGBM").is_none(),
        "SWEEP_REQUIRE_LIGHTGBM is set, and {missing}; tried {:#?}",
        missing.tried
    );
    say_skipped(&missing.to_string());
    false
}

/// Straight to the stream, which the test harness does not capture.
fn say_skipped(why: &str) {
    let line = format!("SKIPPED a test of LightGBM: {why}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

fn spec(boost: LightgbmSpec, metric: &str, goal: Aim) -> TrialSpec {
    TrialSpec::new(
        ModelSpec::from(boost),
        5,
        Objective {
            metric: metric.to_owned(),
            goal,
        },
    )
}

fn run(
    data: &Dataset,
    spec: &TrialSpec,
    folder: &Path,
    checkpoint: Option<&[u8]>,
    callback: &mut Remember,
) -> Outcome {
    let job = Job::new(spec, data, folder);
    let boost = LightgbmSpec::of(&spec.model).expect("boosting");
    train(job, &boost, checkpoint, callback).unwrap()
}

/// Those of `benches/oracle_lightgbm.py`.
fn oracle_settings() -> LightgbmSpec {
    LightgbmSpec {
        rounds: 10,
        num_leaves: 15,
        learning_rate: 0.3,
        ..LightgbmSpec::default()
    }
}

/// Every task and setting that draws, weighs or stops.
fn cases() -> Vec<(&'static str, Dataset, LightgbmSpec)> {
    let usual = oracle_settings();
    let numbers = |loss| {
        let boost = LightgbmSpec {
            loss,
            subsample: 0.8,
            ..usual.clone()
        };
        (fixture_numbers(24, TargetTransform::None), boost)
    };
    let (squared, absolute) = (numbers(LossName::Squared), numbers(LossName::Absolute));
    let drawn = |subsample, colsample_bytree| LightgbmSpec {
        subsample,
        colsample_bytree,
        ..usual.clone()
    };
    let categories = LightgbmSpec {
        enable_categorical: true,
        subsample: 0.7,
        class_weight: ClassWeight::Balanced,
        ..usual.clone()
    };
    vec![
        ("classes", fixture(24), usual.clone()),
        ("rows are drawn", fixture(24), drawn(0.7, 1.0)),
        ("half of the rows are drawn", fixture(24), drawn(0.5, 1.0)),
        ("features are drawn", fixture(24), drawn(1.0, 0.5)),
        ("both are drawn", two_classes(), drawn(0.4, 0.5)),
        ("categories", with_categories(), categories),
        ("numbers", squared.0, squared.1),
        ("medians", absolute.0, absolute.1),
    ]
}

#[test]
fn going_on_from_a_checkpoint_gives_the_same_bits() {
    if !available() {
        return;
    }
    for (name, data, boost) in cases() {
        let spec = spec(boost, "valid/loss", Aim::Min);
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let mut whole = Remember::default();
        let expected = done(run(&data, &spec, folders[0].path(), None, &mut whole));
        for stop_at in [1, 6, 10] {
            let mut first = Remember {
                stop_at: Some(stop_at),
                ..Remember::default()
            };
            let stopped = run(&data, &spec, folders[1].path(), None, &mut first);
            assert_eq!(stopped, Outcome::Stopped { step: stop_at });
            let checkpoint = first.checkpoint.clone().unwrap();
            // On a new thread, as in a new process.
            let (rest, result) = thread::scope(|scope| {
                let resume = || {
                    let mut rest = Remember::default();
                    let folder = folders[1].path();
                    let outcome = run(&data, &spec, folder, Some(&checkpoint), &mut rest);
                    (rest, done(outcome))
                };
                scope.spawn(resume).join().unwrap()
            });
            let told = [first.timeless(), rest.timeless()].concat();
            assert_eq!(told, whole.timeless(), "{name} at {stop_at}");
            assert_eq!(result, expected, "{name} at {stop_at}");
            let files = folders
                .each_ref()
                .map(|folder| fs::read(folder.path().join(MODEL)).unwrap());
            assert!(files[0] == files[1], "{name} at {stop_at}");
        }
    }
}

#[test]
fn a_saved_model_scores_what_was_recorded_of_its_round() {
    if !available() {
        return;
    }
    for (name, data, boost) in cases() {
        let loss = boost.loss(data.meta().number.map_or(1.0, |number| number.scale()));
        let boost = LightgbmSpec {
            rounds: 100,
            early_stopping_rounds: 3,
            ..boost
        };
        let spec = spec(boost, "valid/loss", Aim::Min);
        let folder = tempfile::tempdir().unwrap();
        let mut callback = Remember::default();
        let result = done(run(&data, &spec, folder.path(), None, &mut callback));
        assert_eq!(result.steps, result.best_step + 3, "{name}");
        let mut model = load(folder.path()).unwrap();
        assert_eq!(model.features(), data.meta().features.len());
        assert_eq!(model.classes(), data.meta().classes.len());
        let predicted = model.predict(data.valid().inputs()).unwrap();
        let job = Job::new(&spec, &data, folder.path());
        let measured = baseline::measure(job, &predicted, loss);
        assert_eq!(measured.confusion.rows(), result.confusion, "{name}");
        let recorded = callback.column("valid/loss");
        let found = measured
            .values
            .iter()
            .find(|(name, _)| name == "valid/loss");
        // The very same numbers, as the file has every bit of them.
        assert_eq!(
            found.unwrap().1,
            recorded[result.best_step as usize - 1],
            "{name}"
        );
        assert_eq!(result.artifacts[0].path, Path::new(MODEL));
        let text = fs::read_to_string(folder.path().join(MODEL)).unwrap();
        let trees = text
            .lines()
            .filter(|line| line.starts_with("Tree="))
            .count();
        let width = match data.meta().classes.len() {
            3 => 3,
            _ => 1,
        };
        assert_eq!(trees, width * result.best_step as usize, "{name}");
        assert_eq!(result.parameters, file::leaves(&text));
    }
}

#[test]
fn the_replicate_seed_decides_which_rows_and_features_are_drawn() {
    if !available() {
        return;
    }
    let (data, folder) = (fixture(24), tempfile::tempdir().unwrap());
    for (subsample, colsample_bytree, is_drawn) in
        [(0.5, 1.0, true), (1.0, 0.5, true), (1.0, 1.0, false)]
    {
        let boost = LightgbmSpec {
            rounds: 3,
            subsample,
            colsample_bytree,
            ..LightgbmSpec::default()
        };
        let losses = [5, 5, 6].map(|seed| {
            let mut spec = spec(boost.clone(), "valid/loss", Aim::Min);
            spec.seed = seed;
            assert_eq!(spec.model.is_deterministic(), !is_drawn);
            let mut callback = Remember::default();
            done(run(&data, &spec, folder.path(), None, &mut callback));
            callback.column("valid/loss")
        });
        assert_eq!(losses[0], losses[1]);
        assert_eq!(losses[0] != losses[2], is_drawn);
    }
}

#[test]
fn every_round_draws_other_rows_and_features() {
    if !available() {
        return;
    }
    let (data, folder) = (fixture(24), tempfile::tempdir().unwrap());
    let boost = LightgbmSpec {
        subsample: 0.5,
        ..LightgbmSpec::default()
    };
    let spec = spec(boost.clone(), "valid/loss", Aim::Min);
    let job = Job::new(&spec, &data, folder.path());
    let ensemble = Ensemble::new(loaded().unwrap(), job, &boost).unwrap();
    let mut drawn: Vec<String> = (0..50)
        .map(|round| ensemble.draws(round).unwrap())
        .collect();
    for pair in drawn.windows(2) {
        for name in [
            "feature_fraction_seed=",
            "bagging_seed=",
            "bagging_fraction=",
        ] {
            let values = [0, 1].map(|place| {
                let (_, rest) = pair[place].split_once(name).unwrap();
                rest.split(' ').next().unwrap().to_owned()
            });
            assert_ne!(values[0], values[1], "{name}");
        }
    }
    drawn.sort();
    drawn.dedup();
    assert_eq!(drawn.len(), 50);
}

#[test]
fn rounds_without_a_split_change_nothing_and_are_counted() {
    if !available() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // Few rows and little drawn of them: in some rounds there are too few for a split.
    let (x, y): (Vec<f32>, Vec<u32>) = (0..40).map(|row| (row as f32, u32::from(row > 17))).unzip();
    let data = Dataset::in_memory(1, 2, (x.clone(), y.clone()), (x, y));
    let boost = LightgbmSpec {
        rounds: 30,
        subsample: 0.3,
        min_child_samples: 6,
        ..LightgbmSpec::default()
    };
    let spec = spec(boost, "valid/loss", Aim::Min);
    let mut whole = Remember::default();
    let result = done(run(&data, &spec, folder.path(), None, &mut whole));
    assert_eq!(result.steps, 30);
    let losses = whole.column("valid/loss");
    let same = losses.windows(2).filter(|pair| pair[0] == pair[1]).count();
    assert!(
        same > 3 && same < 27,
        "{same}: the settings are some with both"
    );
    let text = fs::read(folder.path().join(MODEL)).unwrap();
    for stop_at in 1..30 {
        let mut first = Remember {
            stop_at: Some(stop_at),
            ..Remember::default()
        };
        run(&data, &spec, folder.path(), None, &mut first);
        let checkpoint = first.checkpoint.as_deref();
        let mut rest = Remember::default();
        let again = done(run(&data, &spec, folder.path(), checkpoint, &mut rest));
        assert_eq!(again, result, "{stop_at}");
        assert!(fs::read(folder.path().join(MODEL)).unwrap() == text);
    }
}

#[test]
fn rows_without_a_single_split_give_the_classes_as_frequent_as_they_are() {
    if !available() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let spec = spec(LightgbmSpec::default(), "valid/accuracy", Aim::Max);
    let data = Dataset::in_memory(1, 2, (vec![1.0; 4], vec![0, 0, 0, 1]), (vec![1.0], vec![0]));
    let result = done(run(
        &data,
        &spec,
        folder.path(),
        None,
        &mut Remember::default(),
    ));
    assert_eq!(result.importance, [("x0".to_owned(), 0.0)]);
    assert_eq!((result.best, result.parameters), (Some(1.0), 1));
    let predicted = load(folder.path()).unwrap();
    let predicted = { predicted }.predict(data.valid().inputs()).unwrap();
    assert!((predicted[0] - 0.75).abs() < 1e-6, "{predicted:?}");
}

#[test]
fn a_checkpoint_of_another_library_and_a_damaged_one_are_refused() {
    if !available() {
        return;
    }
    let (data, folder) = (fixture(24), tempfile::tempdir().unwrap());
    let boost = oracle_settings();
    let spec = spec(boost.clone(), "valid/loss", Aim::Min);
    let job = Job::new(&spec, &data, folder.path());
    let mut ensemble = Ensemble::new(loaded().unwrap(), job, &boost).unwrap();
    let mut restore = |bytes: &[u8]| {
        let refused = boosting::Ensemble::restore(&mut ensemble, 1, bytes).unwrap_err();
        assert!(matches!(refused, EngineError::Checkpoint(_)), "{refused}");
        refused.to_string()
    };
    let text = restore(b"{\"library\":\"0.1.2\",\"barren\":[]}\ntree\n");
    assert!(text.contains("written by LightGBM 0.1.2, and "), "{text}");
    for bytes in [&b"\xff"[..], b"", b"{}\ntree"] {
        restore(bytes);
    }
}

#[test]
fn what_the_library_refuses_comes_back_as_its_words() {
    if !available() {
        return;
    }
    let (data, folder) = (fixture(24), tempfile::tempdir().unwrap());
    let boost = LightgbmSpec {
        subsample: -2.0,
        ..LightgbmSpec::default()
    };
    let spec = spec(LightgbmSpec::default(), "valid/loss", Aim::Min);
    let job = Job::new(&spec, &data, folder.path());
    let error = train(job, &boost, None, &mut Remember::default())
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("LightGBM: ") && error.contains("bagging_fraction"),
        "{error}"
    );
}

#[test]
fn a_file_that_is_no_lightgbm_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lib_lightgbm.so");
    fs::write(&path, "not a library").unwrap();
    let around = Surroundings {
        explicit: Some(path.clone()),
        ..Surroundings::default()
    };
    let missing = ffi::load(&around).err().unwrap().to_string();
    assert!(
        missing.starts_with(&path.display().to_string()),
        "{missing}"
    );
    assert!(
        missing.ends_with(
            "run `make lightgbm`, or `pip install lightgbm`, or set SWEEP_LIGHTGBM to the path of a lib_lightgbm"
        ),
        "{missing}"
    );
}

#[test]
fn by_the_objective_the_round_that_is_best_by_it_is_kept() {
    if !available() {
        return;
    }
    let (data, folder) = (fixture(24), tempfile::tempdir().unwrap());
    for metric in [StoppingMetric::Loss, StoppingMetric::Objective] {
        let boost = LightgbmSpec {
            rounds: 60,
            early_stopping_metric: metric,
            ..oracle_settings()
        };
        let spec = spec(boost, "valid/accuracy", Aim::Max);
        let mut callback = Remember::default();
        let result = done(run(&data, &spec, folder.path(), None, &mut callback));
        let (losses, accuracy) = (
            callback.column("valid/loss"),
            callback.column("valid/accuracy"),
        );
        let kept = result.best_step as usize - 1;
        let best = match metric {
            StoppingMetric::Loss => losses.iter().all(|loss| *loss >= losses[kept]),
            StoppingMetric::Objective => accuracy.iter().all(|value| *value <= accuracy[kept]),
        };
        assert!(best, "{metric:?} {kept}");
        assert_eq!(result.best, Some(accuracy[kept]));
    }
}
