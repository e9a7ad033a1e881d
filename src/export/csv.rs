//! Tables as CSV: UTF-8, comma, one header line. An unknown cell is empty; numbers are written so that they
//! read back as the same number, `NaN`, `inf` and `-inf` included.
//!
//! A cell of text never begins a formula in a spreadsheet.

use std::path::Path;

use super::exporter::{ExportError, Exporter, File, Sweep};
use super::table::{self, Cells, Table};
use sweep_analysis::text::guarded;

/// The format `csv`.
#[derive(Debug)]
pub struct Csv;

impl Exporter for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn help(&self) -> &'static str {
        "Three tables: trials, metrics, attempts"
    }

    fn files(&self, sweep: &Sweep, _root: &Path) -> Result<Vec<File>, ExportError> {
        table::files(sweep, "csv", bytes)
    }
}

/// The file of `table`.
fn bytes(table: &Table) -> csv::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(
        table
            .columns
            .iter()
            .map(|column| guarded(&column.name).into_owned()),
    )?;
    let rows = table.columns.first().map_or(0, |column| column.cells.len());
    for row in 0..rows {
        let cells = table.columns.iter().map(|column| cell(&column.cells, row));
        writer.write_record(cells)?;
    }
    writer
        .into_inner()
        .map_err(|error| error.into_error().into())
}

fn cell(cells: &Cells, row: usize) -> String {
    let text = match cells {
        Cells::Bool(cells) => cells[row].map(|value| value.to_string()),
        Cells::Int(cells) => cells[row].map(|value| value.to_string()),
        // Rust's shortest text that reads back as the same number.
        Cells::Float(cells) => cells[row].map(|value| value.to_string()),
        Cells::Text(cells) => cells[row].as_deref().map(|text| guarded(text).into_owned()),
    };
    text.unwrap_or_default()
}
