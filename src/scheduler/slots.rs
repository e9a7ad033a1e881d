//! Which slots there are: `cpu:0`, `cpu:1`, ..., `cuda:0`, ...; where several workers share a GPU `cuda:0.0`,
//! `cuda:0.1`, ... A slot behind a carrier begins with its name:
//! `gpu1/cpu:0`.
//!
//! Invariant: a slot is named once, and a GPU's slot by the number under which CUDA knows it on its host.

use std::num::NonZero;
use std::thread::available_parallelism;

use sweep_core::event::Slot;

/// Most slots one coordinator serves.
pub const MAX_SLOTS: usize = 1024;
/// What the name of a GPU's slot begins with; its number follows.
const CUDA: &str = "cuda:";
/// Stands between the name of a carrier and that of a device, as in `gpu1/cpu:0`.
const CARRIED: char = '/';

/// A list of slots that cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SlotError {
    #[error(
        "`{0}` is no slot; write a list such as cpu:2 (two CPU slots), cuda:0 (the first GPU), cuda (all GPUs) or \
         cpu:2,cuda:0,cuda:1, or auto"
    )]
    Unknown(String),
    #[error(
        "{0} slots are too few or too many: `slots` of [schedule], --slots and --workers ask for 1 to \
         {MAX_SLOTS} in all"
    )]
    Count(usize),
    #[error("there is no GPU {number}: {}", found(*.count))]
    NoGpu { number: u32, count: usize },
}

/// What is asked for, before it is known which GPUs there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlotRequest {
    /// What the machine has.
    Auto,
    These {
        cpu: usize,
        gpus: Gpus,
    },
}

impl SlotRequest {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        match self {
            SlotRequest::Auto => false,
            SlotRequest::These { cpu, gpus } => *cpu == 0 && *gpus == Gpus::These(Vec::new()),
        }
    }

    /// `cpu` CPU slots and no GPU.
    pub fn cpu_alone(cpu: usize) -> SlotRequest {
        SlotRequest::These {
            cpu,
            gpus: Gpus::These(Vec::new()),
        }
    }
}

/// GPUs by their numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gpus {
    All,
    These(Vec<u32>),
}

fn found(count: usize) -> String {
    match count {
        0 => "none was found; `sweep doctor` says where it looked".to_owned(),
        1 => "one was found, number 0".to_owned(),
        _ => format!("{count} were found, from 0 to {}", count - 1),
    }
}

/// `count` CPU slots, or as many as there are cores.
///
/// # Errors
/// When there are too few or too many.
pub fn cpu_slots(count: Option<usize>) -> Result<Vec<Slot>, SlotError> {
    slots(count.unwrap_or_else(cores), (&[], 1), 0)
}

/// Cores that this process may use: those of its affinity and its cgroup, and not more than its job has. Not every cluster
/// binds jobs to the cores that they are given.
pub fn cores() -> usize {
    let here = available_parallelism().map_or(1, NonZero::get);
    match std::env::var("SLURM_CPUS_ON_NODE").map(|count| count.parse()) {
        Ok(Ok(of_job @ 1..)) => here.min(of_job),
        _ => here,
    }
}

/// As many slots of each of `gpus` as it has shares, where `present` GPUs are there, and `cpu` CPU slots; those
/// that are likely to be the fastest come first.
///
/// # Errors
/// When there are too few or too many, or a GPU is not there.
pub fn slots(
    cpu: usize,
    (gpus, shares): (&[u32], usize),
    present: usize,
) -> Result<Vec<Slot>, SlotError> {
    if let Some(number) = gpus.iter().find(|gpu| **gpu as usize >= present) {
        return Err(SlotError::NoGpu {
            number: *number,
            count: present,
        });
    }
    let mut gpus = gpus.to_vec();
    gpus.sort_unstable();
    gpus.dedup();
    match cpu.saturating_add(gpus.len() * shares) {
        1..=MAX_SLOTS => {}
        count => return Err(SlotError::Count(count)),
    }
    Ok(device_names(cpu, (&gpus, shares)).map(Slot).collect())
}

/// The names of slots on one host, GPUs first.
fn device_names(cpu: usize, (gpus, shares): (&[u32], usize)) -> impl Iterator<Item = String> {
    // Every GPU has its first worker before one has its second.
    let shared = (0..shares).flat_map(move |share| gpus.iter().map(move |number| (number, share)));
    let gpus = shared.map(move |(number, share)| match shares {
        1 => format!("{CUDA}{number}"),
        _ => format!("{CUDA}{number}.{share}"),
    });
    gpus.chain((0..cpu).map(|number| format!("cpu:{number}")))
}

/// The number of the GPU that `slot` is on, if it is on one: a GPU of this machine, or of the host that its carrier leads
/// to.
pub fn gpu_of(slot: &Slot) -> Option<u32> {
    let device = slot
        .0
        .split_once(CARRIED)
        .map_or(slot.0.as_str(), |it| it.1);
    let place = device.strip_prefix(CUDA)?;
    let number = place
        .split_once('.')
        .map_or(place, |(number, _share)| number);
    number.parse().ok()
}

/// The slots behind the carrier `carrier`: so many CPU slots, and as many of each of `gpus` as it has shares. There is one
/// at least.
pub fn carried_slots(carrier: &str, cpu: usize, (gpus, shares): (&[u32], usize)) -> Vec<Slot> {
    device_names(cpu, (gpus, shares))
        .map(|device| Slot(format!("{carrier}{CARRIED}{device}")))
        .collect()
}

/// The carrier of `slot`, if it is not on this machine.
pub fn carrier_of(slot: &Slot) -> Option<&str> {
    slot.0.split_once(CARRIED).map(|(carrier, _device)| carrier)
}

/// How many of `slots` are on the device that `slot` is on; 1 for a core.
pub fn workers_on_device(slots: &[Slot], slot: &Slot) -> usize {
    let device = |slot: &Slot| (carrier_of(slot).map(str::to_owned), gpu_of(slot));
    match gpu_of(slot) {
        None => 1,
        Some(_) => { slots.iter() }
            .filter(|other| device(other) == device(slot))
            .count(),
    }
}

/// Reads what the command line may say: `auto`, or a list of `cpu`, `cpu:N` (N slots), `cuda` (all GPUs)
/// and `cuda:I` (GPU I).
///
/// # Errors
/// When an entry of the list is none of these, or stands beside one that it contradicts.
pub fn parse_slots(text: &str) -> Result<SlotRequest, SlotError> {
    if text == "auto" {
        return Ok(SlotRequest::Auto);
    }
    let unknown = |entry: &str| SlotError::Unknown(entry.to_owned());
    let (mut cpu, mut numbers, mut all) = (None, Vec::new(), false);
    for entry in text.split(',').map(str::trim) {
        let (kind, number) = match entry.split_once(':') {
            Some((kind, number)) => {
                let number: u32 = number.parse().map_err(|_| unknown(entry))?;
                (kind, Some(number))
            }
            None => (entry, None),
        };
        match (kind, number) {
            ("cpu", number) if cpu.is_none() => {
                cpu = Some(number.map_or_else(cores, |number| number as usize));
            }
            ("cuda", Some(number)) if !all => numbers.push(number),
            ("cuda", None) if !all && numbers.is_empty() => all = true,
            _ => return Err(unknown(entry)),
        }
    }
    Ok(SlotRequest::These {
        cpu: cpu.unwrap_or(0),
        gpus: match all {
            true => Gpus::All,
            false => Gpus::These(numbers),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(slots: Vec<Slot>) -> Vec<String> {
        slots.into_iter().map(|slot| slot.0).collect()
    }

    #[test]
    fn slots_are_numbered_from_zero_and_gpus_come_first() {
        assert_eq!(
            names(cpu_slots(Some(3)).unwrap()),
            ["cpu:0", "cpu:1", "cpu:2"]
        );
        assert!(!cpu_slots(None).unwrap().is_empty());
        let mixed = slots(2, (&[3, 0, 3], 1), 4).unwrap();
        assert_eq!(names(mixed.clone()), ["cuda:0", "cuda:3", "cpu:0", "cpu:1"]);
        assert_eq!(
            mixed.iter().map(gpu_of).collect::<Vec<_>>(),
            [Some(0), Some(3), None, None]
        );
    }

    #[test]
    fn workers_that_share_a_gpu_have_slots_of_their_own() {
        let shared = slots(1, (&[0, 2], 2), 3).unwrap();
        assert_eq!(
            names(shared.clone()),
            ["cuda:0.0", "cuda:2.0", "cuda:0.1", "cuda:2.1", "cpu:0"]
        );
        let gpus: Vec<_> = shared.iter().map(gpu_of).collect();
        assert_eq!(gpus, [Some(0), Some(2), Some(0), Some(2), None]);
        let counts = shared.iter().map(|slot| workers_on_device(&shared, slot));
        assert_eq!(counts.collect::<Vec<_>>(), [2, 2, 2, 2, 1]);
    }

    #[test]
    fn slots_behind_a_carrier_bear_its_name_and_devices_of_two_hosts_are_two() {
        let mut all = slots(0, (&[0], 1), 1).unwrap();
        all.extend(carried_slots("gpu1", 1, (&[0], 2)));
        assert_eq!(
            names(all.clone()),
            ["cuda:0", "gpu1/cuda:0.0", "gpu1/cuda:0.1", "gpu1/cpu:0"]
        );
        let gpus: Vec<_> = all.iter().map(gpu_of).collect();
        assert_eq!(gpus, [Some(0), Some(0), Some(0), None]);
        let counts = all.iter().map(|slot| workers_on_device(&all, slot));
        assert_eq!(counts.collect::<Vec<_>>(), [1, 2, 2, 1]);
        let carriers: Vec<_> = all.iter().map(carrier_of).collect();
        assert_eq!(carriers, [None, Some("gpu1"), Some("gpu1"), Some("gpu1")]);
    }

    #[test]
    fn lists_of_slots_are_read() {
        let these = |cpu: usize, gpus: &[u32]| SlotRequest::These {
            cpu,
            gpus: Gpus::These(gpus.to_vec()),
        };
        assert_eq!(parse_slots("auto"), Ok(SlotRequest::Auto));
        assert_eq!(parse_slots("cpu:3"), Ok(these(3, &[])));
        assert_eq!(parse_slots("cpu"), Ok(these(cores(), &[])));
        assert_eq!(parse_slots("cuda:1, cpu:2,cuda:0"), Ok(these(2, &[1, 0])));
        let all = SlotRequest::These {
            cpu: 0,
            gpus: Gpus::All,
        };
        assert_eq!(parse_slots("cuda"), Ok(all));
    }

    #[test]
    fn what_is_no_slot_is_refused() {
        for text in [
            "tpu:1",
            "",
            "cpu:1,cpu:2",
            "cuda,cuda:0",
            "cuda:0,cuda",
            "cuda:-1",
            "cpu:1,auto",
        ] {
            assert!(
                matches!(parse_slots(text), Err(SlotError::Unknown(_))),
                "{text}"
            );
        }
        assert_eq!(slots(0, (&[], 3), 4), Err(SlotError::Count(0)));
        assert_eq!(cpu_slots(Some(1_000_000)), Err(SlotError::Count(1_000_000)));
        let missing = SlotError::NoGpu {
            number: 2,
            count: 2,
        };
        assert_eq!(slots(1, (&[0, 2], 1), 2), Err(missing));
    }
}
