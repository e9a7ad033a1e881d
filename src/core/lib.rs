//! The vocabulary that every other crate speaks: trials and their names, events, the worker protocol, random numbers,
//! and the few helpers that several crates need.
//!
//! Invariant: depends on no other crate of the workspace.

pub mod artifacts;
pub mod atomic_fs;
pub mod awake;
pub mod bounded_log;
pub mod conformal;
pub mod data_config;
pub mod event;
pub mod format;
pub mod named;
pub mod process_memory;
pub mod program;
pub mod protocol;
pub mod random;
pub mod run_dir;
pub mod sanitize;
pub mod search_job;
pub mod signals;
pub mod split_spec;
pub mod trial;
