//! Sweeps under faults: every process is killed at random moments, stopped, frozen and given a second coordinator, and the sweep is
//! resumed, until it is done. Then the database and all files are, byte for byte, those of a sweep left alone.
//!
//! `make test` runs a dozen kills; `make torture` a thousand. `SWEEP_TORTURE_KILLS` and `SWEEP_TORTURE_SEED` set
//! their number and what is drawn; both are printed. The same seed draws the same faults, but where they fall
//! also depends on the machine.

pub mod compare;
mod counts;
mod crash_loop;
pub mod experiments;
mod fault;
mod inject;
pub mod processes;
mod readers;
pub mod rng;
pub mod snapshot;
mod watch;

use std::time::Instant;

use counts::Counts;
use crash_loop::CrashLoop;
use experiments::CrashDir;
use rng::Rng;

/// Kills when nothing is said.
const KILLS: u64 = 12;
/// Kills until a sweep is let go to its end and compared.
const KILLS_A_ROUND: u64 = 24;
/// Epochs of a network under a few kills ...
const EPOCHS: u32 = 160;
/// ... and under many, so that most are killed more than once.
const MANY_EPOCHS: u32 = 240;
/// What is drawn when nothing is said.
const SEED: u64 = 20;

#[test]
fn sixteen_readers_of_a_running_sweep_see_no_error_and_change_nothing() {
    readers::beside_a_sweep(EPOCHS);
}

/// A number that an environment variable gives.
pub fn variable(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} must be a number, and is `{text}`"))
    })
}

#[test]
fn a_sweep_killed_anywhere_and_resumed_ends_as_one_left_alone() {
    let kills = variable("SWEEP_TORTURE_KILLS", KILLS);
    let seed = variable("SWEEP_TORTURE_SEED", SEED);
    println!("SWEEP_TORTURE_KILLS={kills} SWEEP_TORTURE_SEED={seed}");
    let begin = Instant::now();
    let epochs = if kills > KILLS { MANY_EPOCHS } else { EPOCHS };
    let alone = CrashDir::left_alone(epochs);
    println!("left alone: {:.1} s", begin.elapsed().as_secs_f64());
    let mut rng = Rng::new(seed);
    let mut counts = Counts::default();
    while counts.kills() < kills {
        let round = KILLS_A_ROUND.min(kills - counts.kills());
        CrashLoop::new(epochs, &mut rng, &mut counts).run(round, &alone);
        println!("{counts}in {:.0} s\n", begin.elapsed().as_secs_f64());
    }
}
