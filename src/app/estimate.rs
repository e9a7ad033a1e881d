//! A pilot: trains a few trials of the plan briefly and extrapolates time and memory.

use std::fmt;
use std::time::{Duration, Instant};

use sweep_core::atomic_fs::TemporaryFolder;
use sweep_core::format::{format_bytes, format_seconds, pluralize};
use sweep_core::trial::Kind;
use sweep_data::Dataset;
use sweep_engine::models::mlp::{DESCRIPTION, WEIGHTS};
use sweep_engine::{Callback, Control, Epoch, Job};
use sweep_experiment::plan::PlannedTrial;

use crate::error::Error;
use crate::prepare::PreparedSweep;

/// Trials of each kind in the pilot, spread evenly over the plan.
const PILOT_TRIALS: usize = 6;
/// A pilot trial ends after this many epochs or rounds ...
const STEPS: u32 = 3;
/// ... or after this time.
const TIME: Duration = Duration::from_millis(700);

/// What the trials to train will cost.
#[derive(Debug, Clone, Copy)]
pub struct Estimate {
    /// On all slots, to the end.
    pub wall_seconds: f64,
    /// Of training on one core.
    pub core_seconds: f64,
    /// Peak memory of one worker, the mapped data included.
    pub worker_bytes: Option<u64>,
    /// Trials that it is based on.
    pilot_trials: usize,
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "estimate from a pilot of {}: {} on all slots ({} on one core)",
            pluralize(self.pilot_trials, "trial"),
            format_seconds(self.wall_seconds),
            format_seconds(self.core_seconds),
        )?;
        match self.worker_bytes {
            Some(bytes) => write!(f, "; {} per worker", format_bytes(bytes)),
            None => Ok(()),
        }
    }
}

/// Trains some of `todo` briefly in this process, and extrapolates to all of it on `slots` workers.
///
/// Early stopping is not predicted: with it, the estimate is too long.
pub fn estimate(
    prepared: &PreparedSweep,
    todo: &[&PlannedTrial],
    slots: usize,
) -> Result<Estimate, Error> {
    let data = Dataset::open(&prepared.data().path).map_err(|error| {
        Error::environment(format!("cannot open the prepared data: {error}"), "")
    })?;
    let temporary = TemporaryFolder::new("sweep-pilot").map_err(|error| {
        Error::environment(format!("cannot create a temporary folder: {error}"), "")
    })?;
    let scratch = temporary.path();
    let folder = scratch.join("pilot");
    std::fs::create_dir_all(&folder).map_err(|error| {
        Error::environment(format!("cannot create {}: {error}", folder.display()), "")
    })?;
    if let Some(source) = &prepared.source {
        let beside = scratch.join(source.trial.as_str());
        let description = source.weights.with_file_name(DESCRIPTION);
        let copied = std::fs::create_dir_all(&beside)
            .and_then(|()| std::fs::copy(&source.weights, beside.join(WEIGHTS)))
            // The bins of a piecewise-linear encoding are there.
            .and_then(|_| std::fs::copy(description, beside.join(DESCRIPTION)));
        copied.map_err(|error| {
            let message = format!("cannot copy {}: {error}", source.weights.display());
            Error::environment(message, "")
        })?;
    }
    let mut estimate = Estimate {
        wall_seconds: 0.0,
        core_seconds: 0.0,
        worker_bytes: None,
        pilot_trials: 0,
    };
    let mut longest: f64 = 0.0;
    for kind in Kind::all() {
        let trials: Vec<&PlannedTrial> = todo
            .iter()
            .filter(|trial| trial.spec.model.kind() == kind)
            .copied()
            .collect();
        let mut seconds = 0.0;
        let tried = PILOT_TRIALS.min(trials.len());
        for number in 0..tried {
            let trial = trials[number * trials.len() / tried];
            let took = attempt(Job::new(&trial.spec, &data, &folder), trial)?;
            longest = longest.max(took);
            seconds += took;
        }
        if tried > 0 {
            estimate.core_seconds += seconds / tried as f64 * trials.len() as f64;
            estimate.pilot_trials += tried;
        }
    }
    // A trial runs on one slot.
    estimate.wall_seconds = (estimate.core_seconds / slots as f64).max(longest);
    estimate.worker_bytes = peak_memory();
    Ok(estimate)
}

/// Seconds that the whole of `trial` would take.
fn attempt(job: Job<'_>, trial: &PlannedTrial) -> Result<f64, Error> {
    let mut clock = Clock {
        start: Instant::now(),
        steps: 0,
        elapsed: Duration::ZERO,
    };
    sweep_engine::train(job, None, &mut clock)
        .map_err(|error| Error::environment(format!("{}: {error}", trial.id.short()), ""))?;
    let each = clock.elapsed.as_secs_f64() / f64::from(clock.steps.max(1));
    Ok(each * f64::from(trial.spec.model.steps()))
}

/// Stops training after a few steps.
struct Clock {
    start: Instant,
    steps: u32,
    elapsed: Duration,
}

impl Callback for Clock {
    fn epoch(&mut self, epoch: &Epoch, _checkpoint: &mut dyn FnMut() -> Vec<u8>) -> Control {
        self.elapsed = self.start.elapsed();
        self.steps = epoch.step;
        match self.steps >= STEPS || self.elapsed >= TIME {
            true => Control::Stop,
            false => Control::Continue,
        }
    }
}

/// Peak resident memory of this process, which has just done what a worker does.
#[cfg(unix)]
fn peak_memory() -> Option<u64> {
    // SAFETY: an all-zero rusage is a valid value of that plain C struct.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` is writable.
    let code = unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) };
    // Linux counts in KiB, macOS in bytes.
    let unit = if cfg!(target_os = "linux") { 1024 } else { 1 };
    (code == 0).then(|| usage.ru_maxrss as u64 * unit)
}

#[cfg(not(unix))]
fn peak_memory() -> Option<u64> {
    None
}
