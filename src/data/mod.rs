//! From a CSV file to the prepared, memory-mapped data set that trials read; and a made-up file to
//! try things on.
//!
//! [`prepare()`] reads, checks, splits, scales and writes; [`Dataset`] is what a trial sees of it,
//! and [`SealedTest`] what it never does.

mod atomic;
mod cells;
mod columns;
mod content;
mod dataset;
mod date;
mod digest;
mod encode;
mod error;
mod fit;
mod giveaway;
mod infer;
mod layout;
mod note;
mod notice;
mod prepare;
mod quantile;
mod sealed;
mod sides;
mod split;
mod straddle;
mod summary;
pub mod synth;
mod table;
#[cfg(test)]
mod tests;

pub use dataset::{Dataset, DatasetMeta, Rows};
pub use error::DataError;
pub use fit::{FittedField, Preparation, Scaling};
pub use layout::DATA_FORMAT;
pub use note::{Level, Note};
pub use prepare::{Prepared, prepare};
pub use sealed::SealedTest;
pub use summary::{SideSummary, Summary};
