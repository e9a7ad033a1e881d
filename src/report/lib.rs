//! From the record to what people read: ranking, CSV files, plots, one HTML page, tables, JSON.
//!
//! Pure until [`write`]: the same [`Input`] gives the same files, byte for byte. What a record has
//! no data for is left out and named in [`Report::left_out`], never drawn empty.

mod best_json;
pub mod comparisons;
mod csv_tables;
pub mod describe;
pub mod details;
pub mod diff;
mod folder;
pub mod hyperparameters;
mod markup;
pub mod narrative;
mod page;
pub mod plan_status;
mod plot;
pub mod table;
pub mod test;
mod text_table;
pub mod transfer_text;

pub use folder::{Written, write};

use std::path::PathBuf;

// Private: the modules of this crate find the values under their usual names.
#[cfg(test)]
use sweep_analysis::fixtures as samples;
use sweep_analysis::{
    Anova, BEST, Inference, Input, Summary, json, learning_curve as growth, merged as joint, text,
    transfer,
};

/// A report in memory: files by name, in the order in which the page speaks of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    pub summary: Summary,
    pub files: Vec<(String, Vec<u8>)>,
    /// What could not be shown, and why, one sentence each.
    pub left_out: Vec<String>,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error("cannot draw {name}: {message}")]
    Draw { name: String, message: String },
    #[error("cannot write {path}: {source}; the earlier report is as it was", path = .path.display())]
    Stage {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(
        "cannot put {missing} in place in {folder}: {source}; these files are missing or of an \
         earlier report, so write the report again",
        missing = .missing.join(", "),
        folder = .folder.display()
    )]
    Replace {
        folder: PathBuf,
        missing: Vec<String>,
        source: std::io::Error,
    },
}

/// Makes every file of the report, and writes none.
pub fn make(input: &Input) -> Result<Report, ReportError> {
    let summary = input.summary();
    let mut left_out = input.lacking.clone();
    let mut files = csv_tables::all(input, &summary);
    files.extend(best_json::all(input, &summary));
    let pictures = plot::all(input, &summary, &mut left_out)?;
    let page = page::page(input, &summary, &pictures, &files, &left_out);
    for picture in pictures {
        files.push((format!("{}.png", picture.name), picture.png));
        files.push((format!("{}.svg", picture.name), picture.svg.into_bytes()));
    }
    files.push(("index.html".to_owned(), page.into_bytes()));
    Ok(Report {
        summary,
        files,
        left_out,
    })
}

#[cfg(test)]
mod tests;
