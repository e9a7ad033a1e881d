//! The bytes of a file: what kind it is, unpacked, and as UTF-8.
//!
//! Invariant: the hash is of the file as it stands on disk, whatever it is unpacked or decoded to.

use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252};
use encoding_rs_io::DecodeReaderBytesBuilder;
use sha2::{Digest, Sha256};

use super::error::DataError;
use sweep_core::data_config::{Edition, TextEncoding};
use sweep_core::format::hex;

/// Bytes at the beginning that tell what a file is.
const MAGIC: usize = 512;

/// A file that can be read several times.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub path: PathBuf,
    /// What a pipe gave, which cannot be read again.
    held: Option<Arc<[u8]>>,
    pub kind: FileKind,
    packing: Packing,
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    Text,
    JsonLines,
    Parquet,
    Arrow,
}

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Plain,
    Gzip,
    Zstd,
    Zip,
}

/// SHA-256 of all that is read through it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hash(Arc<Mutex<Sha256>>);

struct Hashing<R> {
    inner: R,
    hash: Hash,
}

impl Source {
    /// Looks at the beginning of the file at `path`. The first edition reads plain text alone.
    pub fn open(path: &Path, edition: Edition) -> Result<Source, DataError> {
        let failed = |source: io::Error| unreadable(path, &source);
        let held = held(path).map_err(failed)?;
        let mut source = Source {
            path: path.to_owned(),
            held,
            kind: FileKind::Text,
            packing: Packing::Plain,
        };
        let head = source.head(&mut *source.raw().map_err(failed)?);
        let head = head.map_err(failed)?;
        source.packing = packing(&head);
        if source.packing != Packing::Plain && edition == Edition::First {
            let help = "unpack it first";
            return Err(DataError::new(path, "the file is compressed", help));
        }
        let head = match source.packing {
            Packing::Plain => head,
            _ => {
                let mut unpacked = source.unpacked(Hash::default())?;
                source
                    .head(&mut *unpacked)
                    .map_err(|error| damaged(path, &error))?
            }
        };
        if let Some((what, help)) = foreign(&head, path) {
            return Err(DataError::new(path, format!("this is {what}"), help));
        }
        source.kind = match () {
            () if edition == Edition::First => FileKind::Text,
            () if head.starts_with(b"PAR1") => FileKind::Parquet,
            () if head.starts_with(b"ARROW1") => FileKind::Arrow,
            () if is_json(&head) => FileKind::JsonLines,
            () => FileKind::Text,
        };
        Ok(source)
    }

    /// The bytes of the file, unpacked; those on disk go through `hash`.
    pub fn unpacked(&self, hash: Hash) -> Result<Box<dyn Read + Send>, DataError> {
        let failed = |source: io::Error| unreadable(&self.path, &source);
        let raw = self.raw().map_err(failed)?;
        let hashing = Hashing { inner: raw, hash };
        Ok(match self.packing {
            Packing::Plain => Box::new(hashing),
            Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(hashing)),
            Packing::Zstd => {
                let decoder = zstd::stream::read::Decoder::new(hashing);
                Box::new(decoder.map_err(|error| damaged(&self.path, &error))?)
            }
            Packing::Zip => Box::new(self.only_member(hashing)?),
        })
    }

    /// The text of the file as UTF-8, if it is what it is taken for; a mark of byte order is gone.
    pub fn text(
        &self,
        encoding: TextEncoding,
        hash: Hash,
    ) -> Result<Box<dyn Read + Send>, DataError> {
        let unpacked = self.unpacked(hash)?;
        let encoding: &'static Encoding = match encoding {
            // Passed through as it is: what is not UTF-8 is told with its line.
            TextEncoding::Utf8 => return Ok(Box::new(WithoutMark::new(unpacked))),
            TextEncoding::Utf16 | TextEncoding::Utf16Le => UTF_16LE,
            TextEncoding::Utf16Be => UTF_16BE,
            TextEncoding::Latin1 | TextEncoding::Windows1252 => WINDOWS_1252,
        };
        let decoder = DecodeReaderBytesBuilder::new()
            .encoding(Some(encoding))
            .bom_override(encoding == UTF_16LE || encoding == UTF_16BE)
            .build(unpacked);
        Ok(Box::new(decoder))
    }

    /// The bytes of the whole file, for formats that are not read from front to back.
    pub fn whole(&self, hash: Hash) -> Result<Vec<u8>, DataError> {
        let mut bytes = Vec::new();
        self.unpacked(hash)?
            .read_to_end(&mut bytes)
            .map_err(|error| damaged(&self.path, &error))?;
        Ok(bytes)
    }

    /// The file itself, where it is a plain one that can be read from any place.
    pub fn plain_file(&self) -> Option<File> {
        let is_plain = self.packing == Packing::Plain && self.held.is_none();
        is_plain.then(|| File::open(&self.path).ok())?
    }

    fn raw(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(match &self.held {
            Some(bytes) => Box::new(Cursor::new(Arc::clone(bytes))),
            None => Box::new(File::open(&self.path)?),
        })
    }

    fn head(&self, from: &mut dyn Read) -> io::Result<Vec<u8>> {
        let mut head = Vec::with_capacity(MAGIC);
        from.take(MAGIC as u64).read_to_end(&mut head)?;
        Ok(head)
    }

    /// The only file in an archive, unpacked into memory.
    fn only_member(&self, mut from: impl Read) -> Result<Cursor<Vec<u8>>, DataError> {
        let mut packed = Vec::new();
        let failed = |error: io::Error| damaged(&self.path, &error);
        from.read_to_end(&mut packed).map_err(failed)?;
        let foreign = |error: zip::result::ZipError| damaged(&self.path, &error.into());
        let mut archive = zip::ZipArchive::new(Cursor::new(packed)).map_err(foreign)?;
        let names: Vec<String> = archive.file_names().map(str::to_owned).collect();
        // What macOS adds holds no rows.
        let is_file = |name: &&String| !name.ends_with('/') && !name.starts_with("__MACOSX/");
        let members: Vec<&String> = names.iter().filter(is_file).collect();
        let [member] = members.as_slice() else {
            let names: Vec<&str> = members.iter().map(|name| name.as_str()).collect();
            let message = format!(
                "the archive holds {} files: {}",
                members.len(),
                super::error::list(&names)
            );
            let help = "an archive with one file can be read: unpack this one, and name the files";
            return Err(DataError::new(&self.path, message, help));
        };
        let mut bytes = Vec::new();
        let mut file = archive.by_name(member).map_err(foreign)?;
        file.read_to_end(&mut bytes).map_err(failed)?;
        Ok(Cursor::new(bytes))
    }
}

impl Hash {
    /// The digest so far, hexadecimal.
    pub fn hex(&self) -> String {
        let hash = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hex(&hash.clone().finalize())
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        let mut hash = self.hash.0.lock().unwrap_or_else(PoisonError::into_inner);
        hash.update(&buffer[..length]);
        Ok(length)
    }
}

/// Leaves out the mark of byte order that some programs put before UTF-8.
struct WithoutMark<R> {
    inner: R,
    /// Bytes that were read to look for the mark and are none.
    begun: Option<Cursor<Vec<u8>>>,
}

impl<R: Read> WithoutMark<R> {
    fn new(inner: R) -> WithoutMark<R> {
        WithoutMark { inner, begun: None }
    }
}

impl<R: Read> Read for WithoutMark<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.begun.is_none() {
            let mut first = Vec::with_capacity(3);
            self.inner.by_ref().take(3).read_to_end(&mut first)?;
            if first == b"\xef\xbb\xbf" {
                first.clear();
            }
            self.begun = Some(Cursor::new(first));
        }
        if let Some(begun) = &mut self.begun {
            let length = begun.read(buffer)?;
            if length > 0 {
                return Ok(length);
            }
        }
        self.inner.read(buffer)
    }
}

/// What `path` gives, if it can be read only once. Devices are refused: some never end.
fn held(path: &Path) -> io::Result<Option<Arc<[u8]>>> {
    use std::os::unix::fs::FileTypeExt as _;
    let kind = fs::metadata(path)?.file_type();
    if kind.is_char_device() || kind.is_block_device() {
        return Err(io::Error::other("it is a device, not a file"));
    }
    match kind.is_file() || kind.is_dir() {
        true => Ok(None),
        false => Ok(Some(fs::read(path)?.into())),
    }
}

fn packing(head: &[u8]) -> Packing {
    match head {
        [0x1f, 0x8b, ..] => Packing::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Packing::Zstd,
        // A workbook is an archive too, and told by its first member.
        [b'P', b'K', 3, 4, ..] if !is_workbook(head) => Packing::Zip,
        _ => Packing::Plain,
    }
}

fn is_workbook(head: &[u8]) -> bool {
    let has = |name: &[u8]| head.windows(name.len()).any(|window| window == name);
    has(b"[Content_Types].xml") || has(b"xl/") || has(b"_rels/.rels") || has(b"opendocument.spread")
}

fn is_json(head: &[u8]) -> bool {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let text = text.trim_ascii_start();
    let rest = text.strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    rest.is_some_and(|rest| rest.starts_with(b"\"") || rest.starts_with(b"}"))
}

/// What a file is that is no table that can be read, and what to do.
fn foreign(head: &[u8], path: &Path) -> Option<(&'static str, &'static str)> {
    const CSV: &str = "save the sheet as \"CSV UTF-8\", or as Parquet";
    let text = head.trim_ascii_start();
    let starts = |mark: &[u8]| head.starts_with(mark);
    let has_extension = |wanted: &[&str]| {
        let extension = path.extension().and_then(|extension| extension.to_str());
        extension.is_some_and(|own| wanted.iter().any(|one| own.eq_ignore_ascii_case(one)))
    };
    let is_arff = {
        let lines = text.split(|byte| *byte == b'\n');
        let mut first = lines
            .map(<[u8]>::trim_ascii)
            .filter(|line| !line.starts_with(b"%"));
        let line = first.find(|line| !line.is_empty()).unwrap_or_default();
        line.len() >= 9 && line[..9].eq_ignore_ascii_case(b"@relation")
    };
    match () {
        () if starts(b"PK\x03\x04") && is_workbook(head) => {
            Some(("an Excel or OpenDocument workbook", CSV))
        }
        () if starts(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") => {
            Some(("an Excel workbook of before 2007", CSV))
        }
        () if is_arff => Some((
            "an ARFF file (Weka)",
            "write it as CSV: in Python, scipy.io.arff.loadarff and DataFrame.to_csv",
        )),
        () if starts(b"SQLite format 3\0") => Some((
            "an SQLite database",
            "write the table as CSV: sqlite3 -header -csv FILE \"select * from TABLE\" > table.csv",
        )),
        () if starts(b"\x89HDF\r\n\x1a\n") => Some((
            "an HDF5 file",
            "write the table as CSV or Parquet: in Python, pandas.read_hdf and DataFrame.to_parquet",
        )),
        () if starts(b"\x93NUMPY") => Some((
            "a NumPy array",
            "write it as CSV or Parquet: in Python, pandas.DataFrame(numpy.load(FILE)).to_parquet",
        )),
        () if starts(b"FEA1") => Some((
            "a Feather file of version 1",
            "write it again with a current pandas or pyarrow: version 2 and Parquet can be read",
        )),
        () if starts(b"Obj\x01") => Some(("an Avro file", "write it as Parquet or JSON lines")),
        () if starts(b"ORC") => Some(("an ORC file", "write it as Parquet")),
        () if starts(b"BZh") => Some(("compressed with bzip2", "unpack it with bunzip2")),
        () if starts(b"\xfd7zXZ\0") => Some(("compressed with xz", "unpack it with unxz")),
        () if starts(b"7z\xbc\xaf\x27\x1c") => Some(("a 7-Zip archive", "unpack it first")),
        () if starts(b"%PDF-") => Some(("a PDF document", "export the table as CSV")),
        () if starts(b"<stata_dta>") || has_extension(&["dta"]) => Some((
            "a Stata file",
            "write it as CSV or Parquet: in Python, pandas.read_stata",
        )),
        () if starts(b"$FL2") || starts(b"$FL3") => Some((
            "an SPSS file",
            "write it as CSV or Parquet: in Python, pandas.read_spss",
        )),
        () if has_extension(&["sas7bdat"]) => Some((
            "a SAS file",
            "write it as CSV or Parquet: in Python, pandas.read_sas",
        )),
        () if starts(b"\x80\x04\x95") || starts(b"\x80\x05\x95") => Some((
            "a Python pickle",
            "write it as Parquet: in Python, DataFrame.to_parquet",
        )),
        () if has_extension(&["rds", "rda", "rdata"]) => Some((
            "an R data file",
            "write it as CSV or Parquet: in R, write.csv or arrow::write_parquet",
        )),
        () if text.starts_with(b"<!DOCTYPE") || text.starts_with(b"<html") => Some((
            "an HTML page",
            "download the file itself: the link may lead to a page about it",
        )),
        () if text.starts_with(b"[") && text[1..].trim_ascii_start().starts_with(b"{") => Some((
            "a JSON array",
            "write one object per line (JSON lines): in Python, DataFrame.to_json(orient=\"records\", \
             lines=True)",
        )),
        () => None,
    }
}

pub(crate) fn unreadable(path: &Path, source: &io::Error) -> DataError {
    match source.kind() {
        io::ErrorKind::NotFound => DataError::new(
            path,
            "there is no such file",
            "paths are relative to the folder in which the command runs",
        ),
        _ if path.is_dir() => DataError::new(
            path,
            "this is a folder",
            "name a table in it, or several with a pattern such as \"FOLDER/*.csv\"",
        ),
        _ => DataError::new(
            path,
            format!("cannot be read: {source}"),
            "check the path and its permissions",
        ),
    }
}

/// An error in what a file is unpacked to.
pub(crate) fn damaged(path: &Path, source: &io::Error) -> DataError {
    let message = format!("cannot be unpacked: {source}");
    DataError::new(
        path,
        message,
        "the file is damaged or cut short: get it again",
    )
}

/// The encoding of a text that begins with `head`, as far as that tells.
pub(crate) fn encoding_of(head: &[u8]) -> TextEncoding {
    match head {
        [0xff, 0xfe, ..] => return TextEncoding::Utf16Le,
        [0xfe, 0xff, ..] => return TextEncoding::Utf16Be,
        _ => {}
    }
    // Text of the Latin alphabet in UTF-16 has a zero in nearly every other byte.
    let zeros = |from: usize| {
        let bytes = head.iter().skip(from).step_by(2);
        bytes.filter(|byte| **byte == 0).count()
    };
    let (even, odd) = (zeros(0), zeros(1));
    match head.len() / 2 {
        pairs if pairs > 1 && odd * 10 >= pairs * 7 && even * 10 < pairs => TextEncoding::Utf16Le,
        pairs if pairs > 1 && even * 10 >= pairs * 7 && odd * 10 < pairs => TextEncoding::Utf16Be,
        _ => TextEncoding::Utf8,
    }
}
