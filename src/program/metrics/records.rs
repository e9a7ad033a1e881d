//! The frames of TensorBoard's event files: length, its checksum, bytes, their checksum.
//!
//! As in `tensorflow/core/lib/io/record_writer.h`.

use std::fs::File;
use std::io::{self, BufReader, Read};

/// Longest record that is read; no scalars are in longer ones, but pictures and graphs.
const MAX_RECORD: u64 = 16 << 20;
/// Length and its checksum.
const HEADER: u64 = 12;
/// Around the bytes of a record.
const FRAME: u64 = 16;

/// What is in a file at some place.
#[derive(Debug, PartialEq, Eq)]
pub enum Record {
    /// Its bytes, and the length with its frame.
    Whole { length: u64 },
    /// Longer than any with scalars, and passed over.
    TooLong { length: u64 },
    /// The length is right, the bytes are not those that were written.
    Damaged { length: u64 },
    /// Not even the length is right, so that the next one cannot be found.
    Lost,
    /// The end of the file, perhaps within a record that is being written.
    End,
}

/// Reads the record at the place of `file`, of which `left` bytes follow, into `bytes`. The place is then behind it.
pub fn read(file: &mut BufReader<File>, left: u64, bytes: &mut Vec<u8>) -> io::Result<Record> {
    if left < HEADER {
        return Ok(Record::End);
    }
    let (mut length, mut sum) = ([0; 8], [0; 4]);
    file.read_exact(&mut length)?;
    file.read_exact(&mut sum)?;
    if masked(&length) != u32::from_le_bytes(sum) {
        return Ok(Record::Lost);
    }
    let content = u64::from_le_bytes(length);
    let length = content.saturating_add(FRAME);
    if length > left {
        return Ok(Record::End);
    }
    if content > MAX_RECORD {
        // It is not beyond the end of the file, so it is a positive `i64`.
        file.seek_relative((length - HEADER) as i64)?;
        return Ok(Record::TooLong { length });
    }
    bytes.resize(content as usize, 0);
    file.read_exact(bytes)?;
    file.read_exact(&mut sum)?;
    match masked(bytes) == u32::from_le_bytes(sum) {
        true => Ok(Record::Whole { length }),
        false => Ok(Record::Damaged { length }),
    }
}

/// CRC-32C, turned and shifted so that a checksum of checksums is no fixed point.
pub fn masked(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}
