//! A CSV or TSV file in memory, every cell as text.
//!
//! Invariant: every row has as many cells as there are column names, the names are distinct (save
//! the empty one), and all text is UTF-8, so that whoever reads cells later cannot meet a ragged
//! row.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use sweep_core::format::hex;

use super::error::{DataError, list, pluralize, quote};

/// Ragged rows named one by one; the rest are counted.
const MAX_RAGGED_SHOWN: usize = 5;
/// Rows are numbered in 32 bits.
const MAX_ROWS: usize = u32::MAX as usize;

/// A header and its rows.
#[derive(Debug)]
pub struct Table {
    pub path: PathBuf,
    pub names: Vec<String>,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    text: String,
    /// Where each cell ends in `text`, row by row; a cell starts where the one before ends.
    ends: Vec<usize>,
    lines: Vec<u64>,
}

impl Table {
    /// Reads the file at `path`; `key` is the experiment key that names it.
    pub fn read(path: &Path, key: &str) -> Result<Table, Vec<DataError>> {
        let fail = |error: DataError| vec![error.key(key)];
        let bytes = read_whole(path).map_err(|source| fail(unreadable(path, &source)))?;
        let sha256 = hex(&Sha256::digest(&bytes));
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        check_encoding(path, bytes).map_err(fail)?;
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter(path))
            .flexible(true)
            .has_headers(false)
            .from_reader(bytes);
        let mut record = csv::ByteRecord::new();
        if !read_record(&mut reader, &mut record, path).map_err(fail)? {
            let help = "the first line must name the columns, the others hold one row each";
            return Err(fail(DataError::new(path, "the file is empty", help)));
        }
        let names: Vec<String> = record.iter().map(|name| text_of(name).to_owned()).collect();
        check_names(path, &names).map_err(|errors| with_key(errors, key))?;

        let mut table = Table {
            path: path.to_owned(),
            names,
            sha256,
            text: String::with_capacity(bytes.len()),
            ends: Vec::new(),
            lines: Vec::new(),
        };
        table
            .read_rows(&mut reader, bytes)
            .map_err(|errors| with_key(errors, key))?;
        Ok(table)
    }

    /// What separates the cells of the file at `path`: a tab for `.tsv` and `.tab`, else a comma.
    pub fn delimiter(path: &Path) -> u8 {
        delimiter(path)
    }

    pub fn rows(&self) -> usize {
        self.lines.len()
    }

    /// The line of the file, from 1, on which `row` starts.
    pub fn line(&self, row: u32) -> u64 {
        self.lines[row as usize]
    }

    pub fn cell(&self, row: u32, column: usize) -> &str {
        let at = row as usize * self.names.len() + column;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.text[start..self.ends[at]]
    }

    /// The cell, or nothing when it is empty or reads `NA`; blanks around it do not count.
    pub fn present(&self, row: u32, column: usize) -> Option<&str> {
        let cell = self.cell(row, column);
        match cell.trim() {
            "" | "NA" => None,
            _ => Some(cell),
        }
    }

    /// The index of the column called `name`.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|own| own == name)
    }

    fn read_rows(
        &mut self,
        reader: &mut csv::Reader<&[u8]>,
        bytes: &[u8],
    ) -> Result<(), Vec<DataError>> {
        let mut record = csv::ByteRecord::new();
        let mut lines = LineCounter::new(bytes);
        let mut errors = Vec::new();
        let mut ragged = 0;
        let mut last = 0..0;
        while read_record(reader, &mut record, &self.path).map_err(|error| vec![error])? {
            let start = record.position().map_or(0, csv::Position::byte) as usize;
            let line = lines.line_of(start);
            if record.len() != self.names.len() {
                ragged += 1;
                if ragged <= MAX_RAGGED_SHOWN {
                    let end = reader.position().byte() as usize;
                    errors.push(self.ragged_row(record.len(), line, &bytes[start..end]));
                }
                continue;
            }
            last = self.text.len()..self.text.len();
            for cell in &record {
                last.start = self.text.len();
                self.text.push_str(text_of(cell));
                self.ends.push(self.text.len());
            }
            last.end = self.text.len();
            self.lines.push(line);
            if self.lines.len() > MAX_ROWS {
                let message = format!("more than {MAX_ROWS} rows");
                return Err(vec![DataError::new(&self.path, message, "split the file")]);
            }
        }
        if ragged > MAX_RAGGED_SHOWN {
            let message = format!(
                "and {} more rows of the wrong length",
                ragged - MAX_RAGGED_SHOWN
            );
            errors.push(DataError::new(
                &self.path,
                message,
                "every row must have the header's columns",
            ));
        }
        if errors.is_empty() && self.text[last].contains('\n') && !ends_with_quote(bytes) {
            let line = self.lines.last().copied().unwrap_or(1);
            let message = "a quote opened in this row is never closed";
            let help = "close it with `\"`, or write a quote inside a cell twice";
            errors.push(DataError::new(&self.path, message, help).line(line));
        }
        if errors.is_empty() && self.lines.is_empty() {
            let message = "the file has a header but no rows";
            errors.push(DataError::new(
                &self.path,
                message,
                "add rows, or name another file",
            ));
        }
        if errors.is_empty() {
            Ok(())
        } else {
            Err(errors)
        }
    }

    fn ragged_row(&self, cells: usize, line: u64, raw: &[u8]) -> DataError {
        let message = format!(
            "this row has {}, the header has {}",
            pluralize(cells, "cell"),
            pluralize(self.names.len(), "column")
        );
        let inside = String::from_utf8_lossy(raw);
        let is_open = inside.matches('"').count() % 2 == 1;
        let help = if is_open || inside.trim().contains('\n') {
            "a quote opened on this line is closed on a later one, or never; write a quote inside \
             a cell twice"
        } else {
            "a cell that contains the separator must be quoted; missing values are empty cells"
        };
        DataError::new(&self.path, message, help).line(line)
    }
}

fn with_key(errors: Vec<DataError>, key: &str) -> Vec<DataError> {
    errors.into_iter().map(|error| error.key(key)).collect()
}

/// Tab for `.tsv` and `.tab`, comma otherwise.
fn delimiter(path: &Path) -> u8 {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some(extension)
            if ["tsv", "tab"]
                .iter()
                .any(|tab| extension.eq_ignore_ascii_case(tab)) =>
        {
            b'\t'
        }
        _ => b',',
    }
}

/// The text of bytes that stand in a file found to be UTF-8; separators are ASCII, so no cell
/// starts or ends inside a character.
fn text_of(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("the whole file was checked to be UTF-8")
}

fn read_record(
    reader: &mut csv::Reader<&[u8]>,
    record: &mut csv::ByteRecord,
    path: &Path,
) -> Result<bool, DataError> {
    reader
        .read_byte_record(record)
        .map_err(|source| DataError::new(path, source.to_string(), "the file must be CSV"))
}

fn unreadable(path: &Path, source: &std::io::Error) -> DataError {
    match source.kind() {
        std::io::ErrorKind::NotFound => DataError::new(
            path,
            "there is no such file",
            "paths are relative to the folder in which the command runs",
        ),
        _ if path.is_dir() => {
            DataError::new(path, "this is a folder", "name a CSV or TSV file in it")
        }
        _ => DataError::new(
            path,
            format!("cannot be read: {source}"),
            "check the path and its permissions",
        ),
    }
}

fn check_encoding(path: &Path, bytes: &[u8]) -> Result<(), DataError> {
    let help = "save the file as UTF-8, for instance with `iconv -f latin1 -t utf-8`";
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(DataError::new(
            path,
            "the file is UTF-16",
            "save it as UTF-8",
        ));
    }
    if bytes.starts_with(b"\x1f\x8b") || bytes.starts_with(b"PK\x03\x04") {
        return Err(DataError::new(
            path,
            "the file is compressed",
            "unpack it first",
        ));
    }
    match std::str::from_utf8(bytes) {
        Ok(_) => Ok(()),
        Err(error) => {
            let at = error.valid_up_to();
            let line = LineCounter::new(bytes).line_of(at);
            let message = format!("byte 0x{:02x} is not UTF-8", bytes[at]);
            Err(DataError::new(path, message, help).line(line))
        }
    }
}

fn check_names(path: &Path, names: &[String]) -> Result<(), Vec<DataError>> {
    let mut errors = Vec::new();
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for (place, name) in names.iter().enumerate() {
        if name.is_empty() {
            continue;
        }
        if let Some(first) = seen.insert(name, place) {
            let message = format!(
                "two columns are called {}: number {} and number {}",
                quote(name),
                first + 1,
                place + 1
            );
            errors.push(DataError::new(path, message, "rename one of them").line(1));
        }
    }
    let lone = names.len() == 1;
    if let Some(mark) = [';', '\t', '|']
        .into_iter()
        .find(|mark| lone && names[0].contains(*mark))
    {
        let message = format!("the header is one column, {}", list(&[names[0].as_str()]));
        let help = format!(
            "columns are separated by commas, or by tabs in a file called .tsv; this one seems to \
             use {mark:?}"
        );
        errors.push(DataError::new(path, message, help).line(1));
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}

fn ends_with_quote(bytes: &[u8]) -> bool {
    bytes.trim_ascii_end().ends_with(b"\"")
}

/// Turns byte offsets that only grow into line numbers.
///
/// The csv crate's own count is behind by one after `\r\n` and before blank lines.
struct LineCounter<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
}

impl<'a> LineCounter<'a> {
    fn new(bytes: &'a [u8]) -> LineCounter<'a> {
        LineCounter {
            bytes,
            at: 0,
            line: 1,
        }
    }

    /// The line of the first byte from `offset` on that does not end a line.
    fn line_of(&mut self, offset: usize) -> u64 {
        while let Some(byte) = self.bytes.get(self.at) {
            let ends_line = match byte {
                b'\n' => true,
                b'\r' => self.bytes.get(self.at + 1) != Some(&b'\n'),
                _ => false,
            };
            if self.at >= offset && !matches!(byte, b'\n' | b'\r') {
                break;
            }
            self.line += u64::from(ends_line);
            self.at += 1;
        }
        self.line
    }
}

/// The bytes of a file or of a pipe. Devices are refused: some never end.
fn read_whole(path: &Path) -> io::Result<Vec<u8>> {
    use std::os::unix::fs::FileTypeExt as _;
    let kind = fs::metadata(path)?.file_type();
    match kind.is_char_device() || kind.is_block_device() {
        true => Err(io::Error::other("it is a device, not a file")),
        false => fs::read(path),
    }
}
