//! Properties of the selection, and its answers beside those of numpy.

use super::*;
use crate::evidence::Units;
use sweep_core::data_config::TargetTransform;
use sweep_core::random::{Purpose, Stream};
use sweep_core::trial::models::Loss;

/// `candidates` that are right about so many `rows` with noise of their own, some better than others.
fn probabilities(candidates: usize, rows: usize, seed: u64) -> Library {
    let value = |candidate: usize, row: usize| {
        let stream = Stream::new(seed, Purpose::Synthetic, candidate as u32, 0);
        let common = Stream::new(seed, Purpose::Synthetic, u32::MAX, 0);
        let logit = 1.0 + 0.8 * common.normal(row as u32) - 0.05 * candidate as f64
            + (0.5 + 0.1 * candidate as f64) * stream.normal(row as u32);
        (1.0 / (1.0 + (-logit).exp())) as f32
    };
    Library {
        names: (0..candidates).map(|one| format!("{one:04x}")).collect(),
        values: (0..candidates)
            .map(|one| (0..rows).map(|row| value(one, row)).collect())
            .collect(),
        parts: std::iter::once(0..rows).collect(),
        loss: RowLoss::Log,
    }
}

fn numbers(candidates: usize, rows: usize, loss: Loss, transform: TargetTransform) -> Library {
    let actual: Vec<f32> = (0..rows).map(|row| 5.0 + (row % 7) as f32).collect();
    let mut library = probabilities(candidates, rows, 5);
    for values in &mut library.values {
        for (value, actual) in values.iter_mut().zip(&actual) {
            *value = actual + 4.0 * (*value - 0.7);
        }
    }
    library.loss = RowLoss::Number {
        actual,
        transform,
        loss,
    };
    library
}

fn losses() -> [RowLossCase; 7] {
    let plain = TargetTransform::None;
    [
        ("log loss", probabilities(9, 200, 1)),
        ("squared", numbers(9, 200, Loss::Squared, plain)),
        ("absolute", numbers(9, 200, Loss::Absolute, plain)),
        ("huber", numbers(9, 200, Loss::Huber { delta: 0.5 }, plain)),
        (
            "quantile",
            numbers(9, 200, Loss::Quantile { quantile: 0.9 }, plain),
        ),
        // Not convex in the prediction.
        ("log", numbers(9, 200, Loss::Squared, TargetTransform::Log)),
        (
            "log1p",
            numbers(9, 200, Loss::Absolute, TargetTransform::Log1p),
        ),
    ]
}

type RowLossCase = (&'static str, Library);

fn own_losses(library: &Library) -> Vec<f64> {
    let alone = |one: usize| {
        let mut weights = vec![0.0; library.values.len()];
        weights[one] = 1.0;
        library.loss(&weights)
    };
    (0..library.values.len()).map(alone).collect()
}

const METHOD: Method = Method {
    rounds: 30,
    bags: 10,
    seed: 3,
};

#[test]
fn weights_add_up_to_one_and_the_loss_is_never_above_that_of_the_best_candidate() {
    for (what, library) in losses() {
        for bags in [1, 2, 10] {
            for rounds in [0, 1, 30] {
                let method = Method {
                    rounds,
                    bags,
                    seed: 3,
                };
                let weights = select(&library, method);
                let sum: f64 = weights.iter().sum();
                assert!((sum - 1.0).abs() < 1e-12, "{what}: {sum}");
                assert!(weights.iter().all(|weight| *weight >= 0.0));
                let best = own_losses(&library)
                    .into_iter()
                    .fold(f64::INFINITY, f64::min);
                let found = library.loss(&weights);
                assert!(found <= best, "{what}, {bags} bags: {found} {best}");
            }
        }
        // More than the best one is worth something on these rows.
        let weights = select(&library, METHOD);
        assert!(weights.iter().filter(|weight| **weight > 0.0).count() > 1);
    }
}

#[test]
fn the_order_of_candidates_is_irrelevant_and_the_first_name_wins_ties() {
    let mut library = probabilities(12, 150, 2);
    // Two that are alike.
    library.values[7] = library.values[2].clone();
    let expected = select(&library, METHOD);
    assert!(expected[7] <= expected[2]);
    let mut order: Vec<usize> = (0..12).collect();
    for seed in 0..5 {
        Stream::new(seed, Purpose::Synthetic, 0, 0).shuffle(&mut order);
        let shuffled = Library {
            names: order
                .iter()
                .map(|one| library.names[*one].clone())
                .collect(),
            values: order
                .iter()
                .map(|one| library.values[*one].clone())
                .collect(),
            ..library.clone()
        };
        let found = select(&shuffled, METHOD);
        for (place, one) in order.iter().enumerate() {
            assert_eq!(found[place], expected[*one], "{one}");
        }
    }
    // In one bag with all, the second of two that are alike is never taken.
    let alone = Method { bags: 1, ..METHOD };
    let mut alike = probabilities(2, 50, 4);
    alike.values[1] = alike.values[0].clone();
    assert_eq!(select(&alike, alone), [1.0, 0.0]);
}

#[test]
fn another_seed_gives_other_bags_and_the_same_seed_the_same_weights() {
    let library = probabilities(12, 150, 2);
    assert_eq!(select(&library, METHOD), select(&library, METHOD));
    let other = Method { seed: 4, ..METHOD };
    assert_ne!(select(&library, METHOD), select(&library, other));
    let (all, other) = (Method { bags: 1, ..METHOD }, Method { bags: 1, ..other });
    assert_eq!(select(&library, all), select(&library, other));
}

#[test]
fn a_mixture_of_two_that_err_on_different_rows_is_half_of_each() {
    // One is sure of even rows, one of odd rows; a third is worse than both on all rows.
    let side = |even: f32, odd: f32| (0..40).map(|row| [even, odd][row % 2]).collect();
    let library = Library {
        names: ["a", "b", "c"].map(str::to_owned).to_vec(),
        values: vec![side(0.9, 0.5), side(0.5, 0.9), side(0.4, 0.4)],
        parts: std::iter::once(0..40).collect(),
        loss: RowLoss::Log,
    };
    let weights = select(&library, Method { bags: 1, ..METHOD });
    assert_eq!(weights, [0.5, 0.5, 0.0]);
    assert!((library.loss(&weights) + f64::ln(0.7)).abs() < 1e-6);
}

#[test]
fn parts_of_any_size_count_alike() {
    let mut library = probabilities(1, 100, 8);
    let loss = |library: &Library| library.loss(&[1.0]);
    library.parts = std::iter::once(0..90).collect();
    let first = loss(&library);
    library.parts = std::iter::once(90..100).collect();
    let second = loss(&library);
    library.parts = vec![0..90, 90..100];
    assert!((loss(&library) - 0.5 * (first + second)).abs() < 1e-12);
    // Clipped, as a log loss is.
    library.values[0][95] = 0.0;
    assert!(loss(&library).is_finite());
}

#[test]
fn halves_choose_for_each_other_and_rows_of_one_unit_stay_together() {
    let mut library = probabilities(6, 90, 9);
    library.parts = vec![0..30, 30..60, 60..90];
    let groups: Vec<u64> = (0..90).map(|row| row / 3).collect();
    let units = Units::groups(&groups);
    let places: Vec<u32> = (0..90).collect();
    let found = halves(&library, METHOD, (&units, &places), 0).unwrap();
    let first = found.is_first.iter().filter(|is_first| **is_first).count();
    assert_eq!(first, 45);
    for unit in found.is_first.chunks(3) {
        assert!(unit.iter().all(|is_first| *is_first == unit[0]));
    }
    for (side, own) in [(0, true), (1, false)] {
        let is_in: Vec<bool> = found.is_first.iter().map(|first| *first == own).collect();
        let part = library.on(&is_in);
        assert_eq!(part.parts.last().unwrap().end, 45);
        assert_eq!(select(&part, METHOD), found.weights[side]);
        let row = is_in.iter().position(|is_in| *is_in).unwrap();
        assert_eq!(found.of_row(row), found.weights[1 - side]);
        assert_eq!(part.values[2][0], library.values[2][row]);
    }
    let other = halves(&library, METHOD, (&units, &places), 1).unwrap();
    assert_ne!(found.is_first, other.is_first);
    // Rows that stand in two folds are in one half.
    let twice: Vec<u32> = (0..45).chain(0..45).collect();
    let found = halves(&library, METHOD, (&Units::rows(45), &twice), 0).unwrap();
    assert_eq!(found.is_first[..45], found.is_first[45..]);
    let one = Units::groups(&[0; 90]);
    assert!(halves(&library, METHOD, (&one, &places), 0).is_none());
}
