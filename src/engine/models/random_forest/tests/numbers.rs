//! Regression, and weights of rows: by hand, and against scikit-learn (`benches/oracle_numbers.py`).

use super::*;
use crate::fixtures::fixture_numbers;
use sweep_core::data_config::TargetTransform;
use sweep_core::trial::models::ClassWeight;

fn by_rmse(forest: RandomForestSpec, seed: u64) -> TrialSpec {
    let objective = Objective::usual(Task::Regression);
    TrialSpec::new(ModelSpec::from(forest), seed, objective)
}

fn result_of(data: &Dataset, spec: &TrialSpec) -> (TrialResult, Forest) {
    let folder = tempfile::tempdir().unwrap();
    let outcome = run(data, spec, folder.path(), None, &mut Remember::default());
    let Outcome::Done(result) = outcome else {
        panic!("{outcome:?}")
    };
    (timeless(*result), load(folder.path()).unwrap())
}

#[test]
fn a_stump_of_numbers_is_the_one_worked_out_by_hand() {
    // Values 1 2 3 | 10 with targets 0 0 4 | 8: cutting at 2.5 leaves 0 + 8, at 6.5 it leaves 32/3.
    let train = (vec![1.0, 2.0, 3.0, 10.0], vec![0.0, 0.0, 4.0, 8.0]);
    let valid = (vec![2.5, 2.6], vec![0.0, 0.0]);
    let data = Dataset::in_memory_numbers(1, TargetTransform::None, train, valid);
    let stump = RandomForestSpec {
        max_depth: 1,
        ..one_tree()
    };
    let (result, forest) = result_of(&data, &by_rmse(stump, 1));
    let tree = &forest.trees[0];
    assert_eq!(
        (tree.feature.as_slice(), tree.threshold[0]),
        (&[0, -1, -1][..], 2.5)
    );
    assert_eq!(tree.leaves, [0.0, 6.0]);
    assert!(result.confusion.is_empty());
    // Predictions 0 and 6 for two rows of 0.
    assert!((result.best.unwrap() - 18.0f64.sqrt()).abs() < 1e-6);
}

#[test]
fn forests_of_numbers_are_those_of_scikit_learn() {
    let data = fixture_numbers(7, TargetTransform::None);
    let deep = RandomForestSpec {
        trees: 200,
        max_features: MaxFeatures::All,
        ..RandomForestSpec::default()
    };
    let few = RandomForestSpec {
        max_features: MaxFeatures::Sqrt,
        ..deep.clone()
    };
    let flat = RandomForestSpec {
        max_depth: 5,
        ..deep.clone()
    };
    // Means over ten seeds: RMSE, that of rows out of the bag, importance of the first feature.
    for (forest, rmse, oob, importance) in [
        (deep, 15.9636, 15.8554, 0.4082),
        (few, 16.3042, 16.3878, 0.3761),
        (flat, 17.4614, 17.4974, 0.4449),
    ] {
        let (result, _) = result_of(&data, &by_rmse(forest.clone(), 3));
        let near = |found: f64, expected: f64| (found / expected - 1.0).abs() < 0.015;
        assert!(
            near(metric(&result, "valid/rmse"), rmse),
            "{forest:?} {result:?}"
        );
        assert!(
            near(metric(&result, "oob/rmse"), oob),
            "{forest:?} {result:?}"
        );
        assert!(
            near(result.importance[0].1, importance),
            "{forest:?} {result:?}"
        );
    }
}

#[test]
fn a_resumed_forest_of_numbers_is_the_same_to_the_bit() {
    let data = fixture_numbers(24, TargetTransform::Log1p);
    let spec = by_rmse(
        RandomForestSpec {
            trees: 40,
            ..RandomForestSpec::default()
        },
        2,
    );
    let (whole, forest) = result_of(&data, &spec);
    let folder = tempfile::tempdir().unwrap();
    let mut first = Remember {
        stop_at: Some(12),
        ..Remember::default()
    };
    run(&data, &spec, folder.path(), None, &mut first);
    let checkpoint = first.checkpoint.as_deref();
    let outcome = run(
        &data,
        &spec,
        folder.path(),
        checkpoint,
        &mut Remember::default(),
    );
    let Outcome::Done(resumed) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(timeless(*resumed), whole);
    assert_eq!(load(folder.path()).unwrap(), forest);
}

#[test]
fn weights_of_classes_move_probabilities_as_in_scikit_learn() {
    let data = fixture(7);
    let weights = [("c2".to_owned(), 5.0)].into();
    let forest = RandomForestSpec {
        trees: 200,
        class_weight: ClassWeight::Given(weights),
        ..RandomForestSpec::default()
    };
    let (result, forest) = grown(&data, forest, 3);
    let loss = metric(&result, "valid/loss");
    assert!((loss - 0.4538).abs() < 0.01, "{loss}");
    let probabilities = forest.predict(data.valid().x);
    let rows = probabilities.chunks_exact(CLASSES);
    let mean = rows.map(|row| f64::from(row[2])).sum::<f64>() / 1000.0;
    assert!((mean - 0.5121).abs() < 0.006, "{mean}");
}

/// Weights of 1 and 2 are rows that stand once and twice.
#[test]
fn a_weight_is_a_number_of_rows() {
    let rows = |twice: bool| {
        let (mut x, mut y, mut weights) = (Vec::new(), Vec::new(), Vec::new());
        for row in 0..40u32 {
            let times = 1 + row % 2;
            for _ in 0..if twice { times } else { 1 } {
                x.push(f32::from((row * 7 % 40) as u8));
                y.push(f32::from((row * row % 11) as u8));
                weights.push(times as f32);
            }
        }
        (x, y, weights)
    };
    let tree = |twice: bool| {
        let (x, y, weights) = rows(twice);
        let valid = (vec![1.0, 5.0], vec![0.0, 1.0]);
        let data = Dataset::in_memory_numbers(1, TargetTransform::None, (x, y), valid);
        let data = if twice { data } else { data.weighted(weights) };
        let (_, forest) = result_of(
            &data,
            &by_rmse(
                RandomForestSpec {
                    max_depth: 3,
                    ..one_tree()
                },
                1,
            ),
        );
        forest.trees[0].clone()
    };
    let (weighted, doubled) = (tree(false), tree(true));
    assert_eq!(weighted.feature, doubled.feature);
    for (one, other) in weighted.leaves.iter().zip(&doubled.leaves) {
        assert!((one - other).abs() < 1e-5, "{weighted:?} {doubled:?}");
    }
}
