//! What `sweep init` is asked for.
//!
//! Invariant: plain values; nothing is checked here.

use std::path::PathBuf;

use sweep_core::data_config::TableFormat;

/// What to write an experiment for.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The files of the table, or patterns for their names.
    pub tables: Vec<PathBuf>,
    /// The column to predict; without one, the error lists the columns.
    pub target: Option<String>,
    pub group: Option<String>,
    /// The name of the sweep; by default that of the file, or of the table.
    pub name: Option<String>,
    pub destination: Destination,
    /// Replace an existing file.
    pub force: bool,
    /// How the cells of the table are read.
    pub format: TableFormat,
}

/// Where the experiment goes.
#[derive(Debug, Clone, Default)]
pub enum Destination {
    /// `NAME.toml`, in the folder `experiments` if there is one.
    #[default]
    Named,
    File(PathBuf),
    /// It is only returned.
    Nowhere,
}
