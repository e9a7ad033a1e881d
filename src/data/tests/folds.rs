//! Folds from file to rows: those that a column names, those in the order of time, and what each is fitted on.

use super::{Case, names, shown};
use crate::{Dataset, Prepared, prepare_folds};
use sweep_core::data_config::DataSpec;
use sweep_core::split_spec::{Folds, SplitBy};

fn folds(case: &Case) -> Vec<Prepared> {
    let store = case.folder.path().join("store");
    prepare_folds(&case.spec, &store, None).unwrap_or_else(|errors| panic!("{}", shown(&errors)))
}

/// Rows of the file by fold, from 1: training and validation.
fn rows(folds: &[Prepared]) -> Vec<[Vec<u32>; 2]> {
    let of = |fold: &Prepared| {
        let data = Dataset::open(&fold.path).unwrap();
        [data.train_source().to_vec(), data.valid_source().to_vec()]
    };
    folds.iter().map(of).collect()
}

/// Twelve rows: `x` the number of the row, a day each, folds `a`, `b`, `c` in turn and two test rows.
fn case() -> Case {
    let mut text = "x,day,fold,class\n".to_owned();
    for row in 0..12 {
        let fold = [
            "a", "b", "c", "a", "b", "c", "a", "b", "c", "a", "test", "Test ",
        ][row];
        let class = ["no", "yes"][row / 3 % 2];
        text.push_str(&format!("{row},2024-01-{:02},{fold},{class}\n", row + 1));
    }
    Case::new(text).with(|spec| {
        spec.dates = None;
        spec.numeric = Some(names(&["x"]));
        spec.split.stratify = false;
    })
}

fn by_column(spec: &mut DataSpec) {
    spec.split.by = SplitBy::FoldColumn("fold".to_owned());
    spec.split.folds = Some(Folds::Column);
}

#[test]
fn a_column_names_folds_and_each_is_prepared_from_its_training_rows() {
    let case = case().with(by_column);
    let found = folds(&case);
    assert_eq!(
        rows(&found),
        [
            [vec![2, 3, 5, 6, 8, 9], vec![1, 4, 7, 10]],
            [vec![1, 3, 4, 6, 7, 9, 10], vec![2, 5, 8]],
            [vec![1, 2, 4, 5, 7, 8, 10], vec![3, 6, 9]],
        ]
    );
    assert!(found.iter().all(|fold| fold.meta.test_rows == 2));
    for fold in &found {
        let x = Dataset::open(&fold.path).unwrap();
        let mean = x.train().x.iter().sum::<f32>() / x.train().x.len() as f32;
        assert!(mean.abs() < 1e-6, "standardised by its own training rows");
    }
    let digests: Vec<_> = found.iter().map(|fold| &fold.meta.digest).collect();
    assert!(digests[0] != digests[1] && digests[1] != digests[2]);
    let note = found[0].summary.notes.iter().map(ToString::to_string);
    let note: Vec<String> = note
        .filter(|note| note.contains("cross-validation"))
        .collect();
    assert_eq!(
        note,
        ["note: cross-validation: 3 folds, as `fold` says, 3 to 4 validation rows each"]
    );
}

#[test]
fn folds_in_time_leave_a_gap_of_days_and_hold_out_the_latest() {
    let case = case().with(|spec| {
        spec.split.by = SplitBy::Time {
            column: "day".to_owned(),
            format: None,
            gap: 1,
        };
        spec.split.folds = Some(Folds::Number {
            folds: 2,
            repeats: 1,
        });
        spec.split.test = 0.25;
        // Both classes are needed before the first border.
        spec.exclude.insert("x".to_owned(), names(&["0", "1"]));
    });
    // Rows 3 to 9 are not test rows (10 less a fourth, to the nearest): blocks of 2, 2 and the first of 3 or 4.
    let found = rows(&folds(&case));
    assert_eq!(found.len(), 2);
    for [train, valid] in &found {
        let (last, first) = (train.iter().max().unwrap(), valid.iter().min().unwrap());
        assert_eq!(first - last, 2, "one day is left out: {train:?} {valid:?}");
        assert_eq!(valid.len(), 2);
    }
}

#[test]
fn rows_without_a_fold_and_groups_in_two_are_refused_by_line() {
    let text = "x,fold,class,who\n1,a,no,p\n2,,yes,q\n3,b,no,p\n4,b,yes,q\n";
    let case = |group: Option<&str>, text: &str| {
        Case::new(text).with(|spec| {
            by_column(spec);
            spec.numeric = Some(names(&["x"]));
            spec.split.stratify = false;
            spec.group = group.map(str::to_owned);
        })
    };
    let missing = shown(&case(None, text).errors());
    assert!(
        missing.contains("in.csv:3: column `fold`: the cell is empty"),
        "{missing}"
    );
    let split = shown(&case(Some("who"), &text.replace("2,,", "2,b,")).errors());
    assert!(
        split.contains("this row of the group `p` is a fold `b` row"),
        "{split}"
    );
    assert!(split.contains("data.split.fold_column"), "{split}");
    let one = shown(&case(None, &text.replace("2,,", "2,b,").replace("1,a", "1,b")).errors());
    assert!(
        one.contains("needs two folds or more, and there is one"),
        "{one}"
    );
}

#[test]
fn a_class_rarer_than_folds_is_a_warning_where_it_is_not_validated_and_an_error_without_training_rows()
 {
    let rows = |rare: usize| {
        let mut text = "x,class\n".to_owned();
        for row in 0..30 {
            let class = if row < rare {
                "rare"
            } else {
                ["no", "yes"][row % 2]
            };
            text.push_str(&format!("{row}.5,{class}\n"));
        }
        Case::new(text).with(|spec| {
            spec.numeric = Some(names(&["x"]));
            spec.split.test = 0.0;
            spec.split.folds = Some(Folds::Number {
                folds: 5,
                repeats: 1,
            });
        })
    };
    let found = folds(&rows(2));
    let notes: Vec<String> = (found[0].summary.notes.iter())
        .map(ToString::to_string)
        .filter(|note| note.contains("rare"))
        .collect();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(
        notes[0].contains("no validation row has class `rare`"),
        "{notes:?}"
    );
    assert!(notes[0].starts_with("warning: fold "), "{notes:?}");
    let alone = shown(&rows(1).errors());
    assert!(
        alone.contains("too few for each fold to have one among its training rows"),
        "{alone}"
    );
}
