//! Starts workers for slots. Each launcher is one file or folder here that implements [`Launcher`].
//!
//! To add one: implement [`Launcher`] and [`WorkerHandle`] in a new module, declare it below, and export it
//! in `lib.rs`. A launcher sends all output of a worker to the [`Sender`] that it is given, and
//! [`WorkerOutput::Exited`](crate::WorkerOutput) exactly once, last. [`local`] is the example.
//! `child` has what launchers share whose workers, or whatever carries them, are child processes.

mod by_slot;
mod carried;
mod child;
mod local;
mod worker_command;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

pub use by_slot::SlotLauncher;
pub use carried::CarriedWorkers;
pub use local::LocalLauncher;
pub use worker_command::{ProgramSlots, TorchWorker, Workers};

use crate::channel::{Sender, WorkerId};
use sweep_core::event::{Cause, Slot};
use sweep_core::protocol::ToWorker;

/// Starts workers.
pub trait Launcher {
    /// Starts a worker for `slot`; its output goes to `sender` under the id `worker`.
    fn launch(
        &mut self,
        slot: &Slot,
        worker: WorkerId,
        sender: Sender,
    ) -> io::Result<Box<dyn WorkerHandle>>;

    /// Waits until all workers have ended. Each has been killed.
    fn wait(&mut self) {}
}

/// The coordinator's end of one worker.
pub trait WorkerHandle {
    /// Sends `message`. A worker that does not read is killed, and that is an error.
    fn send(&mut self, message: &ToWorker) -> io::Result<()>;
    /// Continues the worker if it is stopped (SIGSTOP).
    fn unpause(&mut self);
    /// Kills the worker; `Exited` arrives when it has exited.
    fn kill(&mut self);
    /// Whether a worker that was killed has ended, so that another one can take its place and its trial. One that is
    /// killed by a signal is as good as ended.
    fn has_ended(&self) -> bool {
        true
    }
    /// How long a worker may still live whose end was heard of with `cause`, and write in the folder of its trial.
    fn lives_on(&self, _cause: &Cause) -> Duration {
        Duration::ZERO
    }
    /// How long the worker may take to be ready, if that is not what workers usually may take.
    fn start_timeout(&self) -> Option<Duration> {
        None
    }
    /// What to call the process in a message about its start.
    fn name(&self) -> String {
        "the worker".to_owned()
    }
    /// The log file of the worker.
    fn log(&self) -> PathBuf;
    /// The last lines of its log.
    fn log_tail(&self) -> String;
}
