//! The scheduler driven by made-up workers: no process, no training.

mod batches;
mod failures;
mod fake_launcher;
mod sessions;
