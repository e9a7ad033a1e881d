//! Power cuts in a recording, drawn one after the other, each with what is then held against the promises.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Instant;

use sha2::{Digest as _, Sha256};

use super::counts::{Counts, Found};
use super::disk::{Fate, Model, after_cut};
use super::history::{History, Tree};
use super::moments::Moments;
use super::promises::{Promises, Results};
use super::recording;
use crate::torture::rng::Rng;
use crate::torture::variable;

/// What is drawn when nothing is said.
const SEED: u64 = 20;
/// Failures after which no more states are checked.
const MAX_FAILURES: usize = 10;

/// How often each fate is drawn.
const FATES: [(u64, Fate); 6] = [
    (4, Fate::Nothing),
    (1, Fate::Everything),
    (1, Fate::Names),
    (1, Fate::Zeros),
    (1, Fate::Bytes),
    (6, Fate::Mixed),
];

/// A state of the disk after a power cut.
pub struct State<'a> {
    pub tree: &'a Tree,
    /// The results that had been reported.
    pub promised: &'a Results,
    /// How many commands had ended.
    pub ended: usize,
    /// Where to record the command that resumes, if it is to be cut as well.
    pub recording: Option<&'a Path>,
}

/// States that are checked, and the outcome.
pub struct Cuts {
    begin: Instant,
    counts: Counts,
    failures: Vec<String>,
}

impl Cuts {
    pub fn new() -> Cuts {
        Cuts {
            begin: Instant::now(),
            counts: Counts::default(),
            failures: Vec::new(),
        }
    }

    /// Checks `states` states of a recording: `check` panics where a promise is broken. What `check` records
    /// of every `again`-th is cut as well, at `states_again` points; 0 is never.
    pub fn check_states(
        &mut self,
        recording: &Path,
        states: u64,
        again: (u64, u64),
        check: &mut dyn FnMut(&State<'_>, &mut Rng) -> Found,
    ) {
        let seed = variable("SWEEP_POWER_SEED", SEED);
        println!("SWEEP_POWER_SEED={seed}");
        self.check_states_with(seed, recording, states, again, check);
    }

    fn check_states_with(
        &mut self,
        seed: u64,
        recording: &Path,
        states: u64,
        (again, states_again): (u64, u64),
        check: &mut dyn FnMut(&State<'_>, &mut Rng) -> Found,
    ) {
        let history = History::new(recording::read(recording));
        let moments = Moments::of(&history);
        let mut promises = Promises::of(&history);
        let scratch = tempfile::tempdir().unwrap();
        let mut seeds = Rng::new(seed);
        for number in 0..states {
            // Each state has draws of its own, so that it does not depend on what is checked before it.
            let mut rng = Rng::new(seeds.between(0, u64::MAX));
            let (cut, sort) = moments.draw(&mut rng);
            let model = rng.pick(&[(1, Model::Strict), (1, Model::Journal)]);
            let fate = rng.pick(&FATES);
            let next = scratch.path().join(number.to_string());
            let is_again = again > 0 && number % again == again - 1;
            let state = State {
                tree: &after_cut(&history, cut, model, fate, &mut rng),
                promised: promises.at(cut),
                ended: history.ended(cut),
                recording: is_again.then_some(&next),
            };
            match catch_unwind(AssertUnwindSafe(|| check(&state, &mut rng))) {
                Ok(found) => {
                    let promised = state.promised.len();
                    self.counts.add((model, fate), sort, promised, found);
                    if is_again {
                        self.counts.again += 1;
                        let seed = rng.between(0, u64::MAX);
                        self.check_states_with(seed, &next, states_again, (0, 0), check);
                    }
                }
                Err(_) => {
                    let failure = format!(
                        "state {number}: a cut after change {cut} of {} (at {sort}), {model:?}, {fate:?}: \
                         SWEEP_POWER_SEED={seed} SWEEP_POWER_RECORDING={} shows it again",
                        history.changes.len(),
                        keep(recording).display()
                    );
                    println!("{failure}");
                    self.failures.push(failure);
                }
            }
            if self.failures.len() >= MAX_FAILURES {
                return;
            }
        }
    }

    /// Prints the counts; fails if anything did.
    pub fn finish(self) {
        let seconds = self.begin.elapsed().as_secs_f64();
        println!("{}in {seconds:.1} s\n", self.counts);
        assert!(self.failures.is_empty(), "{}", self.failures.join("\n"));
    }
}

/// The recording that `record` makes in the file it is given, or the one that was kept of a failure.
pub fn recorded(record: impl FnOnce(&Path)) -> (tempfile::TempDir, PathBuf) {
    let scratch = tempfile::tempdir().unwrap();
    let path = match std::env::var_os("SWEEP_POWER_RECORDING") {
        Some(kept) => PathBuf::from(kept),
        None => {
            let new = scratch.path().join("recording");
            record(&new);
            new
        }
    };
    (scratch, path)
}

/// Copies a recording to where it stays, named after what it holds.
fn keep(recording: &Path) -> PathBuf {
    let bytes = fs::read(recording).unwrap();
    let digest = sweep_core::format::hex(&Sha256::digest(&bytes)[..8]);
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("power-{digest}"));
    fs::write(&kept, bytes).unwrap();
    kept
}
