//! From files to a [`Table`]: finds how they are written, guesses what columns hold, and reads.
//!
//! A column is read as numbers if every cell of the first rows is one. Where a later cell is not, the
//! column is read again as text; that is the only second reading.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::builder::{Builder, Column, Kind};
use super::delimited;
use super::dialect;
use super::error::{DataError, list, quote};
use super::missing::MissingMarkers;
use super::number::NumberStyle;
use super::opened::Opened;
use super::source::Hash;
use super::table::{FileRows, Table};
use sweep_core::data_config::{Decimal, Delimiter, Edition, TableFormat};
use sweep_core::format::hex;

/// Rows are numbered in 32 bits.
const MAX_ROWS: usize = u32::MAX as usize;

/// What columns are kept as.
#[derive(Debug, Clone, Default)]
pub struct Storage {
    /// Every column as text, letter by letter.
    pub all_text: bool,
    /// Columns to keep as text.
    pub text: HashSet<String>,
    /// Columns to keep as numbers where possible, rounded if need be.
    pub numbers: HashSet<String>,
}

impl Table {
    /// Reads the files at `paths` (or those whose names match them, as patterns) as one table; `key`
    /// is the experiment key that names them.
    ///
    /// # Errors
    /// What makes a file unreadable, with its line where it has one; columns that differ from file to
    /// file.
    pub fn read(
        paths: &[PathBuf],
        format: &TableFormat,
        storage: &Storage,
        key: &str,
    ) -> Result<Table, Vec<DataError>> {
        let blame = |errors: Vec<DataError>| -> Vec<DataError> {
            let blame = |error: DataError| match error.key {
                Some(_) => error,
                None => error.key(key),
            };
            errors.into_iter().map(blame).collect()
        };
        let files = expand(paths).map_err(|error| blame(vec![error]))?;
        read_files(&files, format, storage).map_err(blame)
    }
}

fn read_files(
    files: &[PathBuf],
    format: &TableFormat,
    storage: &Storage,
) -> Result<Table, Vec<DataError>> {
    let markers = MissingMarkers::of(format);
    let mut opened = Vec::with_capacity(files.len());
    for file in files {
        opened.push(Opened::open(file, format)?);
    }
    let kinds = kinds(&opened[0], format, storage, &markers);
    let mut pass = loop {
        match Pass::read(&mut opened, &kinds, &markers, false) {
            Ok(pass) => break pass,
            Err(Failure::Errors(errors)) => return Err(errors),
            Err(Failure::NotUtf8 { file, line, byte }) => {
                let may_be_other = format.encoding.is_none() && format.edition > Edition::First;
                if !may_be_other {
                    return Err(vec![not_utf8(&files[file], line, byte)]);
                }
                opened[file].take_windows_1252();
            }
        }
    };
    let rows = pass.builder.rows;
    check_rows(rows, &files[0], &opened[0])?;
    let failed = pass.builder.failed();
    let mut columns = pass.builder.finish(&markers);
    if !failed.is_empty() {
        let mut kinds = vec![Kind::Skip; columns.len()];
        failed.iter().for_each(|place| kinds[*place] = Kind::Text);
        let again = match Pass::read(&mut opened, &kinds, &markers, true) {
            Ok(again) if again.builder.rows == rows => again,
            Err(Failure::Errors(errors)) => return Err(errors),
            _ => {
                let help = "let the program that writes it finish, then try again";
                let message = "the file changed while it was read";
                return Err(vec![DataError::new(&files[0], message, help)]);
            }
        };
        for (column, again) in columns.iter_mut().zip(again.builder.finish(&markers)) {
            *column = column.take().or(again);
        }
    }
    let columns: Vec<Column> = columns.into_iter().flatten().collect();
    let mut unnamed = opened[0].unnamed.clone();
    unnamed.resize(pass.names.len(), false);
    let mut notes = file_notes(&mut opened);
    notes.extend(style_notes(&pass.names, &columns));
    let delimiter = match opened[0].dialect.map(|dialect| dialect.delimiter) {
        Some(Delimiter::Byte(byte)) => byte,
        Some(Delimiter::Blanks) | None => dialect::by_extension(&files[0]),
    };
    pass.names.truncate(columns.len());
    let names = pass.names;
    Ok(Table {
        path: files[0].clone(),
        sha256: digest_of(&pass.hashes),
        notes,
        delimiter,
        edition: format.edition,
        found: Opened::found(&opened, &names),
        names,
        columns,
        unnamed,
        files: pass.files,
        rows,
        markers,
    })
}

/// An error if there are no rows, or too many.
fn check_rows(rows: usize, path: &Path, file: &Opened) -> Result<(), Vec<DataError>> {
    let (message, help) = match (rows, file.dialect) {
        (0, Some(_)) => {
            let help = "add rows, or name another file";
            ("the file has a header but no rows".to_owned(), help)
        }
        (0, None) => ("the file has no rows".to_owned(), "name another file"),
        (rows, _) if rows > MAX_ROWS => {
            let message = format!("more than {MAX_ROWS} rows");
            (message, "use fewer or smaller files")
        }
        _ => return Ok(()),
    };
    Err(vec![DataError::new(path, message, help)])
}

/// All files, read once.
struct Pass {
    builder: Builder,
    names: Vec<String>,
    hashes: Vec<String>,
    files: Vec<FileRows>,
}

/// Why a pass did not reach the end.
enum Failure {
    Errors(Vec<DataError>),
    NotUtf8 { file: usize, line: u64, byte: u8 },
}

impl Pass {
    /// Reads columns as `kinds`; with `is_closed`, columns that come later are skipped.
    fn read(
        opened: &mut [Opened],
        kinds: &[Kind],
        markers: &MissingMarkers,
        is_closed: bool,
    ) -> Result<Pass, Failure> {
        let mut pass = Pass {
            builder: Builder::new(kinds),
            names: opened[0].names.clone(),
            hashes: Vec::with_capacity(opened.len()),
            files: Vec::with_capacity(opened.len()),
        };
        for (place, file) in opened.iter_mut().enumerate() {
            let hash = Hash::default();
            let first = pass.builder.rows;
            let (builder, names) = (&mut pass.builder, &mut pass.names);
            let lines = file
                .read(builder, names, markers, hash.clone(), is_closed)
                .map_err(|failure| match failure {
                    delimited::Failure::Errors(errors) => Failure::Errors(errors),
                    delimited::Failure::NotUtf8 { line, byte } => Failure::NotUtf8 {
                        file: place,
                        line,
                        byte,
                    },
                })?;
            pass.hashes.push(hash.hex());
            let path = file.source.path.clone();
            pass.files.push(FileRows { path, first, lines });
        }
        Ok(pass)
    }
}

/// What was found in the files, each thing once.
fn file_notes(opened: &mut [Opened]) -> Vec<String> {
    let mut notes = Vec::new();
    for file in opened {
        for note in std::mem::take(&mut file.notes) {
            let path = quote(&file.source.path.to_string_lossy());
            let note = format!("{path}: {note}");
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
    }
    notes
}

/// What each column of the first file is read as.
fn kinds(
    file: &Opened,
    format: &TableFormat,
    storage: &Storage,
    markers: &MissingMarkers,
) -> Vec<Kind> {
    let columns = file.names.iter().enumerate();
    let kind = |(place, name): (usize, &String)| -> Kind {
        if storage.all_text || storage.text.contains(name) {
            return Kind::Text;
        }
        let rounds = storage.numbers.contains(name) || format.edition == Edition::First;
        if let Some(typed) = &file.typed {
            return match typed[place] {
                Kind::Number { style, .. } => Kind::Number { style, rounds },
                kind => kind,
            };
        }
        let cells = file.sample[place].iter().map(String::as_str);
        let cells = cells.filter(|cell| !markers.has(cell));
        match style(cells, format) {
            Some(style) => Kind::Number { style, rounds },
            None => Kind::Text,
        }
    };
    columns.map(kind).collect()
}

/// How the numbers of a column are written, of which `cells` are the first.
fn style<'a>(
    cells: impl Iterator<Item = &'a str> + Clone,
    format: &TableFormat,
) -> Option<NumberStyle> {
    if format.edition == Edition::First {
        let all = || {
            cells
                .clone()
                .all(|cell| NumberStyle::PLAIN.number(cell).is_some())
        };
        return (cells.clone().next().is_some() && all()).then_some(NumberStyle::PLAIN);
    }
    let decimal_comma = format.decimal.map(|decimal| decimal == Decimal::Comma);
    NumberStyle::find(cells, decimal_comma)
}

/// Notes on columns whose numbers are not written as usual.
fn style_notes(names: &[String], columns: &[Column]) -> Vec<String> {
    let mut notes = Vec::new();
    let mut styles: Vec<NumberStyle> = columns.iter().filter_map(Column::style).collect();
    styles.retain(|style| !style.is_plain());
    styles.dedup();
    let mut told: Vec<NumberStyle> = Vec::new();
    for style in styles {
        if told.contains(&style) {
            continue;
        }
        told.push(style);
        let own = names.iter().zip(columns);
        let own: Vec<&str> = own
            .filter(|(_, column)| column.style() == Some(style))
            .map(|(name, _)| name.as_str())
            .collect();
        notes.push(format!(
            "numbers with {} are read in {}",
            style.about(),
            list(&own)
        ));
    }
    notes
}

fn not_utf8(path: &Path, line: u64, byte: u8) -> DataError {
    let message = format!("byte 0x{byte:02x} is not UTF-8");
    let (name, iconv) = match byte {
        0x80..=0x9f => ("windows-1252", "cp1252"),
        _ => ("latin-1", "latin1"),
    };
    let help = format!(
        "set `encoding = \"{name}\"`, or save the file as UTF-8, for instance with `iconv -f {iconv} \
         -t utf-8`"
    );
    DataError::new(path, message, help).line(line)
}

/// The files that `paths` name, those of a pattern in the order of their names.
fn expand(paths: &[PathBuf]) -> Result<Vec<PathBuf>, DataError> {
    let mut files = Vec::new();
    for path in paths {
        let text = path.to_string_lossy();
        if path.exists() || !text.contains(['*', '?', '[']) {
            files.push(path.clone());
            continue;
        }
        let pattern = glob::glob(&text).map_err(|error| {
            let message = format!("this is no pattern of file names: {}", error.msg);
            DataError::new(
                path,
                message,
                "`*` is any text, `?` any letter, `[ab]` one of these",
            )
        })?;
        let mut found: Vec<PathBuf> = pattern.filter_map(Result::ok).collect();
        found.retain(|file| file.is_file());
        if found.is_empty() {
            let help = "paths are relative to the folder in which the command runs";
            return Err(DataError::new(path, "no file matches this pattern", help));
        }
        files.extend(found);
    }
    let mut seen = HashSet::new();
    if let Some(twice) = files.iter().find(|file| !seen.insert(*file)) {
        return Err(DataError::new(
            twice,
            "the file is named twice",
            "name each file once",
        ));
    }
    Ok(files)
}

/// The digest of one file, or of the list of those of several.
fn digest_of(hashes: &[String]) -> String {
    match hashes {
        [only] => only.clone(),
        several => hex(&Sha256::digest(several.join("\n"))),
    }
}
