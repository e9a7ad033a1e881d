//! Parquet and Arrow (Feather) files: columns that have types.
//!
//! Whole and decimal numbers become numbers; booleans `true` and `false`; dates and times ISO texts;
//! dictionaries their values. Columns of lists and other nested values are left out, with a note.

mod arrow;
mod cell;
mod parquet;
mod typed;

use super::builder::{Builder, Kind};
use super::error::{DataError, list};
use super::missing::MissingMarkers;
use super::source::{FileKind, Hash, Source};

/// The columns of a file that can be read.
pub(crate) struct Probe {
    pub names: Vec<String>,
    pub kinds: Vec<Kind>,
    pub notes: Vec<String>,
}

/// The columns of the file, by their types.
pub(crate) fn probe(source: &Source) -> Result<Probe, DataError> {
    let columns = match source.kind {
        FileKind::Parquet => parquet::columns(source)?,
        _ => arrow::columns(source)?,
    };
    let mut probe = Probe {
        names: Vec::new(),
        kinds: Vec::new(),
        notes: Vec::new(),
    };
    let mut nested = Vec::new();
    for column in &columns {
        match column.kind {
            Some(kind) => {
                probe.names.push(column.name.clone());
                probe.kinds.push(kind);
            }
            None => nested.push(column.name.as_str()),
        }
    }
    if !nested.is_empty() {
        probe.notes.push(format!(
            "columns of lists or other nested values are left out: {}",
            list(&nested)
        ));
    }
    if probe.names.is_empty() {
        let help = "name another file";
        return Err(DataError::new(
            &source.path,
            "the file has no column that can be read",
            help,
        ));
    }
    Ok(probe)
}

/// Reads all rows into the places `to` of `builder`.
pub(crate) fn read(
    source: &Source,
    builder: &mut Builder,
    to: &[usize],
    markers: &MissingMarkers,
    hash: Hash,
) -> Result<(), DataError> {
    match source.kind {
        FileKind::Parquet => parquet::read(source, builder, to, markers)?,
        _ => arrow::read(source, builder, to, markers)?,
    }
    let mut rest = source.unpacked(hash)?;
    std::io::copy(&mut rest, &mut std::io::sink())
        .map_err(|error| super::source::unreadable(&source.path, &error))?;
    Ok(())
}
