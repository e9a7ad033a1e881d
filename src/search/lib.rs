//! Searchers: what to train next, as a pure function of the plan, the problem and the results seen.
//!
//! `Search` is a deterministic machine. Its decisions are those of a virtual machine of `width` workers on which a job
//! lasts its predicted cost, so the same plan and outcomes give the same jobs under any number of real workers, any
//! order of arrival, and after any stop and resume. Nothing here reads a file, a clock or a generator with a state.

mod clock;
mod decision;
mod finish;
mod history;
mod insight;
mod model;
mod pareto;
mod plan;
mod pool;
mod problem;
mod random;
mod report;
mod search;
mod searchers;
mod sequence;
mod sight;
mod space;
#[cfg(test)]
mod tests;

pub use decision::{Decision, End, Job, Next, Outcome, Values, Why};
pub use history::{Config, Record};
pub use insight::{Guess, Insight};
pub use pareto::{front, hypervolume};
pub use plan::{Budget, Finish, Known, Method, Plan, PlanError};
pub use problem::Problem;
pub use report::Best;
pub use search::Search;
pub use space::{Coord, Dim, DimKind, Point, Space, When};
