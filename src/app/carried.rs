//! Workers elsewhere: the slots behind carriers, and the programs that serve them there.
//!
//! Nothing is known of the other hosts: what a file says of their cores and GPUs is taken at its word.

use std::path::{Path, PathBuf};

use sweep_core::event::Slot;
use sweep_core::format::pluralize;
use sweep_core::program::Resources;
use sweep_experiment::{CarriedSlots, Engine, Schedule, Slots};
use sweep_scheduler::{CarriedWorkers, ProgramSlots, TorchWorker, Workers, carried_slots};

use crate::error::Error;
use crate::options::{GpuShares, SlotOptions};
use crate::program_slots::{GpuGroups, no_use_of_gpus};

/// The program that trains with libtorch, beside `sweep` on every host.
const TORCH_WORKER: &str = "sweep-torch";

/// Slots behind carriers, and what starts their workers.
pub type Placed = (Vec<Slot>, Vec<CarriedWorkers>);

/// The slots behind carriers that are asked for: those of the file, unless flags name others.
fn requested<'a>(schedule: &'a Schedule, options: &SlotOptions) -> &'a [CarriedSlots] {
    match &schedule.slots {
        Slots::These { carried, .. } if options.slots.is_none() && options.workers.is_none() => {
            carried
        }
        _ => &[],
    }
}

/// Slots behind carriers for models, which `engine` trains.
///
/// # Errors
/// When an option cannot be held there.
pub fn place(schedule: &Schedule, options: &SlotOptions, engine: Engine) -> Result<Placed, Error> {
    let requested = requested(schedule, options);
    if options.memory_limit.is_some() && !requested.is_empty() {
        return Err(Error::input(
            "--memory-limit holds on this machine alone, and `slots` of [schedule] has workers elsewhere",
            "leave the flag out and limit memory there, or choose slots of this machine with --slots",
        ));
    }
    let shares = match options.gpu_shares {
        Some(GpuShares::These(shares)) => shares,
        Some(GpuShares::Auto) => 1,
        None => schedule.gpu_shares.unwrap_or(1),
    };
    let mut placed = Placed::default();
    for CarriedSlots { carrier, cpu, gpus } in requested {
        // A flag may name an engine that has no use for the GPUs that the file names.
        let gpus = match engine {
            Engine::Native => &[],
            _ => gpus.as_slice(),
        };
        let program = program_there(carrier.program.as_deref())?;
        let on_cpu = engine == Engine::Torch;
        let torch = (on_cpu || !gpus.is_empty()).then(|| TorchWorker {
            program: program.with_file_name(TORCH_WORKER),
            on_cpu,
            tf32: schedule.tf32,
            shares,
            gpus: by_number(gpus),
        });
        placed
            .0
            .extend(carried_slots(&carrier.name, *cpu, (gpus, shares)));
        placed.1.push(CarriedWorkers {
            carrier: carrier.clone(),
            workers: Workers {
                program,
                torch,
                programs: None,
                inherit: false,
            },
        });
    }
    Ok(placed)
}

/// Slots behind carriers for programs that need `resources`.
///
/// # Errors
/// When a host is not said to have what a trial needs.
pub fn place_programs(
    resources: Resources,
    schedule: &Schedule,
    options: &SlotOptions,
) -> Result<Placed, Error> {
    let mut placed = Placed::default();
    for CarriedSlots { carrier, cpu, gpus } in requested(schedule, options) {
        let name = &carrier.name;
        let slots = match resources.gpus == 0.0 {
            true if !gpus.is_empty() => return Err(no_use_of_gpus()),
            true => carried_slots(name, *cpu, (&[], 1)),
            false => {
                let groups = GpuGroups::of(resources, gpus);
                if groups.firsts.is_empty() {
                    return Err(Error::input(
                        format!(
                            "a trial needs {}, and the slots named {name} have {}",
                            pluralize(groups.each as u64, "GPU"),
                            gpus.len()
                        ),
                        "list the GPUs there in `cuda`, or lower `gpus` of `resources` in [program]",
                    ));
                }
                let mut slots = carried_slots(name, 0, (&groups.firsts, groups.shares));
                if *cpu > 0 {
                    slots.truncate(*cpu);
                }
                slots
            }
        };
        placed.0.extend(slots);
        placed.1.push(CarriedWorkers {
            carrier: carrier.clone(),
            workers: Workers {
                program: program_there(carrier.program.as_deref())?,
                torch: None,
                programs: Some(ProgramSlots {
                    cpus: resources.cpus,
                    gpus: by_number(gpus),
                    gpus_each: GpuGroups::of(resources, gpus).each,
                }),
                inherit: false,
            },
        });
    }
    Ok(placed)
}

/// What CUDA is to call GPUs there: their numbers, in the order of the bus.
fn by_number(gpus: &[u32]) -> Vec<(u32, String)> {
    gpus.iter()
        .map(|number| (*number, number.to_string()))
        .collect()
}

/// The path of `sweep` on another host: the one that is `given`, or that of this program here.
fn program_there(given: Option<&Path>) -> Result<PathBuf, Error> {
    match given {
        Some(path) => Ok(path.to_owned()),
        None => std::env::current_exe().map_err(|error| {
            Error::environment(format!("cannot find the path of this program: {error}"), "")
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use sweep_experiment::{Carrier, Cuda};

    fn schedule(cpu: usize, gpus: &[u32]) -> Schedule {
        let carrier = Carrier {
            name: "gpu1".to_owned(),
            via: vec!["ssh".to_owned(), "gpu1".to_owned()],
            program: Some(PathBuf::from("/opt/sweep")),
            shell: true,
            start_timeout: None,
            ending: Duration::from_secs(30),
            ping_timeout: Duration::from_secs(60),
        };
        Schedule {
            slots: Slots::These {
                cpu: 0,
                cuda: Cuda::These(Vec::new()),
                carried: vec![CarriedSlots {
                    carrier,
                    cpu,
                    gpus: gpus.to_vec(),
                }],
            },
            gpu_shares: Some(2),
            ..Schedule::default()
        }
    }

    fn names(placed: &Placed) -> Vec<&str> {
        placed.0.iter().map(|slot| slot.0.as_str()).collect()
    }

    #[test]
    fn gpus_elsewhere_are_served_by_torch_from_the_folder_of_sweep_there() {
        let options = SlotOptions::default();
        let placed = place(&schedule(1, &[3]), &options, Engine::Auto).unwrap();
        let expected = ["gpu1/cuda:3.0", "gpu1/cuda:3.1", "gpu1/cpu:0"];
        assert_eq!(names(&placed), expected);
        let torch = placed.1[0].workers.torch.as_ref().unwrap();
        assert_eq!(torch.program, Path::new("/opt/sweep-torch"));
        assert_eq!(torch.gpus, [(3, "3".to_owned())]);
        let native = place(&schedule(1, &[3]), &options, Engine::Native).unwrap();
        assert_eq!(names(&native), ["gpu1/cpu:0"]);
        assert_eq!(native.1[0].workers.torch, None);
    }

    #[test]
    fn flags_that_name_slots_leave_out_those_of_the_file() {
        let options = SlotOptions {
            workers: Some(2),
            memory_limit: Some(1 << 30),
            ..SlotOptions::default()
        };
        let placed = place(&schedule(1, &[]), &options, Engine::Auto).unwrap();
        assert_eq!(placed, Placed::default());
        let limited = SlotOptions {
            workers: None,
            ..options
        };
        let refused = place(&schedule(1, &[]), &limited, Engine::Auto).unwrap_err();
        assert!(refused.to_string().contains("--memory-limit"), "{refused}");
    }

    #[test]
    fn programs_elsewhere_get_the_gpus_that_they_need() {
        let placed = |gpus: f64, cpu: usize, numbers: &[u32]| {
            let resources = Resources {
                cpus: 1,
                gpus,
                memory: None,
            };
            let schedule = schedule(cpu, numbers);
            place_programs(resources, &schedule, &SlotOptions::default())
        };
        let four = placed(2.0, 0, &[0, 1, 2, 3]).unwrap();
        assert_eq!(names(&four), ["gpu1/cuda:0", "gpu1/cuda:2"]);
        let halves = placed(0.5, 1, &[0]).unwrap();
        assert_eq!(names(&halves), ["gpu1/cuda:0.0"]);
        assert_eq!(names(&placed(0.0, 2, &[]).unwrap()).len(), 2);
        let lacking = placed(2.0, 1, &[0]).unwrap_err().to_string();
        assert!(
            lacking.contains("needs 2 GPUs") && lacking.contains("gpu1"),
            "{lacking}"
        );
        assert!(placed(0.0, 1, &[0]).is_err());
    }
}
