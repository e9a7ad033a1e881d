//! What a caller learns of agents.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use sweep_core::format::{format_duration, pluralize};
use sweep_core::sanitize::sanitize;

/// Something worth knowing about agents; its text is a sentence.
#[derive(Debug)]
pub enum PoolNotice {
    /// Agents are asked to stop: one that joins the pool in this folder begins nothing.
    Stopped(PathBuf),
    /// An agent that was signalled waits for Slurm to end its job.
    AgentStays { job: String, is_requeued: bool },
    /// A command of Slurm failed, which is no reason to end.
    SlurmFailed(String),
    /// A pool was made, and somebody else starts its agents.
    AwaitsAgents(PathBuf),
    /// Jobs were submitted.
    JobsSubmitted {
        sweep: String,
        agents: usize,
        arrays: Vec<String>,
    },
    /// The pool of a sweep is followed; its agents go on when that is interrupted.
    Following { sweep: String },
    /// Where the agents of a pool stand, when that has changed.
    Agents {
        running: usize,
        ended: usize,
        pending: Option<usize>,
    },
    /// A resumed sweep waits until it is known whether its agents live.
    AwaitingBeats { agents: usize, at_most: Duration },
    /// What agents did was collected into the database.
    Collected { sweep: String, ended: usize },
}

impl fmt::Display for PoolNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PoolNotice::Stopped(path) => write!(
                f,
                "the agents of {} were asked to stop: nothing is begun here",
                path.display()
            ),
            PoolNotice::AgentStays { job, is_requeued } => match is_requeued {
                true => write!(f, "checkpoints are written, and job {job} is queued again"),
                false => write!(
                    f,
                    "checkpoints are written; job {job} waits for Slurm to end it (one that ends by itself would not be \
                     queued again)"
                ),
            },
            PoolNotice::SlurmFailed(error) => write!(f, "warning: {}", sanitize(error)),
            PoolNotice::AwaitsAgents(path) => write!(
                f,
                "start agents with `sweep agent {}`, on as many machines as you like",
                path.display()
            ),
            PoolNotice::JobsSubmitted {
                sweep,
                agents,
                arrays,
            } => write!(
                f,
                "{sweep}: {} submitted to Slurm (job {})",
                pluralize(*agents, "agent"),
                arrays.join(", ")
            ),
            PoolNotice::Following { sweep } => write!(
                f,
                "Ctrl-C detaches: the agents go on, `sweep watch {sweep}` follows them, and `sweep stop {sweep}` ends them"
            ),
            PoolNotice::Agents {
                running,
                ended,
                pending,
            } => {
                write!(f, "agents: {running} running, {ended} ended")?;
                match pending {
                    Some(pending) => write!(f, ", {pending} waiting for a node"),
                    None => Ok(()),
                }
            }
            PoolNotice::AwaitingBeats { agents, at_most } => write!(
                f,
                "{} of the last session did not say that they ended; waiting for a sign of life, at most {}",
                pluralize(*agents, "agent"),
                format_duration(*at_most)
            ),
            PoolNotice::Collected { sweep, ended } => write!(
                f,
                "{sweep}: collected from its agents: {} ended",
                pluralize(*ended, "trial")
            ),
        }
    }
}
