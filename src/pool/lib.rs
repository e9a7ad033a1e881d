//! Trials that agents on several machines share through a folder that all of them see. `docs/CLUSTER.md` describes the
//! protocol.
//!
//! Nothing but the agents has to be alive, and no agent talks to another one. A pool is a [`PoolFolder`]: a [`Plan`] that is
//! never changed, [`Claims`] to trials, one [`journal`](JournalReader) for each agent, written by that agent alone, and a
//! [`Heartbeat`] of each. Whoever holds the lock of the sweep collects the journals into the database.
//!
//! Invariant: correctness never rests on claims. An agent that was taken for dead may come back and finish a trial that
//! another one has taken over: the first result that is collected stands, and a second one is compared with it.

mod claims;
mod error;
mod folder;
mod heartbeat;
mod journal;
mod merge;
mod plan;
mod recorder;
pub mod slurm;

pub use claims::{Claim, ClaimStatus, Claims};
pub use error::PoolError;
pub use folder::PoolFolder;
pub use heartbeat::{Heartbeat, Leases, Life};
pub use journal::{AgentRecord, EndReason, Entry, JournalReader};
pub use merge::{MergedJournals, Piece};
pub use plan::{
    ExperimentSource, FORMAT, Head, JobSteps, Lease, Plan, PoolData, PoolTrial, publish, published,
};
pub use recorder::Recorder;
