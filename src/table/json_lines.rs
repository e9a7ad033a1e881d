//! JSON lines: one object per line, whose keys are columns.
//!
//! Invariant: a key that a line lacks is a missing cell; columns stand in the order in which their
//! keys first come.

use std::collections::HashMap;
use std::fmt;
use std::io::Read;
use std::path::Path;

use memchr::memrchr;
use rayon::prelude::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::builder::{Builder, Kind, Piece, PieceColumn};
use super::error::{DataError, quote};
use super::lines::Lines;
use super::missing::MissingMarkers;

/// Bytes read at a time.
const BLOCK: usize = 8 << 20;
/// Bytes of a piece.
const PIECE: usize = 1 << 20;

/// An object, its entries in order.
struct Object(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Object;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Object(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// The first rows of `head`: names of columns, and their cells.
pub(crate) fn probe(
    path: &Path,
    head: &str,
    is_whole: bool,
) -> Result<(Vec<String>, Vec<Vec<String>>), DataError> {
    let end = if is_whole {
        head.len()
    } else {
        head.rfind('\n').map_or(0, |at| at + 1)
    };
    let mut names: Vec<String> = Vec::new();
    let mut rows = Vec::new();
    for (number, line) in head[..end].lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let Object(entries) = parse(path, line.as_bytes(), number as u64 + 1)?;
        let mut row = vec![String::new(); names.len()];
        for (name, value) in entries {
            let place = names
                .iter()
                .position(|own| *own == name)
                .unwrap_or_else(|| {
                    names.push(name);
                    row.push(String::new());
                    names.len() - 1
                });
            row[place] = cell(&value).unwrap_or_default();
        }
        rows.push(row);
        if rows.len() == super::dialect::MAX_SAMPLE {
            break;
        }
    }
    let width = names.len();
    rows.iter_mut()
        .for_each(|row| row.resize(width, String::new()));
    Ok((names, rows))
}

/// Reads all rows of `from` into `builder`. Columns of which `names` knows nothing are added to both,
/// as text, unless `is_closed`.
pub(crate) fn read(
    path: &Path,
    from: &mut dyn Read,
    builder: &mut Builder,
    names: &mut Vec<String>,
    markers: &MissingMarkers,
    is_closed: bool,
) -> Result<Lines, DataError> {
    let mut lines = Lines::default();
    let mut block = Vec::new();
    let mut line = 1;
    loop {
        let length = from.take(BLOCK as u64).read_to_end(&mut block);
        let is_last = length.map_err(|error| super::source::damaged(path, &error))? < BLOCK;
        let end = match is_last {
            true => block.len(),
            false => memrchr(b'\n', &block).map_or(0, |at| at + 1),
        };
        let kinds = builder.kinds();
        let pieces = pieces(&block[..end]);
        let mut starts = Vec::with_capacity(pieces.len());
        for piece in &pieces {
            starts.push(line);
            line += memchr::memchr_iter(b'\n', piece).count() as u64;
        }
        let parsed: Vec<_> = pieces
            .into_par_iter()
            .zip(starts)
            .map(|(piece, first)| parse_piece(path, piece, first, (names, &kinds), markers))
            .collect();
        for parsed in parsed {
            let (piece, piece_names, (listed, first)) = parsed?;
            let to: Vec<usize> = piece_names
                .into_iter()
                .map(|name| match names.iter().position(|own| *own == name) {
                    Some(place) => place,
                    None => {
                        names.push(name);
                        let kind = if is_closed { Kind::Skip } else { Kind::Text };
                        builder.add_column(kind)
                    }
                })
                .collect();
            builder.append(piece, &to);
            lines.add_listed(&listed, first);
        }
        block.drain(..end);
        if is_last {
            return Ok(lines);
        }
    }
}

/// Rows of a piece, the names of its columns, and the lines of the rows below a first one.
type ParsedPiece = (Piece, Vec<String>, (Vec<u32>, u64));

fn parse_piece(
    path: &Path,
    bytes: &[u8],
    first: u64,
    (names, kinds): (&[String], &[Kind]),
    markers: &MissingMarkers,
) -> Result<ParsedPiece, DataError> {
    let mut own: Vec<String> = names.to_vec();
    let mut places: HashMap<String, usize> = own.iter().cloned().zip(0..).collect();
    let mut piece = Piece::new(kinds);
    let mut listed = Vec::new();
    for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let Object(entries) = parse(path, line, first + number as u64)?;
        let mut filled = vec![false; own.len()];
        for (name, value) in entries {
            let place = match places.get(&name) {
                Some(place) => *place,
                None => {
                    let mut column = PieceColumn::new(Kind::Text);
                    (0..piece.rows).for_each(|_| column.push_missing());
                    piece.columns.push(column);
                    own.push(name.clone());
                    filled.push(false);
                    places.insert(name, own.len() - 1);
                    own.len() - 1
                }
            };
            // Of a key that stands twice the last one counts, as in Python; here the first.
            if std::mem::replace(&mut filled[place], true) {
                let message = format!("the key {} stands twice in this object", quote(&own[place]));
                let error = DataError::new(path, message, "rename one of the two");
                return Err(error.line(first + number as u64));
            }
            match (&value, cell(&value)) {
                (Value::Number(number), Some(text)) => match number.as_f64() {
                    Some(float) if !number.is_i64() && !number.is_u64() => {
                        piece.columns[place].push_number(float, markers);
                    }
                    _ => piece.columns[place].push(&text, markers),
                },
                (_, Some(text)) => piece.columns[place].push(&text, markers),
                (_, None) => piece.columns[place].push_missing(),
            }
        }
        let missing = filled.iter().enumerate().filter(|(_, filled)| !**filled);
        let missing: Vec<usize> = missing.map(|(place, _)| place).collect();
        for place in missing {
            piece.columns[place].push_missing();
        }
        listed.push(number as u32);
        piece.rows += 1;
    }
    Ok((piece, own, (listed, first)))
}

fn parse(path: &Path, line: &[u8], number: u64) -> Result<Object, DataError> {
    serde_json::from_slice(line.trim_ascii()).map_err(|error| {
        let message = format!("this line is no JSON object: {error}");
        let help = "every line must hold one object, such as {\"a\": 1, \"b\": \"x\"}";
        DataError::new(path, message, help).line(number)
    })
}

/// A value as the text of a cell; `None` if it is missing. Lists and objects are shown as JSON.
fn cell(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// `block` cut into pieces of whole lines.
fn pieces(block: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let mut rest = block;
    while rest.len() > PIECE {
        let Some(end) = memchr::memchr(b'\n', &rest[PIECE..]) else {
            break;
        };
        let (piece, after) = rest.split_at(PIECE + end + 1);
        pieces.push(piece);
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(rest);
    }
    pieces
}
