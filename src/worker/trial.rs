//! One trial in a worker: its folder made ready, its checkpoint found, its training, its last word.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::attempt_channel::{AttemptChannel, log};
use super::budget::{Budget, WriteCost};
use super::checkpoints;
use super::reporter::Reporter;
use sweep_core::atomic_fs::is_full;
use sweep_core::protocol::{FromWorker, TrainRequest};
use sweep_data::Dataset;
use sweep_engine::{Backend, Control, EngineError, Job, Outcome};

/// The data set in use, kept mapped from trial to trial.
#[derive(Default)]
pub(super) struct OpenData {
    current: Option<(PathBuf, Dataset)>,
}

impl OpenData {
    pub(super) fn get(&mut self, path: &Path) -> Result<&Dataset, String> {
        if self.current.as_ref().is_none_or(|(open, _)| open != path) {
            let data = Dataset::open(path)
                .map_err(|error| format!("cannot open the data set {}: {error}", path.display()))?;
            self.current = Some((path.to_owned(), data));
        }
        Ok(&self.current.as_ref().expect("set above").1)
    }
}

/// Trains one trial and gives the last word on it; what the trial did wrong is an answer too.
pub(super) fn train(
    backend: &mut dyn Backend,
    order: &TrainRequest,
    data: &mut OpenData,
    channel: &mut AttemptChannel<'_>,
    write_cost: &mut WriteCost,
) -> FromWorker {
    let (attempt, folder) = (order.attempt, order.folder.as_path());
    let data = match data.get(&order.data) {
        Ok(data) => data,
        Err(message) => return FromWorker::Rejected { attempt, message },
    };
    if let Err(end) = begin(folder, channel) {
        return end;
    }
    let job = Job::new(&order.spec, data, folder);
    let mut found = checkpoints::find(folder).into_iter();
    let mut fell_back = false;
    loop {
        let checkpoint = found.next();
        let left = found.len();
        let (name, bytes) = match &checkpoint {
            None => (None, None),
            Some(found) => match &found.bytes {
                Ok(bytes) => (Some(found.name), Some(bytes.as_slice())),
                Err(error) => {
                    note_useless(channel, found.name, &error.to_string(), left);
                    fell_back = true;
                    continue;
                }
            },
        };
        let budget = Budget::new(order.checkpoint, *write_cost);
        let mut reporter = Reporter::new(channel, folder, budget, (order.pause_at, fell_back));
        let outcome = sweep_engine::train_with(backend, job, bytes, &mut reporter);
        let stopped_at = StoppedAt::of(&reporter);
        *write_cost = reporter.budget.write_cost;
        match (outcome, name) {
            (Err(EngineError::Checkpoint(reason)), Some(name)) => {
                note_useless(channel, name, &reason, left);
                fell_back = true;
            }
            (outcome, _) => return conclude(outcome, stopped_at, channel),
        }
    }
}

/// Makes the folder of a trial ready; an error is the last word on a trial for which that cannot be.
pub(super) fn begin(folder: &Path, channel: &mut AttemptChannel<'_>) -> Result<(), FromWorker> {
    let attempt = channel.attempt;
    while let Err(error) = make_ready(folder) {
        let why = format!("cannot write in {}: {error}", folder.display());
        if !is_full(&error) {
            let message = format!("{why}; see that the folder can be written");
            return Err(FromWorker::Rejected { attempt, message });
        }
        if channel.wait(&format!("{why}; the trial begins once there is space")) == Control::Stop {
            let step = None;
            return Err(FromWorker::Interrupted { attempt, step });
        }
    }
    channel.unblock();
    Ok(())
}

/// Where a trial stands that was stopped before its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct StoppedAt {
    /// The step of its newest checkpoint.
    saved: Option<u32>,
    /// The step at which it paused, as it was asked to when it began.
    paused: Option<u32>,
}

impl StoppedAt {
    pub(super) fn of(reporter: &Reporter<'_, '_>) -> StoppedAt {
        StoppedAt {
            saved: reporter.saved_step,
            paused: reporter.paused,
        }
    }
}

/// The last word on a trial whose training came to this `outcome`, and which stands at `stopped_at` unless it has ended.
pub(super) fn conclude(
    outcome: Result<Outcome, EngineError>,
    stopped_at: StoppedAt,
    channel: &mut AttemptChannel<'_>,
) -> FromWorker {
    let attempt = channel.attempt;
    let step = stopped_at.saved;
    match outcome {
        Ok(Outcome::Done(result)) => {
            channel.unblock();
            FromWorker::Finished { attempt, result }
        }
        Ok(Outcome::Stopped { .. }) => match stopped_at.paused {
            Some(step) => FromWorker::Paused { attempt, step },
            None => FromWorker::Interrupted { attempt, step },
        },
        Err(EngineError::Write { .. }) if channel.is_blocked() && channel.is_stopped() => {
            channel.warn("stopped before there was space for the model, which is trained again");
            FromWorker::Interrupted { attempt, step }
        }
        Err(EngineError::Library { message, .. }) if message.contains(BAD_ALLOC) => {
            give_up(&message)
        }
        Err(error) => FromWorker::Rejected {
            attempt,
            message: error.to_string(),
        },
    }
}

/// Says that a checkpoint was of no use, and what comes now that `left` others are left.
fn note_useless(channel: &mut AttemptChannel<'_>, name: &str, reason: &str, left: usize) {
    let next = match left {
        0 => "training begins from the start",
        _ => "the one before it is tried",
    };
    channel.warn(&format!("{name} cannot be used: {reason}; {next}"));
}

/// What C++ calls a failure to get memory.
const BAD_ALLOC: &str = "bad_alloc";

/// Ends the process for want of memory, as an allocation that fails in Rust does: how it ended tells the
/// coordinator why, and the memory is free again.
fn give_up(message: &str) -> ! {
    log(message);
    std::process::abort()
}

/// Makes `folder`, clears it of what dead processes left half written, and sees that it can be written:
/// before any time is spent on training.
///
/// # Errors
/// When it cannot be written.
pub fn make_ready(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    checkpoints::clear_leftovers(folder)?;
    let probe = folder.join(format!("probe.{}.part", std::process::id()));
    File::create(&probe)?;
    std::fs::remove_file(&probe)
}
