//! What can be wrong with a folder of weights or with the cache, in words a user can act on.

use std::path::{Path, PathBuf};

/// Why sentences cannot be encoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", file.display())]
pub struct SentenceError {
    /// The file or folder at fault.
    pub file: PathBuf,
    /// What is wrong.
    pub message: String,
    /// What is allowed, and what to do.
    pub help: String,
}

impl SentenceError {
    pub(crate) fn new(
        file: &Path,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> SentenceError {
        SentenceError {
            file: file.to_owned(),
            message: message.into(),
            help: help.into(),
        }
    }

    /// A file of the model that says something this encoder does not do, or nothing sensible.
    pub(crate) fn model(file: &Path, message: impl Into<String>) -> SentenceError {
        SentenceError::new(
            file,
            message,
            "use a BERT model with a WordPiece tokenizer and mean pooling, such as \
             all-MiniLM-L6-v2: `make text-model` puts it in .deps/text-model",
        )
    }
}
