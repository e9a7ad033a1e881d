//! The parts of a variance, folds, corrections and power.

use super::super::covariance::Covariance;
use super::super::multiple::correct;
use super::super::power::{rows_needed, seeds_needed};
use super::super::{Design, Evidence, Folds, Part, Spread, Units};
use super::{entries, evidence, normal_scores, test_of};
use crate::distributions::{t_quantile, t_two_sided};
use sweep_core::trial::Goal;

fn spread(rows: f64, seeds: f64, overlap: f64, degrees: f64) -> Spread {
    Spread {
        rows: Part {
            variance: rows,
            degrees: 1000.0,
        },
        seeds: Part {
            variance: seeds,
            degrees,
        },
        overlap,
        folds: Part::NOTHING,
    }
}

#[test]
fn the_variance_of_a_difference_is_that_of_the_crossed_analysis_of_variance() {
    let scores = normal_scores(2, 4, 50, 20);
    let difference =
        |seed: usize, row: usize| f64::from(scores[0][seed][row]) - f64::from(scores[1][seed][row]);
    let of_row = |row: usize| (0..4).map(|seed| difference(seed, row)).sum::<f64>() / 4.0;
    let of_seed = |seed: usize| (0..50).map(|row| difference(seed, row)).sum::<f64>() / 50.0;
    let mean = (0..4).map(of_seed).sum::<f64>() / 4.0;
    let rows = (0..50).map(|row| (of_row(row) - mean).powi(2)).sum::<f64>() / 49.0 / 50.0;
    let seeds = (0..4)
        .map(|seed| (of_seed(seed) - mean).powi(2))
        .sum::<f64>()
        / 3.0
        / 4.0;
    let rest = |seed: usize, row: usize| {
        (difference(seed, row) - of_row(row) - of_seed(seed) + mean).powi(2)
    };
    let within = (0..4).flat_map(|seed| (0..50).map(move |row| rest(seed, row)));
    let overlap = within.sum::<f64>() / (49.0 * 3.0) / 200.0;
    let found = test_of(&evidence(&scores)).spread;
    for (found, expected) in [
        (found.rows.variance, rows),
        (found.seeds.variance, seeds),
        (found.overlap, overlap),
    ] {
        assert!(
            (found / expected - 1.0).abs() < 1e-6,
            "{found} is not {expected}"
        );
    }
    assert_eq!(found.seeds.degrees, 3.0);
}

#[test]
fn where_one_part_is_all_the_test_is_that_of_student() {
    let by = 2.5;
    let rows = spread(1.0, 0.0, 0.0, 4.0);
    assert!((rows.p(by) - t_two_sided(by, 1000.0)).abs() < 1e-9);
    let seeds = spread(0.0, 1.0, 0.0, 4.0);
    assert!((seeds.p(by) / t_two_sided(by, 4.0) - 1.0).abs() < 1e-4);
    // Of both, the interval of p ends at 0, and is wider than of either.
    let both = spread(1.0, 1.0, 0.3, 4.0);
    let p = both.p(by);
    assert!((both.half_width(p) - by).abs() < 1e-4, "{p}");
    assert!(p > seeds.p(by) && p < 1.0);
    assert!(both.half_width(0.05) > t_quantile(0.975, 1000.0));
}

#[test]
fn two_seeds_that_agree_by_chance_are_no_certainty() {
    // The overlap is taken off three seeds, not off two.
    assert!(spread(1.0, 1.0, 1.0, 2.0).half_width(0.05) < 2.0);
    assert!(spread(1.0, 1.0, 1.0, 1.0).half_width(0.05) > 12.0);
    // Nor is less known than from the rows alone.
    assert!(spread(1.0, 1e-6, 1.0, 1.0).half_width(0.05) > 1.95);
}

#[test]
fn the_variance_of_folds_is_that_of_nadeau_and_bengio() {
    let mut scores = normal_scores(2, 1, 100, 21);
    let fold = |row: usize| row / 20;
    // Models of different folds differ: more than their rows do.
    (0..100).for_each(|row| scores[0][0][row] += [0.9, -0.7, 0.1, 0.5, -0.8][fold(row)]);
    let means = (0..5).map(|own| {
        let rows = (0..100).filter(|row| fold(*row) == own);
        rows.map(|row| f64::from(scores[0][0][row] - scores[1][0][row]))
            .sum::<f64>()
            / 20.0
    });
    let means: Vec<f64> = means.collect();
    let mean = means.iter().sum::<f64>() / 5.0;
    let variance = means
        .iter()
        .map(|value| (value - mean).powi(2))
        .sum::<f64>()
        / 4.0;
    let corrected = variance * (1.0 / 5.0 + 1.0 / 4.0);
    let units = Units::rows(100);
    let of_rows: Vec<u16> = (0..100).map(|row| fold(row) as u16).collect();
    let found = |folds: Option<&Folds>| {
        let design = Design {
            entries: &entries(&scores),
            units: &units,
            folds,
            goal: Goal::Max,
        };
        let read = |configuration: usize, trial: usize, out: &mut [f32]| {
            out.copy_from_slice(&scores[configuration][trial]);
        };
        test_of(&Evidence::of(&design, &read))
    };
    let folds = Folds::same(&of_rows, &units);
    let with = found(Some(&folds)).spread;
    let sum = with.rows.variance + with.folds.variance;
    assert!(
        (sum / corrected - 1.0).abs() < 1e-6,
        "{sum} is not {corrected}"
    );
    assert_eq!(with.folds.degrees, 4.0);
    let without = found(None).spread;
    assert!((with.rows.variance / without.rows.variance - 2.25).abs() < 1e-6);
    assert_eq!(
        found(Some(&Folds::by_seed(vec![0], &[&of_rows[..]], &units))).spread,
        with
    );
}

#[test]
fn draws_vary_as_the_means_do() {
    let deviations = vec![
        vec![0.1f32, -0.1, 0.2, -0.2],
        vec![0.1, -0.1, 0.1, -0.1],
        vec![0.0; 4],
    ];
    let covariance = Covariance::new(deviations, &[0.0, 0.01, 0.0]);
    let draws = covariance.draws();
    for (a, b) in [(0, 1), (0, 2), (1, 2)] {
        let pairs = draws.errors[a].iter().zip(&draws.errors[b]);
        let squares: f64 = pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum();
        let drawn = (squares / draws.errors[a].len() as f64).sqrt();
        let expected = covariance.of_difference(a, b);
        assert!(
            (drawn / expected - 1.0).abs() < 0.07,
            "{a} {b}: {drawn} {expected}"
        );
    }
    let squares = 2.0 * 0.01 + 2.0 * 0.04;
    let expected: f64 = squares * 4.0 / 3.0;
    assert!((covariance.of_difference(0, 2) - expected.sqrt()).abs() < 1e-6);
}

#[test]
fn fifty_that_err_alike_are_corrected_for_as_few() {
    // All but the first score nearly alike.
    let two = normal_scores(2, 1, 200, 22);
    let alike: Vec<Vec<f32>> = (0..50)
        .map(|place| {
            let own = &two[usize::from(place > 0)][0];
            (0..200)
                .map(|unit| own[unit] + 1e-3 * ((place * 7 + unit * 13) % 11) as f32)
                .collect()
        })
        .collect();
    let apart: Vec<Vec<f32>> = normal_scores(50, 1, 200, 23)
        .into_iter()
        .map(|mut trials| trials.remove(0))
        .collect();
    let corrected = |deviations: Vec<Vec<f32>>| {
        let covariance = Covariance::new(deviations, &[0.0; 50]);
        let mut p = vec![Some(0.02); 50];
        p[0] = None;
        // One comparison that is not clear, so that the winner does not beat all at once.
        p[49] = Some(0.9);
        correct(&p, &covariance, &covariance.draws())[1].unwrap()
    };
    let (alike, apart) = (corrected(alike), corrected(apart));
    assert!(alike.p < 0.2 && apart.p > 0.3, "{alike:?} {apart:?}");
    assert!(alike.level > 2.0 * apart.level && apart.level >= 0.05 / 49.0);
}

#[test]
fn the_numbers_needed_are_the_fewest_that_are_enough() {
    // Rows alone: (1.96 + 0.84)² times the variance of one row over the square of the difference.
    let rows = spread(4e-4, 0.0, 0.0, 4.0);
    let needed = rows_needed(0.04, &rows, 1000, 0.05).unwrap();
    assert!(
        (needed as f64 - 7.849 * 0.4 / 0.0016).abs() < 5.0,
        "{needed}"
    );
    assert_eq!(seeds_needed(0.04, &rows, 5, 0.05), None);
    // Seeds alone: no number of rows would do.
    let seeds = spread(0.0, 4e-4, 0.0, 4.0);
    assert_eq!(rows_needed(0.04, &seeds, 1000, 0.05), None);
    let needed = seeds_needed(0.04, &seeds, 5, 0.05).unwrap();
    assert!((10..16).contains(&needed), "{needed}");
    // What changes with row and seed becomes less with either.
    let both = spread(4e-4, 4e-4, 4e-4, 4.0);
    assert!(rows_needed(0.04, &both, 1000, 0.05).is_some());
    assert!(seeds_needed(0.04, &both, 5, 0.05).is_some());
}
