//! From the database to what people read: ranking, CSV files, plots, one HTML page, tables, JSON.
//!
//! Pure until [`write`]: the same [`Input`] gives the same files, byte for byte. What a database has
//! no data for is left out and named in [`Report::left_out`], never drawn empty.

mod best_json;
pub mod commit;
pub mod comparisons;
mod csv_table;
mod csv_tables;
pub mod describe;
pub mod details;
pub mod diff;
pub mod dummy_text;
pub mod ensemble_text;
mod error;
mod folder;
pub mod hyperparameters;
pub mod losses_text;
mod markup;
pub mod narrative;
mod origin;
mod page;
pub mod plan_status;
mod plot;
pub mod regions;
mod report;
pub mod search_text;
pub mod table;
pub mod test;
#[cfg(test)]
mod tests;
mod text_table;
mod ties;
pub mod transfer_text;

pub use error::ReportError;
pub use folder::{Written, write};
pub use origin::Origin;
pub use report::{Report, make};
