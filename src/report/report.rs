//! A report in memory: every file of it, made and not yet written.

use super::{ReportError, best_json, csv_tables, page, plot};
use sweep_analysis::{Input, Summary};

/// A report in memory: files by name, in the order in which the page speaks of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    pub summary: Summary,
    pub files: Vec<(String, Vec<u8>)>,
    /// What could not be shown, and why, one sentence each.
    pub left_out: Vec<String>,
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
