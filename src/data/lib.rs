//! From a CSV file to the prepared, memory-mapped data set that trials read; and a made-up file to
//! try things on.
//!
//! [`prepare()`] reads, checks, splits, scales and writes; [`Dataset`] is what a trial sees of it,
//! and [`SealedTest`] what it never does. [`Preparation::on`] gives new rows the same features.

mod apply;
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
mod inherit;
mod known;
mod layout;
mod note;
mod notice;
mod prepare;
mod quantile;
mod sample;
mod saved;
mod sealed;
mod sides;
mod split;
mod straddle;
mod summary;
pub mod synth;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod view;

pub use apply::{Encoder, Features, Refused};
pub use atomic::write as write_whole;
pub use dataset::{Dataset, DatasetMeta, Rows};
pub use error::DataError;
pub use fit::{FittedField, Preparation, Scaling};
pub use inherit::SourceData;
pub use layout::DATA_FORMAT;
pub use note::{Level, Note};
pub use prepare::{Prepared, prepare, prepare_after, prepare_to_look};
pub use saved::{PREPARATION_FORMAT, SavedPreparation};
pub use sealed::SealedTest;
pub use summary::{SideSummary, Summary};
pub use table::Table;
pub use text::{FittedText, Learned, TextField};
pub use view::{ColumnKind, View, ViewColumn};
