//! Which program serves a slot, and with which arguments and variables: the same here and on another host.

use std::env::var_os;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use sweep_core::event::Slot;

use crate::slots::gpu_of;

/// Has libtorch round the factors of matrix products to TF32 on GPUs that can.
const TF32: &str = "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE";

/// Settings of libtorch's allocator on GPUs.
const ALLOCATOR: &str = "PYTORCH_CUDA_ALLOC_CONF";

/// The GPUs that a process sees, and in which order.
const VISIBLE: &str = "CUDA_VISIBLE_DEVICES";
const ORDER: &str = "CUDA_DEVICE_ORDER";

/// Variables that say how many threads a library may start.
const THREADS: [&str; 4] = [
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
];

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
    /// The GPUs that may be used, by their numbers, and what CUDA is to call each.
    pub gpus: Vec<(u32, String)>,
}

/// What each trial of a program has of its host.
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

/// The programs that serve the slots of one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workers {
    /// `sweep`.
    pub program: PathBuf,
    /// What serves the slots that are its own.
    pub torch: Option<TorchWorker>,
    /// Set if trials are programs.
    pub programs: Option<ProgramSlots>,
    /// Whether the variables of this process reach them by themselves.
    pub inherit: bool,
}

/// What is to be run for a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WorkerCommand {
    pub program: PathBuf,
    pub arguments: Vec<&'static str>,
    pub variables: Vec<(&'static str, OsString)>,
}

impl WorkerCommand {
    fn set(&mut self, name: &'static str, value: impl Into<OsString>) {
        self.variables.push((name, value.into()));
    }

    /// Sets `name` to what it is in this process, or else to `value`.
    fn set_unless_here(&mut self, name: &'static str, value: String) {
        self.set(name, var_os(name).unwrap_or_else(|| value.into()));
    }
}

impl Workers {
    /// This program alone, on this machine.
    pub fn here(program: PathBuf) -> Workers {
        Workers {
            program,
            torch: None,
            programs: None,
            inherit: true,
        }
    }

    /// What is to serve `slot`.
    ///
    /// # Errors
    /// When nothing does.
    pub(super) fn command(&self, slot: &Slot) -> io::Result<WorkerCommand> {
        match &self.programs {
            Some(programs) => Ok(self.program_command(slot, programs)),
            None => self.engine_command(slot),
        }
    }

    fn of(&self, program: &std::path::Path, arguments: &[&'static str]) -> WorkerCommand {
        WorkerCommand {
            program: program.to_owned(),
            arguments: arguments.to_vec(),
            variables: Vec::new(),
        }
    }

    /// Shows `gpus` to what `command` runs.
    fn show_gpus(&self, command: &mut WorkerCommand, gpus: String) {
        command.set(VISIBLE, gpus);
        if !self.inherit || var_os(VISIBLE).is_none() {
            // Else the fastest comes first, and numbers are not those that `nvidia-smi` gave.
            command.set(ORDER, "PCI_BUS_ID");
        }
    }

    /// What is to run programs at `slot`.
    fn program_command(&self, slot: &Slot, programs: &ProgramSlots) -> WorkerCommand {
        let mut command = self.of(&self.program, &["worker"]);
        for name in THREADS {
            command.set_unless_here(name, programs.cpus.to_string());
        }
        if let Some(number) = gpu_of(slot) {
            self.show_gpus(&mut command, programs.visible(number));
        }
        command
    }

    /// What is to train models at `slot`.
    fn engine_command(&self, slot: &Slot) -> io::Result<WorkerCommand> {
        let missing = || io::Error::other(format!("nothing here serves {slot}"));
        let mut command = match (&self.torch, gpu_of(slot)) {
            (Some(torch), Some(number)) => {
                let mut gpus = torch.gpus.iter();
                let (_, gpu) = gpus.find(|gpu| gpu.0 == number).ok_or_else(missing)?;
                let mut command = self.of(&torch.program, &["worker", "cuda"]);
                self.show_gpus(&mut command, gpu.clone());
                if torch.tf32 {
                    command.set(TF32, "1");
                }
                if torch.shares > 1 {
                    // What one keeps for later must not be what another lacks.
                    let share = 0.95 / torch.shares as f64;
                    let share = format!("per_process_memory_fraction:{share:.3}");
                    command.set_unless_here(ALLOCATOR, share);
                }
                command
            }
            (Some(torch), None) if torch.on_cpu => self.of(&torch.program, &["worker", "cpu"]),
            (None, Some(_)) => return Err(missing()),
            (_, None) => self.of(&self.program, &["worker"]),
        };
        // One slot is one core. Idle OpenMP threads that spin starve the other workers.
        command.set("OMP_NUM_THREADS", "1");
        command.set("OMP_WAIT_POLICY", "passive");
        command.set("RAYON_NUM_THREADS", "1");
        Ok(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(name: &str) -> Slot {
        Slot(name.to_owned())
    }

    fn variable(command: &WorkerCommand, name: &str) -> Option<String> {
        let mut variables = command.variables.iter();
        let found = variables.find(|(known, _)| *known == name)?;
        found.1.clone().into_string().ok()
    }

    #[test]
    fn gpus_are_served_by_torch_which_sees_one_of_them() {
        let workers = Workers {
            program: PathBuf::from("/opt/sweep"),
            torch: Some(TorchWorker {
                program: PathBuf::from("/opt/sweep-torch"),
                on_cpu: false,
                tf32: true,
                shares: 1,
                gpus: vec![(3, "3".to_owned())],
            }),
            programs: None,
            inherit: false,
        };
        let gpu = workers.command(&slot("gpu1/cuda:3")).unwrap();
        assert_eq!(gpu.program, PathBuf::from("/opt/sweep-torch"));
        assert_eq!(gpu.arguments, ["worker", "cuda"]);
        assert_eq!(variable(&gpu, VISIBLE).as_deref(), Some("3"));
        assert_eq!(variable(&gpu, ORDER).as_deref(), Some("PCI_BUS_ID"));
        assert_eq!(variable(&gpu, TF32).as_deref(), Some("1"));
        let cpu = workers.command(&slot("gpu1/cpu:0")).unwrap();
        assert_eq!(cpu.program, PathBuf::from("/opt/sweep"));
        assert_eq!(variable(&cpu, "OMP_NUM_THREADS").as_deref(), Some("1"));
        assert_eq!(variable(&cpu, VISIBLE), None);
        assert!(workers.command(&slot("gpu1/cuda:0")).is_err());
    }

    #[test]
    fn programs_see_their_gpus_and_know_their_cores() {
        let gpu = |number: u32| (number, format!("GPU-{number}"));
        let workers = Workers {
            programs: Some(ProgramSlots {
                cpus: 4,
                gpus: vec![gpu(0), gpu(1), gpu(2), gpu(3)],
                gpus_each: 2,
            }),
            ..Workers::here(PathBuf::from("/opt/sweep"))
        };
        let command = workers.command(&slot("cuda:2")).unwrap();
        assert_eq!(variable(&command, VISIBLE).as_deref(), Some("GPU-2,GPU-3"));
        for name in THREADS {
            let expected = var_os(name).map_or("4".to_owned(), |set| set.into_string().unwrap());
            assert_eq!(variable(&command, name), Some(expected));
        }
    }
}
