//! Starts workers for slots. Each launcher is one file or folder here that implements [`Launcher`].
//!
//! To add one: implement [`Launcher`] and [`WorkerHandle`] in a new module, declare it below, and export it
//! in `lib.rs`. A launcher sends all output of a worker to the [`Sender`] that it is given, and
//! [`WorkerOutput::Exited`](crate::WorkerOutput) exactly once, last. [`local`] is the example.

pub mod local;

use std::io;
use std::path::PathBuf;

use crate::channel::{Sender, WorkerId};
use sweep_core::event::Slot;
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
}

/// The coordinator's end of one worker.
pub trait WorkerHandle {
    /// Sends `message`. A worker that does not read is killed, and that is an error.
    fn send(&mut self, message: &ToWorker) -> io::Result<()>;
    /// Continues the worker if it is stopped (SIGSTOP).
    fn unpause(&mut self);
    /// Kills the worker; `Exited` arrives when it has exited.
    fn kill(&mut self);
    /// The log file of the worker.
    fn log(&self) -> PathBuf;
    /// The last lines of its log.
    fn log_tail(&self) -> String;
}
