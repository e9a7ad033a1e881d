//! Starts workers as processes of this machine, and carries lines to and from them.
//!
//! No worker outlives its coordinator: a worker exits when its standard input closes, which the kernel
//! does however the coordinator dies, and on Linux it is also killed with its parent. Workers have
//! process groups of their own, so that Ctrl-C in a terminal reaches the coordinator alone and whatever
//! a worker has started is killed with it. A signal that asks to stop and reaches them too, as those of
//! schedulers and containers do, is ignored: workers end through the coordinator.

use std::io;
use std::path::PathBuf;
use std::process::{ChildStdin, Command};
use std::sync::Arc;
use std::time::Duration;

use sweep_core::bounded_log::Tail;
use sweep_core::event::Slot;
use sweep_core::process_memory as memory;
use sweep_core::protocol::ToWorker;

use super::child::{self, Family, Killed, Process, Start, Started, Ties};
use super::worker_command::{ProgramSlots, TorchWorker, Workers};
use super::{Launcher, WorkerHandle};
use crate::channel::{Sender, WorkerId};
use crate::slots::gpu_of;

/// How long a worker may live on after closing its standard output.
const EXIT_GRACE: Duration = Duration::from_secs(5);

/// Starts this very program, or another, as `PROGRAM worker`.
#[derive(Debug)]
pub struct LocalLauncher {
    workers: Workers,
    family: Arc<Family>,
    /// Folder of the log files, one a slot.
    logs: PathBuf,
    /// Bytes of private memory that a worker may have.
    memory_limit: Option<u64>,
}

impl LocalLauncher {
    /// Creates the folder `logs` if need be. `memory_limit` is bytes of private memory a worker.
    ///
    /// # Errors
    /// When the folder cannot be created, or a memory limit cannot be held on this system.
    pub fn new(
        program: PathBuf,
        logs: PathBuf,
        memory_limit: Option<u64>,
    ) -> io::Result<LocalLauncher> {
        if memory_limit.is_some() && !memory::CAN_LIMIT {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "memory limits of workers need Linux; remove `memory_limit`",
            ));
        }
        std::fs::create_dir_all(&logs).map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", logs.display()))
        })?;
        Ok(LocalLauncher {
            workers: Workers::here(program),
            family: Arc::default(),
            logs,
            memory_limit,
        })
    }

    /// Has `torch` serve the slots that are its own.
    #[must_use]
    pub fn with_torch(mut self, torch: Option<TorchWorker>) -> LocalLauncher {
        self.workers.torch = torch;
        self
    }

    /// Has workers run programs, which need so much each and whose processes carry the name `owner`.
    #[must_use]
    pub fn with_programs(mut self, programs: Option<ProgramSlots>, owner: &str) -> LocalLauncher {
        self.family = Arc::new(Family::new(programs.as_ref().map(|_| owner.to_owned())));
        self.workers.programs = programs;
        self
    }

    /// The children of this process that are no orphans of programs.
    pub(super) fn family(&self) -> &Arc<Family> {
        &self.family
    }
}

impl Launcher for LocalLauncher {
    fn launch(
        &mut self,
        slot: &Slot,
        worker: WorkerId,
        sender: Sender,
    ) -> io::Result<Box<dyn WorkerHandle>> {
        let wanted = self.workers.command(slot)?;
        let mut command = Command::new(&wanted.program);
        command.args(&wanted.arguments).envs(wanted.variables);
        let start = Start {
            slot,
            command,
            ties: Ties {
                // What a GPU's libraries keep for themselves depends on the driver and is no measure of a trial.
                memory_limit: self.memory_limit.filter(|_| gpu_of(slot).is_none()),
                // One that runs programs ends them when it hears that the coordinator is gone, and then itself.
                dies_with_parent: self.workers.programs.is_none(),
                leaves_terminal: false,
            },
            logs: &self.logs,
            family: &self.family,
            exit_grace: EXIT_GRACE,
            explain: |cause, _log_tail| cause,
        };
        let Started {
            process,
            stdin,
            log,
            tail,
            ..
        } = child::start(start, worker, sender)?;
        Ok(Box::new(LocalWorker {
            process,
            stdin,
            path: log,
            tail,
        }))
    }
}

struct LocalWorker {
    process: Arc<Process>,
    stdin: ChildStdin,
    path: PathBuf,
    tail: Tail,
}

impl WorkerHandle for LocalWorker {
    fn send(&mut self, message: &ToWorker) -> io::Result<()> {
        let mut line = serde_json::to_vec(message)?;
        line.push(b'\n');
        self.process.note_oom_kills();
        child::write_all(&mut self.stdin, &line).inspect_err(|error| {
            if error.kind() == io::ErrorKind::TimedOut {
                self.process.kill(Killed::Unresponsive);
            }
        })
    }

    fn unpause(&mut self) {
        self.process.unpause();
    }

    fn kill(&mut self) {
        self.process.kill(Killed::Requested);
    }

    fn log(&self) -> PathBuf {
        self.path.clone()
    }

    fn log_tail(&self) -> String {
        self.tail.lines()
    }
}

impl Drop for LocalWorker {
    /// A link that goes takes its worker along: nothing is left behind on any way out.
    fn drop(&mut self) {
        self.kill();
    }
}
