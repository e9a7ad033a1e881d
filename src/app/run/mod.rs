//! `run` and `resume`: train what a sweep asks for and the database does not have.

mod execute;
pub mod new_session;
mod paths;
pub mod prior_progress;
mod programs;
mod session;

pub use execute::{RunOutcome, execute, notice_missing_library};
pub(crate) use paths::{absolute, writable};
pub(crate) use programs::{owner, recorded};
pub(crate) use session::{largest, launcher, overview, settings, trial_files};
