//! Scores by hand, and against scikit-learn's numbers.

use super::*;
use sweep_core::data_config::TargetTransform;
use sweep_core::trial::models::Loss;
use sweep_core::trial::{Kind, MetricDef, Objective, Task, metrics_of};
use sweep_data::{Dataset, DatasetMeta, Targets};

#[test]
fn scores_are_those_of_scikit_learn() {
    // y_true = [0, 1, 2, 0, 1, 2, 2], y_pred = [0, 2, 1, 0, 1, 2, 2]:
    // accuracy_score 5/7, f1_score(average="macro") (1 + 1/2 + 2/3) / 3.
    let mut confusion = Confusion::new(3);
    for (actual, predicted) in [(0, 0), (1, 2), (2, 1), (0, 0), (1, 1), (2, 2), (2, 2)] {
        confusion.add(actual, predicted);
    }
    assert!((confusion.accuracy() - 5.0 / 7.0).abs() < 1e-12);
    assert!((confusion.macro_f1() - (1.0 + 0.5 + 2.0 / 3.0) / 3.0).abs() < 1e-12);
    assert_eq!(confusion.rows(), [[2, 0, 0], [0, 1, 1], [0, 1, 2]]);
}

#[test]
fn argmax_takes_the_first_of_equals_and_never_a_nan() {
    assert_eq!(argmax(&[1.0, 3.0, 3.0]), 1);
    assert_eq!(argmax(&[f32::NAN, -1.0, f32::NAN]), 1);
}

/// `benches/oracle_metrics.py`, with scikit-learn 1.9.1.
const Y3: [u32; 12] = [0, 2, 1, 1, 0, 2, 2, 1, 0, 1, 2, 2];
const P3: [f64; 36] = [
    0.7, 0.2, 0.1, 0.2, 0.2, 0.6, 0.3, 0.4, 0.3, 0.5, 0.25, 0.25, 0.6, 0.3, 0.1, 0.1, 0.1, 0.8,
    0.4, 0.5, 0.1, 0.1, 0.8, 0.1, 0.3, 0.3, 0.4, 0.2, 0.6, 0.2, 0.25, 0.25, 0.5, 0.6, 0.1, 0.3,
];
const Y2: [u32; 10] = [0, 1, 0, 1, 0, 0, 1, 0, 1, 0];
const P2: [f64; 10] = [0.1, 0.9, 0.4, 0.4, 0.35, 0.8, 0.6, 0.2, 0.7, 0.4];
const ACTUAL: [f32; 6] = [3.0, -0.5, 2.0, 7.0, 4.25, 1.0];
const PREDICTED: [f64; 6] = [2.5, 0.25, 2.0, 8.0, 3.5, 1.5];

fn classes(count: usize) -> DatasetMeta {
    let side = || (vec![0.0], vec![0]);
    Dataset::in_memory(1, count, side(), side()).meta().clone()
}

fn numbers(transform: TargetTransform) -> DatasetMeta {
    let side = || (vec![0.0], vec![1.0]);
    Dataset::in_memory_numbers(1, transform, side(), side())
        .meta()
        .clone()
}

fn assert_values(measure: &Measure<'_>, expected: &[(&str, f64)]) {
    for (name, expected) in expected {
        let found = measure.value(&format!("valid/{name}")).unwrap();
        assert!(
            (found - expected).abs() < 1e-12,
            "{name}: {found} {expected}"
        );
    }
}

#[test]
fn metrics_of_three_classes_are_those_of_scikit_learn() {
    let meta = classes(3);
    let measure = Measure::new(
        &meta,
        Outputs::Probabilities(&P3),
        Targets::Classes(&Y3),
        Loss::Squared,
    );
    assert_values(
        &measure,
        &[
            ("accuracy", 0.666_666_666_666_666_6),
            ("loss", 0.836_808_491_088_752_8),
            ("macro_f1", 0.662_698_412_698_412_7),
            ("weighted_f1", 0.670_634_920_634_920_6),
            ("f1@c1", 0.75),
            ("balanced_accuracy", 0.672_222_222_222_222_2),
            ("mcc", 0.505_291_152_639_911_4),
            ("roc_auc", 0.837_075_617_283_950_6),
            ("average_precision", 0.775_859_788_359_788_3),
            ("brier", 0.467_5),
            ("ece", 1.0 / 6.0),
            ("top_k@2", 11.0 / 12.0),
        ],
    );
}

#[test]
fn metrics_of_two_classes_are_those_of_scikit_learn() {
    let probabilities: Vec<f64> = P2.iter().flat_map(|p| [1.0 - p, *p]).collect();
    let meta = classes(2);
    let outputs = Outputs::Probabilities(&probabilities);
    let measure = Measure::new(&meta, outputs, Targets::Classes(&Y2), Loss::Squared);
    assert_values(
        &measure,
        &[
            ("accuracy", 0.8),
            ("loss", 0.527_952_795_826_726_7),
            ("balanced_accuracy", 0.791_666_666_666_666_7),
            ("mcc", 0.583_333_333_333_333_3),
            ("roc_auc", 0.833_333_333_333_333_4),
            ("average_precision", 0.747_023_809_523_809_5),
            ("brier", 0.175_25),
            ("ece", 0.205),
        ],
    );
}

#[test]
fn metrics_of_numbers_are_those_of_scikit_learn() {
    let meta = numbers(TargetTransform::None);
    let outputs = Outputs::Numbers(&PREDICTED);
    let measure = Measure::new(&meta, outputs, Targets::Numbers(&ACTUAL), Loss::Squared);
    assert_values(
        &measure,
        &[
            ("rmse", 0.661_437_827_766_147_7),
            ("loss", 0.661_437_827_766_147_7 * 0.661_437_827_766_147_7),
            ("mae", 0.583_333_333_333_333_4),
            ("r2", 0.924_027_735_905_939_1),
            ("mape", 0.414_332_399_626_517_3),
            ("median_ae", 0.625),
            ("pinball@0.9", 0.225),
        ],
    );
}

#[test]
fn every_metric_of_a_task_is_measured() {
    let three = classes(3);
    let of_classes = Measure::new(
        &three,
        Outputs::Probabilities(&P3),
        Targets::Classes(&Y3),
        Loss::Squared,
    );
    // Only where it is said how rows may be parted: what is measured on test rows must not be fitted on them.
    assert_eq!(of_classes.value("valid/calibrated_loss"), None);
    let of_classes = of_classes.calibrated(Kind::MLP, None);
    let meta = numbers(TargetTransform::None);
    let of_numbers = Measure::new(
        &meta,
        Outputs::Numbers(&PREDICTED),
        Targets::Numbers(&ACTUAL),
        Loss::Squared,
    );
    for (task, measure) in [
        (Task::Classification, of_classes),
        (Task::Regression, of_numbers),
    ] {
        for metric in metrics_of(task) {
            let name = metric
                .pattern()
                .replace("CLASS", "c0")
                .replace('K', "1")
                .replace("QUANTILE", "0.5");
            let value = measure.value(&name).unwrap();
            assert!(
                value >= metric.range.0 && value <= metric.range.1,
                "{name}: {value}"
            );
        }
    }
}

/// A row that counts twice is the same row again.
#[test]
fn rows_count_as_often_as_is_said() {
    let times: Vec<u32> = (0..12).map(|row| row % 3).collect();
    let (mut labels, mut values) = (Vec::new(), Vec::new());
    for (row, times) in times.iter().enumerate() {
        for _ in 0..*times {
            labels.push(Y3[row]);
            values.extend_from_slice(&P3[3 * row..][..3]);
        }
    }
    let meta = classes(3);
    let again = Measure::new(
        &meta,
        Outputs::Probabilities(&values),
        Targets::Classes(&labels),
        Loss::Squared,
    );
    let counted = Measure::with_times(
        &meta,
        Outputs::Probabilities(&P3),
        Targets::Classes(&Y3),
        Loss::Squared,
        Some(&times),
    );
    // A calibration is fitted on rows as they are.
    let counts = |metric: &&MetricDef| metric.name != "calibrated_loss";
    for metric in metrics_of(Task::Classification).filter(counts) {
        let name = metric.pattern().replace("CLASS", "c0").replace('K', "2");
        let (one, other) = (again.value(&name).unwrap(), counted.value(&name).unwrap());
        assert!((one - other).abs() < 1e-12, "{name}: {one} {other}");
    }
    let mut all = Errors::new(6);
    let mut weighted = Errors::new(6);
    for (row, (actual, predicted)) in ACTUAL.iter().zip(PREDICTED).enumerate() {
        weighted.add_times(f64::from(*actual), predicted, times[row]);
        (0..times[row]).for_each(|_| all.add(f64::from(*actual), predicted));
    }
    for of in [
        Errors::rmse,
        Errors::mae,
        Errors::r2,
        Errors::mape,
        Errors::median_ae,
    ] {
        assert!((of(&all) - of(&weighted)).abs() < 1e-12);
    }
}

#[test]
fn rows_of_one_class_have_no_ranking_metrics() {
    let meta = classes(2);
    let outputs = Outputs::Probabilities(&[0.2, 0.8, 0.4, 0.6]);
    let measure = Measure::new(&meta, outputs, Targets::Classes(&[1, 1]), Loss::Squared);
    assert_eq!(measure.value("valid/roc_auc"), None);
    assert_eq!(measure.value("valid/average_precision"), None);
    assert!(
        measure
            .at_best(&Objective::default())
            .iter()
            .all(|(_, value)| value.is_finite())
    );
}

#[test]
fn softmax_does_not_overflow() {
    // scipy.special.softmax([1000, 1001, 999]) = [0.24472847, 0.66524096, 0.09003057]
    let row: Vec<f64> = softmax(&[1000.0, 1001.0, 999.0]).collect();
    for (value, expected) in row.iter().zip([0.24472847, 0.66524096, 0.09003057]) {
        assert!((value - expected).abs() < 1e-8);
    }
}
