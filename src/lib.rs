//! `sweep` as a library: the rooms that the program is made of.
#![doc = include_str!("../docs/ARCHITECTURE.md")]

pub mod cli;
pub mod console;
pub mod data;
pub mod describe;
pub mod disk;
pub mod engine;
pub mod evaluate;
pub mod event;
pub mod export;
pub mod plan;
pub mod predict;
pub mod protocol;
pub mod random;
pub mod recipe;
pub mod report;
pub mod schedule;
pub mod shown;
pub mod spec;
pub mod store;
pub mod trial;
pub mod worker;
