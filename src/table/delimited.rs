//! Rows of a text file, read in blocks whose pieces are parsed side by side.
//!
//! Where a piece of a block begins is guessed: behind the end of a line. The guess is right unless
//! that lies inside quotes, and is checked against where the piece before it ends; a piece that was
//! guessed wrong is parsed again from there. What is read does not depend on the pieces.

use std::io::{self, Read};
use std::path::Path;

use csv_core::Reader;
use memchr::{memchr, memchr_iter};
use rayon::prelude::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

use super::builder::{Builder, Kind, Piece};
use super::dialect::{Dialect, Surplus};
use super::error::DataError;
use super::lines::Lines;
use super::missing::MissingMarkers;
use super::record::{count_ends, next_record, reader, skip_ends};
use sweep_core::format::pluralize;

/// Bytes read at a time.
const BLOCK: usize = 8 << 20;
/// Least bytes of a piece.
const MIN_PIECE: usize = 256 << 10;
/// Ragged rows told one by one; the rest are counted.
const MAX_RAGGED_SHOWN: usize = 5;

/// A text file to be read.
pub(crate) struct Delimited<'a> {
    pub path: &'a Path,
    pub dialect: Dialect,
    /// Columns of the file.
    pub width: usize,
    pub markers: &'a MissingMarkers,
}

/// What reading a piece gave.
struct Parsed {
    piece: Piece,
    /// Where the next record begins.
    end: usize,
    /// Lines of the records from the first of the piece, which is 0; and lines in all.
    lines: PieceLines,
    ragged: Vec<Ragged>,
    ragged_rows: usize,
    /// The first byte that is not UTF-8, by its place in the block.
    not_utf8: Option<usize>,
}

enum PieceLines {
    /// Every record is one line.
    Regular,
    Listed(Vec<u32>),
}

/// A row with more or fewer cells than there are columns.
struct Ragged {
    cells: usize,
    /// By its place in the block.
    at: usize,
    until: usize,
}

/// Why a file was not read to its end.
pub(crate) enum Failure {
    Errors(Vec<DataError>),
    /// The byte on this line is not UTF-8.
    NotUtf8 {
        line: u64,
        byte: u8,
    },
}

impl Delimited<'_> {
    /// Reads all rows of `from`, text in UTF-8, into the places `to` of `builder`; gives their lines.
    pub fn read(
        &self,
        from: &mut dyn Read,
        builder: &mut Builder,
        to: &[usize],
    ) -> Result<Lines, Failure> {
        let mut lines = Lines::default();
        let mut block = Vec::with_capacity(BLOCK + (BLOCK >> 2));
        let mut errors = Vec::new();
        let mut ragged_rows = 0;
        let mut line = 1;
        let mut is_header = self.dialect.has_header;
        let mut open_quote = None;
        loop {
            let is_last = fill(from, &mut block).map_err(|error| {
                Failure::Errors(vec![super::source::damaged(self.path, &error)])
            })?;
            let mut start = skip_ends(&block, 0);
            line += count_ends(&block[..start]);
            if is_header {
                match self.header_end(&block[start..], is_last) {
                    Some(length) => {
                        let after = skip_ends(&block, start + length);
                        line += count_ends(&block[start..after]);
                        start = after;
                        is_header = false;
                    }
                    None => start = block.len().min(start),
                }
            }
            let consumed = match is_header {
                true => start,
                false => {
                    let kinds = self.kinds(builder, to);
                    let parsed = self.block(&block, start, is_last, &kinds);
                    let mut end = start;
                    for parsed in parsed {
                        if let Some(at) = parsed.not_utf8 {
                            line += count_ends(&block[end..at]);
                            let byte = block[at];
                            return Err(Failure::NotUtf8 { line, byte });
                        }
                        for ragged in &parsed.ragged {
                            if errors.len() < MAX_RAGGED_SHOWN {
                                let line = line + count_ends(&block[end..ragged.at]);
                                errors.push(self.ragged(ragged, line, &block));
                            }
                        }
                        ragged_rows += parsed.ragged_rows;
                        let first = line;
                        line += count_ends(&block[end..parsed.end]);
                        end = parsed.end;
                        match parsed.lines {
                            PieceLines::Regular => lines.add_regular(parsed.piece.rows, first),
                            PieceLines::Listed(own) => lines.add_listed(&own, first),
                        }
                        builder.append(parsed.piece, to);
                    }
                    if is_last {
                        open_quote = self.open_quote(&block, start, &lines);
                    }
                    end
                }
            };
            block.drain(..consumed);
            if is_last {
                break;
            }
        }
        if ragged_rows > MAX_RAGGED_SHOWN {
            let message = format!(
                "and {} more rows of the wrong length",
                ragged_rows - MAX_RAGGED_SHOWN
            );
            let help = "every row must have the header's columns";
            errors.push(DataError::new(self.path, message, help));
        }
        if errors.is_empty() {
            errors.extend(open_quote);
        }
        match errors.is_empty() {
            true => Ok(lines),
            false => Err(Failure::Errors(errors)),
        }
    }

    /// Kinds of the columns of the file, in its order.
    fn kinds(&self, builder: &Builder, to: &[usize]) -> Vec<Kind> {
        let kinds = builder.kinds();
        to.iter().map(|place| kinds[*place]).collect()
    }

    /// Parses the complete records of `block` from `start` on.
    fn block(&self, block: &[u8], start: usize, is_last: bool, kinds: &[Kind]) -> Vec<Parsed> {
        let bounds = bounds(block, start);
        let jobs: Vec<(usize, usize)> = bounds.windows(2).map(|pair| (pair[0], pair[1])).collect();
        let parsed: Vec<Parsed> = jobs
            .clone()
            .into_par_iter()
            .with_max_len(1)
            .map(|(from, to)| self.piece(block, from, to, is_last, kinds))
            .collect();
        let mut end = start;
        let mut checked = Vec::with_capacity(parsed.len());
        for (parsed, (from, to)) in parsed.into_iter().zip(jobs) {
            if end >= to {
                // A record that began before this piece took all of it.
                continue;
            }
            let parsed = match from == end {
                true => parsed,
                false => self.piece(block, end, to, is_last, kinds),
            };
            let stops_short = parsed.end < to && !is_last;
            end = parsed.end;
            checked.push(parsed);
            if stops_short {
                break;
            }
        }
        checked
    }

    /// Parses the records of `block` that begin from `from` on and before `to`.
    fn piece(&self, block: &[u8], from: usize, to: usize, is_last: bool, kinds: &[Kind]) -> Parsed {
        let mut reader = self.reader();
        let (mut out, mut ends) = (vec![0; 4096], vec![0; kinds.len() + 8]);
        let mut parsed = Parsed {
            piece: Piece::with_capacity(kinds, rows_in(&block[from..to])),
            end: from,
            lines: PieceLines::Regular,
            ragged: Vec::new(),
            ragged_rows: 0,
            not_utf8: None,
        };
        let mut starts = Vec::new();
        let mut at = from;
        while at < to && parsed.not_utf8.is_none() {
            let record = next_record(&mut reader, &block[at..], is_last, &mut out, &mut ends);
            let Some((length, cells)) = record else {
                break;
            };
            let next = skip_ends(block, at + length);
            let text = std::str::from_utf8(&out[..ends[..cells].last().map_or(0, |end| *end)]);
            match text {
                Ok(text) => {
                    if self.push(&mut parsed.piece, text, &ends[..cells]) {
                        starts.push(at);
                    } else {
                        parsed.ragged_rows += 1;
                        if parsed.ragged.len() < MAX_RAGGED_SHOWN {
                            let until = at + length;
                            parsed.ragged.push(Ragged { cells, at, until });
                        }
                    }
                }
                Err(_) => {
                    let error = std::str::from_utf8(&block[at..at + length]).err();
                    let valid = error.map_or(0, |error| error.valid_up_to());
                    parsed.not_utf8 = Some(at + valid);
                }
            }
            at = next;
            parsed.end = at;
        }
        let whole = &block[from..parsed.end];
        let unended = usize::from(is_last && !whole.ends_with(b"\n") && !whole.is_empty());
        let is_regular = parsed.ragged_rows == 0
            && memchr_iter(b'\n', whole).count() + unended == parsed.piece.rows
            && memchr(b'\r', whole).is_none_or(|at| whole.get(at + 1) == Some(&b'\n'));
        if !is_regular {
            let mut line = 0;
            let mut before = from;
            let listed = starts.iter().map(|start| {
                line += count_ends(&block[before..*start]) as u32;
                before = *start;
                line
            });
            parsed.lines = PieceLines::Listed(listed.collect());
        }
        parsed
    }

    /// Adds a row; false if it has more or fewer cells than there are columns.
    fn push(&self, piece: &mut Piece, text: &str, ends: &[usize]) -> bool {
        let (skipped, kept) = match self.dialect.surplus {
            Surplus::Nothing => (0, ends.len()),
            Surplus::EmptyLast if ends.len() == self.width + 1 => (0, self.width),
            Surplus::EmptyLast => (0, ends.len()),
            Surplus::RowName => (1, ends.len().saturating_sub(1)),
        };
        if kept != self.width {
            return false;
        }
        let mut start = if skipped == 0 { 0 } else { ends[0] };
        for (column, end) in piece.columns.iter_mut().zip(&ends[skipped..]) {
            let cell = &text[start..*end];
            start = *end;
            let cell = if self.dialect.trims {
                cell.trim()
            } else {
                cell
            };
            column.push(cell, self.markers);
        }
        piece.rows += 1;
        true
    }

    fn reader(&self) -> Reader {
        reader(self.dialect.delimiter)
    }

    /// The length of the header in bytes; `None` if `block` does not hold all of it.
    fn header_end(&self, block: &[u8], is_last: bool) -> Option<usize> {
        let (mut out, mut ends) = (vec![0; 4096], vec![0; self.width + 8]);
        let record = next_record(&mut self.reader(), block, is_last, &mut out, &mut ends);
        record.map(|(length, _)| length)
    }

    fn ragged(&self, ragged: &Ragged, line: u64, block: &[u8]) -> DataError {
        let message = format!(
            "this row has {}, the header has {}",
            pluralize(ragged.cells, "cell"),
            pluralize(self.width, "column")
        );
        let inside = String::from_utf8_lossy(&block[ragged.at..ragged.until]);
        let is_open = inside.matches('"').count() % 2 == 1;
        let help = if is_open || inside.trim().contains('\n') {
            "a quote opened on this line is closed on a later one, or never; write a quote inside \
             a cell twice"
        } else {
            "a cell that contains the separator must be quoted; missing values are empty cells"
        };
        DataError::new(self.path, message, help).line(line)
    }

    /// An error if the last record, which has several lines, ends without the quote that closes it.
    fn open_quote(&self, block: &[u8], start: usize, lines: &Lines) -> Option<DataError> {
        let text = block[start..].trim_ascii_end();
        if text.ends_with(b"\"") {
            return None;
        }
        let mut reader = self.reader();
        let (mut out, mut ends) = (vec![0; 4096], vec![0; self.width + 8]);
        let (mut at, mut last) = (start, 0..0);
        while let Some((length, cells)) =
            next_record(&mut reader, &block[at..], true, &mut out, &mut ends)
        {
            let from = if cells > 1 { ends[cells - 2] } else { 0 };
            last = from..ends[cells - 1];
            at = skip_ends(block, at + length);
            if at >= block.len() {
                break;
            }
        }
        let is_open = out.get(last).is_some_and(|cell| cell.contains(&b'\n'));
        is_open.then(|| {
            let message = "a quote opened in this row is never closed";
            let help = "close it with `\"`, or write a quote inside a cell twice";
            DataError::new(self.path, message, help).line(lines.last())
        })
    }
}

/// About how many rows `piece` has, by the length of its first lines.
fn rows_in(piece: &[u8]) -> usize {
    const LINES: usize = 16;
    match memchr_iter(b'\n', piece).take(LINES).enumerate().last() {
        Some((last, end)) => piece.len() * (last + 1) / (end + 1) + LINES,
        None => 1,
    }
}

/// Fills `block` up to [`BLOCK`] more bytes; true at the end of the file.
fn fill(from: &mut dyn Read, block: &mut Vec<u8>) -> io::Result<bool> {
    let read = from.take(BLOCK as u64).read_to_end(block)?;
    Ok(read < BLOCK)
}

/// Where pieces of `block` begin, from `start` on, and its end.
fn bounds(block: &[u8], start: usize) -> Vec<usize> {
    let pieces = (2 * rayon::current_num_threads()).max(1);
    let length = ((block.len() - start) / pieces).max(MIN_PIECE);
    let mut bounds = vec![start];
    let mut next = start + length;
    while next < block.len() {
        let Some(end) = memchr(b'\n', &block[next..]) else {
            break;
        };
        let begin = skip_ends(block, next + end);
        if begin < block.len() {
            bounds.push(begin);
        }
        next = begin + length;
    }
    bounds.push(block.len());
    bounds.dedup();
    bounds
}
