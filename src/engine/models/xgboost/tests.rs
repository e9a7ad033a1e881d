//! Boosting as a whole, against Python's xgboost. Without a library the tests say so and pass, unless
//! `SWEEP_REQUIRE_XGBOOST` is set.

mod columns;
mod numbers;
mod ties;
mod two_classes;

use std::io::Write;
use std::thread;

use super::super::library::Surroundings;
use super::*;
use crate::fixtures::{CLASSES, Remember, done, fixture};
use sweep_core::trial::models::{Loss, StoppingMetric};
use sweep_core::trial::{Goal, ModelSpec, Objective, TrialResult, TrialSpec};
use sweep_data::Dataset;

/// Whether there is a library to test.
fn available() -> bool {
    let Err(missing) = locate() else { return true };
    assert!(
        std::env::var_os("SWEEP_REQUIRE_XGBOOST").is_none(),
        "SWEEP_REQUIRE_XGBOOST is set, and {missing}; tried {:#?}",
        missing.tried
    );
    say_skipped(&missing.to_string());
    false
}

/// Straight to the stream, which the test harness does not capture.
fn say_skipped(why: &str) {
    let line = format!("SKIPPED a test of XGBoost: {why}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

fn spec(boost: XgboostSpec, metric: &str, goal: Goal) -> TrialSpec {
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
    let boost = XgboostSpec::of(&spec.model).expect("boosting");
    train(job, &boost, checkpoint, callback).unwrap()
}

fn oracle_settings() -> XgboostSpec {
    XgboostSpec {
        rounds: 10,
        max_depth: 4,
        gamma: 0.5,
        ..XgboostSpec::default()
    }
}

/// What Python's xgboost of one version gives for [`oracle_settings`]: `benches/oracle_sklearn.py`.
struct Oracle {
    version: (i32, i32),
    train_loss: [f64; 10],
    valid_loss: [f64; 10],
    valid_error: [f64; 10],
    gains: [f64; 6],
    leaves: u64,
}

const ORACLES: [Oracle; 2] = [
    Oracle {
        version: (3, 2),
        train_loss: [
            0.7598190784,
            0.6469620470,
            0.5703959744,
            0.5139141589,
            0.4701261716,
            0.4290106223,
            0.3996712828,
            0.3770019626,
            0.3565323453,
            0.3385855382,
        ],
        valid_loss: [
            0.7739310995,
            0.6738600664,
            0.6090893237,
            0.5587714510,
            0.5211588388,
            0.4930606684,
            0.4692873019,
            0.4541804405,
            0.4394358383,
            0.4271347752,
        ],
        valid_error: [
            0.251, 0.21, 0.194, 0.197, 0.185, 0.185, 0.181, 0.183, 0.183, 0.182,
        ],
        gains: [
            0.37135903, 0.15133713, 0.14752997, 0.32297692, 0.00317161, 0.00362534,
        ],
        leaves: 405,
    },
    Oracle {
        version: (3, 4),
        train_loss: [
            0.7598338448,
            0.6469756657,
            0.5704854120,
            0.5138940607,
            0.4700614648,
            0.4290682427,
            0.3997786978,
            0.3773168697,
            0.3566889722,
            0.3401437852,
        ],
        valid_loss: [
            0.7739934415,
            0.6739130709,
            0.6091081500,
            0.5594853160,
            0.5218242947,
            0.4940174583,
            0.4707353115,
            0.4549991962,
            0.4398606482,
            0.4300715977,
        ],
        valid_error: [
            0.251, 0.21, 0.194, 0.2, 0.187, 0.188, 0.18, 0.182, 0.183, 0.185,
        ],
        gains: [
            0.37129645, 0.15140144, 0.14961119, 0.32044994, 0.00326110, 0.00397988,
        ],
        leaves: 407,
    },
];

#[test]
fn losses_gains_and_leaves_are_those_of_python() {
    if !available() {
        return;
    }
    let (major, minor, _) = locate().unwrap().version.unwrap();
    let Some(oracle) = ORACLES
        .iter()
        .find(|oracle| oracle.version == (major, minor))
    else {
        say_skipped(&format!("no numbers are stored for {major}.{minor}"));
        return;
    };
    let (data, folder) = (fixture(24), tempfile::tempdir().unwrap());
    let mut callback = Remember::default();
    let result = done(run(
        &data,
        &spec_by_loss(),
        folder.path(),
        None,
        &mut callback,
    ));
    for (name, expected) in [
        ("train/loss", oracle.train_loss),
        ("valid/loss", oracle.valid_loss),
    ] {
        let told = callback.column(name);
        assert_eq!(told.len(), expected.len());
        for (value, expected) in told.iter().zip(expected) {
            assert!(
                (value - expected).abs() < 1e-6,
                "{name} {value} against {expected}"
            );
        }
    }
    for (value, error) in callback
        .column("valid/accuracy")
        .iter()
        .zip(oracle.valid_error)
    {
        assert!(
            (value + error - 1.0).abs() < 1e-6,
            "{value} against {error}"
        );
    }
    assert_eq!((result.best_step, result.parameters), (10, oracle.leaves));
    for ((name, share), expected) in result.importance.iter().zip(oracle.gains) {
        assert!(
            (share - expected).abs() < 1e-6,
            "{name} {share} against {expected}"
        );
    }
    let sum: f64 = result.importance.iter().map(|(_, share)| share).sum();
    assert!((sum - 1.0).abs() < 1e-12);
}

fn spec_by_loss() -> TrialSpec {
    spec(oracle_settings(), "valid/loss", Goal::Min)
}

#[test]
fn the_saved_model_is_that_of_the_best_round() {
    if !available() {
        return;
    }
    let (data, folder) = (fixture(24), tempfile::tempdir().unwrap());
    let spec = spec(oracle_settings(), "valid/accuracy", Goal::Max);
    let mut callback = Remember::default();
    let result = done(run(&data, &spec, folder.path(), None, &mut callback));
    let mut loaded = load(folder.path()).unwrap();
    let measured = baseline::measure(
        Job::new(&spec, &data, folder.path()),
        &loaded.predict(data.valid().inputs()).unwrap(),
        Loss::Squared,
    );
    assert_eq!(measured.confusion.rows(), result.confusion);
    assert_eq!(measured.values[1].1, result.best.unwrap());
    let loss = callback.column("valid/loss")[result.best_step as usize - 1];
    assert!((measured.values[0].1 - loss).abs() < 1e-6);
    let json: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.path().join(MODEL)).unwrap()).unwrap();
    assert_eq!(json["learner"]["feature_names"][5], "x5");
    let trees = json["learner"]["gradient_booster"]["model"]["trees"]
        .as_array()
        .unwrap();
    assert_eq!(trees.len(), result.best_step as usize * CLASSES);
    let walked: usize = trees.iter().map(|tree| count_leaves(tree, 0)).sum();
    assert_eq!(walked as u64, result.parameters);
    assert_eq!(result.artifacts[0].path, Path::new(MODEL));
}

fn count_leaves(tree: &serde_json::Value, node: usize) -> usize {
    let child = |side: &str| tree[side][node].as_i64().unwrap();
    match (child("left_children"), child("right_children")) {
        (-1, -1) => 1,
        (left, right) => count_leaves(tree, left as usize) + count_leaves(tree, right as usize),
    }
}

#[test]
fn going_on_from_a_checkpoint_gives_the_same_bits() {
    if !available() {
        return;
    }
    let data = fixture(24);
    for (subsample, colsample_bytree) in [(1.0, 1.0), (0.7, 1.0), (1.0, 0.5), (0.7, 0.5)] {
        let boost = XgboostSpec {
            rounds: 12,
            subsample,
            colsample_bytree,
            ..XgboostSpec::default()
        };
        let spec = spec(boost, "valid/loss", Goal::Min);
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let mut whole = Remember::default();
        let expected = done(run(&data, &spec, folders[0].path(), None, &mut whole));
        for stop_at in [1, 7, 12] {
            let mut first = Remember {
                stop_at: Some(stop_at),
                ..Remember::default()
            };
            let stopped = run(&data, &spec, folders[1].path(), None, &mut first);
            assert_eq!(stopped, Outcome::Stopped { step: stop_at });
            let checkpoint = first.checkpoint.clone().unwrap();
            // On a new thread, where the library's thread-local generator is new, as in a new process.
            let (rest, result) = thread::scope(|scope| {
                let resume = || {
                    let mut rest = Remember::default();
                    let outcome = run(
                        &data,
                        &spec,
                        folders[1].path(),
                        Some(&checkpoint),
                        &mut rest,
                    );
                    (rest, done(outcome))
                };
                scope.spawn(resume).join().unwrap()
            });
            let told = [first.timeless(), rest.timeless()].concat();
            assert_eq!(
                told,
                whole.timeless(),
                "{subsample} {colsample_bytree} at {stop_at}"
            );
            assert_eq!(result, expected);
            let files = folders
                .each_ref()
                .map(|folder| fs::read(folder.path().join(MODEL)).unwrap());
            assert!(files[0] == files[1]);
        }
    }
}

#[test]
fn the_replicate_seed_decides_which_rows_and_features_are_drawn() {
    if !available() {
        return;
    }
    let (data, folder) = (fixture(24), tempfile::tempdir().unwrap());
    for (subsample, colsample_bytree) in [(0.5, 1.0), (1.0, 0.5)] {
        let boost = XgboostSpec {
            rounds: 3,
            subsample,
            colsample_bytree,
            ..XgboostSpec::default()
        };
        let mut losses = Vec::new();
        for seed in [5, 5, 6] {
            let mut spec = spec(boost.clone(), "valid/loss", Goal::Min);
            spec.seed = seed;
            let mut callback = Remember::default();
            done(run(&data, &spec, folder.path(), None, &mut callback));
            losses.push(callback.column("valid/loss"));
        }
        assert_eq!(losses[0], losses[1]);
        assert_ne!(losses[0], losses[2]);
    }
}

#[test]
fn early_stopping_ends_so_many_rounds_after_the_best() {
    if !available() {
        return;
    }
    let (data, folder) = (fixture(24), tempfile::tempdir().unwrap());
    let boost = XgboostSpec {
        rounds: 500,
        early_stopping_rounds: 4,
        ..XgboostSpec::default()
    };
    let spec = spec(boost, "valid/loss", Goal::Min);
    let mut callback = Remember::default();
    let result = done(run(&data, &spec, folder.path(), None, &mut callback));
    assert_eq!(result.steps, result.best_step + 4);
    let losses = callback.column("valid/loss");
    let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
    assert_eq!(result.best, Some(least));
    assert_eq!(losses[result.best_step as usize - 1], least);
    assert_eq!(result.last, losses.last().copied());
    let mut stopped = Remember {
        stop_at: Some(result.steps),
        ..Remember::default()
    };
    run(&data, &spec, folder.path(), None, &mut stopped);
    let mut rest = Remember::default();
    let again = run(
        &data,
        &spec,
        folder.path(),
        stopped.checkpoint.as_deref(),
        &mut rest,
    );
    assert_eq!(done(again), result);
    assert!(rest.epochs.is_empty());
}

#[test]
fn two_classes_and_constant_features_are_boosted_too() {
    if !available() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let boost = XgboostSpec {
        rounds: 20,
        min_child_weight: 0.0,
        ..XgboostSpec::default()
    };
    let spec = spec(boost, "valid/accuracy", Goal::Max);
    let (x, y) = (vec![1.0, 2.0, 3.0, 4.0], vec![0, 0, 1, 1]);
    let data = Dataset::in_memory(1, 2, (x.clone(), y.clone()), (x, y));
    let result = done(run(
        &data,
        &spec,
        folder.path(),
        None,
        &mut Remember::default(),
    ));
    assert_eq!(result.best, Some(1.0));
    let data = Dataset::in_memory(1, 2, (vec![1.0; 4], vec![0, 0, 0, 1]), (vec![1.0], vec![0]));
    let result = done(run(
        &data,
        &spec,
        folder.path(),
        None,
        &mut Remember::default(),
    ));
    assert_eq!(result.importance, [("x0".to_owned(), 0.0)]);
    // A leaf of each class a round; of rounds of one accuracy the one with the lowest loss is kept.
    assert_eq!(result.parameters, 2 * u64::from(result.best_step));
}

#[test]
fn what_the_library_refuses_comes_back_as_its_words() {
    if !available() {
        return;
    }
    let data = fixture(24);
    let folder = tempfile::tempdir().unwrap();
    let boost = XgboostSpec {
        subsample: 2.0,
        ..XgboostSpec::default()
    };
    let spec = spec(XgboostSpec::default(), "valid/loss", Goal::Min);
    let job = Job::new(&spec, &data, folder.path());
    let error = train(job, &boost, None, &mut Remember::default())
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("XGBoost: ") && error.contains("subsample"),
        "{error}"
    );
    assert!(!error.contains("Stack trace"), "{error}");
}

#[test]
fn a_file_that_is_no_xgboost_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("libxgboost.so");
    fs::write(&path, "not a library").unwrap();
    let around = Surroundings {
        explicit: Some(path.clone()),
        ..Surroundings::default()
    };
    let missing = ffi::load(&around).err().unwrap();
    assert_eq!(missing.tried.len(), 1);
    assert!(
        missing.to_string().starts_with(&path.display().to_string()),
        "{missing}"
    );
}
