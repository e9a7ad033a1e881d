//! What a program writes becomes metrics: parsers that take a line, or follow files, and give the values of a step.
//!
//! Invariant: whatever bytes come, nothing panics and memory stays in proportion to the longest line or record.

mod escapes;
mod events;
mod json;
mod lines;
mod number;
mod patterns;
mod protobuf;
mod records;
mod report;
mod tensorboard;

pub use json::Json;
pub use lines::Lines;
pub use patterns::{PatternError, Patterns, patterns};
pub use report::{LineError, LineReader, MAX_NAME, Report};
pub use tensorboard::EventFiles;

#[cfg(test)]
mod event_files;
