//! What reports promise of chance, held against sweeps whose truth is known: how often equal configurations are given a
//! winner, how often the best one is lost, how often a better one is found, and how good the estimate of optimism is.
//! `cargo bench --bench inference [SWEEPS]` prints the tables of docs/SIMULATIONS.md; 4,000 sweeps a row take minutes.

use rayon::prelude::{IntoParallelIterator, ParallelIterator};
use sweep_analysis::inference::{Inference, Sample, Verdict};
use sweep_analysis::ranking;
use sweep_core::random::{Purpose, Stream};
use sweep_core::trial::Goal;

/// Sweeps behind a row, unless told otherwise.
const SWEEPS: u32 = 4_000;
const CONFIGURATIONS: [u32; 6] = [2, 3, 5, 10, 30, 100];
const SEEDS: [u32; 4] = [2, 3, 5, 10];
/// Places in a stream from which effects of seeds and widths are drawn, beyond those of values.
const OF_SEEDS: u32 = 1_000_000;
const OF_WIDTHS: u32 = 2_000_000;

/// How noisy configurations are.
#[derive(Clone, Copy)]
enum Noise {
    Equal,
    /// Standard deviation 1, and what a seed does to all has twice that.
    Paired,
    /// The first has five times the standard deviation of the others.
    OneWide,
    /// Every other has three times that.
    HalfWide,
    /// Lognormal standard deviations, 0.7 on the scale of logarithms.
    Scattered,
    /// As equal, in steps of half a standard deviation, as on few validation rows.
    Coarse,
}

/// What came of the sweeps of one row, as shares of them.
#[derive(Clone, Copy, Default)]
struct Outcome {
    /// A winner was declared.
    winner: f64,
    /// The first configuration was not among the candidates.
    lost: f64,
    /// Some configuration was not.
    excluded: f64,
    candidates: f64,
    optimism: f64,
    true_optimism: f64,
}

fn main() {
    let asked = std::env::args()
        .filter_map(|argument| argument.parse().ok())
        .next();
    let sweeps = asked.unwrap_or(SWEEPS);
    println!("{sweeps} sweeps a row; all configurations equally good\n");
    let names = [
        "noise",
        "configurations",
        "seeds",
        "winner",
        "best lost",
        "any ruled out",
        "optimism",
        "true",
    ];
    println!("| {} |\n|{}", names.join(" | "), "---|".repeat(names.len()));
    let noises = [
        ("equal", Noise::Equal),
        ("equal, strong seeds", Noise::Paired),
        ("one five times", Noise::OneWide),
        ("half three times", Noise::HalfWide),
        ("scattered", Noise::Scattered),
        ("coarse", Noise::Coarse),
    ];
    let mut worst = (0.0f64, 0.0f64);
    for (name, noise) in noises {
        for configurations in CONFIGURATIONS {
            for seeds in SEEDS {
                let outcome = simulate(sweeps, noise, configurations, seeds, 0.0);
                worst = (worst.0.max(outcome.winner), worst.1.max(outcome.lost));
                println!(
                    "| {name} | {configurations} | {seeds} | {:.1}% | {:.1}% | {:.1}% | {:.3} | {:.3} |",
                    100.0 * outcome.winner,
                    100.0 * outcome.lost,
                    100.0 * outcome.excluded,
                    outcome.optimism,
                    outcome.true_optimism
                );
            }
        }
    }
    let error = 100.0 * (0.05f64 * 0.95 / f64::from(sweeps)).sqrt();
    println!(
        "\nmost: winner {:.1}%, best lost {:.1}% (5% is measured to {error:.1} points)",
        100.0 * worst.0,
        100.0 * worst.1
    );
    println!("\none ahead of the others by so many standard deviations of a single value\n");
    let names = [
        "ahead",
        "configurations",
        "seeds",
        "found",
        "lost",
        "candidates",
    ];
    println!("| {} |\n|{}", names.join(" | "), "---|".repeat(names.len()));
    for ahead in [1.0, 2.0, 4.0] {
        for configurations in [2, 10, 100] {
            for seeds in [3, 5, 10] {
                let outcome = simulate(sweeps / 2, Noise::Equal, configurations, seeds, ahead);
                println!(
                    "| {ahead} | {configurations} | {seeds} | {:.0}% | {:.1}% | {:.1} |",
                    100.0 * outcome.winner,
                    100.0 * outcome.lost,
                    outcome.candidates
                );
            }
        }
    }
}

fn simulate(sweeps: u32, noise: Noise, configurations: u32, seeds: u32, ahead: f64) -> Outcome {
    let one = |sweep: u32| sweep_of(sweep, noise, configurations, seeds, ahead);
    let add = |a: Outcome, b: Outcome| Outcome {
        winner: a.winner + b.winner,
        lost: a.lost + b.lost,
        excluded: a.excluded + b.excluded,
        candidates: a.candidates + b.candidates,
        optimism: a.optimism + b.optimism,
        true_optimism: a.true_optimism + b.true_optimism,
    };
    let all = (0..sweeps)
        .into_par_iter()
        .map(one)
        .reduce(Outcome::default, add);
    let share = |sum: f64| sum / f64::from(sweeps);
    Outcome {
        winner: share(all.winner),
        lost: share(all.lost),
        excluded: share(all.excluded),
        candidates: share(all.candidates),
        optimism: share(all.optimism),
        true_optimism: share(all.true_optimism),
    }
}

fn sweep_of(sweep: u32, noise: Noise, configurations: u32, seeds: u32, ahead: f64) -> Outcome {
    let stream = Stream::new(u64::from(sweep), Purpose::Synthetic, configurations, seeds);
    let width = |place: u32| match noise {
        Noise::OneWide if place == 0 => 5.0,
        Noise::HalfWide if place.is_multiple_of(2) => 3.0,
        Noise::Scattered => (0.7 * stream.normal(OF_WIDTHS + place)).exp(),
        _ => 1.0,
    };
    let effect = |seed: u32| match noise {
        Noise::Paired => 2.0 * stream.normal(OF_SEEDS + seed),
        _ => 0.0,
    };
    let truth = |place: u32| if place == 0 { ahead } else { 0.0 };
    let value = |place: u32, seed: u32| {
        let value =
            truth(place) + effect(seed) + width(place) * stream.normal(place * seeds + seed);
        match noise {
            Noise::Coarse => (2.0 * value).round() / 2.0,
            _ => value,
        }
    };
    let rows: Vec<Vec<(u64, f64)>> = (0..configurations)
        .map(|place| {
            (0..seeds)
                .map(|seed| (u64::from(seed), value(place, seed)))
                .collect()
        })
        .collect();
    let order = ranking::best_first(&rows);
    let sample = |place: &usize| Sample {
        group: 0,
        is_deterministic: false,
        values: rows[*place].clone(),
    };
    let inference = Inference::of_samples(&order.iter().map(sample).collect::<Vec<_>>(), Goal::Max);
    let first = order
        .iter()
        .position(|place| *place == 0)
        .expect("the first is ranked");
    let effects = (0..seeds).map(effect).sum::<f64>() / f64::from(seeds);
    let yes = |is_so: bool| f64::from(u8::from(is_so));
    Outcome {
        winner: yes(matches!(inference.verdict, Verdict::Winner { .. })),
        lost: yes(!inference.candidates.contains(&first)),
        excluded: yes(inference.candidates.len() < rows.len()),
        candidates: inference.candidates.len() as f64,
        optimism: inference.optimism.map_or(0.0, |optimism| optimism.by),
        true_optimism: inference.estimates[0].mean - effects - truth(order[0] as u32),
    }
}
