//! What lies in the run directory and is of no use: found, weighed, removed.
//!
//! Nothing is taken for garbage but by its place and its name, and each file is looked at again,
//! with no session able to begin, before it goes. What bears another name, and what a link leads to,
//! is left alone.

mod check;
mod files;
mod remove;
mod scan;

pub use files::{GarbageFile, GcOptions, Kind, ScanResult};
pub use remove::remove;
pub use scan::{of_trials, scan};
