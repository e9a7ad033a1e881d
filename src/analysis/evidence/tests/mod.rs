//! Evidence from rows and seeds, against what can be computed by hand.

mod parts;
mod pseudo_values;
mod simulation;

use super::{Design, Entry, Evidence, SeedCoverage, Test, Units};
use crate::distributions::t_two_sided;
use sweep_core::random::{Purpose, Stream};
use sweep_core::trial::Goal;

/// [configurations][seeds][rows]
type Scores = Vec<Vec<Vec<f32>>>;

fn entries(scores: &Scores) -> Vec<Entry> {
    let entry = |trials: &Vec<Vec<f32>>| Entry {
        kind: 0,
        seeds: (0..trials.len() as u64).collect(),
        is_deterministic: false,
    };
    scores.iter().map(entry).collect()
}

fn evidence_of(entries: &[Entry], scores: &Scores, units: &Units, goal: Goal) -> Evidence {
    let design = Design {
        entries,
        units,
        folds: None,
        goal,
    };
    let read = |configuration: usize, trial: usize, out: &mut [f32]| {
        out.copy_from_slice(&scores[configuration][trial]);
    };
    Evidence::of(&design, &read)
}

fn evidence(scores: &Scores) -> Evidence {
    let units = Units::rows(scores[0][0].len());
    evidence_of(&entries(scores), scores, &units, Goal::Max)
}

fn test_of(evidence: &Evidence) -> Test {
    evidence.comparisons[0].test.unwrap()
}

/// Normal scores: of the row, of the configuration with the row, and the rest.
fn normal_scores(configurations: u32, seeds: u32, rows: u32, key: u64) -> Scores {
    let stream = |what: u32| Stream::new(key, Purpose::Synthetic, what, 0);
    let trial = |config: u32, seed: u32| {
        let score = |row: u32| {
            let own = stream(1).normal(config * rows + row);
            let rest = stream(2).normal((config * seeds + seed) * rows + row);
            (stream(0).normal(row) + 0.5 * own + 0.3 * rest) as f32
        };
        (0..rows).map(score).collect()
    };
    let config = |config: u32| (0..seeds).map(|seed| trial(config, seed)).collect();
    (0..configurations).map(config).collect()
}

/// The first is right on `ahead` of `rows` rows that the other gets wrong.
fn ahead_by_rows(ahead: usize, rows: usize) -> Scores {
    let other: Vec<f32> = (0..rows)
        .map(|row| f32::from(u8::from(row % 5 > 0)))
        .collect();
    let mut winner = other.clone();
    (0..ahead).for_each(|place| winner[5 * place] = 1.0);
    vec![vec![winner], vec![other]]
}

#[test]
fn a_lead_of_four_rows_is_no_evidence_and_one_of_six_is() {
    // By the exact test of McNemar p is 0.125, 0.0625, 0.03125.
    for (ahead, is_significant) in [(4, false), (5, false), (6, true)] {
        for rows in [100, 6568] {
            let found = evidence(&ahead_by_rows(ahead, rows));
            let test = test_of(&found);
            assert_eq!(
                test.is_significant, is_significant,
                "{ahead} of {rows}: {test:?}"
            );
            assert_eq!(test.coverage, SeedCoverage::NotCovered);
            assert_eq!(found.winner.is_some(), is_significant);
            assert_eq!(found.may_be_best.len(), if is_significant { 1 } else { 2 });
        }
    }
}

#[test]
fn with_one_seed_it_is_the_paired_t_test_over_rows() {
    let scores = normal_scores(2, 1, 400, 3);
    let (a, b) = (&scores[0][0], &scores[1][0]);
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| f64::from(a - b)).collect();
    let mean = differences.iter().sum::<f64>() / 400.0;
    let squares = differences.iter().map(|value| (value - mean).powi(2));
    let t = mean / (squares.sum::<f64>() / 399.0 / 400.0).sqrt();
    let test = test_of(&evidence(&scores));
    assert!(test.spread.rows.degrees > 200.0, "{test:?}");
    assert!((test.p - t_two_sided(t, 399.0)).abs() < 1e-3, "{test:?}");
}

#[test]
fn rows_that_stand_ten_times_over_count_once_as_a_group() {
    let scores = normal_scores(3, 3, 120, 4);
    let tenfold = |trial: &Vec<f32>| trial.iter().flat_map(|score| [*score; 10]).collect();
    let config = |trials: &Vec<Vec<f32>>| trials.iter().map(tenfold).collect();
    let repeated: Scores = scores.iter().map(config).collect();
    let groups: Vec<u64> = (0..1200).map(|row| 7 * (row / 10)).collect();
    let units = Units::groups(&groups);
    let grouped = evidence_of(&entries(&scores), &repeated, &units, Goal::Max);
    let single = evidence(&scores);
    for (one, other) in single.comparisons.iter().zip(&grouped.comparisons) {
        let (one, other) = (one.test.unwrap(), other.test.unwrap());
        assert!((one.p / other.p - 1.0).abs() < 1e-4, "{one:?} {other:?}");
    }
    assert_eq!((grouped.rows, grouped.units), (1200, 120));
    let naive = evidence_of(&entries(&scores), &repeated, &Units::rows(1200), Goal::Max);
    let ratio = test_of(&naive).spread.rows.variance / test_of(&single).spread.rows.variance;
    assert!((ratio - 0.1).abs() < 0.01, "{ratio}");
}

#[test]
fn where_lower_is_better_the_same_is_found_of_turned_scores() {
    let scores = normal_scores(4, 3, 100, 5);
    let turn = |trial: &Vec<f32>| trial.iter().map(|score| -score).collect();
    let turned: Scores = (scores.iter())
        .map(|trials| trials.iter().map(turn).collect())
        .collect();
    let one = evidence(&scores);
    let units = Units::rows(100);
    let other = evidence_of(&entries(&turned), &turned, &units, Goal::Min);
    assert_eq!(one.comparisons, other.comparisons);
    assert_eq!(one.may_be_best, other.may_be_best);
    let (one, other) = (one.optimism.unwrap(), other.optimism.unwrap());
    assert_eq!(
        (one.by, one.bias_corrected),
        (other.by, -other.bias_corrected)
    );
}

#[test]
fn seeds_that_change_nothing_leave_the_rows_to_decide() {
    let mut scores = normal_scores(2, 1, 300, 6);
    // The seeds of the first repeat one result; the second has three of its own.
    let repeated = scores[0][0].clone();
    scores[0] = vec![repeated; 2];
    let varying = normal_scores(2, 3, 300, 6);
    scores[1].clone_from(&varying[1]);
    let mut both = entries(&scores);
    both[0].is_deterministic = true;
    let units = Units::rows(300);
    let found = evidence_of(&both, &scores, &units, Goal::Max);
    assert_eq!(found.comparisons[0].seeds, 3);
    assert_eq!(test_of(&found).coverage, SeedCoverage::Measured);
    both[1].is_deterministic = true;
    let found = evidence_of(&both, &scores, &units, Goal::Max);
    let test = test_of(&found);
    assert_eq!(
        (found.comparisons[0].seeds, test.coverage),
        (1, SeedCoverage::Deterministic)
    );
    assert_eq!((test.spread.seeds.variance, test.seeds_needed), (0.0, None));
}

#[test]
fn a_single_seed_borrows_the_variance_of_seeds_from_others_of_its_kind() {
    // Means of seeds are 0.5 apart in the third.
    let mut scores = normal_scores(3, 3, 500, 7);
    for (seed, trial) in scores[2].iter_mut().enumerate() {
        trial
            .iter_mut()
            .for_each(|score| *score += 0.5 * seed as f32);
    }
    (0..2).for_each(|place| scores[place].truncate(1));
    let own = evidence(&scores[..2].to_vec());
    assert_eq!(test_of(&own).coverage, SeedCoverage::NotCovered);
    let found = evidence(&scores);
    assert!(found.covers_seeds() && !own.covers_seeds());
    let test = test_of(&found);
    assert_eq!(test.coverage, SeedCoverage::Borrowed);
    // Twice the variance of 0, 0.5, 1, which is 0.25.
    assert!((test.spread.seeds.variance - 0.5).abs() < 0.05, "{test:?}");
    assert!(test.p > test_of(&own).p && test.p > 0.3);
    let mut kinds = entries(&scores);
    kinds[2].kind = 1;
    let units = Units::rows(500);
    let apart = evidence_of(&kinds, &scores, &units, Goal::Max);
    assert_eq!(test_of(&apart).coverage, SeedCoverage::NotCovered);
}

#[test]
fn what_cannot_be_compared_is_left_out_and_may_be_best() {
    let mut scores = normal_scores(4, 3, 200, 8);
    scores[1][1][17] = f32::NAN;
    scores[2].truncate(1);
    scores[3]
        .iter_mut()
        .for_each(|trial| trial[0] = f32::INFINITY);
    let mut all = entries(&scores);
    all[2].seeds = vec![9];
    let units = Units::rows(200);
    let found = evidence_of(&all, &scores, &units, Goal::Max);
    let seeds: Vec<usize> = found.comparisons.iter().map(|one| one.seeds).collect();
    assert_eq!(seeds, [2, 0, 0]);
    assert!(found.comparisons[0].test.is_some() && found.comparisons[1].by.is_none());
    assert!(found.may_be_best.contains(&2) && found.may_be_best.contains(&3));
    assert!(found.estimates[3].is_none() && found.estimates[2].is_some());
    // One row says nothing of rows.
    let one_row = evidence_of(
        &entries(&vec![vec![vec![1.0]], vec![vec![0.0]]]),
        &vec![vec![vec![1.0]], vec![vec![0.0]]],
        &Units::rows(1),
        Goal::Max,
    );
    assert_eq!((one_row.winner, one_row.may_be_best.len()), (None, 2));
    let nothing = evidence_of(&[], &vec![], &Units::rows(10), Goal::Max);
    assert!(nothing.comparisons.is_empty() && nothing.may_be_best.is_empty());
}

#[test]
fn equal_configurations_have_no_difference() {
    let mut scores = normal_scores(3, 2, 100, 9);
    scores[1] = scores[0].clone();
    let found = evidence(&scores);
    let test = test_of(&found);
    assert_eq!(
        (found.comparisons[0].by, test.p, test.p_corrected),
        (Some(0.0), 1.0, 1.0)
    );
    assert!(!test.is_significant && test.seeds_needed.is_none());
    assert_eq!(found.winner, None);
    let all_equal: Scores = vec![scores[0].clone(); 3];
    let found = evidence(&all_equal);
    assert_eq!((found.winner, found.may_be_best.len()), (None, 3));
    assert!(found.optimism.unwrap().by < 1e-6);
}

#[test]
fn one_far_ahead_is_the_winner_and_was_not_picked_by_luck() {
    let mut scores = normal_scores(10, 3, 300, 10);
    for trial in &mut scores[0] {
        trial.iter_mut().for_each(|score| *score += 1.0);
    }
    let found = evidence(&scores);
    assert!(found.winner.unwrap() < 1e-6, "{found:?}");
    assert_eq!(found.may_be_best, [0]);
    let optimism = found.optimism.unwrap();
    assert!(optimism.by < 0.01, "{optimism:?}");
    assert!((optimism.bias_corrected - 1.0).abs() < 0.2, "{optimism:?}");
    // Nothing depends on when it is computed.
    assert_eq!(evidence(&scores), found);
}
