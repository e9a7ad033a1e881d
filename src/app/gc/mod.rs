//! Removal of files in the run directory that nothing needs.
//!
//! Invariant: a file is garbage only by its place and name, and is checked again before it is removed, while no session
//! can begin. Files with other names, and what links lead to, are left alone.

mod check;
mod files;
mod remove;
mod scan;

pub use files::{GarbageFile, GcOptions, Kind, ScanResult};
pub use remove::{Removed, remove, vacuum};
pub use scan::{of_trials, scan};
