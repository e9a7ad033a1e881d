//! The worker's side of the protocol: takes orders on standard input, trains, answers on standard
//! output.
//!
//! A thread of its own reads orders, so that a stop request or the end of the coordinator is noticed
//! in the middle of training. Nothing is shared with it but the stop flag and a channel, in order.

use std::fs::File;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::data::Dataset;
use crate::disk;
use crate::engine::{self, Control, Ending, EngineError, Epoch, Job, Networks, Watch};
use crate::protocol::{FromWorker, Order, PROTOCOL, ToWorker};

/// File name of a checkpoint within the folder of its trial.
pub const CHECKPOINT: &str = "checkpoint.safetensors";
/// No checkpoint is written more often than this.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(5);
/// Training takes at least this many times as long as writing its checkpoints: 2%.
const CHECKPOINT_SHARE: u32 = 50;

/// Serves orders until standard input closes; `networks` trains networks.
///
/// # Errors
/// When the coordinator cannot be spoken to, which means that it is gone.
pub fn serve(networks: &mut dyn Networks) -> io::Result<()> {
    let mut output = claim_stdout()?;
    let stop = Arc::new(AtomicBool::new(false));
    let (orders, queue) = channel();
    let reader_stop = Arc::clone(&stop);
    thread::Builder::new()
        .name("orders".to_owned())
        .spawn(move || read_orders(&orders, &reader_stop))?;
    say(
        &mut output,
        &FromWorker::Ready {
            protocol: PROTOCOL,
            engine: networks.name().to_owned(),
            pid: std::process::id(),
        },
    )?;
    let mut data = OpenData::default();
    for order in queue {
        let answer = carry_out(networks, &order, &mut data, &stop, &mut output)?;
        say(&mut output, &answer)?;
    }
    Ok(())
}

/// Passes orders on in the order they came in; ends the process when there will be no more.
fn read_orders(orders: &Sender<Order>, stop: &AtomicBool) {
    for line in io::stdin().lock().lines() {
        let message = line.map(|line| serde_json::from_str(&line));
        match message {
            Ok(Ok(ToWorker::Train(order))) => {
                stop.store(false, Ordering::Relaxed);
                if orders.send(*order).is_err() {
                    break;
                }
            }
            Ok(Ok(ToWorker::Stop)) => stop.store(true, Ordering::Relaxed),
            Ok(Err(error)) => {
                log(&format!("an order that cannot be read: {error}"));
                std::process::exit(2);
            }
            Err(_) => break,
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

/// Trains one trial. An error is the coordinator's absence; what the trial did wrong is an answer.
fn carry_out(
    networks: &mut dyn Networks,
    order: &Order,
    data: &mut OpenData,
    stop: &AtomicBool,
    output: &mut File,
) -> io::Result<FromWorker> {
    let attempt = order.attempt;
    let refused = |message: String| FromWorker::Refused { attempt, message };
    let data = match data.get(&order.data) {
        Ok(data) => data,
        Err(message) => return Ok(refused(message)),
    };
    if let Err(error) = std::fs::create_dir_all(&order.folder) {
        return Ok(refused(format!(
            "cannot create {}: {error}",
            order.folder.display()
        )));
    }
    let job = Job {
        spec: &order.spec,
        data,
        folder: &order.folder,
    };
    let path = order.folder.join(CHECKPOINT);
    let mut checkpoint = std::fs::read(&path).ok();
    loop {
        let mut reporter = Reporter {
            attempt,
            output,
            stop,
            path: &path,
            resuming: checkpoint.is_some(),
            saved_step: None,
            next_save: Instant::now() + CHECKPOINT_EVERY,
            error: None,
        };
        let ending = engine::train_with(networks, job, checkpoint.as_deref(), &mut reporter);
        let (saved_step, error) = (reporter.saved_step, reporter.error);
        if let Some(error) = error {
            return Err(error);
        }
        return Ok(match ending {
            Ok(Ending::Done(result)) => FromWorker::Finished { attempt, result },
            Ok(Ending::Stopped { .. }) => FromWorker::Interrupted {
                attempt,
                step: saved_step,
            },
            Err(EngineError::Checkpoint(reason)) if checkpoint.is_some() => {
                log(&format!(
                    "{}: checkpoint not used, training from the start: {reason}",
                    order.trial
                ));
                checkpoint = None;
                continue;
            }
            Err(error) => refused(error.to_string()),
        });
    }
}

/// Sends progress, and writes checkpoints when they are due.
struct Reporter<'a> {
    attempt: u64,
    output: &'a mut File,
    stop: &'a AtomicBool,
    path: &'a Path,
    /// Whether training goes on from a checkpoint and that has not been said yet.
    resuming: bool,
    saved_step: Option<u32>,
    next_save: Instant,
    /// The coordinator could not be spoken to.
    error: Option<io::Error>,
}

impl Watch for Reporter<'_> {
    fn epoch(&mut self, epoch: &Epoch, checkpoint: &mut dyn FnMut() -> Vec<u8>) -> Control {
        if let Err(error) = self.report(epoch) {
            self.error = Some(error);
            return Control::Stop;
        }
        let stop = self.stop.load(Ordering::Relaxed);
        if stop || Instant::now() >= self.next_save {
            self.save(epoch.step, checkpoint);
        }
        if stop {
            Control::Stop
        } else {
            Control::Continue
        }
    }
}

impl Reporter<'_> {
    fn report(&mut self, epoch: &Epoch) -> io::Result<()> {
        let attempt = self.attempt;
        if self.resuming {
            self.resuming = false;
            say(
                self.output,
                &FromWorker::Resumed {
                    attempt,
                    step: epoch.step - 1,
                },
            )?;
        }
        let values = epoch.values.clone();
        say(
            self.output,
            &FromWorker::Progress {
                attempt,
                step: epoch.step,
                values,
            },
        )
    }

    /// Writes a checkpoint. One that cannot be written costs repeated work later, not the trial.
    fn save(&mut self, step: u32, checkpoint: &mut dyn FnMut() -> Vec<u8>) {
        let start = Instant::now();
        let bytes = checkpoint();
        match disk::write(self.path, |out| out.write_all(&bytes)) {
            Ok(()) => self.saved_step = Some(step),
            Err(error) => log(&format!("cannot write {}: {error}", self.path.display())),
        }
        let pause = (start.elapsed() * CHECKPOINT_SHARE).max(CHECKPOINT_EVERY);
        self.next_save = Instant::now() + pause;
    }
}

fn say(output: &mut File, message: &FromWorker) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    output.write_all(&line)
}

/// A line for people, in the slot's log.
fn log(message: &str) {
    // Nothing can be done about a log that cannot be written.
    let _ = writeln!(io::stderr(), "{message}");
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
