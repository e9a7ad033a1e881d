//! How a sweep is run: on which slots, until when, and which trials are retried.
//!
//! Invariant: no option changes a result.

use std::collections::HashMap;
use std::num::NonZero;
use std::time::Duration;

use sweep_core::trial::TrialId;
use sweep_experiment::{Cuda, Engine, Schedule, Slots};
use sweep_scheduler::{Gpus, SlotRequest};
use sweep_store::Store;

use crate::error::Error;
use crate::pool::PoolOptions;

/// How a sweep is run.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    pub slots: SlotOptions,
    pub limits: Limits,
    pub retry: Retry,
    /// Whether the file may take the place of another one from which a sweep of this name was run.
    pub accept_new_file: bool,
    /// Agents that train in place of this machine.
    pub pool: Option<PoolOptions>,
}

/// Which workers train; what is left out is taken from the experiment file.
#[derive(Debug, Clone, Default)]
pub struct SlotOptions {
    /// Number of CPU workers, if `slots` are not given.
    pub workers: Option<usize>,
    pub slots: Option<SlotRequest>,
    pub engine: Option<Engine>,
    pub gpu_shares: Option<GpuShares>,
    /// Limit on the private memory of a worker, in bytes.
    pub memory_limit: Option<u64>,
}

impl SlotOptions {
    /// The slots of this machine that are asked for: by the flags, or else by the `schedule` of the file. There may be none
    /// if the file has slots elsewhere.
    pub fn requested(&self, schedule: &Schedule) -> SlotRequest {
        match (&self.slots, self.workers) {
            (Some(wanted), _) => wanted.clone(),
            (None, Some(count)) => SlotRequest::cpu_alone(count),
            (None, None) => match &schedule.slots {
                Slots::Auto => SlotRequest::Auto,
                Slots::These { cpu, cuda, .. } => SlotRequest::These {
                    cpu: *cpu,
                    gpus: match cuda {
                        Cuda::All => Gpus::All,
                        Cuda::These(numbers) => Gpus::These(numbers.clone()),
                    },
                },
            },
        }
    }
}

/// How many workers share each GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GpuShares {
    /// As many as suit the machine.
    Auto,
    These(usize),
}

/// Limits of a session; `resume` trains what is left.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    pub max_time: Option<Duration>,
    pub max_trials: Option<NonZero<usize>>,
}

/// Which failed trials are retried.
#[derive(Debug, Clone, Default)]
pub struct Retry {
    pub failed: bool,
    /// Only those that failed with these causes; all if empty.
    pub only: Vec<String>,
    /// Finished trials whose models are lost are trained again, too.
    pub missing_models: bool,
}

impl Retry {
    /// Whether a trial that `store` has as failed is retried.
    pub fn of<'a>(
        &'a self,
        store: Option<&Store>,
    ) -> Result<impl Fn(&TrialId) -> bool + use<'a>, Error> {
        let causes: HashMap<TrialId, String> = match store {
            Some(store) if self.failed => store.failure_causes()?,
            _ => HashMap::new(),
        };
        Ok(move |trial: &TrialId| {
            let cause = causes.get(trial);
            let is_chosen = || cause.is_some_and(|cause| self.only.contains(cause));
            self.failed && (self.only.is_empty() || is_chosen())
        })
    }
}
