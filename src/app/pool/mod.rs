//! Sweeps whose trials agents on other machines train: pools are made, joined, followed and ended here.
//!
//! The process that has the lock of a sweep collects the journals of its agents into the database. It may end at any time, and
//! another one takes over where it was: agents need nobody but the folder.

mod agent;
mod collect;
mod create;
mod decide;
mod follow;
mod jobs;
mod live;
mod local_data;
mod probe;
mod supply;

pub use agent::{AgentOptions, AgentSummary, agent};
pub use follow::{Followed, Watch, run, watch};
pub(crate) use jobs::check_installed;
pub use live::{LivePool, collect_now, refuse_live, stop_pool};
pub use probe::{Probe, answer, probe};

/// Who starts the agents of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Starter {
    /// Jobs of Slurm, which are submitted.
    Slurm,
    /// The user, or another scheduler.
    Others,
}

/// How the trials of a pool are trained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolOptions {
    /// Who starts the agents.
    pub starter: Starter,
    /// Agents at a time, in place of those of the file's tables.
    pub agents: Option<usize>,
    /// Whether to return as soon as the jobs are submitted.
    pub detach: bool,
    /// Flags that agents are started with, as they were given.
    pub agent_flags: Vec<String>,
}
