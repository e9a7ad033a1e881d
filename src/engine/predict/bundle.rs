//! A trained model as a folder of its own: model files as training left them, `preparation.json`,
//! what it predicts for its validation rows, and `trial.json`, which says what they are.
//! `docs/MODELS.md` describes them.
//!
//! Invariant: the folder appears under its name only when it is whole; what is read from it is
//! what was written, since `trial.json` holds the checksum of every other file.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};

use super::predictor::{PredictError, Predicted, Predictor};
use super::validation::{VALIDATION, Validation};
use sweep_core::atomic_fs::{self, StagingFolder};
use sweep_core::trial::{ConfigId, DataDigest, Kind, Objective, TrialId};
use sweep_data::{DataError, SavedPreprocessor, write_atomically};

/// Raised with every change of meaning; folders of another format are refused.
pub const EXPORT_FORMAT: u32 = 1;
pub(super) const CARD: &str = "trial.json";
const PREPROCESSOR: &str = "preparation.json";

/// What `trial.json` says of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Card {
    pub kind: Kind,
    pub trial: TrialId,
    pub config: ConfigId,
    pub seed: u64,
    pub experiment: String,
    /// Settings by name.
    pub params: Map<String, Json>,
    pub objective: Objective,
    /// The objective at the step that was kept; of a refit there is none.
    pub best: Option<f64>,
    pub best_step: Option<u32>,
    /// Every metric at that step; none of a refit.
    pub metrics: Map<String, Json>,
    /// Digest of the prepared data that it was trained on.
    pub data: DataDigest,
    /// The file they came from, and its SHA-256.
    pub source: String,
    pub source_sha256: String,
    /// Names of the inputs, in order.
    pub features: Vec<String>,
    /// Names of the outputs, in order; none of a model that predicts a number.
    pub classes: Vec<String>,
    /// Version of the program that exported it.
    pub version: String,
    /// What is told of a refit: the model is not that of `trial`, which has its settings and its seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refit: Option<Refit>,
}

/// A training on training and validation rows together, for as many steps as earlier runs kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refit {
    /// Rows that it was trained on.
    pub rows: u64,
    /// Epochs, rounds or trees: the mean of those that `runs` kept.
    pub step: u32,
    pub runs: Vec<RefitRun>,
}

/// A run that decided on the steps of a refit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefitRun {
    pub trial: TrialId,
    pub seed: u64,
    /// From 1; `None` without cross-validation.
    pub fold: Option<u32>,
    pub best_step: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct Header<C> {
    format: u32,
    #[serde(flatten)]
    card: C,
    files: Vec<Listed>,
}

/// A file beside `trial.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Listed {
    pub(super) path: PathBuf,
    bytes: u64,
    sha256: String,
}

impl Listed {
    pub(super) fn of((path, bytes): &Content) -> Listed {
        Listed {
            path: path.clone(),
            bytes: bytes.len() as u64,
            sha256: sha256(bytes),
        }
    }
}

/// A model read from a folder, ready to predict.
pub struct Bundle {
    pub card: Card,
    pub preprocessor: SavedPreprocessor,
    pub model: Predictor,
    /// `None` where the folder has none, as those of earlier versions.
    pub validation: Option<Validation>,
}

/// Why a model cannot be exported, or read from a folder.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    #[error("{} already exists and is not empty", path.display())]
    Taken { path: PathBuf },
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{}: {source}", path.display())]
    Folder { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Write(#[from] DataError),
    #[error("{} is not the description of a model: {why}", path.display())]
    Card { path: PathBuf, why: String },
    #[error(
        "{} has format {found}, this program reads format {EXPORT_FORMAT}: use the version of sweep \
         that wrote it",
        path.display()
    )]
    Format { path: PathBuf, found: u32 },
    #[error("{} is damaged: {why}; export the model again, or take a sound copy", path.display())]
    Damaged { path: PathBuf, why: String },
    #[error(transparent)]
    Preprocessor(io::Error),
    #[error(transparent)]
    Model(#[from] PredictError),
}

/// Writes the model `card` to the folder `to`: the `files` of `from`, `preparation`, what it predicts for its validation rows,
/// where these are known, and the card.
///
/// # Errors
/// When `to` is there and not empty; when a file cannot be read or written. Nothing is left behind
/// then.
pub fn export(
    to: &Path,
    card: &Card,
    preprocessor: &SavedPreprocessor,
    from: &Path,
    files: &[PathBuf],
    validation: Option<&Validation>,
) -> Result<(), BundleError> {
    refuse_occupied(to)?;
    write_folder(
        to,
        &contents(card, preprocessor, (from, files), validation)?,
    )
}

/// Refuses to write to a folder that is not empty.
pub(super) fn refuse_occupied(to: &Path) -> Result<(), BundleError> {
    match atomic_fs::is_occupied(to) {
        true => Err(BundleError::Taken {
            path: to.to_owned(),
        }),
        false => Ok(()),
    }
}

/// A file of a folder by its path there, and what it holds.
pub(super) type Content = (PathBuf, Vec<u8>);

/// Every file of the folder of a model, the card last.
pub(super) fn contents(
    card: &Card,
    preprocessor: &SavedPreprocessor,
    (from, files): (&Path, &[PathBuf]),
    validation: Option<&Validation>,
) -> Result<Vec<Content>, BundleError> {
    let mut contents = preprocessor.files(Path::new(PREPROCESSOR))?;
    for name in files {
        let path = from.join(name);
        let bytes = fs::read(&path).map_err(|source| BundleError::Read { path, source })?;
        contents.push((name.clone(), bytes));
    }
    contents.extend(validation.map(|known| (PathBuf::from(VALIDATION), known.to_bytes())));
    let listed = contents.iter().map(Listed::of).collect();
    contents.push((PathBuf::from(CARD), header(card, listed)));
    Ok(contents)
}

/// The text of a `card` that lists the `files` beside it.
pub(super) fn header(card: &impl Serialize, files: Vec<Listed>) -> Vec<u8> {
    let header = Header {
        format: EXPORT_FORMAT,
        card,
        files,
    };
    let mut text = serde_json::to_vec_pretty(&header).expect("a card is plain data");
    text.push(b'\n');
    text
}

/// Writes `contents` to the folder `to`, which appears when it is complete.
pub(super) fn write_folder(to: &Path, contents: &[Content]) -> Result<(), BundleError> {
    let failed = |source| BundleError::Folder {
        path: to.to_owned(),
        source,
    };
    let staging = StagingFolder::beside(to).map_err(failed)?;
    for (name, bytes) in contents {
        write_atomically(&staging.path().join(name), |out| out.write_all(bytes))?;
    }
    staging.rename(to).map_err(failed)
}

impl Bundle {
    /// Reads the model in `folder`.
    ///
    /// # Errors
    /// When a file is missing, damaged or of another format; when the library for XGBoost's models
    /// is missing.
    pub fn read(folder: &Path) -> Result<Bundle, BundleError> {
        let (card, files): (Card, Vec<Listed>) = read_card(folder, CARD)?;
        let preprocessor = SavedPreprocessor::read(&folder.join(PREPROCESSOR))
            .map_err(BundleError::Preprocessor)?;
        let predicted = Predicted::from(&preprocessor);
        let model = Predictor::load(folder, card.kind, &preprocessor.features, predicted)?;
        let listed = files.iter().any(|file| file.path == Path::new(VALIDATION));
        let path = folder.join(VALIDATION);
        let validation = listed
            .then(|| {
                Validation::from_bytes(&read_file(&path)?, predicted)
                    .map_err(|why| BundleError::Damaged { path, why })
            })
            .transpose()?;
        Ok(Bundle {
            card,
            model,
            validation,
            preprocessor,
        })
    }
}

/// The card called `name` in `folder`, and the files that it lists, which are whole.
pub(super) fn read_card<C: DeserializeOwned>(
    folder: &Path,
    name: &str,
) -> Result<(C, Vec<Listed>), BundleError> {
    let path = folder.join(name);
    let text = read_file(&path)?;
    let foreign = |error: serde_json::Error| BundleError::Card {
        path: path.clone(),
        why: error.to_string(),
    };
    #[derive(Deserialize)]
    struct FormatOnly {
        format: u32,
    }
    let FormatOnly { format } = serde_json::from_slice(&text).map_err(foreign)?;
    if format != EXPORT_FORMAT {
        let found = format;
        return Err(BundleError::Format { path, found });
    }
    let Header { card, files, .. }: Header<C> = serde_json::from_slice(&text).map_err(foreign)?;
    for file in &files {
        if !stays(&file.path) {
            let why = format!(
                "it names {}, which is not in its folder",
                file.path.display()
            );
            return Err(BundleError::Card { path, why });
        }
        let path = folder.join(&file.path);
        let bytes = read_file(&path)?;
        if bytes.len() as u64 != file.bytes || sha256(&bytes) != file.sha256 {
            let why = format!("its content is not what {name} says it is");
            return Err(BundleError::Damaged { path, why });
        }
    }
    Ok((card, files))
}

/// Whether `path` leads to a place in the folder that it is taken from.
fn stays(path: &Path) -> bool {
    let is_normal = |part| matches!(part, Component::Normal(_));
    path.components().all(is_normal)
}

pub(super) fn read_file(path: &Path) -> Result<Vec<u8>, BundleError> {
    fs::read(path).map_err(|source| BundleError::Read {
        path: path.to_owned(),
        source,
    })
}

/// Lower-case hexadecimal digits.
fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    sweep_core::format::hex(&digest)
}
