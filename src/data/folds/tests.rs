//! What folds promise: whole groups, shares of classes, every row validated, nothing later trained on.

use super::*;
use sweep_core::split_spec::SplitBy;

fn spec(test: f64, stratify: bool, seed: u64) -> SplitSpec {
    SplitSpec {
        valid: 0.2,
        test,
        test_path: None,
        stratify,
        seed,
        by: SplitBy::Chance,
        folds: None,
    }
}

/// Labels of four uneven classes, and groups of one to about ten rows.
fn rows(count: u32) -> (Vec<u32>, Vec<u32>) {
    let stream = Stream::new(3, Purpose::Synthetic, 8, 8);
    let labels = (0..count)
        .map(|row| (stream.uniform(row).powi(2) * 4.0) as u32)
        .collect();
    let mut group = 0;
    let of = |row: u32| {
        group += u32::from(row > 0 && stream.uniform(50_000 + row) < 0.3);
        group
    };
    let groups = (0..count).map(of).collect();
    (labels, groups)
}

fn of_class(labels: &[u32], places: &[u32], class: u32) -> f64 {
    let own = places.iter().filter(|row| labels[**row as usize] == class);
    own.count() as f64
}

/// That every row stands on one side of each fold, test rows always on theirs, and that the validation
/// rows of the `folds` of each repeat are all others.
fn check(all: &[Splits], folds: usize, rows: usize) {
    for repeat in all.chunks(folds) {
        let mut valid: Vec<u32> = Vec::new();
        for sides in repeat {
            let mut every: Vec<u32> = sides.concat();
            every.sort_unstable();
            assert_eq!(every, (0..rows as u32).collect::<Vec<_>>());
            assert_eq!(sides[TEST], all[0][TEST]);
            assert!(sides.iter().all(|side| side.is_sorted()));
            valid.extend(&sides[VALID]);
        }
        valid.extend(&all[0][TEST]);
        valid.sort_unstable();
        assert_eq!(valid, (0..rows as u32).collect::<Vec<_>>());
    }
}

/// As scikit-learn's `RepeatedStratifiedKFold`: sizes and counts of each class are within a row.
#[test]
fn every_row_is_validated_once_a_repeat_and_every_fold_has_its_share_of_each_class() {
    let (labels, _) = rows(1003);
    let rows = Rows {
        labels: &labels,
        strata: 4,
        groups: None,
    };
    let all = by_chance(&rows, &spec(0.2, true, 1), 5, 3);
    assert_eq!(all.len(), 15);
    check(&all, 5, 1003);
    for sides in &all {
        for class in 0..4 {
            let here = of_class(&labels, &sides[VALID], class);
            let others = of_class(&labels, &sides[TRAIN], class) + here;
            assert!((here - others / 5.0).abs() < 1.0);
        }
    }
    assert_ne!(all[0][VALID], all[5][VALID], "repeats are drawn afresh");
    let fewer = by_chance(&rows, &spec(0.2, true, 1), 5, 1);
    assert_eq!(fewer[..], all[..5], "further repeats change no fold");
    let others = by_chance(&rows, &spec(0.2, true, 1), 3, 1);
    assert_eq!(others[0][TEST], all[0][TEST]);
    assert_ne!(by_chance(&rows, &spec(0.2, true, 2), 5, 1), fewer);
}

#[test]
fn groups_stay_whole_and_each_may_be_a_fold() {
    let (labels, groups) = rows(600);
    let rows = Rows {
        labels: &labels,
        strata: 4,
        groups: Some(&groups),
    };
    let sides_of = |sides: &Splits| {
        let mut side_of = vec![None; 600];
        for (number, side) in sides.iter().enumerate() {
            for row in side {
                let known = side_of[groups[*row as usize] as usize].get_or_insert(number);
                assert_eq!(*known, number);
            }
        }
    };
    let all = by_chance(&rows, &spec(0.1, true, 4), 4, 2);
    check(&all, 4, 600);
    all.iter().for_each(sides_of);
    let sizes: Vec<usize> = all.iter().map(|sides| sides[VALID].len()).collect();
    assert!(
        sizes.iter().all(|size| size.abs_diff(135) < 10),
        "{sizes:?}"
    );

    let each = by_group(&rows, &spec(0.1, true, 4));
    check(&each, each.len(), 600);
    each.iter().for_each(sides_of);
    for sides in &each {
        let first = groups[sides[VALID][0] as usize];
        assert!(
            sides[VALID]
                .iter()
                .all(|row| groups[*row as usize] == first)
        );
    }
}

/// The folds of scikit-learn's `TimeSeriesSplit(n_splits=3, gap=0 and 1)` of ten rows.
#[test]
fn folds_in_the_order_of_time_are_those_of_scikit_learn() {
    let times: Vec<f64> = (0..10).map(f64::from).collect();
    let all = by_time(&times, None, 0.0, (3, 0)).unwrap();
    let valid: Vec<&[u32]> = all.iter().map(|sides| sides[VALID].as_slice()).collect();
    assert_eq!(valid, [[4, 5], [6, 7], [8, 9]]);
    for (sides, end) in all.iter().zip([4, 6, 8]) {
        assert_eq!(sides[TRAIN], (0..end).collect::<Vec<u32>>());
        assert!(sides[TEST].is_empty());
    }
    let gap = by_time(&times, None, 0.0, (3, 1)).unwrap();
    for (sides, end) in gap.iter().zip([3, 5, 7]) {
        assert_eq!(sides[TRAIN], (0..end).collect::<Vec<u32>>());
    }
    // Eight rows are left when the latest two are test rows: blocks of two.
    let tested = by_time(&times, None, 0.2, (3, 0)).unwrap();
    let valid: Vec<&[u32]> = tested.iter().map(|sides| sides[VALID].as_slice()).collect();
    assert_eq!(valid, [[2, 3], [4, 5], [6, 7]]);
    assert!(tested.iter().all(|sides| sides[TEST] == [8, 9]));
}

#[test]
fn borders_of_folds_lie_between_times_and_a_gap_counts_times() {
    // Three rows of each time, in no order.
    let times: Vec<f64> = (0..24).map(|row| f64::from(row * 5 % 8)).collect();
    let all = by_time(&times, None, 0.0, (3, 2)).unwrap();
    for sides in &all {
        let of = |side: usize| sides[side].iter().map(|row| times[*row as usize]);
        let first = of(VALID).fold(f64::INFINITY, f64::min);
        let last = of(TRAIN).fold(f64::NEG_INFINITY, f64::max);
        assert!(last <= first - 3.0 || sides[TRAIN].is_empty());
        assert_eq!(sides[VALID].len(), 6);
    }
    assert!(by_time(&times, None, 0.0, (7, 0)).is_ok());
    let refused = by_time(&times, None, 0.0, (8, 0)).unwrap_err();
    assert!(refused.starts_with("8 different times before"), "{refused}");
}

#[test]
fn numbers_of_folds_are_taken_as_they_are() {
    let all = by_number(&[Some(1), None, Some(0), Some(1), Some(0), None]);
    let expected: [Splits; 2] = [
        [vec![0, 3], vec![2, 4], vec![1, 5]],
        [vec![2, 4], vec![0, 3], vec![1, 5]],
    ];
    assert_eq!(all, expected);
}
