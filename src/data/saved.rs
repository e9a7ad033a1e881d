//! The fitted preparation as an open JSON file, so that new rows can be given to a model without
//! the rows it was trained on. `docs/DATA.md` describes it for readers in other languages.
//!
//! Invariant: what is read back can be applied: features and fields fit, and scales are finite.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use sweep_core::data_config::{Edition, TableFormat};
use sweep_core::trial::DataDigest;
use sweep_table::DataError;

use super::atomic;
use super::meta::{DatasetMeta, NumberTarget};
use super::preprocessor::Preprocessor;
use super::text::{self, FittedText};

/// Raised with every change of meaning; files of another format are refused.
pub const PREPROCESSOR_FORMAT: u32 = 1;

/// How features were made for a model, and what its inputs and outputs are called.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedPreprocessor {
    /// Of the prepared data set that it was fitted for.
    pub digest: DataDigest,
    /// Names of the features, in order.
    pub features: Vec<String>,
    /// Names of the classes; a label is an index into them.
    pub classes: Vec<String>,
    /// What was learned of a target that is a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<NumberTarget>,
    #[serde(rename = "preparation")]
    pub preprocessor: Preprocessor,
    /// The column that was predicted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// How the table was read; `None` for the first edition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reading: Option<Reading>,
    /// In the order of the text fields; in a file of its own beside the JSON.
    #[serde(skip)]
    pub(super) texts: Vec<FittedText>,
}

/// What was said of how a table is written, so that others like it are read in the same way.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Reading {
    edition: i64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    missing_values: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trim: Option<bool>,
    /// Names given to the columns of a file that has no header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    columns: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    header: Option<bool>,
}

/// As it stands in the file.
#[derive(Serialize, Deserialize)]
struct Header<S> {
    format: u32,
    #[serde(flatten)]
    saved: S,
}

impl SavedPreprocessor {
    pub(super) fn of(
        meta: &DatasetMeta,
        texts: Vec<FittedText>,
        target: &str,
        format: &TableFormat,
    ) -> SavedPreprocessor {
        let is_first = format.edition == Edition::First;
        SavedPreprocessor {
            target: (!is_first).then(|| target.to_owned()),
            reading: (!is_first).then(|| Reading {
                edition: format.edition.of_data().number(),
                missing_values: format.missing_values.clone(),
                trim: format.trim,
                columns: format.columns.clone(),
                header: format.header,
            }),
            digest: meta.digest.clone(),
            features: meta.features.clone(),
            classes: meta.classes.clone(),
            number: meta.number,
            preprocessor: meta.preprocessor.clone(),
            texts,
        }
    }

    /// Names of the features and of the classes, in order.
    pub fn names(&self) -> (&[String], &[String]) {
        (&self.features, &self.classes)
    }

    /// How tables like the one that it was fitted to are read.
    pub fn format(&self) -> TableFormat {
        match &self.reading {
            None => TableFormat {
                edition: Edition::First,
                ..TableFormat::default()
            },
            Some(reading) => TableFormat {
                edition: Edition::from_number(reading.edition).unwrap_or_default(),
                missing_values: reading.missing_values.clone(),
                trim: reading.trim,
                columns: reading.columns.clone(),
                header: reading.header,
                ..TableFormat::default()
            },
        }
    }

    /// Reads the file at `path`, and what was learned from texts from the one beside it.
    ///
    /// # Errors
    /// When it cannot be read, or (`InvalidData`) is damaged or of another format; each names it.
    pub fn read(path: &Path) -> io::Result<SavedPreprocessor> {
        let named = |kind: io::ErrorKind, why: &dyn std::fmt::Display| {
            io::Error::new(kind, format!("{}: {why}", path.display()))
        };
        let unsound = |why: &dyn std::fmt::Display| {
            let why = format!("the preparation is damaged or foreign: {why}");
            named(io::ErrorKind::InvalidData, &why)
        };
        let text = std::fs::read(path).map_err(|error| named(error.kind(), &error))?;
        #[derive(Deserialize)]
        struct FormatOnly {
            format: u32,
        }
        let FormatOnly { format } = serde_json::from_slice(&text).map_err(|e| unsound(&e))?;
        if format != PREPROCESSOR_FORMAT {
            let why = format!(
                "the preprocessor has format {format}, this program reads format \
                 {PREPROCESSOR_FORMAT}: use the version of sweep that wrote it"
            );
            return Err(named(io::ErrorKind::InvalidData, &why));
        }
        let Header { mut saved, .. }: Header<SavedPreprocessor> =
            serde_json::from_slice(&text).map_err(|e| unsound(&e))?;
        if let Some(why) = saved.problem() {
            return Err(unsound(&why));
        }
        saved.texts = FittedText::open_all(&text::path(path), saved.preprocessor.text_fields())?;
        Ok(saved)
    }

    /// Writes it to `path`, unless it stands there already, byte for byte; true if it did.
    pub(super) fn write(&self, path: &Path) -> Result<bool, DataError> {
        let mut reused = true;
        // The JSON comes last: where it stands, what it names does too.
        for (path, bytes) in self.files(path)?.into_iter().rev() {
            reused &= atomic::write_if_new(&path, &bytes)?;
        }
        Ok(reused)
    }

    /// What to write for [`SavedPreprocessor::read`] to find at `path`: the JSON, and what was learned
    /// from texts if there is any. Always the same bytes for the same content.
    ///
    /// # Errors
    /// When the texts do not fit into one file.
    pub fn files(&self, path: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>, DataError> {
        let mut files = vec![(path.to_owned(), self.to_json())];
        let texts = text::file_bytes(&self.texts).map_err(|error| {
            let message = format!("what was learned from texts cannot be written: {error}");
            DataError::new(path, message, "lower `max_terms` or `dims` of `data.text`")
        })?;
        files.extend(texts.map(|bytes| (text::path(path), bytes)));
        Ok(files)
    }

    fn to_json(&self) -> Vec<u8> {
        let header = Header {
            format: PREPROCESSOR_FORMAT,
            saved: self,
        };
        let mut text = serde_json::to_vec_pretty(&header).expect("a preparation is plain data");
        text.push(b'\n');
        text
    }

    fn problem(&self) -> Option<String> {
        // Counted first: a field may claim to make more features than there is memory for.
        let width = self.preprocessor.width();
        if self.features.len() != width || self.features != self.preprocessor.features() {
            return Some("its features are not those that its fields make".to_owned());
        }
        let is_sound = match self.number {
            None => self.classes.len() >= 2,
            Some(number) => number.mean.is_finite() && number.sd.is_finite() && number.sd >= 0.0,
        };
        if !is_sound || self.features.is_empty() {
            return Some("it needs a feature, and two classes or a number".to_owned());
        }
        let editions = self.reading.as_ref().map(|reading| reading.edition);
        if let Some(edition) = editions.filter(|own| Edition::from_number(*own).is_none()) {
            return Some(format!(
                "its table was read by edition {edition}, which is not known"
            ));
        }
        let wrong = self
            .preprocessor
            .fields
            .iter()
            .find(|field| !field.is_sound());
        wrong.map(|field| format!("the field of column {} cannot be applied", field.column()))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::preprocessor::{FittedField, Scaling};
    use super::*;

    fn saved() -> SavedPreprocessor {
        let scaling = Scaling {
            mean: 0.1 + 0.2,
            sd: 1.0 / 3.0,
            imputed: Some(-0.7),
            quantiles: None,
        };
        let column = "tempo".to_owned();
        SavedPreprocessor {
            digest: DataDigest::from_hex("5".repeat(64)),
            features: vec![format!("{column}.year")],
            classes: vec!["no".to_owned(), "yes".to_owned()],
            number: None,
            preprocessor: Preprocessor {
                fields: vec![FittedField::Year {
                    column,
                    scaling,
                    keep: false,
                }],
            },
            target: None,
            reading: None,
            texts: Vec::new(),
        }
    }

    #[test]
    fn a_preparation_reads_back_to_the_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("preparation.json");
        assert!(!saved().write(&path).unwrap());
        assert!(saved().write(&path).unwrap());
        assert_eq!(SavedPreprocessor::read(&path).unwrap(), saved());
    }

    #[test]
    fn damaged_foreign_and_newer_files_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("preparation.json");
        let text = String::from_utf8(saved().to_json()).unwrap();
        for (from, to, expected) in [
            (
                "\"format\": 1",
                "\"format\": 2",
                "format 2, this program reads format 1",
            ),
            ("\"tempo\"", "\"speed\"", "not those that its fields make"),
            (
                "\"sd\": 0.",
                "\"sd\": -0.",
                "column tempo cannot be applied",
            ),
            ("{", "", "damaged or foreign"),
        ] {
            assert!(text.contains(from), "{from}");
            fs::write(&path, text.replacen(from, to, 1)).unwrap();
            let error = SavedPreprocessor::read(&path).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            assert!(error.contains("preparation.json"), "{error}");
        }
        fs::remove_file(&path).unwrap();
        let error = SavedPreprocessor::read(&path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
