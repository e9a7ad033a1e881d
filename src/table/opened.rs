//! One file of a table: how it is written, its first rows, and its reading.

use std::io::Read;
use std::path::Path;

use super::blanks::Collapsing;
use super::builder::{Builder, Kind};
use super::columnar;
use super::delimited::{self, Delimited};
use super::dialect::{self, Dialect, Probe};
use super::error::{DataError, list, suggest};
use super::json_lines;
use super::lines::Lines;
use super::missing::MissingMarkers;
use super::source::{FileKind, Hash, Source, encoding_of};
use sweep_core::data_config::{Delimiter, Edition, TableFormat, TextEncoding};

/// Bytes at the beginning from which it is found how a file is written.
const HEAD: usize = 1 << 18;

/// One file, and how it is written.
pub(crate) struct Opened {
    pub source: Source,
    pub encoding: TextEncoding,
    pub dialect: Option<Dialect>,
    pub names: Vec<String>,
    pub unnamed: Vec<bool>,
    /// Cells of the first rows, by column.
    pub sample: Vec<Vec<String>>,
    /// What columns are by their type, in files that have types.
    pub typed: Option<Vec<Kind>>,
    pub notes: Vec<String>,
}

impl Opened {
    /// How all files were found to be written, where that is not the usual; `names` are those of the
    /// columns.
    pub(crate) fn found(opened: &[Opened], names: &[String]) -> TableFormat {
        let mut found = TableFormat::default();
        let (first, others) = opened.split_first().expect("there is a file");
        let Some(dialect) = first.dialect else {
            return found;
        };
        let agree = |is_alike: &dyn Fn(&Opened, Dialect) -> bool| {
            let mut others = others.iter();
            others.all(|other| other.dialect.is_some_and(|own| is_alike(other, own)))
        };
        let usual = Delimiter::Byte(dialect::by_extension(&first.source.path));
        if dialect.delimiter != usual && agree(&|_, own| own.delimiter == dialect.delimiter) {
            found.delimiter = Some(dialect.delimiter);
        }
        if !dialect.has_header && agree(&|_, own| !own.has_header) {
            found.header = Some(false);
            found.columns = Some(names.to_vec());
        }
        if first.encoding != TextEncoding::Utf8
            && agree(&|other, _| other.encoding == first.encoding)
        {
            found.encoding = Some(first.encoding);
        }
        found
    }

    /// Looks at the file at `path`.
    pub fn open(path: &Path, format: &TableFormat) -> Result<Opened, Vec<DataError>> {
        let alone = |error: DataError| vec![error];
        let source = Source::open(path, format.edition).map_err(alone)?;
        let mut opened = Opened {
            source,
            encoding: TextEncoding::Utf8,
            dialect: None,
            names: Vec::new(),
            unnamed: Vec::new(),
            sample: Vec::new(),
            typed: None,
            notes: Vec::new(),
        };
        let rows = match opened.source.kind {
            FileKind::Parquet | FileKind::Arrow => {
                let probe = columnar::probe(&opened.source).map_err(alone)?;
                opened.names = probe.names;
                opened.typed = Some(probe.kinds);
                opened.notes = probe.notes;
                Vec::new()
            }
            FileKind::JsonLines => {
                let (head, is_whole) = opened.head(TextEncoding::Utf8).map_err(alone)?;
                let head = String::from_utf8_lossy(&head);
                let (names, rows) = json_lines::probe(path, &head, is_whole).map_err(alone)?;
                opened.names = names;
                rows
            }
            FileKind::Text => {
                let Probe {
                    dialect,
                    names,
                    rows,
                    notes: found,
                } = opened.probe_text(format).map_err(alone)?;
                opened.notes.extend(found);
                opened.dialect = Some(dialect);
                opened.names = names;
                rows
            }
        };
        if opened.dialect.is_none() {
            refuse_text_options(path, format).map_err(alone)?;
        }
        let raw = std::mem::take(&mut opened.names);
        let (names, unnamed) =
            dialect::distinct_names(path, raw, format.edition, &mut opened.notes)?;
        opened.sample = (0..names.len())
            .map(|place| {
                rows.iter()
                    .filter_map(|row| row.get(place).cloned())
                    .collect()
            })
            .collect();
        (opened.names, opened.unnamed) = (names, unnamed);
        Ok(opened)
    }

    /// The beginning of the file in UTF-8, and whether that is all of it.
    fn head(&self, encoding: TextEncoding) -> Result<(Vec<u8>, bool), DataError> {
        let mut text = self.source.text(encoding, Hash::default())?;
        let mut head = Vec::new();
        text.by_ref()
            .take(HEAD as u64)
            .read_to_end(&mut head)
            .map_err(|error| super::source::damaged(&self.source.path, &error))?;
        let is_whole = head.len() < HEAD;
        Ok((head, is_whole))
    }

    fn probe_text(&mut self, format: &TableFormat) -> Result<Probe, DataError> {
        let path = self.source.path.clone();
        self.encoding = match format.encoding {
            Some(given) => given,
            None => {
                let mut raw = Vec::new();
                let read = self.source.unpacked(Hash::default())?.take(HEAD as u64);
                let read = { read }.read_to_end(&mut raw);
                read.map_err(|error| super::source::damaged(&path, &error))?;
                encoding_of(&raw)
            }
        };
        let is_wide = matches!(self.encoding, TextEncoding::Utf16Le | TextEncoding::Utf16Be);
        if is_wide && format.edition == Edition::First {
            let help = "save it as UTF-8";
            return Err(DataError::new(&path, "the file is UTF-16", help));
        }
        if is_wide && format.encoding.is_none() {
            self.notes.push("the file is UTF-16".to_owned());
        }
        let (mut head, mut is_whole) = self.head(self.encoding)?;
        if format.encoding.is_none() && format.edition > Edition::First && !is_utf8(&head, is_whole)
        {
            self.take_windows_1252();
            (head, is_whole) = self.head(self.encoding)?;
        }
        dialect::probe(&path, &String::from_utf8_lossy(&head), is_whole, format)
    }

    /// Reads the file as Windows-1252 from now on.
    pub fn take_windows_1252(&mut self) {
        self.encoding = TextEncoding::Windows1252;
        self.notes.push(
            "the file is not UTF-8 and is read as Windows-1252 (Latin-1); `encoding = ...` sets \
             another"
                .to_owned(),
        );
    }

    /// Reads all rows into `builder`, whose columns are called `names`.
    pub fn read(
        &mut self,
        builder: &mut Builder,
        names: &mut Vec<String>,
        markers: &MissingMarkers,
        hash: Hash,
        is_closed: bool,
    ) -> Result<Option<Lines>, delimited::Failure> {
        let alone = |error: DataError| delimited::Failure::Errors(vec![error]);
        let path = &self.source.path;
        if self.source.kind == FileKind::JsonLines {
            let mut text = self.source.text(TextEncoding::Utf8, hash).map_err(alone)?;
            let lines = json_lines::read(path, &mut *text, builder, names, markers, is_closed);
            return lines.map(Some).map_err(alone);
        }
        let to = self.places(names).map_err(alone)?;
        let Some(dialect) = self.dialect else {
            columnar::read(&self.source, builder, &to, markers, hash).map_err(alone)?;
            return Ok(None);
        };
        let delimited = Delimited {
            path,
            dialect,
            width: self.names.len(),
            markers,
        };
        let text = self.source.text(self.encoding, hash).map_err(alone)?;
        let mut text: Box<dyn Read + Send> = match dialect.delimiter {
            Delimiter::Blanks => Box::new(Collapsing::new(text)),
            Delimiter::Byte(_) => text,
        };
        delimited.read(&mut *text, builder, &to).map(Some)
    }

    /// The place among `names` of each column of the file.
    fn places(&self, names: &[String]) -> Result<Vec<usize>, DataError> {
        let place = |name: &String| names.iter().position(|own| own == name);
        let found: Option<Vec<usize>> = self.names.iter().map(place).collect();
        match found {
            Some(places) if places.len() == names.len() => Ok(places),
            _ => Err(self.other_columns(names)),
        }
    }

    fn other_columns(&self, names: &[String]) -> DataError {
        let lacking: Vec<&str> = names
            .iter()
            .filter(|name| !self.names.contains(name))
            .map(String::as_str)
            .collect();
        let surplus: Vec<&str> = self
            .names
            .iter()
            .filter(|name| !names.contains(name))
            .map(String::as_str)
            .collect();
        let mut parts = Vec::new();
        if !lacking.is_empty() {
            parts.push(format!("it lacks {}", list(&lacking)));
        }
        if !surplus.is_empty() {
            parts.push(format!("the first has no {}", list(&surplus)));
        }
        let message = format!(
            "its columns are not those of the first file: {}",
            parts.join("; ")
        );
        let help = match lacking.first() {
            Some(lacking) => suggest(lacking, surplus),
            None => "all files of a table need the same columns, in any order".to_owned(),
        };
        DataError::new(&self.source.path, message, help)
    }
}

/// Options for files of text that a typed file cannot follow.
fn refuse_text_options(path: &Path, format: &TableFormat) -> Result<(), DataError> {
    for (key, is_set) in [
        ("delimiter", format.delimiter.is_some()),
        ("encoding", format.encoding.is_some()),
        ("header", format.header.is_some()),
        ("columns", format.columns.is_some()),
    ] {
        if is_set {
            let message = format!("`{key}` is for CSV files, and this is none");
            let error = DataError::new(path, message, format!("remove `{key}`"));
            return Err(error.key(format!("data.{key}")));
        }
    }
    Ok(())
}

fn is_utf8(head: &[u8], is_whole: bool) -> bool {
    match std::str::from_utf8(head) {
        Ok(_) => true,
        // A character may be cut off at the end.
        Err(error) => !is_whole && error.error_len().is_none(),
    }
}
