//! Sweeps whose truth is known: false winners, coverage, optimism and power. A short run of `benches/evidence.rs`;
//! `SWEEP_EVIDENCE_SWEEPS` asks for more sweeps.

use super::super::{Design, Entry, Evidence, Folds, Units};
use sweep_core::random::{Purpose, Stream};
use sweep_core::trial::Goal;

/// Sweeps of a test, unless the environment asks for more.
const SWEEPS: u32 = 60;

fn sweeps() -> u32 {
    let asked = std::env::var("SWEEP_EVIDENCE_SWEEPS").ok();
    asked.map_or(SWEEPS, |text| text.parse().expect("a number of sweeps"))
}

/// Rows come in groups of `group`; right or wrong, on a latent score of which all share most.
#[derive(Clone, Copy)]
struct World {
    configurations: u32,
    seeds: u32,
    rows: u32,
    group: u32,
    /// Standard deviation of what a seed does to the latent scores of a configuration.
    of_seeds: f64,
    /// Of the first, in latent scores.
    ahead: f64,
}

/// Shares of sweeps: a winner is declared; the first is not among those that may be the best; the interval of the first less
/// the second leaves out 0. Mean optimism, estimated and true.
fn simulated(world: World, is_folded: bool) -> [f64; 5] {
    let mut sums = [0.0; 5];
    for sweep in 0..sweeps() {
        let found = outcome(world, sweep, is_folded);
        sums.iter_mut()
            .zip(found)
            .for_each(|(sum, value)| *sum += value);
    }
    sums.map(|sum| sum / f64::from(sweeps()))
}

fn outcome(world: World, sweep: u32, is_folded: bool) -> [f64; 5] {
    let World {
        configurations,
        seeds,
        rows,
        group,
        of_seeds,
        ahead,
    } = world;
    let stream = |what: u32| Stream::new(u64::from(sweep), Purpose::Synthetic, what, 9);
    let score = |config: u32, seed: u32, row: u32| {
        let unit = row / group;
        let trial = config * seeds + seed;
        let latent = 1.0
            + if config == 0 { ahead } else { 0.0 }
            + stream(0).normal(unit)
            + 0.4 * stream(1).normal(config * rows + unit)
            + of_seeds * stream(2).normal(trial)
            + 0.3 * stream(3).normal(trial * rows + row);
        u8::from(latent > 0.0)
    };
    let trial = |config: u32, seed: u32| (0..rows).map(move |row| score(config, seed, row));
    let scores: Vec<Vec<Vec<u8>>> = (0..configurations)
        .map(|config| {
            (0..seeds)
                .map(|seed| trial(config, seed).collect())
                .collect()
        })
        .collect();
    let right = |config: &Vec<Vec<u8>>| {
        let ones = config.iter().flatten().map(|score| f64::from(*score));
        ones.sum::<f64>() / f64::from(seeds * rows)
    };
    let means: Vec<f64> = scores.iter().map(right).collect();
    let mut order: Vec<usize> = (0..configurations as usize).collect();
    order.sort_by(|a, b| means[*b].total_cmp(&means[*a]));
    let groups: Vec<u64> = (0..rows).map(|row| u64::from(row / group)).collect();
    let units = Units::groups(&groups);
    let of_rows: Vec<u16> = (0..rows).map(|row| (row / group % 5) as u16).collect();
    let folds = Folds::same(&of_rows, &units);
    let evidence = |order: &[usize]| {
        let entries: Vec<Entry> = (order.iter())
            .map(|_| Entry {
                kind: 0,
                seeds: (0..u64::from(seeds)).collect(),
                is_deterministic: false,
            })
            .collect();
        let design = Design {
            entries: &entries,
            units: &units,
            folds: is_folded.then_some(&folds),
            goal: Goal::Max,
        };
        Evidence::of(&design, &|config: usize, trial: usize, out: &mut [f32]| {
            let own = &scores[order[config]][trial];
            out.iter_mut()
                .zip(own)
                .for_each(|(out, score)| *out = f32::from(*score));
        })
    };
    let found = evidence(&order);
    let first = order.iter().position(|place| *place == 0).unwrap();
    let as_planned: Vec<usize> = (0..configurations as usize).collect();
    let pair = evidence(&as_planned).comparisons[0];
    let half = pair.test.unwrap().spread.half_width(0.05);
    let holds = |is_true: bool| f64::from(u8::from(is_true));
    // All are equally good where this is used, so the mean of all differs from the truth by what they share.
    let all = means.iter().sum::<f64>() / f64::from(configurations);
    [
        holds(found.winner.is_some()),
        holds(!found.may_be_best.contains(&first)),
        holds(pair.by.unwrap().abs() > half),
        found.optimism.unwrap().by,
        means[order[0]] - all,
    ]
}

const WORLD: World = World {
    configurations: 2,
    seeds: 3,
    rows: 200,
    group: 1,
    of_seeds: 0.0,
    ahead: 0.0,
};

/// `share` and three standard errors.
fn at_most(share: f64) -> f64 {
    share + 3.0 * (share * (1.0 - share) / f64::from(sweeps())).sqrt()
}

#[test]
fn equal_configurations_seldom_have_a_winner_and_intervals_hold_the_truth() {
    for world in [
        World { seeds: 1, ..WORLD },
        World {
            seeds: 2,
            of_seeds: 0.2,
            ..WORLD
        },
        World {
            of_seeds: 0.2,
            ..WORLD
        },
        World {
            group: 5,
            rows: 500,
            ..WORLD
        },
        World {
            configurations: 8,
            seeds: 2,
            of_seeds: 0.1,
            rows: 100,
            ..WORLD
        },
    ] {
        let [winners, lost, missed, ..] = simulated(world, false);
        let World {
            configurations,
            seeds,
            rows,
            ..
        } = world;
        let name = format!("{configurations} configurations, {seeds} seeds, {rows} rows");
        assert!(winners <= at_most(0.05), "{name}: {winners}");
        assert!(lost <= at_most(0.05), "{name}: {lost}");
        assert!(missed <= at_most(0.06), "{name}: {missed}");
    }
    // Nor is it merely that nothing is ever found.
    let [winners, lost, ..] = simulated(
        World {
            ahead: 0.8,
            configurations: 4,
            ..WORLD
        },
        false,
    );
    assert!(winners > 0.8 && lost == 0.0, "{winners} {lost}");
}

#[test]
fn folds_make_intervals_wider_and_no_more_false_winners() {
    let [winners, _, missed, ..] = simulated(World { seeds: 1, ..WORLD }, true);
    assert!(
        winners <= at_most(0.05) && missed <= at_most(0.05),
        "{winners} {missed}"
    );
    let [winners, ..] = simulated(
        World {
            seeds: 1,
            ahead: 0.8,
            ..WORLD
        },
        true,
    );
    assert!(winners > 0.8, "{winners}");
}

#[test]
fn the_optimism_of_picking_covers_rows_as_well_as_seeds() {
    let [.., estimated, true_one] = simulated(
        World {
            configurations: 8,
            ..WORLD
        },
        false,
    );
    let error = (estimated / true_one - 1.0).abs();
    assert!(error < 0.25, "{estimated} for {true_one}");
}
