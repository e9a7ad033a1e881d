//! The database of every sweep: one SQLite database, documented in `docs/STORE.md`.
//!
//! One [`Writer`] a session, any number of readers, which never wait for it nor it for them. What was
//! committed is durable, and a batch of events is in the database whole or not at all.

mod agents;
mod annotations;
mod backup;
mod batch_writer;
mod cells;
mod check_confusion;
mod claim;
mod clock;
mod collected_events;
mod database;
mod ensembles;
mod error;
mod event_transaction;
mod extra_seeds;
mod finished_again;
mod gc_references;
pub mod lock;
mod migrate;
mod open;
mod other_name;
mod read;
mod records;
mod remove;
mod rename;
mod search_events;
mod searches;
mod session;
mod store;
mod system;
mod test_evaluations;
#[cfg(test)]
mod tests;
mod trial_detail;
mod working_tree;
mod writer;
mod writer_state;

pub use agents::{AgentRow, CollectedEvents};
pub use claim::Claim;
pub use database::Upgrade;
pub use error::{COPY, StoreError};
pub use finished_again::OTHER_RESULT;
pub use gc_references::GcReferences;
pub use lock::{StopMode, StopRequest, SweepLock};
pub use records::{
    ArtifactRecord, AttemptRecord, Curve, DatasetRecord, EnsembleRecord, EvaluationRecord,
    ExperimentFile, ExperimentRecord, ExperimentSummary, FoldRecord, NoteRecord, SearchJobRecord,
    SearchRecord, SessionRecord, SlotEventRecord, TestEvaluation, TrialRecord,
};
pub use remove::Removal;
pub use searches::NewSearch;
pub use session::{NewSession, NewTrial, OpenSession, Outcome, SessionId};
pub use store::Store;
pub use working_tree::{Patch, WorkingTree, file_fact};
pub use writer::{Durability, TrialFiles, Writer};
