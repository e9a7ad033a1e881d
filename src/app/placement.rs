//! Where trials are trained: on which slots, and by which program on each.
//!
//! Invariant: the requested engine and devices are used or refused; there is no silent fallback.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sweep_core::event::Slot;
use sweep_experiment::{Engine, Experiment};
use sweep_scheduler::{
    CarriedWorkers, Gpus, MAX_SLOTS, ProgramSlots, SlotError, SlotRequest, TorchWorker, cores,
    gpu_of, slots,
};

use crate::carried;
use crate::error::Error;
use crate::gpus::{self, Gpu};
use crate::options::{GpuShares, SlotOptions};
use crate::program_slots;

/// The program that trains with libtorch, beside this one.
const TORCH_WORKER: &str = "sweep-torch";
/// Its path, if it is elsewhere.
const TORCH_WORKER_VARIABLE: &str = "SWEEP_TORCH_WORKER";

/// Most workers per GPU by default.
const MAX_GPU_SHARES: usize = 4;
/// Free GPU memory for each of them; libtorch alone needs half a gigabyte.
const SHARE_MEGABYTES: u64 = 2048;

/// The slots, and the torch worker if one serves any of them.
#[derive(Debug)]
pub struct Placement {
    pub slots: Vec<Slot>,
    pub torch: Option<TorchWorker>,
    /// What each trial has of the machine, where trials are programs.
    pub program: Option<ProgramSlots>,
    /// What starts the workers of slots behind carriers.
    pub carried: Vec<CarriedWorkers>,
}

impl Placement {
    /// No slots, for a session that trains nothing.
    pub fn none() -> Placement {
        Placement {
            slots: Vec::new(),
            torch: None,
            program: None,
            carried: Vec::new(),
        }
    }
}

/// Slots by the flags, or else by the file.
///
/// # Errors
/// When what is requested does not exist on this machine.
pub fn place(experiment: &Experiment, options: &SlotOptions) -> Result<Placement, Error> {
    let schedule = &experiment.schedule;
    if let Some(program) = &experiment.program {
        let found = gpus::find();
        let resources = program.spec.resources;
        let (mut slots, program) = program_slots::place(resources, schedule, options, &found)?;
        let (elsewhere, carried) = carried::place_programs(resources, schedule, options)?;
        slots.extend(elsewhere);
        return Ok(Placement {
            slots: counted(slots)?,
            torch: None,
            program: Some(program),
            carried,
        });
    }
    let engine = options.engine.unwrap_or(schedule.engine);
    let (elsewhere, carried) = carried::place(schedule, options, engine)?;
    let wanted = options.requested(schedule);
    let is_all_elsewhere = wanted.is_empty();
    // A flag may name an engine that has no use for the GPUs that the file names.
    let wanted = match (engine, &options.slots, wanted) {
        (Engine::Native, None, SlotRequest::These { cpu, .. }) if cpu > 0 => {
            SlotRequest::cpu_alone(cpu)
        }
        (_, _, wanted) => wanted,
    };
    let found = gpus::find();
    let torch = torch_worker();
    let shares = match options.gpu_shares {
        Some(GpuShares::These(shares)) => Some(shares),
        Some(GpuShares::Auto) => None,
        None => schedule.gpu_shares,
    };
    let (cpu, numbers, shares) = choose(engine, wanted, (&found, shares), torch.is_ok())?;
    let mut slots = match is_all_elsewhere {
        true => Vec::new(),
        false => {
            slots(cpu, (&numbers, shares), found.len()).map_err(|error| Error::input(error, ""))?
        }
    };
    slots.extend(elsewhere);
    let slots = counted(slots)?;
    if options.gpu_shares.is_some() && slots.iter().all(|slot| gpu_of(slot).is_none()) {
        return Err(Error::input(
            "--gpu-shares needs GPU slots, and there are none",
            "`sweep doctor` lists the GPUs; leave the flag out to train on CPUs",
        ));
    }
    let on_cpu = engine == Engine::Torch && !is_all_elsewhere;
    let torch = match on_cpu || !numbers.is_empty() {
        true => Some(TorchWorker {
            program: torch.map_err(|missing| missing.failure(on_cpu))?,
            on_cpu,
            tf32: schedule.tf32,
            shares,
            gpus: (0..)
                .zip(found)
                .map(|(number, gpu)| (number, gpu.id))
                .collect(),
        }),
        false => None,
    };
    Ok(Placement {
        slots,
        torch,
        program: None,
        carried,
    })
}

/// `slots`, if there are neither too few nor too many, here and elsewhere together.
fn counted(slots: Vec<Slot>) -> Result<Vec<Slot>, Error> {
    match slots.len() {
        1..=MAX_SLOTS => Ok(slots),
        count => Err(Error::input(SlotError::Count(count), "")),
    }
}

/// The number of CPU slots, GPUs by their numbers, and the workers that share each of them.
fn choose(
    engine: Engine,
    wanted: SlotRequest,
    (found, shares): (&[Gpu], Option<usize>),
    has_torch: bool,
) -> Result<(usize, Vec<u32>, usize), Error> {
    let all: Vec<u32> = (0..found.len() as u32).collect();
    let shares_of =
        |numbers: &[u32]| shares.unwrap_or_else(|| fitting_shares(cores(), found, numbers));
    let (cpu, numbers) = match wanted {
        SlotRequest::Auto if engine != Engine::Native && has_torch => {
            // Each worker is fed by a core of its own.
            let feeding = all.len() * shares_of(&all);
            (cores().saturating_sub(feeding), all)
        }
        SlotRequest::Auto => (cores(), Vec::new()),
        SlotRequest::These { cpu, gpus } => {
            let numbers = match gpus {
                Gpus::These(numbers) => numbers,
                Gpus::All if all.is_empty() => {
                    return Err(Error::environment(
                        "all GPUs are requested, but none was found",
                        "`sweep doctor` lists what was checked; --slots cpu trains on CPUs",
                    ));
                }
                Gpus::All => all,
            };
            (cpu, numbers)
        }
    };
    if engine == Engine::Native && !numbers.is_empty() {
        return Err(Error::input(
            "GPU slots are requested, but the native engine trains on CPUs only",
            "use CPU slots, or the engine `auto`",
        ));
    }
    let shares = shares_of(&numbers);
    Ok((cpu, numbers, shares))
}

/// The default number of workers per GPU of `numbers`: one worker cannot keep a GPU busy with small networks.
pub fn fitting_shares(cores: usize, found: &[Gpu], numbers: &[u32]) -> usize {
    let chosen = numbers
        .iter()
        .filter_map(|number| found.get(*number as usize));
    let memory = chosen.filter_map(|gpu| gpu.memory);
    let by_memory = memory.map(|(_, free)| (free / SHARE_MEGABYTES) as usize);
    let by_memory = by_memory.min().unwrap_or(MAX_GPU_SHARES);
    let by_cores = cores / numbers.len().max(1);
    by_memory.min(by_cores).clamp(1, MAX_GPU_SHARES)
}

/// Why the worker that trains with libtorch cannot be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoTorchWorker {
    tried: PathBuf,
    named: bool,
}

impl std::fmt::Display for NoTorchWorker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = self.tried.display();
        match self.named {
            true => write!(
                f,
                "{TORCH_WORKER_VARIABLE} names {path}, which does not exist"
            ),
            false => write!(
                f,
                "the torch engine is not installed: {path} does not exist"
            ),
        }
    }
}

impl NoTorchWorker {
    fn failure(&self, on_cpu: bool) -> Error {
        let instead = match on_cpu {
            true => "--engine native trains without it",
            false => "--slots cpu trains without it",
        };
        let help = format!(
            "build it with `make torch`, or set {TORCH_WORKER_VARIABLE} to its path; {instead}"
        );
        Error::environment(self, &help)
    }
}

/// The worker that trains with libtorch: the path in `SWEEP_TORCH_WORKER`, or the program beside this one.
///
/// # Errors
/// When there is none.
pub fn torch_worker() -> Result<PathBuf, NoTorchWorker> {
    let (path, named) = match std::env::var_os(TORCH_WORKER_VARIABLE) {
        Some(path) => (PathBuf::from(path), true),
        None => {
            let own = std::env::current_exe().unwrap_or_default();
            let name = format!("{TORCH_WORKER}{}", std::env::consts::EXE_SUFFIX);
            (own.with_file_name(name), false)
        }
    };
    match path.is_file() {
        // Workers are started by absolute paths, so that nothing depends on where they run.
        true => Ok(std::path::absolute(&path).unwrap_or(path)),
        false => Err(NoTorchWorker { tried: path, named }),
    }
}

/// The devices that the worker at `path` can train on, as a sentence.
///
/// # Errors
/// When it cannot be started, or its answer is invalid.
pub fn ask_devices(path: &Path) -> Result<String, String> {
    let output = Command::new(path)
        .arg("devices")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot be started: {error}"))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        let last = errors.lines().last().unwrap_or("no error message");
        return Err(format!("failed ({}): {last}", output.status));
    }
    let devices: Devices = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("gave an invalid answer: {error}"))?;
    Ok(match (devices.cuda, devices.why) {
        (0, Some(why)) => format!("CPUs only; {why}"),
        (0, None) => "CPUs only".to_owned(),
        (1, _) => "CPUs and 1 GPU".to_owned(),
        (count, _) => format!("CPUs and {count} GPUs"),
    })
}

/// The answer of `sweep-torch devices`.
#[derive(Debug, serde::Deserialize)]
struct Devices {
    /// Number of GPUs that libtorch can use.
    cuda: u32,
    /// Why there are none.
    why: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gpu(id: &str) -> Gpu {
        Gpu {
            id: id.to_owned(),
            name: String::new(),
            memory: None,
        }
    }

    #[test]
    fn auto_takes_the_gpus_where_something_can_use_them() {
        let found = [gpu("0"), gpu("1")];
        let auto = |engine, found: &[Gpu], torch| {
            let all = (found, Some(1));
            let (cpu, numbers, _) = choose(engine, SlotRequest::Auto, all, torch).unwrap();
            (cpu, numbers)
        };
        let rest = cores().saturating_sub(2);
        assert_eq!(auto(Engine::Auto, &found, true), (rest, vec![0, 1]));
        assert_eq!(auto(Engine::Auto, &found, false), (cores(), vec![]));
        assert_eq!(auto(Engine::Native, &found, true), (cores(), vec![]));
        assert_eq!(auto(Engine::Torch, &[], true), (cores(), vec![]));
        let shared = choose(Engine::Auto, SlotRequest::Auto, (&found, Some(3)), true).unwrap();
        assert_eq!(shared, (cores().saturating_sub(6), vec![0, 1], 3));
    }

    #[test]
    fn workers_share_a_gpu_as_far_as_cores_and_memory_go() {
        let of = |free: &[u64]| -> Vec<Gpu> {
            let gpus = free.iter().map(|free| Gpu {
                memory: Some((80_000, *free)),
                ..gpu("0")
            });
            gpus.collect()
        };
        let shares =
            |cores, free: &[u64], numbers: &[u32]| fitting_shares(cores, &of(free), numbers);
        assert_eq!(shares(16, &[70_000], &[0]), MAX_GPU_SHARES);
        assert_eq!(shares(3, &[70_000], &[0]), 3);
        assert_eq!(shares(6, &[70_000, 70_000], &[0, 1]), 3);
        assert_eq!(shares(16, &[70_000, 5_000], &[0, 1]), 2);
        assert_eq!(shares(16, &[70_000, 5_000], &[0]), MAX_GPU_SHARES);
        assert_eq!(shares(1, &[500, 500], &[0, 1]), 1);
        assert_eq!(fitting_shares(8, &[gpu("MIG-1")], &[0]), MAX_GPU_SHARES);
    }

    #[test]
    fn gpus_that_cannot_be_used_are_refused() {
        let all = SlotRequest::These {
            cpu: 1,
            gpus: Gpus::All,
        };
        let one = [gpu("0")];
        assert!(choose(Engine::Auto, all.clone(), (&[], None), true).is_err());
        assert!(choose(Engine::Native, all.clone(), (&one, None), true).is_err());
        let chosen = choose(Engine::Torch, all, (&one, Some(2)), true).unwrap();
        assert_eq!(chosen, (1, vec![0], 2));
    }
}
