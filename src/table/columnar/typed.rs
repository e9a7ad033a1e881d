//! What the readers of both formats say of a file.

use crate::builder::Kind;
use crate::error::DataError;
use crate::source::Source;

/// A column of a file, and what it is read as; `None` for nested ones.
pub(super) struct TypedColumn {
    pub name: String,
    pub kind: Option<Kind>,
}

/// An error about a file that cannot be read to its end.
pub(super) fn damaged(source: &Source, why: impl std::fmt::Display) -> DataError {
    let message = format!("cannot be read: {why}");
    let help = match message.contains("brotli") {
        true => "brotli is not built in: write the file with snappy, zstd, gzip or lz4",
        false => "the file is damaged or uses what this program does not know: write it again",
    };
    DataError::new(&source.path, message, help)
}
