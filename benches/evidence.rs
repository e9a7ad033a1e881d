//! What evidence from rows and seeds promises, held against sweeps whose truth is known: configurations that err on the same
//! rows, finite validation rows, groups, seeds.
//! `cargo bench --bench evidence [SWEEPS]` prints the tables of docs/SIMULATIONS.md; 1,000 sweeps a row take minutes.
//! `cargo bench --bench evidence -- FOLDER` reads what benches/evidence_real.py has written of models of a real table.

use rayon::prelude::{IntoParallelIterator, ParallelIterator};
use std::path::Path;
use std::time::Instant;
use sweep::{ALIKE, Outcome, Sweep, World, worlds};
use sweep_analysis::evidence::{Design, Evidence, Units};
use sweep_core::trial::Goal;

#[path = "evidence/real.rs"]
mod real;
#[path = "evidence/sweep.rs"]
mod sweep;

/// Sweeps behind a row, unless told otherwise.
const SWEEPS: u32 = 1_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(folder) = arguments
        .iter()
        .find(|argument| Path::new(argument).is_dir())
    {
        return real::report(Path::new(folder));
    }
    let asked = arguments.iter().find_map(|argument| argument.parse().ok());
    let sweeps = asked.unwrap_or(SWEEPS);
    equally_good(sweeps);
    one_ahead(sweeps);
    time_of_a_large_sweep();
}

/// Fewer of the large ones.
fn number_of(sweeps: u32, configurations: u32, seeds: u32, rows: u32) -> u32 {
    if configurations * seeds * rows > 300_000 {
        sweeps.div_ceil(5)
    } else {
        sweeps
    }
}

fn equally_good(sweeps: u32) {
    println!("{sweeps} sweeps a row; all configurations equally good\n");
    println!(
        "| scores | configurations | seeds | rows | winner | by seeds alone | best lost | covered | own covered | optimism | true |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    let mut worst = Outcome {
        covered: 1.0,
        ..Outcome::default()
    };
    for world in worlds() {
        for (configurations, seeds, rows) in [
            (2, 1, 100),
            (2, 1, 1000),
            (2, 2, 1000),
            (2, 3, 1000),
            (2, 5, 100),
            (2, 5, 1000),
            (2, 10, 5000),
            (10, 1, 1000),
            (10, 2, 1000),
            (10, 3, 300),
            (10, 5, 1000),
            (10, 10, 1000),
            (50, 3, 1000),
            (50, 5, 5000),
        ] {
            let sweeps = number_of(sweeps, configurations, seeds, rows);
            let found = simulate(sweeps, world, configurations, seeds, rows, 0.0);
            // Of one seed each, nothing is known of seeds, which is said.
            if seeds > 1 || world.config_seed == 0.0 {
                worst.winner = worst.winner.max(found.winner);
                worst.lost = worst.lost.max(found.lost);
                worst.covered = worst.covered.min(found.covered);
            }
            println!(
                "| {} | {configurations} | {seeds} | {rows} | {:.1}% | {:.1}% | {:.1}% | {:.1}% | {:.1}% | {:.4} | {:.4} |",
                world.name,
                100.0 * found.winner,
                100.0 * found.winner_by_seeds,
                100.0 * found.lost,
                100.0 * found.covered,
                100.0 * found.own_covered,
                found.optimism,
                found.true_optimism,
            );
        }
    }
    println!(
        "\nmost: winner {:.1}%, best lost {:.1}%; least covered {:.1}%",
        100.0 * worst.winner,
        100.0 * worst.lost,
        100.0 * worst.covered
    );
}

fn one_ahead(sweeps: u32) {
    println!("\none ahead of the others in accuracy\n");
    println!(
        "| scores | ahead by | configurations | seeds | rows | found | wrong winner | lost | may be best |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for world in [ALIKE, worlds()[5]] {
        for ahead in [0.01, 0.02, 0.04] {
            for (configurations, seeds, rows) in [
                (2, 5, 1000),
                (10, 1, 1000),
                (10, 5, 1000),
                (10, 5, 5000),
                (50, 3, 5000),
            ] {
                let sweeps = number_of(sweeps, configurations, seeds, rows);
                let found = simulate(sweeps, world, configurations, seeds, rows, ahead);
                println!(
                    "| {} | {ahead} | {configurations} | {seeds} | {rows} | {:.0}% | {:.1}% | {:.1}% | {:.1} |",
                    world.name,
                    100.0 * found.first,
                    100.0 * (found.winner - found.first),
                    100.0 * found.lost,
                    found.may_be_best,
                );
            }
        }
    }
}

/// 200 configurations, 5 seeds, 10,000 rows in a byte each.
fn time_of_a_large_sweep() {
    let world = World { family: 5, ..ALIKE };
    let sweep = Sweep::new(world, 200, 5, 10_000, 0, 0.0);
    let bytes: Vec<u8> = sweep.scores.iter().map(|score| *score as u8).collect();
    let read = |configuration: usize, trial: usize, out: &mut [f32]| {
        let from = (configuration * 5 + trial) * out.len();
        let own = &bytes[from..from + out.len()];
        out.iter_mut()
            .zip(own)
            .for_each(|(out, byte)| *out = f32::from(*byte));
    };
    let units = Units::rows(10_000);
    let entries = sweep.entries(&(0..200).collect::<Vec<_>>());
    let began = Instant::now();
    let design = Design {
        entries: &entries,
        units: &units,
        folds: None,
        goal: Goal::Max,
    };
    let evidence = Evidence::of(&design, &read);
    println!(
        "\n200 configurations, 5 seeds, 10,000 rows: {:.2} s, {} may be the best",
        began.elapsed().as_secs_f64(),
        evidence.may_be_best.len()
    );
}

fn simulate(
    sweeps: u32,
    world: World,
    configurations: u32,
    seeds: u32,
    rows: u32,
    ahead: f64,
) -> Outcome {
    let one = |sweep: u32| Sweep::new(world, configurations, seeds, rows, sweep, ahead).outcome();
    let share = 1.0 / f64::from(sweeps);
    let add = |a: Outcome, b: Outcome| Outcome {
        winner: a.winner + b.winner,
        winner_by_seeds: a.winner_by_seeds + b.winner_by_seeds,
        first: a.first + b.first,
        lost: a.lost + b.lost,
        may_be_best: a.may_be_best + b.may_be_best,
        covered: a.covered + b.covered,
        own_covered: a.own_covered + b.own_covered,
        optimism: a.optimism + b.optimism,
        true_optimism: a.true_optimism + b.true_optimism,
    };
    let all = (0..sweeps)
        .into_par_iter()
        .map(one)
        .reduce(Outcome::default, add);
    Outcome {
        winner: all.winner * share,
        winner_by_seeds: all.winner_by_seeds * share,
        first: all.first * share,
        lost: all.lost * share,
        may_be_best: all.may_be_best * share,
        covered: all.covered * share,
        own_covered: all.own_covered * share,
        optimism: all.optimism * share,
        true_optimism: all.true_optimism * share,
    }
}
