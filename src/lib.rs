//! sweep
pub mod cli;
pub mod console;
pub mod data;
pub mod describe;
pub mod engine;
pub mod event;
pub mod plan;
pub mod protocol;
pub mod random;
pub mod recipe;
pub mod report;
pub mod schedule;
pub mod spec;
pub mod store;
pub mod trial;
pub mod worker;
