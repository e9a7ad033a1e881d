//! What the records of a sweep say: ranking, inference, importance of settings, calibration, learning curves.
//!
//! Values from values: nothing here reads a file, draws or prints. Whatever the page, the tables, the CSV files, the JSON
//! output and the exports show is computed here, once.

pub mod anova;
mod axes;
pub mod bounds;
pub mod calibration;
pub mod conclusions;
pub mod configuration;
mod distributions;
pub mod dummy;
pub mod ensemble;
pub mod errors;
pub mod evidence;
#[cfg(any(test, feature = "fixtures"))]
pub mod fixtures;
pub mod inference;
mod input;
pub mod json;
mod labels;
pub mod lead;
pub mod learning_curve;
mod losses;
pub mod merged;
pub mod query;
pub mod query_fields;
pub mod ranking;
pub mod regions;
pub mod search;
mod summary;
mod summary_stats;
pub mod text;
pub mod transfer;
mod zero_line;

pub use anova::Anova;
pub use axes::{Axis, Effect};
pub use configuration::{Configuration, Run};
pub use dummy::Dummy;
pub use inference::Inference;
pub use input::{BEST, Input, wanted};
pub use labels::labels;
pub use lead::ZeroLine;
pub use losses::{Learned, Losses};
pub use query::QueryError;
pub use query_fields::narrow;
pub use ranking::RunKey;
pub use summary::Summary;
pub use summary_stats::SummaryStats;
