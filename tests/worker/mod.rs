//! The real worker over its pipes: checkpoints that are damaged, torn or old, and a machine that is in
//! the way.

#![cfg(target_os = "linux")]

mod checkpoints;
mod machine;
mod worker_process;
