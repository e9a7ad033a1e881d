//! Starts workers as processes of this machine, and carries lines to and from them.
//!
//! No worker outlives its coordinator: a worker exits when its standard input closes, which the kernel
//! does however the coordinator dies, and on Linux it is also killed with its parent. Workers have
//! process groups of their own, so that Ctrl-C in a terminal reaches the coordinator alone and whatever
//! a worker has started is killed with it. A signal that asks to stop and reaches them too, as those of
//! schedulers and containers do, is ignored: workers end through the coordinator.
//!
//! Invariant: whatever a worker does, it does not block the coordinator, which keeps a bounded amount of
//! its output and receives [`WorkerOutput::Exited`] exactly once, after everything else.

mod exit_cause;
mod family;
mod input;
mod monitor;
mod output;
mod process;

use std::io;
use std::path::PathBuf;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::channel;
use std::thread;

use family::Family;
use monitor::Monitor;
use process::{Killed, Process};
use sweep_core::bounded_log::{Log, Tail};
use sweep_core::event::Slot;
use sweep_core::process_memory as memory;
use sweep_core::protocol::ToWorker;
use sweep_core::run_dir::log_name;

use super::{Launcher, WorkerHandle};
use crate::channel::{Incoming, Sender, WorkerId, WorkerOutput};
use crate::slots::gpu_of;

/// Has libtorch round the factors of matrix products to TF32 on GPUs that can.
const TF32: &str = "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE";

/// Settings of libtorch's allocator on GPUs.
const ALLOCATOR: &str = "PYTORCH_CUDA_ALLOC_CONF";

/// The program that trains with libtorch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TorchWorker {
    pub program: PathBuf,
    /// Whether it serves CPU slots as well as GPUs.
    pub on_cpu: bool,
    /// Whether GPUs may multiply matrices in TF32.
    pub tf32: bool,
    /// Workers that share each GPU.
    pub shares: usize,
    /// What CUDA is to call each GPU, by its number in the name of a slot.
    pub gpus: Vec<String>,
}

/// What each trial of a program has of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramSlots {
    /// Cores.
    pub cpus: u32,
    /// The GPUs that may be used, by their numbers, and what CUDA is to call each.
    pub gpus: Vec<(u32, String)>,
    /// GPUs of a trial: the one that names its slot, and those after it.
    pub gpus_each: usize,
}

impl ProgramSlots {
    /// The GPUs of the trials at the slot of the GPU `number`, as CUDA_VISIBLE_DEVICES lists them.
    fn visible(&self, number: u32) -> String {
        let from = self.gpus.iter().position(|(known, _)| *known == number);
        let own = &self.gpus[from.unwrap_or(self.gpus.len())..];
        let ids: Vec<&str> = (own.iter().take(self.gpus_each))
            .map(|(_, id)| id.as_str())
            .collect();
        ids.join(",")
    }
}

/// Variables that say how many threads a library may start.
const THREADS: [&str; 4] = [
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
];

/// Starts this very program, or another, as `PROGRAM worker`.
#[derive(Debug)]
pub struct LocalLauncher {
    program: PathBuf,
    torch: Option<TorchWorker>,
    programs: Option<ProgramSlots>,
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
            program,
            torch: None,
            programs: None,
            family: Arc::default(),
            logs,
            memory_limit,
        })
    }

    /// Has `torch` serve the slots that are its own.
    #[must_use]
    pub fn with_torch(mut self, torch: Option<TorchWorker>) -> LocalLauncher {
        self.torch = torch;
        self
    }

    /// Has workers run programs, which need so much each and whose processes carry the name `owner`.
    #[must_use]
    pub fn with_programs(mut self, programs: Option<ProgramSlots>, owner: &str) -> LocalLauncher {
        self.family = Arc::new(Family::new(programs.as_ref().map(|_| owner.to_owned())));
        self.programs = programs;
        self
    }

    /// What is to run programs at `slot`.
    fn program_command(&self, slot: &Slot, programs: &ProgramSlots) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("worker");
        for name in THREADS {
            if std::env::var_os(name).is_none() {
                command.env(name, programs.cpus.to_string());
            }
        }
        if let Some(number) = gpu_of(slot) {
            command.env("CUDA_VISIBLE_DEVICES", programs.visible(number));
            if std::env::var_os("CUDA_VISIBLE_DEVICES").is_none() {
                // Else the fastest comes first, and numbers are not those that `nvidia-smi` gave.
                command.env("CUDA_DEVICE_ORDER", "PCI_BUS_ID");
            }
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// What is to serve `slot`.
    fn command(&self, slot: &Slot) -> io::Result<Command> {
        if let Some(programs) = &self.programs {
            return Ok(self.program_command(slot, programs));
        }
        let missing = || io::Error::other(format!("nothing here serves {slot}"));
        let mut command = match (&self.torch, gpu_of(slot)) {
            (Some(torch), Some(number)) => {
                let gpu = torch.gpus.get(number as usize).ok_or_else(missing)?;
                let mut command = Command::new(&torch.program);
                command.args(["worker", "cuda"]);
                command.env("CUDA_VISIBLE_DEVICES", gpu);
                if std::env::var_os("CUDA_VISIBLE_DEVICES").is_none() {
                    // Else the fastest comes first, and numbers are not those that `nvidia-smi` gave.
                    command.env("CUDA_DEVICE_ORDER", "PCI_BUS_ID");
                }
                if torch.tf32 {
                    command.env(TF32, "1");
                }
                if torch.shares > 1 && std::env::var_os(ALLOCATOR).is_none() {
                    // What one keeps for later must not be what another lacks.
                    let share = 0.95 / torch.shares as f64;
                    command.env(ALLOCATOR, format!("per_process_memory_fraction:{share:.3}"));
                }
                command
            }
            (Some(torch), None) if torch.on_cpu => {
                let mut command = Command::new(&torch.program);
                command.args(["worker", "cpu"]);
                command
            }
            (None, Some(_)) => return Err(missing()),
            (_, None) => {
                let mut command = Command::new(&self.program);
                command.arg("worker");
                command
            }
        };
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // One slot is one core. Idle OpenMP threads that spin starve the other workers.
            .env("OMP_NUM_THREADS", "1")
            .env("OMP_WAIT_POLICY", "passive")
            .env("RAYON_NUM_THREADS", "1");
        Ok(command)
    }
}

impl Launcher for LocalLauncher {
    fn launch(
        &mut self,
        slot: &Slot,
        worker: WorkerId,
        sender: Sender,
    ) -> io::Result<Box<dyn WorkerHandle>> {
        let path = self.logs.join(log_name(slot));
        let log = Log::new(&path);
        let command = self.command(slot)?;
        // What a GPU's libraries keep for themselves depends on the driver and is no measure of a trial.
        let memory_limit = self.memory_limit.filter(|_| gpu_of(slot).is_none());
        // One that runs programs ends them when it hears that the coordinator is gone, and then itself.
        let dies_with_parent = self.programs.is_none();
        let spawn = || process::spawn(command, memory_limit, dies_with_parent);
        let mut child = self.family.add(spawn)?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let process = Arc::new(Process::new(child.id()));
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            process.kill(Killed::Requested);
            return Err(io::Error::other("the worker's pipes are missing"));
        };
        let tail = log.tail();
        // Each of the two threads drops its sender when it has read all.
        let (output_done, output_read) = channel();
        let (log_done, log_read) = channel();
        let forwarding = Arc::new(AtomicBool::new(false));
        // A link that is dropped on an error below ends the worker.
        let link = LocalWorker {
            process: Arc::clone(&process),
            stdin,
            path,
            tail: tail.clone(),
        };
        input::never_block(&link.stdin)?;
        let monitor = Monitor {
            process: Arc::clone(&process),
            family: Arc::clone(&self.family),
            memory_limit,
            output_read,
            log_read,
            forwarding: Arc::clone(&forwarding),
            tail,
        };
        let exit_sender = sender.clone();
        thread::Builder::new()
            .name(format!("wait {slot}"))
            .spawn(move || {
                let cause = monitor.wait();
                // When the session is over, the receiver is gone.
                let _ = exit_sender.send(Incoming::Worker(worker, WorkerOutput::Exited(cause)));
            })?;
        thread::Builder::new()
            .name(format!("log {slot}"))
            .spawn(move || {
                log.carry(stderr);
                drop(log_done);
            })?;
        thread::Builder::new()
            .name(format!("listen {slot}"))
            .spawn(move || {
                output::read(stdout, worker, &sender, &forwarding);
                drop((output_done, sender));
                process.end_soon();
            })?;
        Ok(Box::new(link))
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
        input::write_all(&mut self.stdin, &line).inspect_err(|error| {
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
