//! What comes from outside, mangled: experiment files, tables, protocol lines, checkpoints, prepared data,
//! exported models and the cells of a database. Whatever it is, it is taken or refused: no panic, no hang,
//! no memory beyond reason.
//!
//! Every case has a number, which a failure names. By default a fixed number of cases is run; with
//! `SWEEP_FUZZ_SECONDS=60` each test runs for that long, from `SWEEP_FUZZ_SEED` on.

mod bound;
mod checkpoints;
#[path = "../common/mod.rs"]
mod common;
mod database;
mod mangle;
mod models;
mod prepared;
mod texts;
