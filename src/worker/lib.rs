//! The worker's side of the protocol: takes orders on standard input, trains, answers on standard
//! output.
//!
//! A thread of its own reads orders, so that a stop request or the end of the coordinator is noticed
//! in the middle of training. Nothing is shared with it but the stop flag and a channel, in order.

mod budget;
pub mod checkpoints;
mod group;
mod pause;
mod reporter;
pub mod reports;
mod voice;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use budget::{Budget, Pace};
use reporter::Reporter;
use sweep_core::atomic_fs::is_full;
use sweep_core::protocol::{FromWorker, Line, PROTOCOL_VERSION, ToWorker, TrainRequest, read_line};
use sweep_core::signals;
use sweep_data::Dataset;
use sweep_engine::{Backend, Control, EngineError, Job, Outcome};
use voice::{Voice, log, say};

/// Serves orders until standard input closes; `backend` trains networks, trees have their own engines. What asks a
/// sweep to stop is ignored: it is the coordinator that asks workers.
///
/// # Errors
/// When the coordinator cannot be spoken to, which means that it is gone.
pub fn serve(backend: &mut dyn Backend) -> io::Result<()> {
    // Whatever started this process.
    signals::ignore_as_worker();
    pause::stop_with_coordinator()?;
    let output = claim_stdout()?;
    let stop = Arc::new(AtomicBool::new(false));
    let (orders, queue) = channel();
    let reader_stop = Arc::clone(&stop);
    thread::Builder::new()
        .name("orders".to_owned())
        .spawn(move || read_orders(&orders, &reader_stop))?;
    say(
        &output,
        &FromWorker::Ready {
            protocol: PROTOCOL_VERSION,
            engine: backend.name().to_owned(),
            pid: std::process::id(),
            capacity: backend.capacity(),
        },
    )?;
    let mut data = OpenData::default();
    let mut pace = Pace::default();
    for orders in queue {
        let alone = match orders.len() {
            1 => orders,
            _ => group::carry_out(backend, orders, &mut data, (&output, &stop), &mut pace)?,
        };
        for order in alone {
            let mut voice = Voice::new(order.attempt, &output, &stop);
            let answer = carry_out(backend, &order, &mut data, &mut voice, &mut pace);
            voice.say(&answer);
            if let Some(error) = voice.lost {
                return Err(error);
            }
        }
    }
    Ok(())
}

/// Passes orders on in the order they came in; ends the process when there will be no more.
fn read_orders(orders: &Sender<Vec<TrainRequest>>, stop: &AtomicBool) {
    let mut input = io::stdin().lock();
    let mut line = Vec::new();
    while let Ok(Line::Whole) = read_line(&mut input, &mut line) {
        let next = match serde_json::from_slice(&line) {
            Ok(ToWorker::Train(order)) => vec![*order],
            Ok(ToWorker::TrainBatch { requests }) => requests,
            Ok(ToWorker::Stop) => {
                stop.store(true, Ordering::Relaxed);
                continue;
            }
            Err(error) => {
                log(&format!("an order that cannot be read: {error}"));
                std::process::exit(2);
            }
        };
        stop.store(false, Ordering::Relaxed);
        if orders.send(next).is_err() {
            break;
        }
    }
    // The coordinator is gone. Whatever is being trained has its checkpoint; ending at once leaves
    // nobody behind.
    std::process::exit(0);
}

/// The data set in use, kept mapped from trial to trial.
#[derive(Default)]
struct OpenData {
    current: Option<(PathBuf, Dataset)>,
}

impl OpenData {
    fn get(&mut self, path: &Path) -> Result<&Dataset, String> {
        if self.current.as_ref().is_none_or(|(open, _)| open != path) {
            let data = Dataset::open(path)
                .map_err(|error| format!("cannot open the data set {}: {error}", path.display()))?;
            self.current = Some((path.to_owned(), data));
        }
        Ok(&self.current.as_ref().expect("set above").1)
    }
}

/// Trains one trial and gives the last word on it; what the trial did wrong is an answer too.
fn carry_out(
    backend: &mut dyn Backend,
    order: &TrainRequest,
    data: &mut OpenData,
    voice: &mut Voice<'_>,
    pace: &mut Pace,
) -> FromWorker {
    let (attempt, folder) = (order.attempt, order.folder.as_path());
    let data = match data.get(&order.data) {
        Ok(data) => data,
        Err(message) => return FromWorker::Rejected { attempt, message },
    };
    if let Err(end) = begin(folder, voice) {
        return end;
    }
    let job = Job {
        spec: &order.spec,
        data,
        folder,
    };
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
                    note_useless(voice, found.name, &error.to_string(), left);
                    fell_back = true;
                    continue;
                }
            },
        };
        let budget = Budget::new(order.checkpoint, *pace);
        let mut reporter = Reporter::new(voice, folder, budget, fell_back);
        let outcome = sweep_engine::train_with(backend, job, bytes, &mut reporter);
        let saved_step = reporter.saved_step;
        *pace = reporter.budget.pace;
        match (outcome, name) {
            (Err(EngineError::Checkpoint(reason)), Some(name)) => {
                note_useless(voice, name, &reason, left);
                fell_back = true;
            }
            (outcome, _) => return conclude(outcome, saved_step, voice),
        }
    }
}

/// Makes the folder of a trial ready; an error is the last word on a trial for which that cannot be.
fn begin(folder: &Path, voice: &mut Voice<'_>) -> Result<(), FromWorker> {
    let attempt = voice.attempt;
    while let Err(error) = make_ready(folder) {
        let why = format!("cannot write in {}: {error}", folder.display());
        if !is_full(&error) {
            let message = format!("{why}; see that the folder can be written");
            return Err(FromWorker::Rejected { attempt, message });
        }
        if voice.wait(&format!("{why}; the trial begins once there is room")) == Control::Stop {
            let step = None;
            return Err(FromWorker::Interrupted { attempt, step });
        }
    }
    voice.go_on();
    Ok(())
}

/// The last word on a trial whose training came to this `outcome`, with its newest checkpoint at `step`.
fn conclude(
    outcome: Result<Outcome, EngineError>,
    step: Option<u32>,
    voice: &mut Voice<'_>,
) -> FromWorker {
    let attempt = voice.attempt;
    match outcome {
        Ok(Outcome::Done(result)) => {
            voice.go_on();
            FromWorker::Finished { attempt, result }
        }
        Ok(Outcome::Stopped { .. }) => FromWorker::Interrupted { attempt, step },
        Err(EngineError::Write { .. }) if voice.is_held() && voice.is_stopped() => {
            voice.note("stopped before there was room for the model, which is trained again");
            FromWorker::Interrupted { attempt, step }
        }
        Err(EngineError::Library(message)) if message.contains(BAD_ALLOC) => give_up(&message),
        Err(error) => FromWorker::Rejected {
            attempt,
            message: error.to_string(),
        },
    }
}

/// Says that a checkpoint was of no use, and what comes now that `left` others are left.
fn note_useless(voice: &mut Voice<'_>, name: &str, reason: &str, left: usize) {
    let next = match left {
        0 => "training begins from the start",
        _ => "the one before it is tried",
    };
    voice.note(&format!("{name} cannot be used: {reason}; {next}"));
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

/// Takes standard output for the protocol alone: whatever a library prints goes to the log.
#[cfg(unix)]
fn claim_stdout() -> io::Result<File> {
    use std::os::fd::{AsFd as _, AsRawFd as _};
    let claimed = io::stdout().as_fd().try_clone_to_owned()?;
    // SAFETY: both descriptors are open; dup2 closes and replaces the first in one step.
    if unsafe { libc::dup2(io::stderr().as_raw_fd(), io::stdout().as_raw_fd()) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(File::from(claimed))
}
