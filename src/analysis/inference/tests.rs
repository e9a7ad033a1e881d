//! What is promised of rankings, on small tables with known answers: scipy 1.17, statsmodels 0.15.

use super::moderated_variance::prior;
use super::power::seeds_needed;
use super::table::Table;
use super::*;
use crate::distributions::ALPHA;
use crate::ranking;
use sweep_core::random::{Purpose, Stream};

/// `rows` in the order given, seeds counted from 1, in one group.
fn samples(rows: &[&[f64]]) -> Vec<Sample> {
    let sample = |row: &&[f64]| Sample {
        group: 0,
        is_deterministic: false,
        values: (1..).zip(row.iter().copied()).collect(),
    };
    rows.iter().map(sample).collect()
}

fn close(found: f64, expected: f64) {
    let error = (found - expected).abs();
    assert!(
        error <= 1e-7 * expected.abs().max(1e-3),
        "{found} is not {expected}"
    );
}

/// Twelve configurations with three seeds, the best first.
fn twelve() -> Vec<Sample> {
    let value = |i: u32, j: u32| {
        let wobble = f64::from((i * 17 + j * 29 + i * j * 7 + i * i * j * 3) % 23);
        0.6 - 0.004 * f64::from(i) + 0.002 * f64::from(j) + 0.001 * wobble
    };
    let sample = |i: u32| Sample {
        group: 0,
        is_deterministic: false,
        values: (0..3).map(|j| (u64::from(j), value(i, j))).collect(),
    };
    let ranked = [0, 1, 2, 3, 5, 4, 7, 8, 6, 9, 10, 11];
    ranked.into_iter().map(sample).collect()
}

#[test]
fn few_configurations_are_compared_by_the_paired_t_test_and_holms_correction() {
    let inference = Inference::of_samples(
        &samples(&[
            &[0.6, 0.608, 0.616, 0.624, 0.609],
            &[0.604, 0.596, 0.611, 0.603, 0.595],
            &[0.585, 0.584, 0.583, 0.582, 0.604],
            &[0.566, 0.572, 0.578, 0.584, 0.59],
        ]),
        Goal::Max,
    );
    let (low, high) = inference.estimates[0].interval.unwrap();
    close(low, 0.600169974540242);
    close(high, 0.6226300254597579);
    let expected = [
        (
            0.0096,
            0.009502631214563689,
            0.0867783283539652,
            0.08677832835396,
        ),
        (
            0.0238,
            0.01454991408909346,
            0.021625148340473715,
            0.04325029668094,
        ),
        (
            0.0334,
            0.008354639429682176,
            0.0008660567638490562,
            0.00259817029154,
        ),
    ];
    for (comparison, (by, sd, p, holm)) in inference.comparisons.iter().zip(expected) {
        close(comparison.by.unwrap(), by);
        close(comparison.sd.unwrap(), sd);
        close(comparison.p.unwrap(), p);
        close(comparison.p_corrected.unwrap(), holm);
        assert_eq!((comparison.pairs, comparison.degrees), (5, Some(4.0)));
        let (low, _) = comparison.interval.unwrap();
        assert_eq!(low > 0.0, comparison.is_significant);
    }
    assert_eq!(inference.candidates, [0, 1]);
    assert_eq!(
        (inference.comparisons[0].won, inference.comparisons[0].lost),
        (4, 1)
    );
    let needed = inference.comparisons[0].seeds_needed;
    assert_eq!(inference.verdict, Verdict::NotSignificant { seeds: needed });
    // Two of three are significant already, so that this one is tested at the whole 5%.
    assert_eq!(needed, seeds_needed(0.0096, 0.009502631214563689, ALPHA));
}

#[test]
fn many_configurations_lend_each_other_what_they_know_of_noise() {
    let samples = twelve();
    let learned = prior(&Table::new(&samples, 1.0), 0).unwrap();
    close(learned.variance, 9.016108191651565e-05);
    close(learned.degrees, 24.0);
    let inference = Inference::of_samples(&samples, Goal::Max);
    // (place, sd, degrees, p, p after Holm) by the formulas written out in numpy.
    for (place, sd, degrees, p, holm) in [
        (
            2,
            0.011749104854951056,
            10.176708033362452,
            0.810799013430714,
            1.0,
        ),
        (
            5,
            0.016000000000000014,
            11.118653573199081,
            0.30193469332439726,
            1.0,
        ),
        (
            6,
            0.011510994889850874,
            9.674230902505327,
            0.014806277855515266,
            0.10364394,
        ),
        (
            9,
            0.01157762777483516,
            9.814888652189405,
            0.0014215755837407727,
            0.01279418,
        ),
        (
            11,
            0.011392324373727435,
            9.423795028243076,
            0.000224003178260139,
            0.00246403,
        ),
    ] {
        let comparison = inference.over(place).unwrap();
        close(comparison.sd.unwrap(), sd);
        close(comparison.degrees.unwrap(), degrees);
        close(comparison.p.unwrap(), p);
        assert!((comparison.p_corrected.unwrap() - holm).abs() < 1e-7);
    }
    assert_eq!(inference.candidates, [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn variances_that_differ_by_more_than_chance_are_believed_each() {
    let rows: Vec<Vec<f64>> = (0..12u32)
        .map(|i| {
            let width = if i % 2 == 0 { 1.0 } else { 8.0 };
            let stream = Stream::new(5, Purpose::Synthetic, i, 0);
            (0..6).map(|j| width * stream.normal(j)).collect()
        })
        .collect();
    let rows: Vec<&[f64]> = rows.iter().map(|row| &row[..]).collect();
    let table = Table::new(&samples(&rows), 1.0);
    let learned = prior(&table, 0).unwrap().degrees;
    assert!(
        learned < 4.0,
        "{learned} degrees from twelve variances of two sizes"
    );
    // Seven are too few to learn from.
    assert_eq!(prior(&Table::new(&samples(&rows[..7]), 1.0), 0), None);
}

#[test]
fn a_lower_goal_turns_everything_round_and_changes_no_p() {
    let turned: Vec<Sample> = (twelve().into_iter())
        .map(|mut sample| {
            sample
                .values
                .iter_mut()
                .for_each(|(_, value)| *value = -*value);
            sample
        })
        .collect();
    let up = Inference::of_samples(&twelve(), Goal::Max);
    let down = Inference::of_samples(&turned, Goal::Min);
    assert_eq!(up.comparisons, down.comparisons);
    assert_eq!(up.candidates, down.candidates);
    let (up, down) = (up.optimism.unwrap(), down.optimism.unwrap());
    assert_eq!(up.by, down.by);
    assert!(up.by > 0.0 && (up.bias_corrected + down.bias_corrected).abs() < 1e-12);
}

#[test]
fn one_seed_says_nothing_and_pairs_are_of_seeds_that_both_have() {
    let inference = Inference::of_samples(&samples(&[&[0.7], &[0.6], &[0.1]]), Goal::Max);
    assert_eq!(inference.verdict, Verdict::TooFewSeeds);
    assert_eq!(inference.candidates, [0, 1, 2]);
    assert_eq!(inference.estimates[0].interval, None);
    assert_eq!(inference.optimism, None);
    let mut ranked = samples(&[&[0.7, 0.72, 0.71, 0.73, 0.69], &[0.6, 0.61, 0.62]]);
    ranked[1].values[2].0 = 9;
    let inference = Inference::of_samples(&ranked, Goal::Max);
    assert_eq!(inference.comparisons[0].pairs, 2);
    close(inference.comparisons[0].by.unwrap(), 0.105);
    assert_eq!(
        Inference::of_samples(&ranked[..1], Goal::Max).verdict,
        Verdict::Alone
    );
    assert_eq!(
        Inference::of_samples(&[], Goal::Max).verdict,
        Verdict::Nothing
    );
}

#[test]
fn equal_results_and_results_on_coarse_steps_are_not_significant() {
    let equal = Inference::of_samples(&samples(&[&[0.5, 0.5, 0.5], &[0.5, 0.5, 0.5]]), Goal::Max);
    assert_eq!(equal.comparisons[0].p, Some(1.0));
    assert_eq!((equal.verdict, equal.tied), (Verdict::Tied, 2));
    // Equal means of unequal values tie too; the runner-up is the first behind them.
    let rows = [&[0.9, 0.7][..], &[0.7, 0.9], &[0.8, 0.8], &[0.1, 0.2]];
    let three = Inference::of_samples(&samples(&rows), Goal::Max);
    assert_eq!((three.verdict, three.tied), (Verdict::Tied, 3));
    assert_eq!(three.rivals, [3]);
    let led = Inference::of_samples(
        &samples(&[&[0.8, 0.9], &[0.5, 0.5], &[0.5, 0.5]]),
        Goal::Max,
    );
    assert_eq!((led.tied, &led.rivals[..]), (1, &[1][..]));
    assert_ne!(led.verdict, Verdict::Tied);
    // Each seed one step better: with steps so coarse that is no certainty.
    let coarse = Inference::of_samples(&samples(&[&[0.7, 0.8, 0.7], &[0.6, 0.7, 0.6]]), Goal::Max);
    assert!(coarse.comparisons[0].p.unwrap() > 0.05);
    let far = Inference::of_samples(&samples(&[&[0.7, 0.8, 0.7], &[0.3, 0.4, 0.2]]), Goal::Max);
    assert!(matches!(far.verdict, Verdict::Winner { p } if p < 0.05));
}

#[test]
fn seeds_are_asked_for_until_a_t_test_has_eighty_percent_power() {
    // Power of 10 seeds by the noncentral t distribution (scipy): 0.803; of 9, 0.748. Of 34 at half the distance: 0.808.
    assert_eq!(seeds_needed(1.0, 1.0, ALPHA), Some(10));
    assert_eq!(seeds_needed(0.5, 1.0, ALPHA), Some(34));
    assert_eq!(seeds_needed(3.0, 1.0, ALPHA), Some(4));
    assert_eq!(seeds_needed(0.05, 1.0, ALPHA), None);
    assert_eq!(seeds_needed(0.0, 1.0, ALPHA), None);
    assert_eq!(seeds_needed(-1.0, 1.0, ALPHA), None);
}

#[test]
fn more_seeds_are_asked_for_than_there_are() {
    // Alone the runner-up would differ significantly by its three seeds; among seven others it is not.
    let mut rows = vec![
        [0.471, 0.472, 0.473],
        [0.41, 0.42, 0.39],
        [0.401, 0.402, 0.48],
    ];
    rows.extend([[0.30, 0.45, 0.42], [0.2, 0.46, 0.41], [0.35, 0.5, 0.2]]);
    rows.extend([[0.2, 0.3, 0.5], [0.1, 0.4, 0.4]]);
    let rows: Vec<&[f64]> = rows.iter().map(|row| &row[..]).collect();
    let mut ranked = samples(&rows);
    // Of kinds of their own, so that none lends another what it knows.
    (0..)
        .zip(&mut ranked)
        .for_each(|(group, sample)| sample.group = group);
    let inference = Inference::of_samples(&ranked, Goal::Max);
    let runner_up = inference.comparisons[0];
    let p = runner_up.p.unwrap();
    assert!(p < ALPHA && !runner_up.is_significant, "{runner_up:?}");
    for comparison in inference
        .comparisons
        .iter()
        .filter(|one| !one.is_significant)
    {
        let needed = comparison.seeds_needed.unwrap_or(MOST_SEEDS);
        assert!(needed > comparison.pairs, "{comparison:?}");
    }
}

#[test]
fn of_two_that_the_seed_does_not_change_only_the_better_may_be_best() {
    let repeat = |mut sample: Sample| {
        sample.is_deterministic = true;
        sample
    };
    let both = samples(&[&[0.7, 0.7], &[0.6, 0.6], &[0.6, 0.6]]);
    let all = Inference::of_samples(&both.into_iter().map(repeat).collect::<Vec<_>>(), Goal::Max);
    assert_eq!(
        (all.verdict, &all.candidates[..]),
        (Verdict::Certain, &[0][..])
    );
    assert_eq!((all.untested(), all.comparisons[0].p), (0, None));
    assert!(all.comparisons[0].is_significant && !all.estimates[1].is_candidate);
    // Equal ones do not differ significantly, nor is a better one by its place alone.
    let tied = samples(&[&[0.7, 0.7], &[0.7, 0.7]]);
    let tied = Inference::of_samples(&tied.into_iter().map(repeat).collect::<Vec<_>>(), Goal::Max);
    assert_eq!((tied.verdict, tied.candidates.len()), (Verdict::Tied, 2));
    // Behind a winner that scatters, the worse of two is out though the seeds do not say so.
    let mut ranked = samples(&[&[0.5, 0.9, 0.71], &[0.7, 0.7, 0.7], &[0.69, 0.69, 0.69]]);
    (ranked[1].is_deterministic, ranked[2].is_deterministic) = (true, true);
    let noisy = Inference::of_samples(&ranked, Goal::Max);
    assert!(!noisy.comparisons[1].is_significant);
    assert_eq!(noisy.candidates, [0, 1]);
    assert!(matches!(noisy.verdict, Verdict::NotSignificant { .. }));
}

/// Sweeps of `k` configurations and `n` seeds, the first ahead of the others by `ahead` standard deviations of a value:
/// shares in which a winner is declared, and in which the first is not among the candidates; mean optimism, estimated
/// and true.
fn simulated(k: u32, n: u32, ahead: f64) -> [f64; 4] {
    const SWEEPS: u32 = 600;
    let mut sums = [0.0; 4];
    for sweep in 0..SWEEPS {
        let stream = Stream::new(u64::from(sweep), Purpose::Synthetic, k, n);
        let value = |i: u32, j: u32| {
            let seed = stream.normal(1_000_000 + j);
            stream.normal(i * n + j) + seed + if i == 0 { ahead } else { 0.0 }
        };
        let rows: Vec<Vec<(u64, f64)>> = (0..k)
            .map(|i| (0..n).map(|j| (u64::from(j), value(i, j))).collect())
            .collect();
        let order = ranking::best_first(&rows);
        let ranked: Vec<Sample> = (order.iter())
            .map(|place| Sample {
                group: 0,
                is_deterministic: false,
                values: rows[*place].clone(),
            })
            .collect();
        let inference = Inference::of_samples(&ranked, Goal::Max);
        let first = order.iter().position(|place| *place == 0).unwrap();
        let seeds: f64 = (0..n).map(|j| stream.normal(1_000_000 + j)).sum::<f64>() / f64::from(n);
        let truth = if first == 0 { ahead } else { 0.0 };
        sums[0] += f64::from(u8::from(matches!(
            inference.verdict,
            Verdict::Winner { .. }
        )));
        sums[1] += f64::from(u8::from(!inference.candidates.contains(&first)));
        sums[2] += inference.optimism.unwrap().by;
        sums[3] += inference.estimates[0].mean - seeds - truth;
    }
    sums.map(|sum| sum / f64::from(SWEEPS))
}

#[test]
fn equal_configurations_seldom_have_a_winner_and_better_ones_are_found() {
    // 5% and three standard errors of 600 draws.
    let most = 0.05 + 3.0 * (0.05f64 * 0.95 / 600.0).sqrt();
    for (k, n) in [(2, 3), (2, 5), (3, 3), (10, 3), (10, 5), (40, 3)] {
        let [winners, lost, ..] = simulated(k, n, 0.0);
        assert!(winners <= most, "{k} configurations, {n} seeds: {winners}");
        assert!(lost <= most, "{k} configurations, {n} seeds: {lost}");
    }
    // Two configurations are tested at exactly 5%: the test is not merely one that never finds anything.
    let [winners, ..] = simulated(2, 5, 0.0);
    assert!(winners > 0.02, "{winners}");
    let [winners, lost, ..] = simulated(10, 5, 4.0);
    assert!(winners > 0.8 && lost == 0.0, "{winners} {lost}");
}

#[test]
fn the_optimism_of_picking_the_largest_is_estimated_without_bias() {
    for (k, n) in [(10, 3), (40, 5)] {
        let [_, _, estimated, true_one] = simulated(k, n, 0.0);
        let error = (estimated / true_one - 1.0).abs();
        assert!(
            error < 0.1,
            "{k} configurations, {n} seeds: {estimated} for {true_one}"
        );
    }
    let [_, _, estimated, _] = simulated(10, 5, 5.0);
    assert!(
        estimated < 0.1,
        "one far ahead was not picked by luck: {estimated}"
    );
}

#[test]
fn one_that_scatters_wildly_lends_no_optimism_to_others_of_its_kind() {
    // Losses; the first two are of one kind, as are the others.
    let mut ranked = samples(&[
        &[-0.9166, -0.9150],
        &[-0.93, -0.90],
        &[-0.95, -0.96],
        &[-3.17, -3.78],
    ]);
    for (place, group) in [(0, 1), (3, 1)] {
        ranked[place].group = group;
    }
    let optimism = Inference::of_samples(&ranked, Goal::Max).optimism.unwrap();
    // By seed 1 alone the first is picked; by seed 2 alone it is the second, whose seed 1 is 0.03 worse.
    assert_eq!((optimism.folds, optimism.same_choice), (2, 1));
    assert!(optimism.by < 0.02, "{optimism:?}");
    assert!(optimism.bias_corrected > -0.94, "{optimism:?}");
}

#[test]
fn one_seed_left_out_of_one_is_no_choice() {
    let inference = Inference::of_samples(&samples(&[&[0.7], &[0.6, 0.5]]), Goal::Max);
    assert_eq!(inference.optimism, None);
}

#[test]
fn wrong_winners_stay_rare_where_some_repeat_and_some_cannot_be_compared() {
    const SWEEPS: u32 = 600;
    let most = 0.05 + 3.0 * (0.05f64 * 0.95 / f64::from(SWEEPS)).sqrt();
    for (k, n) in [(3, 3), (4, 5), (10, 3)] {
        let mut winners = 0;
        for sweep in 0..SWEEPS {
            let stream = Stream::new(u64::from(sweep), Purpose::Synthetic, k, 100 + n);
            // The first is the truth of all with every seed; of the second but one seed has finished. The last is worse
            // with every seed than the first, and has no part in it.
            let value = |i: u32, j: u32| match i {
                0 => 0.0,
                _ if i == k => -0.1,
                _ => stream.normal(i * n + j),
            };
            let seeds = |i: u32| if i == 1 { 1 } else { n };
            let rows: Vec<Vec<(u64, f64)>> = (0..=k)
                .map(|i| (0..seeds(i)).map(|j| (u64::from(j), value(i, j))).collect())
                .collect();
            let order = ranking::best_first(&rows).into_iter();
            let ranked: Vec<Sample> = order
                .map(|place| Sample {
                    group: usize::from(place == 0 || place == k as usize),
                    is_deterministic: place == 0 || place == k as usize,
                    values: rows[place].clone(),
                })
                .collect();
            let verdict = Inference::of_samples(&ranked, Goal::Max).verdict;
            winners += u32::from(matches!(verdict, Verdict::Winner { .. }));
        }
        let share = f64::from(winners) / f64::from(SWEEPS);
        assert!(share <= most, "{k} configurations, {n} seeds: {share}");
    }
}
