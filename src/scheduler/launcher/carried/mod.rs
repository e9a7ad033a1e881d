//! Starts workers through carriers: commands such as `ssh` or `srun` that run a program elsewhere and carry its standard
//! streams.
//!
//! A signal reaches the carrier and not the worker, and a carrier that is killed may leave behind what it has started. So
//! a worker is ended by closing its input, on which it exits at once, and its carrier is killed only if that takes too
//! long. Pings tell the worker that its coordinator is still there; without them it ends itself.
//!
//! Invariant: when [`Launcher::wait`] returns, every carrier has ended or has been killed.

mod command_line;
mod input;
mod token;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use input::Input;
use sweep_core::bounded_log::Tail;
use sweep_core::event::{Cause, Slot};
use sweep_core::protocol::ToWorker;
use sweep_experiment::Carrier;
use token::Token;

use super::child::{self, Family, Killed, Process, Progress, Start, Started, Ties};
use super::worker_command::Workers;
use super::{Launcher, WorkerHandle};
use crate::channel::{Sender, WorkerId};
use crate::slots::carrier_of;

/// So many pings are sent in the time after which a worker ends without one.
const PINGS: u32 = 4;

/// How long after the grace a carrier is waited for, which has been killed by then.
const KILL_GRACE: Duration = Duration::from_secs(5);

/// How much longer than it waits for pings a worker may take to end: it counts in whole seconds, and looks once a second.
const ORPHAN_MARGIN: Duration = Duration::from_secs(3);

/// How much of a carrier's command is shown, in characters.
const MAX_SHOWN: usize = 60;

/// Slots elsewhere: what carries their workers, and the programs that serve them there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarriedWorkers {
    pub carrier: Carrier,
    pub workers: Workers,
}

/// Starts workers through the carriers that their slots name.
#[derive(Debug)]
pub(super) struct CarriedLauncher {
    carried: Vec<CarriedWorkers>,
    token: Token,
    family: Arc<Family>,
    /// Folder of the log files, one a slot.
    logs: PathBuf,
    /// Carriers that may not have ended, and how long each may take to end.
    processes: Vec<(Arc<Process>, Duration)>,
}

impl CarriedLauncher {
    /// `logs` is the absolute path of a folder that exists and that all hosts see.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(super) fn new(
        carried: Vec<CarriedWorkers>,
        logs: PathBuf,
        family: Arc<Family>,
    ) -> io::Result<CarriedLauncher> {
        Ok(CarriedLauncher {
            carried,
            token: Token::new(&logs).map_err(|error| {
                io::Error::new(error.kind(), format!("{}: {error}", logs.display()))
            })?,
            family,
            logs,
            processes: Vec::new(),
        })
    }
}

impl Launcher for CarriedLauncher {
    fn launch(
        &mut self,
        slot: &Slot,
        worker: WorkerId,
        sender: Sender,
    ) -> io::Result<Box<dyn WorkerHandle>> {
        let name = carrier_of(slot);
        let mut carried = self.carried.iter();
        let CarriedWorkers { carrier, workers } = carried
            .find(|carried| name == Some(carried.carrier.name.as_str()))
            .ok_or_else(|| io::Error::other(format!("nothing carries {slot}")))?;
        let command = command_line::command(carrier, &workers.command(slot)?, self.token.path())?;
        let start = Start {
            slot,
            command,
            ties: Ties {
                memory_limit: None,
                dies_with_parent: false,
                leaves_terminal: true,
            },
            logs: &self.logs,
            family: &self.family,
            exit_grace: carrier.ending,
            explain,
        };
        let Started {
            process,
            stdin,
            progress,
            log,
            tail,
        } = child::start(start, worker, sender).map_err(|error| {
            io::Error::new(error.kind(), format!("`{}`: {error}", shown(&carrier.via)))
        })?;
        let link = CarriedWorker {
            process: Arc::clone(&process),
            input: Arc::new(Input::new(stdin)),
            progress,
            carrier: carrier.clone(),
            log,
            tail,
        };
        self.processes
            .retain(|(process, _)| !process.ends_within(Duration::ZERO));
        let limit = carrier.ending.saturating_add(KILL_GRACE);
        self.processes.push((Arc::clone(&process), limit));
        let input = Arc::clone(&link.input);
        let pause = carrier.ping_timeout / PINGS;
        // On an error, `link` goes and takes the worker along.
        thread::Builder::new()
            .name(format!("ping {slot}"))
            .spawn(move || while !process.ends_within(pause) && input.ping().is_ok() {})?;
        Ok(Box::new(link))
    }

    fn wait(&mut self) {
        for (process, limit) in self.processes.drain(..) {
            process.ends_within(limit);
        }
    }
}

struct CarriedWorker {
    process: Arc<Process>,
    input: Arc<Input>,
    progress: Arc<Progress>,
    carrier: Carrier,
    log: PathBuf,
    tail: Tail,
}

impl CarriedWorker {
    /// Closes the input of the worker, and sees in the background that its carrier ends.
    fn end(&self, why: Killed) {
        if !self.input.close() {
            return;
        }
        // It may be in a queue, where nobody reads the input: `srun` gives up its place on SIGTERM.
        let may_wait = !self.progress.has_spoken.load(Ordering::Relaxed);
        let (process, grace) = (Arc::clone(&self.process), self.carrier.ending);
        let thread = thread::Builder::new().name("end".to_owned());
        if thread
            .spawn(move || process.end_gently(grace, may_wait, why))
            .is_err()
        {
            self.process.kill(why);
        }
    }
}

impl WorkerHandle for CarriedWorker {
    fn send(&mut self, message: &ToWorker) -> io::Result<()> {
        self.input.send(message).inspect_err(|error| {
            if error.kind() == io::ErrorKind::TimedOut {
                self.end(Killed::Unresponsive);
            }
        })
    }

    fn unpause(&mut self) {
        self.process.unpause();
    }

    fn kill(&mut self) {
        self.end(Killed::Requested);
    }

    fn has_ended(&self) -> bool {
        self.process.ends_within(Duration::ZERO)
    }

    fn lives_on(&self, cause: &Cause) -> Duration {
        match may_live_on(cause, self.input.is_closed()) {
            true => self.carrier.ping_timeout.saturating_add(ORPHAN_MARGIN),
            false => Duration::ZERO,
        }
    }

    fn start_timeout(&self) -> Option<Duration> {
        self.carrier.start_timeout
    }

    fn name(&self) -> String {
        format!("`{}`", shown(&self.carrier.via))
    }

    fn log(&self) -> PathBuf {
        self.log.clone()
    }

    fn log_tail(&self) -> String {
        self.tail.lines()
    }
}

impl Drop for CarriedWorker {
    /// A link that goes takes its worker along: nothing is left behind on any way out.
    fn drop(&mut self) {
        self.kill();
    }
}

/// The words of a carrier for a message.
fn shown(via: &[String]) -> String {
    let text = via.join(" ");
    match text.chars().count() > MAX_SHOWN {
        true => text.chars().take(MAX_SHOWN).chain(['…']).collect(),
        false => text,
    }
}

/// What the end of a worker elsewhere means: a program that does not know the arguments is of another version.
fn explain(cause: Cause, log_tail: &str) -> Cause {
    let is_refusal =
        log_tail.contains("--expect-pings") || log_tail.contains("sweep-torch worker [");
    match cause {
        Cause::Crashed {
            exit_code: Some(2), ..
        } if is_refusal => Cause::Protocol {
            message: "the program there is of another version: install both from one release"
                .to_owned(),
        },
        cause => cause,
    }
}

/// Whether the carrier may have ended without its worker: it was killed, or has an exit code of its own for a connection
/// that is lost, as 255 of `ssh` and 1 of `kubectl`. Others are passed on from the worker, which exits with 0 when its
/// input `is_closed`.
fn may_live_on(cause: &Cause, is_closed: bool) -> bool {
    match cause {
        Cause::Crashed {
            signal: Some(_), ..
        } => true,
        Cause::Crashed { exit_code, .. } => match exit_code {
            Some(0) => !is_closed,
            Some(1 | 255) => true,
            _ => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_carrier_that_lost_its_connection_may_have_left_a_worker() {
        let crashed = |exit_code, signal| Cause::Crashed { exit_code, signal };
        for (cause, is_closed, expected) in [
            (crashed(Some(255), None), false, true),
            (crashed(Some(1), None), true, true),
            (crashed(None, Some(9)), true, true),
            (crashed(Some(0), None), false, true),
            (crashed(Some(0), None), true, false),
            (crashed(Some(101), None), false, false),
            (crashed(Some(139), None), false, false),
        ] {
            assert_eq!(may_live_on(&cause, is_closed), expected, "{cause:?}");
        }
    }

    #[test]
    fn a_program_that_does_not_know_its_arguments_is_of_another_version() {
        let crashed = |code| Cause::Crashed {
            exit_code: Some(code),
            signal: None,
        };
        let refused = "error: unexpected argument '--expect-pings' found";
        let found = explain(crashed(2), refused);
        assert!(found.to_string().contains("another version"), "{found}");
        assert_eq!(explain(crashed(2), "cat: x: no such file"), crashed(2));
        assert_eq!(explain(crashed(1), refused), crashed(1));
    }
}
