//! Zero lines against scikit-learn's `DummyClassifier` and `DummyRegressor`, and over folds.

use super::*;

fn dummy(train: &[u64], valid: &[u64]) -> Dummy {
    let names: Vec<String> = (0..train.len()).map(|class| format!("c{class}")).collect();
    let counts = ClassCounts {
        train: train.to_vec(),
        valid: valid.to_vec(),
    };
    Dummy::of_classes(&names, &counts).unwrap()
}

fn values(dummy: &Dummy) -> [f64; 3] {
    ["valid/accuracy", "valid/macro_f1", "valid/loss"]
        .map(|metric| dummy.score(metric).unwrap().value)
}

#[test]
fn the_scores_are_those_worked_out_by_hand() {
    // 34 of 40 right; F1 of class 0 is 2 * 34 / (34 + 40), that of class 1 is 0; shares 3/4 and 1/4.
    let [accuracy, f1, loss] = values(&dummy(&[90, 30], &[34, 6]));
    assert!((accuracy - 0.85).abs() < 1e-12);
    assert!((f1 - 68.0 / 74.0 / 2.0).abs() < 1e-12);
    let by_hand = -(34.0 * 0.75f64.ln() + 6.0 * 0.25f64.ln()) / 40.0;
    assert!((loss - by_hand).abs() < 1e-12);
}

/// `DummyClassifier(strategy="most_frequent")` and `"prior"` of scikit-learn 1.9.1, scored with `accuracy_score`,
/// `f1_score(average="macro", zero_division=0)` and `log_loss(labels=classes)`.
#[test]
fn the_scores_are_those_of_scikit_learn() {
    for (train, valid, expected) in SCIKIT_LEARN {
        let found = values(&dummy(train, valid));
        for (found, expected) in found.iter().zip(expected) {
            assert!(
                (found - expected).abs() < 1e-12,
                "{train:?}: {found} {expected}"
            );
        }
    }
}

/// Rows per class for training and validation; accuracy, macro F1, loss.
const SCIKIT_LEARN: [(&[u64], &[u64], [f64; 3]); 6] = [
    (
        &[90, 30],
        &[34, 6],
        [0.85, 0.4594594594594595, 0.45247391575199736],
    ),
    (
        &[85, 15],
        &[34, 6],
        [0.85, 0.4594594594594595, 0.42270908780599087],
    ),
    // Two classes are most frequent, and one stands in no validation row.
    (
        &[7, 20, 13, 20],
        &[3, 5, 0, 9],
        [0.29411764705882354, 0.15151515151515152, 1.2838750165208177],
    ),
    // A class that no training row has.
    (
        &[0, 50, 3],
        &[2, 11, 1],
        [0.7857142857142857, 0.29333333333333333, 5.399996028034432],
    ),
    // The class that is named stands in no validation row.
    (&[1, 1], &[0, 4], [0.0, 0.0, std::f64::consts::LN_2]),
    (
        &[997, 2, 1],
        &[120, 1, 0],
        [0.9917355371900827, 0.4979253112033195, 0.054340075874859825],
    ),
];

#[test]
fn the_scores_of_numbers_are_those_of_scikit_learn() {
    // `benches/oracle_metrics.py`: DummyRegressor, fitted on [1, 2, 4, 9] and scored on [1, 3, 8].
    let dummy = Dummy::of_numbers(&[1.0, 2.0, 4.0, 9.0], &[1.0, 3.0, 8.0]).unwrap();
    for (metric, expected) in [
        ("valid/rmse", 2.943_920_288_775_949),
        ("valid/mae", 7.0 / 3.0),
        ("valid/r2", 0.0),
        ("valid/mape", 0.875),
        ("valid/median_ae", 2.0),
        ("valid/pinball@0.9", 0.516_666_666_666_666_4),
    ] {
        let found = dummy.score(metric).unwrap().value;
        assert!(
            (found - expected).abs() < 1e-12,
            "{metric}: {found} {expected}"
        );
    }
}

#[test]
fn of_equally_frequent_classes_the_first_is_named() {
    let two = dummy(&[5, 9, 9], &[1, 2, 7]);
    let score = two.score("valid/accuracy").unwrap();
    let named = Strategy::MostFrequent {
        class: 1,
        name: "c1".to_owned(),
    };
    assert_eq!((&score.strategy, score.value), (&named, 0.2));
    assert_eq!(score.strategy.class(), Some("c1"));
    let loss = two.score("valid/loss").unwrap();
    assert_eq!(
        (loss.strategy.name(), loss.strategy.class()),
        ("prior", None)
    );
}

/// A metric without one needs an arm below [`Dummy::score`].
#[test]
fn every_metric_that_an_objective_may_be_has_a_zero_line() {
    let dummy = dummy(&[3, 1], &[3, 1]);
    for metric in metrics_of(Task::Classification) {
        let name = metric.pattern().replace("CLASS", "c0").replace('K', "1");
        assert!(dummy.score(&name).is_some(), "{name}");
    }
    let numbers = Dummy::of_numbers(&[1.0, 2.0, 4.0], &[1.0, 3.0]).unwrap();
    for metric in metrics_of(Task::Regression).filter(|metric| metric.name != "loss") {
        let name = metric.pattern().replace("QUANTILE", "0.9");
        assert!(numbers.score(&name).is_some(), "{name}");
    }
    assert_eq!(dummy.score("valid/other"), None);
}

#[test]
fn without_rows_there_is_no_zero_line() {
    let names = ["a".to_owned(), "b".to_owned()];
    for (train, valid) in [
        (vec![0, 0], vec![1, 1]),
        (vec![1, 1], vec![0, 0]),
        (vec![1, 1, 1], vec![1, 1, 1]),
    ] {
        assert_eq!(
            Dummy::of_classes(&names, &ClassCounts { train, valid }),
            None
        );
    }
}

/// The mean over folds of what each scores by its own training rows.
#[test]
fn the_zero_line_of_folds_is_the_mean_of_theirs() {
    let folds = || vec![dummy(&[3, 1], &[1, 3]), dummy(&[1, 4], &[1, 3])];
    let each = folds();
    let together = Dummy::of_folds(folds(), 8).unwrap();
    assert_eq!(together.valid_rows, 8);
    assert_eq!(together.scores.len(), each[0].scores.len());
    for metric in ["valid/accuracy", "valid/loss", "valid/macro_f1"] {
        let value = |dummy: &Dummy| dummy.score(metric).unwrap().value;
        let mean = (value(&each[0]) + value(&each[1])) / 2.0;
        assert!((value(&together) - mean).abs() < 1e-15, "{metric}");
    }
    // The first fold names class 0, which one of four validation rows has, the second class 1.
    assert_eq!(together.score("valid/accuracy").unwrap().value, 0.5);
    assert_eq!(Dummy::of_folds(Vec::new(), 0), None);
}
