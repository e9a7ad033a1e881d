//! Leads over the zero line: how large they are, and how certain over rows and seeds.

use super::super::dummy::ClassCounts;
use super::*;

fn score(metric: &str, train: &[u64], valid: &[u64]) -> DummyScore {
    let names: Vec<String> = (0..train.len()).map(|class| class.to_string()).collect();
    let counts = ClassCounts {
        train: train.to_vec(),
        valid: valid.to_vec(),
    };
    let dummy = Dummy::of_classes(&names, &counts).unwrap();
    dummy.score(metric).unwrap()
}

fn predicted<'a>(matrices: &[&'a Matrix]) -> Predicted<'a> {
    Predicted {
        matrices: matrices.to_vec(),
        losses: Vec::new(),
        numbers: Vec::new(),
    }
}

fn lead(metric: &str, mean: f64, matrix: Matrix) -> Lead {
    let valid: Vec<u64> = matrix.iter().map(|row| row.iter().sum()).collect();
    let zero = score(metric, &valid, &valid);
    let rows = valid.iter().sum();
    Lead::of(&zero, Goal::Max, (mean, None), &predicted(&[&matrix]), rows)
}

fn close(found: (f64, f64), expected: (f64, f64)) {
    let gap = (found.0 - expected.0)
        .abs()
        .max((found.1 - expected.1).abs());
    assert!(gap < 5e-4, "{found:?} {expected:?}");
}

#[test]
fn one_row_more_of_forty_is_not_clearly_above() {
    // By hand: won 1.5, lost 0.5 of 42: 1/42 ± 1.96 sqrt((2/42 - 1/42²) / 42).
    let one = lead("valid/accuracy", 0.875, vec![vec![34, 0], vec![5, 1]]);
    assert!((one.by - 0.025).abs() < 1e-12);
    close(one.over_rows.unwrap(), (-0.0418, 0.0894));
    assert_eq!(one.verdict(), LeadVerdict::UnclearOverRows);
    // All six of the smaller class, without one of the larger.
    let all = lead("valid/accuracy", 1.0, vec![vec![34, 0], vec![0, 6]]);
    assert_eq!(all.verdict(), LeadVerdict::Clear);
}

#[test]
fn rows_that_both_get_right_say_nothing_and_those_that_they_trade_do() {
    // A lead of 20 in 1,000 rows, won 30 to 10 or 460 to 440.
    let few = lead("valid/accuracy", 0.87, vec![vec![840, 10], vec![120, 30]]);
    assert_eq!(few.verdict(), LeadVerdict::Clear);
    let many = lead("valid/accuracy", 0.52, vec![vec![60, 440], vec![40, 460]]);
    assert_eq!(many.verdict(), LeadVerdict::UnclearOverRows);
}

#[test]
fn what_equals_the_zero_line_or_is_below_it_is_not_above() {
    let equal = lead("valid/accuracy", 0.85, vec![vec![34, 0], vec![6, 0]]);
    assert_eq!((equal.by, equal.verdict()), (0.0, LeadVerdict::NotAbove));
    let below = lead("valid/accuracy", 0.825, vec![vec![33, 1], vec![6, 0]]);
    assert!((below.by + 0.025).abs() < 1e-12);
    assert_eq!(below.verdict(), LeadVerdict::NotAbove);
}

#[test]
fn a_loss_is_better_when_it_is_lower() {
    let zero = score("valid/loss", &[85, 15], &[34, 6]);
    let none = Predicted::default();
    let of = |mean: f64, interval| Lead::of(&zero, Goal::Min, (mean, interval), &none, 40);
    let better = of(0.40, Some((0.39, 0.41)));
    assert!((better.by - (zero.value - 0.40)).abs() < 1e-12);
    let (low, high) = better.over_seeds.unwrap();
    assert!((low - (zero.value - 0.41)).abs() < 1e-12 && high > low);
    // Nothing is known about other rows.
    assert_eq!(
        (better.over_rows, better.verdict()),
        (None, LeadVerdict::Above)
    );
    let wide = of(0.40, Some((0.30, 0.50)));
    assert_eq!(wide.verdict(), LeadVerdict::UnclearOverSeeds);
    assert_eq!(of(0.45, None).verdict(), LeadVerdict::NotAbove);
    assert_eq!(of(f64::NAN, None).verdict(), LeadVerdict::NotAbove);
}

#[test]
fn losses_are_compared_row_by_row() {
    // Shares 1/2 and 1/2, so that every row costs ln 2; differences 0.1, 0.2, 0.3, 0.2: sd 0.0816497, t 3.182446.
    let zero = score("valid/loss", &[5, 5], &[2, 2]);
    let ln_2 = std::f64::consts::LN_2;
    let rows = |by: [f64; 4]| -> RowLosses {
        let classes = [0, 1, 0, 1];
        classes.into_iter().zip(by.map(|by| ln_2 - by)).collect()
    };
    let (one, other) = (rows([0.0, 0.1, 0.2, 0.4]), rows([0.2, 0.3, 0.4, 0.0]));
    let of = |losses: &[&RowLosses], rows| {
        let predicted = Predicted {
            losses: losses.to_vec(),
            ..Predicted::default()
        };
        Lead::of(&zero, Goal::Min, (ln_2 - 0.2, None), &predicted, rows)
    };
    // By hand: 0.2 ± 3.182446 * 0.0816497 / 2.
    let both = of(&[&one, &other], 4);
    close(both.over_rows.unwrap(), (0.0701, 0.3299));
    assert_eq!(both.verdict(), LeadVerdict::Clear);
    let alone = of(&[&other], 4);
    assert_eq!(alone.verdict(), LeadVerdict::UnclearOverRows);
    for (losses, rows) in [(&[][..], 4), (&[&one][..], 5)] {
        assert_eq!(of(losses, rows).verdict(), LeadVerdict::Above);
    }
    let unknown = vec![(0, f64::NAN); 4];
    assert_eq!(of(&[&unknown], 4).over_rows, None);
    let foreign = vec![(7, 0.1); 4];
    assert_eq!(of(&[&foreign], 4).over_rows, None);
}

/// The standard error agrees with a bootstrap of 200,000 resamples of the rows (numpy, seed 1), 0.0262.
#[test]
fn the_interval_of_macro_f1_is_that_of_resampled_rows() {
    let matrix = vec![vec![300, 20, 10], vec![30, 60, 5], vec![25, 10, 40]];
    let model: f64 = (600.0 / 685.0 + 120.0 / 185.0 + 80.0 / 130.0) / 3.0;
    let one = lead("valid/macro_f1", model, matrix);
    let (low, high) = one.over_rows.unwrap();
    assert!(((low + high) / 2.0 - one.by).abs() < 1e-12, "{low} {high}");
    let error = (high - low) / 2.0 / 1.959_964;
    assert!((error - 0.026_194).abs() < 3e-4, "{error}");
}

#[test]
fn one_row_more_is_not_clearly_above_in_macro_f1_either() {
    let f1 = (68.0 / 73.0 + 2.0 / 7.0) / 2.0;
    let one = lead("valid/macro_f1", f1, vec![vec![34, 0], vec![5, 1]]);
    assert!(one.by > 0.1);
    assert_eq!(one.verdict(), LeadVerdict::UnclearOverRows);
}

#[test]
fn predictions_that_are_not_of_these_rows_give_no_interval() {
    let zero = score("valid/accuracy", &[85, 15], &[34, 6]);
    let of = |matrices: &[&Matrix], rows| {
        Lead::of(&zero, Goal::Max, (0.875, None), &predicted(matrices), rows).over_rows
    };
    let whole = vec![vec![34, 0], vec![5, 1]];
    let other = vec![vec![3, 0], vec![1, 1]];
    assert!(of(&[&whole, &whole], 40).is_some());
    for (matrices, rows) in [
        (&[][..], 40),
        (&[&whole][..], 41),
        (&[&whole, &other][..], 40),
        (&[&vec![]][..], 40),
    ] {
        assert!(of(matrices, rows).is_none(), "{matrices:?}");
    }
}
