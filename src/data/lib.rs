//! From a table to the prepared, memory-mapped data set that trials read; and a made-up file to
//! try things on.
//!
//! [`prepare()`] reads, checks, splits, scales and writes; [`Dataset`] is what a trial sees of it,
//! and [`HeldOutTest`] what it never does. [`Preprocessor::on`] gives new rows the same features.

mod apply;
mod atomic;
mod bound;
mod categories;
mod category_block;
mod cells;
mod columns;
mod dataset;
mod date_fields;
mod digest;
mod encode;
mod features;
mod fit;
mod fit_category;
mod fitted;
mod folds;
mod infer;
mod labels;
mod layout;
mod leakage;
mod loaded_table;
mod mask;
mod meta;
mod parse;
mod transfer_preprocessing;
mod transfer_split;
mod warnings;

mod cross_split_duplicates;
mod held_out;
mod prepare;
mod preprocessor;
mod quantile;
mod refit;
mod sample;
mod saved;
mod source_rows;
mod source_split;
mod split;
mod split_by;
mod split_keys;
mod splits;
mod summary;
pub mod synth;
mod target_checks;
mod target_kind;
mod target_values;
#[cfg(test)]
mod tests;
mod text;
mod usage;
mod view;
mod view_guesses;

pub use apply::Encoder;
pub use atomic::write as write_atomically;
pub use category_block::CategoryBlock;
pub use dataset::Dataset;
pub use features::{Features, RejectedRow};
pub use held_out::HeldOutTest;
pub use labels::{Label, TargetColumn};
pub use layout::DATA_FORMAT;
pub use meta::{DatasetMeta, Inputs, NumberTarget, Rows, Targets};
pub use prepare::{Prepared, prepare, prepare_folds, prepare_read_only};
pub use preprocessor::{DateFeature, FittedField, Preprocessor, Scaling};
pub use refit::prepare_refit;
pub use saved::{PREPROCESSOR_FORMAT, SavedPreprocessor};
pub use summary::{ColumnUse, SplitSummary, Summary};
pub use sweep_table::{DataError, Storage, Table};
pub use text::fitted::{FittedText, Learned, TextField};
pub use transfer_preprocessing::SourceData;
pub use view::{ColumnKind, View, ViewColumn};
pub use view_guesses::LikelyGroup;
pub use warnings::{Level, Note};
