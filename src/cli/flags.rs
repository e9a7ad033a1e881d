//! Flags that say how to run; shared by `run`, `resume` and `plan`.

use crate::failure::Failure;
use crate::limits::{Limits, Retry};
use sweep_app::options::{GpuShares, RunOptions, SlotOptions};
use sweep_app::pool::{PoolOptions, Starter};
use sweep_experiment::{Engine, memory_size};
use sweep_scheduler::{Gpus, MAX_SLOTS, SlotRequest};

/// How to run, shared with `resume`. No flag changes a result.
#[derive(Debug, clap::Args)]
pub struct RunFlags {
    #[command(flatten)]
    pub slots: SlotFlags,

    #[command(flatten)]
    pub retry: Retry,

    #[command(flatten)]
    pub limits: Limits,

    #[command(flatten)]
    pub place: PlaceFlags,

    /// Print only errors and the last line
    #[arg(long, short)]
    pub quiet: bool,
}

/// Where trials are trained.
#[derive(Debug, clap::Args)]
pub struct PlaceFlags {
    /// Where trials are trained
    #[arg(long, value_enum, value_name = "WHERE", default_value = "local")]
    pub on: On,

    /// Number of agents at a time, in place of that of [[schedule.slurm]]
    #[arg(long, value_name = "N", requires = "on", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub agents: Option<u32>,

    /// Return as soon as the agents are submitted
    #[arg(long)]
    pub detach: bool,
}

/// Where trials are trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum On {
    /// On this machine
    Local,
    /// By agents in jobs of a Slurm cluster
    Slurm,
    /// By agents that you, or another scheduler, start with `sweep agent`
    Pool,
}

/// On which slots trials run, shared with `plan` and `agent`.
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
    /// # Errors
    /// When flags are given that have no effect where trials are trained.
    pub fn options(&self) -> Result<RunOptions, Failure> {
        let pool = match self.place.on {
            On::Slurm => Some(self.pool(Starter::Slurm)),
            On::Pool if self.place.agents.is_some() || !self.slots.of_agent().is_empty() => {
                return Err(Failure::input(
                    "--agents, --workers, --slots, --engine, --gpu-shares and --memory-limit have no effect on agents that \
                     others start",
                    "give the flags to `sweep agent`",
                ));
            }
            On::Pool => Some(self.pool(Starter::Others)),
            On::Local if self.place.agents.is_some() || self.place.detach => {
                return Err(Failure::input(
                    "--agents and --detach are about agents on a cluster",
                    "add `--on slurm`, or `--on pool` for --detach",
                ));
            }
            On::Local => None,
        };
        Ok(RunOptions {
            slots: self.slots.options(),
            limits: self.limits.options(),
            retry: self.retry.options(),
            accept_new_file: false,
            pool,
        })
    }
}

impl RunFlags {
    fn pool(&self, starter: Starter) -> PoolOptions {
        PoolOptions {
            starter,
            agents: self.place.agents.map(|agents| agents as usize),
            detach: self.place.detach,
            agent_flags: self.slots.of_agent(),
        }
    }
}

impl SlotFlags {
    /// The flags with which an agent has the slots that these ask for.
    fn of_agent(&self) -> Vec<String> {
        // As they were given: what they mean is decided where the agent runs.
        let named = [
            "--workers",
            "--slots",
            "--engine",
            "--gpu-shares",
            "--memory-limit",
        ];
        let mut given = std::env::args().skip(1).peekable();
        let mut flags = Vec::new();
        while let Some(word) = given.next() {
            let name = word.split('=').next().unwrap_or_default();
            if named.contains(&name) {
                flags.push(word.clone());
                if !word.contains('=') {
                    flags.extend(given.next());
                }
            }
        }
        flags
    }

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
