//! Models put to use: predictions for the rows of a table, and models as folders that need no
//! record.
//!
//! Invariant: nothing is fitted and nothing is trained here; the same model and the same cells give
//! the same prediction, whatever else stands in the table.

mod bundle;
mod table;

pub use bundle::{Bundle, BundleError, Card, EXPORT_FORMAT, export};
pub use table::{Outcome, WriteError, columns, write};
