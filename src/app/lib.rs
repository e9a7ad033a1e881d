//! What the program does, as functions that return values: results, typed errors, and notices to an observer that the
//! caller gives. Nothing here prints, asks or parses arguments, so that a page server or a Python binding can call it.

pub mod annotations;
pub mod calibration;
pub mod demo_data;
pub mod describe;
pub mod diff;
pub mod doctor;
pub mod dummy;
pub mod ensemble;
pub mod environment;
pub mod estimate;
pub mod evidence;
pub mod experiment_file;
pub mod export;
pub mod extra_seeds;
pub mod filter;
mod fold_models;
pub mod gc;
pub mod gpus;
pub mod init;
pub mod list;
pub mod loaded;
pub mod missing_models;
pub mod model;
pub mod options;
pub mod output;
pub mod overview;
pub mod placement;
pub mod plan;
pub mod predict;
pub mod prepare;
pub mod pretrained;
pub mod refit;
mod regions;
pub mod remove;
pub mod rename;
pub mod report;
pub mod resolve;
pub mod resume;
mod row_scores;
pub mod run;
pub mod show;
pub mod stop;
pub mod test_evaluations;
pub mod valid_predictions;
pub mod valid_rows;

mod app;
mod bundle_error;
mod error;
mod git;
mod mark_stale;
mod observer;

pub use app::App;
pub use error::Error;
pub use observer::{Notice, Observer, SessionPlan, Silent};
