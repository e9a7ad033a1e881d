//! Runs any program as a trial: from the settings of a trial to a command line, from what the program writes to metrics, from
//! the end of its processes to an outcome.
//!
//! Invariant: whatever a program does, it costs its own trial at most.

pub mod config_file;
pub mod inputs;
pub mod leftovers;
pub mod metrics;
mod placeholders;
pub mod run;
pub mod script;
pub mod template;
pub mod tree;
pub mod values;

#[cfg(test)]
mod fixtures;
