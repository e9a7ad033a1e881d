//! What was learned from texts, on disk: safetensors, with terms and weights as JSON under `sweep` in
//! its metadata and the components as tensors. `docs/DATA.md` describes it.
//!
//! Invariant: what is read back is what was written, to the bit, or it is refused: every part is
//! named by its hash in the description of the data.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use safetensors::tensor::{Dtype, SafeTensorError, TensorView};
use safetensors::{SafeTensors, serialize};
use serde::{Deserialize, Serialize};

use sweep_core::data_config::TextEncoder;

use super::fitted::{FittedText, Learned, Reader, State, TextField};
#[cfg(not(feature = "sentence"))]
use super::no_sentence::SentenceEncoder;
use super::tfidf::Fitted;
#[cfg(feature = "sentence")]
use sweep_sentence::SentenceEncoder;

/// Raised with every change of layout.
const TEXT_FORMAT: u32 = 1;
/// The metadata key of terms and weights.
const META_KEY: &str = "sweep";

/// The JSON text of a file.
#[derive(Serialize, Deserialize)]
struct Header {
    format: u32,
    texts: Vec<Terms>,
}

/// Terms and weights of one field.
#[derive(Serialize, Deserialize)]
struct Terms {
    name: String,
    vocabulary: Vec<String>,
    idf: Vec<f64>,
}

/// Where what was learned stands, beside the JSON of its preparation.
pub(in super::super) fn path(preprocessor: &Path) -> PathBuf {
    preprocessor.with_extension("text.safetensors")
}

/// The bytes of the file for `texts`, or nothing if none of them has learned anything.
pub(in super::super) fn file_bytes(
    texts: &[FittedText],
) -> Result<Option<Vec<u8>>, SafeTensorError> {
    let mut header = Header {
        format: TEXT_FORMAT,
        texts: Vec::new(),
    };
    let mut tensors = Vec::new();
    for text in texts {
        let State::Tfidf(fitted) = &text.state else {
            continue;
        };
        let bytes: Vec<u8> = fitted
            .components
            .iter()
            .flat_map(|x| x.to_le_bytes())
            .collect();
        let shape = vec![fitted.vocabulary.len(), text.field.dims()];
        tensors.push((tensor_name(header.texts.len()), shape, bytes));
        header.texts.push(Terms {
            name: text.field.name.clone(),
            vocabulary: fitted.vocabulary.clone(),
            idf: fitted.idf.clone(),
        });
    }
    if tensors.is_empty() {
        return Ok(None);
    }
    let views: Result<Vec<_>, _> = tensors
        .iter()
        .map(|(name, shape, bytes)| {
            TensorView::new(Dtype::F32, shape.clone(), bytes).map(|view| (name.as_str(), view))
        })
        .collect();
    let json = serde_json::to_string(&header)?;
    serialize(views?, Some([(META_KEY.to_owned(), json)].into())).map(Some)
}

impl FittedText {
    /// The fitted texts in the file at `path`, in the order of `fields`, the text fields of its preprocessor;
    /// reads no file if nothing was learned.
    ///
    /// # Errors
    /// When the file cannot be read, or (`InvalidData`) does not hold what the preparation names, or
    /// (`Other`) a sentence encoder is not where it was.
    pub(in super::super) fn open_all(
        path: &Path,
        fields: Vec<&TextField>,
    ) -> io::Result<Vec<FittedText>> {
        let unsound = |why: String| {
            let shown = path.display();
            let text = format!(
                "{shown}: the fitted texts are damaged or foreign: {why}; delete the file and \
                 prepare the data again"
            );
            io::Error::new(io::ErrorKind::InvalidData, text)
        };
        let mut learned = match fields.iter().any(|field| field.learned.is_some()) {
            true => {
                let bytes = fs::read(path).map_err(|error| {
                    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
                })?;
                read(&bytes).map_err(unsound)?
            }
            false => Vec::new(),
        }
        .into_iter();
        fields
            .into_iter()
            .map(|field| join(field, &mut learned, &unsound))
            .collect()
    }
}

/// A sentence encoder that is not at hand: what was fitted is sound. The kind says so.
fn elsewhere(why: String) -> io::Error {
    io::Error::other(why)
}

/// Puts `field` together with its state, the next one of those `learned`.
fn join(
    field: &TextField,
    learned: &mut impl Iterator<Item = Fitted>,
    unsound: &impl Fn(String) -> io::Error,
) -> io::Result<FittedText> {
    if field.dims() == 0 {
        return Err(unsound(format!("{} has no dimensions", field.name)));
    }
    let state = match (&field.encoder, &field.learned) {
        (TextEncoder::Tfidf(tfidf), Some(wanted)) => {
            let fitted = learned
                .next()
                .filter(|fitted| Learned::of(fitted) == *wanted)
                .filter(|fitted| fitted.components.len() / tfidf.dims == wanted.terms)
                .filter(|fitted| fitted.components.len().is_multiple_of(tfidf.dims))
                .filter(|fitted| fitted.idf.len() == wanted.terms)
                .ok_or_else(|| unsound(format!("{} is not what was learned for it", field.name)))?;
            State::Tfidf(fitted)
        }
        (TextEncoder::Tfidf(_), None) => {
            return Err(unsound(format!("{} has learned nothing", field.name)));
        }
        (TextEncoder::Hashing(_), _) => State::Hashing,
        (TextEncoder::Sentence(options), _) => {
            let encoder = SentenceEncoder::open(&options.model)
                .map_err(|error| elsewhere(format!("{error}; {}", error.help)))?;
            let wanted = field
                .network
                .as_ref()
                .map(|network| network.sha256.as_str());
            if wanted != Some(encoder.digest()) {
                let folder = options.model.display();
                return Err(elsewhere(format!(
                    "{folder} holds another encoder than the one that {} was made with; put that one \
                     there",
                    field.name
                )));
            }
            State::Sentence(Reader {
                encoder: Arc::new(encoder),
                cache: None,
            })
        }
    };
    Ok(FittedText {
        field: field.clone(),
        state,
    })
}

/// What a file holds, in its order.
fn read(bytes: &[u8]) -> Result<Vec<Fitted>, String> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
    let entries = metadata.metadata().as_ref();
    let json = entries
        .and_then(|entries| entries.get(META_KEY))
        .ok_or("it does not hold fitted texts")?;
    let header: Header = serde_json::from_str(json).map_err(|error| error.to_string())?;
    if header.format != TEXT_FORMAT {
        return Err(format!(
            "it has format {}, this program reads format {TEXT_FORMAT}",
            header.format
        ));
    }
    let tensors = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let mut found = Vec::new();
    for (place, terms) in header.texts.into_iter().enumerate() {
        let name = tensor_name(place);
        let tensor = tensors.tensor(&name).map_err(|error| error.to_string())?;
        if tensor.dtype() != Dtype::F32 {
            return Err(format!("{name} is {:?}", tensor.dtype()));
        }
        let (words, _) = tensor.data().as_chunks::<4>();
        let components = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
        found.push(Fitted::new(terms.vocabulary, terms.idf, components));
    }
    Ok(found)
}

fn tensor_name(place: usize) -> String {
    format!("components.{place}")
}
