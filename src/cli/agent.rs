//! `sweep agent`: train trials of a pool with what this job has.

use std::path::PathBuf;

use sweep_app::pool::{self, AgentOptions, AgentSummary};
use sweep_core::format::pluralize;
use sweep_pool::EndReason;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::flags::SlotFlags;
use crate::terminal;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The folder of the pool, such as runs/pool/genres/1
    pool: PathBuf,

    /// Copy the data set to the temporary folder of this machine ($TMPDIR) first
    #[arg(long)]
    local_data: bool,

    #[command(flatten)]
    slots: SlotFlags,
}

/// `sweep agent POOL`.
pub fn agent(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    let options = AgentOptions {
        slots: arguments.slots.options(),
        local_data: arguments.local_data,
    };
    let done = pool::agent(context, &arguments.pool, &options)?;
    let (exit, text) = conclusion(&done);
    terminal::note(&text);
    Ok(exit)
}

fn conclusion(done: &AgentSummary) -> (Exit, String) {
    let summary = &done.summary;
    let trained = pluralize(summary.finished + summary.diverged, "trial");
    let failed = match summary.failed {
        0 => String::new(),
        many => format!(", {many} failed"),
    };
    let (exit, why) = match done.reason {
        EndReason::NothingLeft => (Exit::Success, "nothing is left to do here"),
        EndReason::Stopped if done.is_requeued => (Exit::Interrupted, "the job is queued again"),
        EndReason::Stopped => (Exit::Interrupted, "stopped"),
        EndReason::SlotsFailed => (Exit::TrialsFailed, "all slots failed"),
        EndReason::Error => (Exit::Environment, "it could not go on"),
    };
    let text = format!("agent {}: {trained} trained{failed}; {why}", done.name);
    (exit, text)
}
