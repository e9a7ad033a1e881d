//! Vectors that were computed before, in one file that is only ever added to.
//!
//! A header, then records of one size: key, vector, check sum. Invariant: a vector is given out only
//! if its check sum is right, so that neither a half-written record nor a damaged one is ever used.
//! Writers hold the file's lock while they add; a tail that a killed one left is cut off by the next.
//! Readers need no lock: what is whole stays where it is. The file can be deleted at any time.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::SentenceError;

/// Raised when the layout of the file changes; stands in its name and in its header.
const FORMAT: u64 = 1;

const MAGIC: &[u8; 16] = b"sweep sentences\n";

/// Magic, format, values a vector, digest of the encoder.
const HEADER: usize = 16 + 8 + 8 + 32;

const KEY: usize = 32;

const CHECK: usize = 8;

/// Beyond this size nothing is added: 2.7 million vectors of 384 values.
const MAX_BYTES: u64 = 4 << 30;

/// Bytes of the encoder's digest that name the file, in hexadecimal digits.
const NAMED: usize = 16;

/// What names a vector: SHA-256 of the encoder's digest and the text.
pub(crate) type Key = [u8; KEY];

pub(crate) fn key(encoder: &[u8; 32], text: &str) -> Key {
    Sha256::new()
        .chain_update(encoder)
        .chain_update(text)
        .finalize()
        .into()
}

/// The file of one encoder.
pub(crate) struct Cache {
    path: PathBuf,
    file: File,
    /// Values a vector.
    width: usize,
}

impl Cache {
    /// Opens the encoder's file in `folder`, or begins it.
    pub(crate) fn open(
        folder: &Path,
        encoder: &[u8; 32],
        hex: &str,
        width: usize,
    ) -> Result<Cache, SentenceError> {
        fs::create_dir_all(folder).map_err(|error| failed(folder, "made", &error))?;
        let path = folder.join(format!("sentence-v{FORMAT}-{}.cache", &hex[..NAMED]));
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .and_then(|mut file| {
                file.lock()?;
                begin(&mut file, &header(encoder, width))?;
                file.unlock()?;
                Ok(file)
            });
        let file = opened.map_err(|error| failed(&path, "opened", &error))?;
        Ok(Cache { path, file, width })
    }

    /// Gives `found` every whole vector that is wanted, with the place that `wanted` has for it.
    pub(crate) fn find(
        &mut self,
        wanted: &HashMap<Key, usize>,
        mut found: impl FnMut(usize, &[u8]),
    ) -> Result<(), SentenceError> {
        let mut record = vec![0; self.record()];
        let read = self
            .file
            .seek(SeekFrom::Start(HEADER as u64))
            .and_then(|_| {
                let mut file = BufReader::with_capacity(1 << 20, &self.file);
                while fill(&mut file, &mut record)? {
                    let (content, check) = record.split_at(record.len() - CHECK);
                    let (key, vector) = content.split_at(KEY);
                    if let Some(place) = wanted.get(key)
                        && checksum(content) == *check
                    {
                        found(*place, vector);
                    }
                }
                Ok(())
            });
        read.map_err(|error| failed(&self.path, "read", &error))
    }

    /// Adds vectors at the end; all of them or none, unless the process is killed.
    pub(crate) fn add<'a>(
        &mut self,
        vectors: impl Iterator<Item = (Key, &'a [f32])>,
    ) -> Result<(), SentenceError> {
        let mut bytes = Vec::new();
        for (key, vector) in vectors {
            let start = bytes.len();
            bytes.extend_from_slice(&key);
            bytes.extend(vector.iter().flat_map(|value| value.to_le_bytes()));
            let check = checksum(&bytes[start..]);
            bytes.extend_from_slice(&check);
        }
        self.append(&bytes)
            .map_err(|error| failed(&self.path, "written", &error))
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.lock()?;
        let length = self.file.metadata()?.len();
        let torn = length.saturating_sub(HEADER as u64) % self.record() as u64;
        let whole = length - torn;
        let mut added = Ok(());
        if whole + bytes.len() as u64 <= MAX_BYTES {
            self.file.set_len(whole)?;
            self.file.seek(SeekFrom::Start(whole))?;
            added = self.file.write_all(bytes);
            if added.is_err() {
                // A full disk: what was there before is what stays.
                self.file.set_len(whole)?;
            }
        }
        self.file.unlock()?;
        added
    }

    fn record(&self) -> usize {
        KEY + self.width * size_of::<f32>() + CHECK
    }
}

/// Under the lock: a file without this header is begun anew.
fn begin(file: &mut File, header: &[u8; HEADER]) -> io::Result<()> {
    let mut has = [0; HEADER];
    if fill(file, &mut has)? && has == *header {
        return Ok(());
    }
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(header)
}

fn header(encoder: &[u8; 32], width: usize) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..16].copy_from_slice(MAGIC);
    header[16..24].copy_from_slice(&FORMAT.to_le_bytes());
    header[24..32].copy_from_slice(&(width as u64).to_le_bytes());
    header[32..].copy_from_slice(encoder);
    header
}

fn checksum(content: &[u8]) -> [u8; CHECK] {
    let hash: [u8; 32] = Sha256::digest(content).into();
    *hash.first_chunk().expect("a hash has 32 bytes")
}

/// Fills the buffer; no if the file ends before.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn failed(path: &Path, what: &str, error: &io::Error) -> SentenceError {
    SentenceError::new(
        path,
        format!("the cache of sentences cannot be {what}: {error}"),
        "free some space or mend the rights; the cache may be deleted, it is filled anew",
    )
}
