//! A table in memory, column by column.
//!
//! Invariant: every column has as many rows as the table, and names are distinct.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use sweep_core::data_config::Edition;

use super::builder::Column;
use super::error::DataError;
use super::lines::Lines;
use super::missing::MissingMarkers;
use super::number::NumberStyle;
use sweep_core::data_config::TableFormat;

/// Columns and their names.
#[derive(Debug)]
pub struct Table {
    /// The first file, as it was named.
    pub path: PathBuf,
    pub names: Vec<String>,
    /// SHA-256 of the file, hexadecimal; of several, that of the list of theirs.
    pub sha256: String,
    /// What was found about how the files are written, one sentence each.
    pub notes: Vec<String>,
    /// The delimiter of the first file, to write like it.
    pub delimiter: u8,
    /// By which defaults the files were read.
    pub edition: Edition,
    /// How the files were found to be written, as an experiment would say it; without what is usual,
    /// and without what differs between files.
    pub found: TableFormat,
    pub(crate) columns: Vec<Column>,
    /// Whether the file has no name for the column.
    pub(crate) unnamed: Vec<bool>,
    pub(crate) files: Vec<FileRows>,
    pub(crate) rows: usize,
    pub(crate) markers: MissingMarkers,
}

/// The rows of one file.
#[derive(Debug)]
pub(crate) struct FileRows {
    pub path: PathBuf,
    /// Its first row in the table.
    pub first: usize,
    /// `None` for files that have no lines.
    pub lines: Option<Lines>,
}

impl Table {
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The index of the column called `name`.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|own| own == name)
    }

    pub fn column(&self, column: usize) -> &Column {
        &self.columns[column]
    }

    /// Whether the file has no name for the column.
    pub fn is_unnamed(&self, column: usize) -> bool {
        self.unnamed[column]
    }

    /// Files and the number of rows of each.
    pub fn files(&self) -> impl Iterator<Item = (&Path, usize)> {
        let ends = self.files.iter().skip(1).map(|file| file.first);
        let ends = ends.chain([self.rows]);
        let files = self.files.iter().zip(ends);
        files.map(|(file, end)| (file.path.as_path(), end - file.first))
    }

    /// The delimiter of a file at `path` that is written like this one: tabs for `.tsv`, commas for
    /// `.csv`, else that of the table.
    pub fn delimiter_for(&self, path: &Path) -> u8 {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("csv") if self.delimiter == b'\t' => b',',
            Some("tsv" | "tab") => b'\t',
            _ => self.delimiter,
        }
    }

    /// The line of its file, from 1, on which `row` starts; in files without lines, its number among
    /// the rows.
    pub fn line(&self, row: u32) -> u64 {
        let file = self.file(row);
        let below = row as usize - file.first;
        let lines = file.lines.as_ref();
        lines.map_or(below as u64 + 1, |lines| lines.of(below))
    }

    /// The cell as text; a number as it is usually written, nothing for one that is missing.
    pub fn cell(&self, row: u32, column: usize) -> Cow<'_, str> {
        match &self.columns[column] {
            Column::Numbers { values, .. } => match values[row as usize] {
                missing if missing.is_nan() => Cow::Borrowed(""),
                number => Cow::Owned(number.to_string()),
            },
            Column::Texts(texts) => Cow::Borrowed(texts.cell(row as usize)),
        }
    }

    /// Likewise; `None` for a cell that stands for a missing value.
    pub fn present(&self, row: u32, column: usize) -> Option<Cow<'_, str>> {
        match &self.columns[column] {
            Column::Numbers { values, .. } if values[row as usize].is_nan() => None,
            Column::Numbers { .. } => Some(self.cell(row, column)),
            Column::Texts(texts) => texts.present(row as usize).map(Cow::Borrowed),
        }
    }

    /// An error about a row: its file and line.
    pub fn error_at(&self, row: u32, message: String, help: impl Into<Box<str>>) -> DataError {
        DataError::new(&self.file(row).path, message, help).line(self.line(row))
    }

    /// What stands for a missing value.
    pub fn markers(&self) -> &MissingMarkers {
        &self.markers
    }

    fn file(&self, row: u32) -> &FileRows {
        let after = self
            .files
            .partition_point(|file| file.first <= row as usize);
        &self.files[after.saturating_sub(1)]
    }
}

impl Column {
    /// How its numbers are written; `None` for text.
    pub fn style(&self) -> Option<NumberStyle> {
        match self {
            Column::Numbers { style, .. } => Some(*style),
            Column::Texts(_) => None,
        }
    }
}
