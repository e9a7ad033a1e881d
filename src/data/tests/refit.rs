//! The data set of a refit: all rows that are not test rows are training rows.

use super::{Case, full, names, shown, table};
use crate::{Dataset, HeldOutTest, Prepared, prepare_folds, prepare_refit};
use sweep_core::split_spec::{Folds, SplitBy};

/// Rows of the file by side, from 1.
fn sides(prepared: &Prepared) -> [Vec<u32>; 3] {
    let data = Dataset::open(&prepared.path).unwrap();
    let test = HeldOutTest::open(&prepared.test_path).unwrap();
    [
        data.train_source().to_vec(),
        data.valid_source().to_vec(),
        test.source().to_vec(),
    ]
}

/// The folds of a case, and its refit.
fn both(case: &Case) -> (Vec<Prepared>, Prepared) {
    let store = case.folder.path().join("store");
    let folds = prepare_folds(&case.spec, &store, None);
    let folds = folds.unwrap_or_else(|errors| panic!("{}", shown(&errors)));
    let apart = case.folder.path().join("apart");
    let refit = prepare_refit(&case.spec, &apart, &store.join("cache")).unwrap();
    for path in [&refit.path, &refit.test_path, &refit.preprocessor_path] {
        assert!(path.starts_with(&apart), "{}", path.display());
    }
    (folds, refit)
}

/// All rows of `sides`, ascending.
fn union(sides: &[&Vec<u32>]) -> Vec<u32> {
    let mut rows: Vec<u32> = sides.iter().copied().flatten().copied().collect();
    rows.sort_unstable();
    rows.dedup();
    rows
}

#[test]
fn training_and_validation_rows_of_a_split_are_trained_on_and_preprocessing_is_fitted_on_them() {
    let case = full(table(60));
    let (single, refit) = both(&case);
    let ([train, valid, test], found) = (sides(&single[0]), sides(&refit));
    assert_eq!(found, [union(&[&train, &valid]), valid, test]);
    // `a` is standardised by the mean of all of these rows: what the training rows have is 0 on average.
    let data = Dataset::open(&refit.path).unwrap();
    let (rows, width) = (data.train(), data.meta().features.len());
    let mean = |x: &[f32]| {
        let first = x.chunks_exact(width).map(|row| f64::from(row[0]));
        first.sum::<f64>() / (x.len() / width) as f64
    };
    assert!(mean(rows.x).abs() < 1e-6, "{}", mean(rows.x));
    let old = Dataset::open(&single[0].path).unwrap();
    let old = [old.train().x, old.valid().x].concat();
    assert!(mean(&old).abs() > 1e-4, "{}", mean(&old));
}

#[test]
fn the_rows_of_all_folds_are_trained_on_and_groups_and_weights_are_kept() {
    let mut text = "who,w,x,class\n".to_owned();
    for row in 0..60 {
        let class = ["no", "yes"][row % 2];
        text.push_str(&format!("g{},{}.5,{row},{class}\n", row / 3, row % 4));
    }
    let case = Case::new(text).with(|spec| {
        spec.group = Some("who".to_owned());
        spec.weight = Some("w".to_owned());
        spec.numeric = Some(names(&["x"]));
        spec.split.folds = Some(Folds::Number {
            folds: 3,
            repeats: 2,
        });
    });
    let (folds, refit) = both(&case);
    assert_eq!(folds.len(), 6);
    let [train, valid, test] = sides(&refit);
    for fold in &folds {
        let [own_train, own_valid, own_test] = sides(fold);
        assert_eq!(train, union(&[&own_train, &own_valid]));
        assert_eq!(test, own_test);
    }
    assert_eq!(valid, sides(&folds[0])[1]);
    let data = Dataset::open(&refit.path).unwrap();
    assert!(data.has_groups());
    let weights: Vec<f32> = train
        .iter()
        .map(|row| ((row - 1) % 4) as f32 + 0.5)
        .collect();
    assert_eq!(data.train().weights, Some(weights.as_slice()));
}

#[test]
fn in_the_order_of_time_the_gap_stays_out_before_test_rows_and_is_trained_on_before_validation_rows()
 {
    let mut text = "when,x,class\n".to_owned();
    for row in 0..40 {
        text.push_str(&format!("{row},{row}.5,{}\n", ["no", "yes"][row % 2]));
    }
    let case = |folds: Option<u32>, test: f64| {
        Case::new(&text).with(|spec| {
            spec.numeric = Some(names(&["x"]));
            spec.split.stratify = false;
            spec.split.test = test;
            spec.split.folds = folds.map(|folds| Folds::Number { folds, repeats: 1 });
            spec.split.by = SplitBy::Time {
                column: "when".to_owned(),
                format: None,
                gap: 3,
            };
        })
    };
    for folds in [None, Some(3)] {
        let tested = case(folds, 0.25);
        let [train, valid, test] = sides(&both(&tested).1);
        assert_eq!(train, (1..=27).collect::<Vec<u32>>());
        assert_eq!(test, (31..=40).collect::<Vec<u32>>());
        assert!(!valid.is_empty());
        let untested = case(folds, 0.0);
        let [train, _, test] = sides(&both(&untested).1);
        assert_eq!(train, (1..=40).collect::<Vec<u32>>());
        assert_eq!(test, [0u32; 0]);
    }
}

#[test]
fn a_test_file_and_a_column_of_sides_keep_their_test_rows() {
    let case = full(table(40)).test_file(&table(12));
    let (single, refit) = both(&case);
    let [train, valid, test] = sides(&refit);
    assert_eq!(train, (1..=40).collect::<Vec<u32>>());
    assert_eq!([valid, test.clone()], sides(&single[0])[1..]);
    assert_eq!(test.len(), 12);

    let mut text = "part,x,class\n".to_owned();
    for row in 0..30 {
        let part = ["train", "valid", "train", "test", "train"][row % 5];
        text.push_str(&format!("{part},{row}.5,{}\n", ["no", "yes"][row % 2]));
    }
    let case = Case::new(text).with(|spec| {
        spec.split.by = SplitBy::Column("part".to_owned());
        spec.split.stratify = false;
        spec.numeric = Some(names(&["x"]));
    });
    let [train, _, test] = sides(&both(&case).1);
    let rows = |is_test: bool| -> Vec<u32> {
        (1..=30)
            .filter(|row| ((row - 1) % 5 == 3) == is_test)
            .collect()
    };
    assert_eq!((train, test), (rows(false), rows(true)));
}
