//! The files of a model's folder, as `sentence-transformers` lays them out, and their digest.
//!
//! Invariant: the digest covers the very bytes that were parsed; another byte in any file, or
//! another way of computing (`FORMAT`), gives another digest.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::SentenceError;

/// Where the pooling is described.
pub(crate) const POOLING: &str = "1_Pooling/config.json";

/// Raised when the same files are computed in a way that gives other numbers.
const FORMAT: u64 = 1;

/// A file and what stands in it.
pub(crate) type Read = (PathBuf, Vec<u8>);

/// Everything that makes the model.
pub(crate) struct Files {
    pub config: Read,
    pub modules: Read,
    pub pooling: Read,
    pub limits: Read,
    pub tokenizer: Read,
    pub weights: Read,
}

impl Files {
    pub(crate) fn read(folder: &Path) -> Result<Files, SentenceError> {
        if !folder.is_dir() {
            return Err(SentenceError::new(
                folder,
                "there is no such folder, and the sentence encoder needs one with its weights",
                "fetch the model with `make text-model`, or name the folder that holds it",
            ));
        }
        Ok(Files {
            config: read(folder, "config.json")?,
            modules: read(folder, "modules.json")?,
            pooling: read(folder, POOLING)?,
            limits: read(folder, "sentence_bert_config.json")?,
            tokenizer: read(folder, "tokenizer.json")?,
            weights: read(folder, "model.safetensors")?,
        })
    }

    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut stream = Sha256::new();
        stream.update(b"sweep sentence encoder");
        stream.update(FORMAT.to_le_bytes());
        let parts = [
            &self.config,
            &self.modules,
            &self.pooling,
            &self.limits,
            &self.tokenizer,
            &self.weights,
        ];
        for (_, bytes) in parts {
            stream.update((bytes.len() as u64).to_le_bytes());
            stream.update(bytes);
        }
        stream.finalize().into()
    }
}

fn read(folder: &Path, name: &str) -> Result<Read, SentenceError> {
    let path = folder.join(name);
    match fs::read(&path) {
        Ok(bytes) => Ok((path, bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(SentenceError::new(
            &path,
            "this file of the sentence encoder is missing",
            "fetch the model with `make text-model`, or name a folder that holds config.json, \
             modules.json, 1_Pooling/config.json, sentence_bert_config.json, tokenizer.json and \
             model.safetensors",
        )),
        Err(error) => Err(SentenceError::new(
            &path,
            format!("cannot be read: {error}"),
            "check the file and who may read it, or fetch the model anew with `make text-model`",
        )),
    }
}
