//! Searches of a sweep: made ready from the experiment and the database, and run as a supply of trials.
//!
//! The database is all that a search remembers. Decisions that were recorded are put back, never made again.

mod insight;
mod outcome;
mod prepared;
mod problem;
mod supply;
mod warm_start;

pub use insight::{insights, refuse_best_of_front};
pub use prepared::{PreparedSearch, checked_plan, prepare, retry_failed};
pub use problem::SearchProblem;
pub use supply::SearchSupply;
