//! How much a score on test rows owes to which rows they happen to be.
//!
//! Invariant: the interval is a function of the rows and of nothing else: each replicate draws from
//! a stream of its own, so any number of threads gives the same bits.

use rayon::prelude::{IntoParallelIterator, ParallelIterator};

use sweep_core::random::{Purpose, Stream};

/// Share of the replicates below the interval, and above it.
const TAIL: f64 = 0.025;
/// Key of the draws; any number would do, and all evaluations share this one.
const SEED: u64 = 0;

/// What one model said of all rows.
#[derive(Debug, Default)]
pub(super) struct Scored {
    /// Predicted classes [rows].
    pub labels: Vec<u32>,
    /// -ln of the probability of the row's class [rows].
    pub losses: Vec<f64>,
}

/// Number of groups, which are numbered from 0 without a gap.
pub(super) fn number_of(groups: &[u32]) -> usize {
    groups.iter().max().map_or(0, |last| *last as usize + 1)
}

/// 95% intervals of accuracy, macro F1 and loss, each the mean over `runs`, when as many groups as
/// there are, with all their rows, are drawn with replacement `replicates` times.
pub(super) fn intervals(
    runs: &[Scored],
    y: &[u32],
    groups: &[u32],
    classes: usize,
    replicates: u32,
) -> [(f64, f64); 3] {
    let number = number_of(groups);
    let drawn: Vec<[f64; 3]> = (0..replicates)
        .into_par_iter()
        .map(|replicate| {
            let stream = Stream::new(SEED, Purpose::Resample, replicate, 0);
            let mut times = vec![0u32; number];
            (0..number).for_each(|draw| times[stream.below(draw as u32, number)] += 1);
            let mut mean = [0.0; 3];
            for run in runs {
                let scores = weighted(run, y, groups, &times, classes);
                for (mean, score) in mean.iter_mut().zip(scores) {
                    *mean += score / runs.len() as f64;
                }
            }
            mean
        })
        .collect();
    [0, 1, 2].map(|metric| {
        let mut values: Vec<f64> = drawn.iter().map(|scores| scores[metric]).collect();
        values.sort_unstable_by(f64::total_cmp);
        (quantile(&values, TAIL), quantile(&values, 1.0 - TAIL))
    })
}

/// Accuracy, macro F1 and loss where the rows of each group stand `times` over.
fn weighted(run: &Scored, y: &[u32], groups: &[u32], times: &[u32], classes: usize) -> [f64; 3] {
    let (mut right, mut actual, mut predicted) = (
        vec![0u64; classes],
        vec![0u64; classes],
        vec![0u64; classes],
    );
    let (mut loss, mut rows) = (0.0, 0u64);
    for (row, label) in y.iter().enumerate() {
        let weight = times[groups[row] as usize];
        if weight == 0 {
            continue;
        }
        let weight = u64::from(weight);
        let guess = run.labels[row] as usize;
        actual[*label as usize] += weight;
        predicted[guess] += weight;
        if guess == *label as usize {
            right[guess] += weight;
        }
        loss += weight as f64 * run.losses[row];
        rows += weight;
    }
    let (mut f1, mut present) = (0.0, 0.0);
    for class in 0..classes {
        let both = actual[class] + predicted[class];
        if both > 0 {
            present += 1.0;
            f1 += 2.0 * right[class] as f64 / both as f64;
        }
    }
    let all = rows as f64;
    [
        right.iter().sum::<u64>() as f64 / all,
        f1 / present,
        loss / all,
    ]
}

/// The value below which `share` of the sorted `values` lie, between two of them by distance, as
/// `numpy.quantile` has it.
fn quantile(values: &[f64], share: f64) -> f64 {
    let place = share * (values.len() - 1) as f64;
    let (below, above) = (
        values[place.floor() as usize],
        values[place.ceil() as usize],
    );
    below + (above - below) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::super::scores;
    use super::*;

    /// `groups` groups of `size` equal rows, three of four named right.
    fn rows(groups: usize, size: usize) -> (Scored, Vec<u32>, Vec<u32>) {
        let (mut scored, mut y, mut of) = (Scored::default(), Vec::new(), Vec::new());
        for group in 0..groups {
            for _ in 0..size {
                let label = (group % 2) as u32;
                y.push(label);
                of.push(group as u32);
                scored.labels.push(if group % 4 == 3 { 0 } else { label });
                scored.losses.push(if group % 4 == 3 { 2.0 } else { 0.1 });
            }
        }
        (scored, y, of)
    }

    #[test]
    fn every_row_once_gives_the_scores_themselves() {
        let (scored, y, groups) = rows(40, 3);
        let once = weighted(&scored, &y, &groups, &[1; 40], 2);
        let plain = scores(&scored, &y, 2);
        for (one, other) in once.iter().zip(plain) {
            assert!((one - other).abs() < 1e-12);
        }
        let twice = weighted(&scored, &y, &groups, &[2; 40], 2);
        assert_eq!(once[..2], twice[..2]);
    }

    #[test]
    fn the_interval_is_that_of_the_binomial_and_groups_count_as_one_draw() {
        // Accuracy 0.75 of 400 draws: 0.75 -+ 1.96 sqrt(0.75 * 0.25 / 400) = 0.7076, 0.7924.
        for size in [1, 5] {
            let (scored, y, groups) = rows(400, size);
            let [accuracy, f1, loss] = intervals(&[scored], &y, &groups, 2, 2000);
            assert!((accuracy.0 - 0.7076).abs() < 0.006, "{size}: {accuracy:?}");
            assert!((accuracy.1 - 0.7924).abs() < 0.006, "{size}: {accuracy:?}");
            assert!(f1.0 < f1.1 && loss.0 < 0.575 && loss.1 > 0.575);
        }
    }

    #[test]
    fn the_same_rows_give_the_same_bits_on_any_number_of_threads() {
        let (scored, y, groups) = rows(50, 2);
        let runs = [scored];
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap()
                .install(|| intervals(&runs, &y, &groups, 2, 200))
        };
        assert_eq!(on(1), on(3));
    }

    #[test]
    fn quantiles_are_those_of_numpy() {
        // numpy.quantile([1, 2, 4, 8], [0.025, 0.5, 0.975]) = [1.075, 3.0, 7.7]
        let values = [1.0, 2.0, 4.0, 8.0];
        for (share, expected) in [(0.025, 1.075), (0.5, 3.0), (0.975, 7.7)] {
            assert!((quantile(&values, share) - expected).abs() < 1e-12);
        }
    }
}
