//! How many trials of a program run at a time, and which GPUs each of them has.

use sweep_core::event::Slot;
use sweep_core::format::{format_bytes, pluralize};
use sweep_core::program::Resources;
use sweep_experiment::Schedule;
use sweep_scheduler::{Gpus, ProgramSlots, SlotRequest, cores, cpu_slots, slots};

use crate::error::Error;
use crate::gpus::Gpu;
use crate::options::SlotOptions;

/// Slots for programs that need `resources`, on a machine with the GPUs `found`.
///
/// # Errors
/// When the machine does not have what a trial needs.
pub fn place(
    resources: Resources,
    schedule: &Schedule,
    options: &SlotOptions,
    found: &[Gpu],
) -> Result<(Vec<Slot>, ProgramSlots), Error> {
    if options.engine.is_some() || options.gpu_shares.is_some() || options.memory_limit.is_some() {
        return Err(Error::input(
            "--engine, --gpu-shares and --memory-limit are about models that `sweep` trains itself",
            "programs have `resources` in [program]",
        ));
    }
    let wanted = options.requested(schedule);
    if wanted.is_empty() {
        return Ok((
            Vec::new(),
            ProgramSlots {
                cpus: resources.cpus,
                gpus: Vec::new(),
                gpus_each: 0,
            },
        ));
    }
    let (asked, gpus) = match wanted {
        SlotRequest::Auto => (None, Gpus::All),
        SlotRequest::These { cpu, gpus } if resources.gpus == 0.0 => {
            let Gpus::These(numbers) = &gpus else {
                return Err(no_use_of_gpus());
            };
            if !numbers.is_empty() {
                return Err(no_use_of_gpus());
            }
            (Some(cpu), gpus)
        }
        SlotRequest::These { cpu, gpus } => ((cpu > 0).then_some(cpu), gpus),
    };
    let room = asked.map_or_else(|| room(resources), Ok)?;
    let refused = |error| Error::input(error, "");
    if resources.gpus == 0.0 {
        let program = ProgramSlots {
            cpus: resources.cpus,
            gpus: Vec::new(),
            gpus_each: 0,
        };
        return Ok((cpu_slots(Some(room)).map_err(refused)?, program));
    }
    let numbers: Vec<u32> = match gpus {
        Gpus::These(numbers) if !numbers.is_empty() => numbers,
        _ => (0..found.len() as u32).collect(),
    };
    let GpuGroups {
        firsts,
        each,
        shares,
    } = GpuGroups::of(resources, &numbers);
    if firsts.is_empty() {
        return Err(Error::environment(
            format!(
                "a trial needs {}, and {} can be used here",
                pluralize(each as u64, "GPU"),
                numbers.len()
            ),
            "`sweep doctor` lists the GPUs; `gpus` of `resources` in [program] says how many a trial needs",
        ));
    }
    let mut slots = slots(0, (&firsts, shares), found.len()).map_err(refused)?;
    slots.truncate(room.max(1));
    let program = ProgramSlots {
        cpus: resources.cpus,
        gpus: { numbers.iter() }
            .map(|number| (*number, found[*number as usize].id.clone()))
            .collect(),
        gpus_each: each,
    };
    Ok((slots, program))
}

/// GPUs, as trials of programs take them.
pub struct GpuGroups {
    /// Of several GPUs of a trial, the first one, which names its slot.
    pub firsts: Vec<u32>,
    /// How many GPUs a trial has.
    pub each: usize,
    /// How many trials share a GPU.
    pub shares: usize,
}

impl GpuGroups {
    /// The groups among the GPUs `numbers` for trials that need `resources`.
    pub fn of(resources: Resources, numbers: &[u32]) -> GpuGroups {
        let each = resources.gpus.max(1.0) as usize;
        GpuGroups {
            firsts: numbers.chunks_exact(each).map(|group| group[0]).collect(),
            each,
            shares: match resources.gpus < 1.0 {
                true => (1.0 / resources.gpus + 1e-9) as usize,
                false => 1,
            },
        }
    }
}

/// GPU slots are of no use to the program.
pub fn no_use_of_gpus() -> Error {
    Error::input(
        "GPU slots are requested, and the program uses no GPUs",
        "set `gpus` of `resources` in [program]",
    )
}

/// How many trials this machine has cores and memory for.
fn room(resources: Resources) -> Result<usize, Error> {
    let lacks = |need: String, has: String| {
        Error::environment(
            format!("a trial needs {need}, and this machine has {has}"),
            "lower it in `resources` of [program], or say with --workers how many run at a time",
        )
    };
    let cpus = resources.cpus as usize;
    let by_cores = cores() / cpus;
    if by_cores == 0 {
        return Err(lacks(
            pluralize(cpus as u64, "core"),
            pluralize(cores() as u64, "core"),
        ));
    }
    let (Some(memory), Some(total)) = (resources.memory, total_memory()) else {
        return Ok(by_cores);
    };
    match total / memory {
        0 => Err(lacks(
            format!("{} of memory", format_bytes(memory)),
            format_bytes(total),
        )),
        by_memory => Ok(by_cores.min(usize::try_from(by_memory).unwrap_or(usize::MAX))),
    }
}

/// Bytes of memory of this machine.
fn total_memory() -> Option<u64> {
    // SAFETY: sysconf takes and gives plain numbers.
    let (pages, size) = unsafe {
        (
            libc::sysconf(libc::_SC_PHYS_PAGES),
            libc::sysconf(libc::_SC_PAGESIZE),
        )
    };
    let (pages, size) = (u64::try_from(pages).ok()?, u64::try_from(size).ok()?);
    (pages > 0).then_some(pages * size)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gpus(count: usize) -> Vec<Gpu> {
        let gpu = |number: usize| Gpu {
            id: format!("GPU-{number}"),
            name: String::new(),
            memory: None,
        };
        (0..count).map(gpu).collect()
    }

    fn names(
        resources: (u32, f64),
        found: usize,
        workers: Option<usize>,
    ) -> Result<Vec<String>, String> {
        let resources = Resources {
            cpus: resources.0,
            gpus: resources.1,
            memory: None,
        };
        let options = SlotOptions {
            workers,
            ..SlotOptions::default()
        };
        let placed = place(resources, &Schedule::default(), &options, &gpus(found));
        let placed = placed.map_err(|error| error.to_string())?;
        Ok(placed.0.into_iter().map(|slot| slot.0).collect())
    }

    #[test]
    fn as_many_trials_run_as_there_are_gpus_for_and_as_cores_feed() {
        let all = |count: usize| Some(count);
        assert_eq!(
            names((1, 1.0), 3, all(8)).unwrap(),
            ["cuda:0", "cuda:1", "cuda:2"]
        );
        assert_eq!(names((1, 2.0), 5, all(8)).unwrap(), ["cuda:0", "cuda:2"]);
        assert_eq!(
            names((1, 0.5), 1, all(8)).unwrap(),
            ["cuda:0.0", "cuda:0.1"]
        );
        assert_eq!(
            names((1, 0.5), 2, all(3)).unwrap(),
            ["cuda:0.0", "cuda:1.0", "cuda:0.1"]
        );
        assert_eq!(names((1, 0.0), 2, all(2)).unwrap(), ["cpu:0", "cpu:1"]);
        assert!(
            names((1, 2.0), 1, None)
                .unwrap_err()
                .contains("needs 2 GPUs")
        );
        assert!(
            names((1_000, 0.0), 0, None)
                .unwrap_err()
                .contains("needs 1,000 cores")
        );
    }
}
