//! Flags that say how to run; shared by `run`, `resume` and `plan`.

use crate::limits::{Limits, Retry};
use sweep_app::options::{GpuShares, RunOptions, SlotOptions};
use sweep_experiment::{Engine, memory_size};
use sweep_scheduler::{Gpus, MAX_SLOTS, SlotRequest};

/// How to run, shared with `resume`. No flag changes a result.
#[derive(Debug, clap::Args)]
pub struct RunFlags {
    #[command(flatten)]
    pub slots: SlotFlags,

    #[command(flatten)]
    pub limits: Limits,

    /// Print only errors and the last line
    #[arg(long, short)]
    pub quiet: bool,
}

/// Which trials run on which slots, shared with `plan`.
#[derive(Debug, clap::Args)]
pub struct SlotFlags {
    /// Number of CPU workers
    #[arg(long, value_name = "N", conflicts_with = "slots", value_parser = workers)]
    pub workers: Option<usize>,

    /// Slots: auto, or a list such as cpu:2, cuda (all GPUs) or cpu:2,cuda:0
    #[arg(long, value_parser = slots)]
    pub slots: Option<SlotRequest>,

    /// The engine that trains networks
    #[arg(long, value_enum)]
    pub engine: Option<EngineChoice>,

    /// Workers per GPU: auto, or from 1 to 16
    #[arg(long, value_name = "N", value_parser = gpu_shares)]
    pub gpu_shares: Option<GpuShares>,

    /// Limit on the private memory of a worker, such as 2GB
    #[arg(long, value_name = "SIZE", value_parser = memory_limit)]
    pub memory_limit: Option<u64>,

    #[command(flatten)]
    pub retry: Retry,
}

/// The engine that trains networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum EngineChoice {
    /// native on CPUs, torch on GPUs
    Auto,
    /// Built in, for CPUs
    Native,
    /// libtorch, for CPUs and GPUs
    Torch,
}

impl RunFlags {
    pub fn options(&self) -> RunOptions {
        RunOptions {
            slots: self.slots.options(),
            limits: self.limits.options(),
            retry: self.slots.retry.options(),
            accept_new_file: false,
        }
    }
}

impl SlotFlags {
    pub fn options(&self) -> SlotOptions {
        SlotOptions {
            workers: self.workers,
            slots: self.slots.clone(),
            engine: self.engine.map(|engine| match engine {
                EngineChoice::Auto => Engine::Auto,
                EngineChoice::Native => Engine::Native,
                EngineChoice::Torch => Engine::Torch,
            }),
            gpu_shares: self.gpu_shares,
            memory_limit: self.memory_limit,
        }
    }
}

/// Reads the value of `--workers`.
fn workers(text: &str) -> Result<usize, String> {
    let number = text.parse().ok();
    number
        .filter(|number| (1..=MAX_SLOTS).contains(number))
        .ok_or_else(|| format!("must be from 1 to {MAX_SLOTS}"))
}

/// Checks the value of `--slots`.
fn slots(text: &str) -> Result<SlotRequest, String> {
    match sweep_scheduler::parse_slots(text).map_err(|error| error.to_string())? {
        SlotRequest::These { cpu, .. } if cpu > MAX_SLOTS => {
            Err(format!("the number of slots must be from 1 to {MAX_SLOTS}"))
        }
        SlotRequest::These {
            cpu: 0,
            gpus: Gpus::These(numbers),
        } if numbers.is_empty() => {
            Err(format!("the number of slots must be from 1 to {MAX_SLOTS}"))
        }
        wanted => Ok(wanted),
    }
}

/// Reads the value of `--gpu-shares`.
fn gpu_shares(text: &str) -> Result<GpuShares, String> {
    match text.parse() {
        _ if text == "auto" => Ok(GpuShares::Auto),
        Ok(number) if (1..=16).contains(&number) => Ok(GpuShares::These(number)),
        _ => Err("must be auto, or a number from 1 to 16".to_owned()),
    }
}

/// Reads the value of `--memory-limit`.
fn memory_limit(text: &str) -> Result<u64, String> {
    memory_size(text)
        .ok_or_else(|| "must be a size of 64MB or more, such as 512MB or 2GB".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gpu_shares_are_a_number_or_auto() {
        assert_eq!(gpu_shares("auto"), Ok(GpuShares::Auto));
        assert_eq!(gpu_shares("16"), Ok(GpuShares::These(16)));
        for bad in ["0", "17", "many", ""] {
            assert!(gpu_shares(bad).unwrap_err().contains("1 to 16"), "{bad}");
        }
    }
}
