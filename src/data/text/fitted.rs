//! The encoder of one column of text with what it has learned, and its use.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::{
    IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator, ParallelSliceMut,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use sweep_core::data_config::{Scale, TextEncoder};
use sweep_core::trial::DataDigest;

#[cfg(not(feature = "sentence"))]
use super::no_sentence::{SentenceEncoder, SentenceError};
#[cfg(feature = "sentence")]
use sweep_sentence::{SentenceEncoder, SentenceError};

use super::terms::for_each_term;
use super::{hashing, tfidf};

/// How the texts of one column become features: what a description of the data says of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TextField {
    /// What the names of its features begin with, such as `title:tfidf_word`.
    pub name: String,
    #[serde(flatten)]
    pub encoder: TextEncoder,
    /// Every feature is multiplied by this one number, so that distances keep their proportions.
    pub factor: f64,
    /// A missing text is refused; else it is an empty one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// The network that reads the texts, if the encoder has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<SentenceNetwork>,
    /// What was learned from the training texts, if the encoder learns; kept in a file of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learned: Option<Learned>,
}

/// Names a sentence encoder by its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentenceNetwork {
    /// Features it makes of a text.
    pub dims: usize,
    /// Of weights, tokenizer and pooling, hexadecimal.
    pub sha256: String,
}

/// Names what was learned from the training texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learned {
    pub terms: usize,
    /// SHA-256 of terms, weights and components, hexadecimal.
    pub sha256: String,
}

/// A [`TextField`] with all it takes to encode texts.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedText {
    pub(super) field: TextField,
    pub(super) state: State,
}

/// What an encoder knows beyond its options.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum State {
    Tfidf(tfidf::Fitted),
    Hashing,
    Sentence(Reader),
}

/// A sentence encoder, and the folder that remembers what it has read.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    pub(super) encoder: Arc<SentenceEncoder>,
    pub(super) cache: Option<PathBuf>,
}

impl PartialEq for Reader {
    fn eq(&self, other: &Reader) -> bool {
        self.encoder.digest() == other.encoder.digest()
    }
}

impl Learned {
    /// The name of what was learned: a hash of every bit of it.
    pub(super) fn of(fitted: &tfidf::Fitted) -> Learned {
        let mut hash = Sha256::new();
        hash.update((fitted.vocabulary.len() as u64).to_le_bytes());
        for term in &fitted.vocabulary {
            hash.update((term.len() as u64).to_le_bytes());
            hash.update(term);
        }
        let idf: Vec<u8> = fitted.idf.iter().flat_map(|x| x.to_le_bytes()).collect();
        hash.update(idf);
        let components = fitted.components.iter().flat_map(|x| x.to_le_bytes());
        hash.update(components.collect::<Vec<u8>>());
        Learned {
            terms: fitted.vocabulary.len(),
            sha256: DataDigest::of(hash).to_string(),
        }
    }
}

impl FittedText {
    /// Fits `encoder` on training texts; `name` is what the names of the features begin with, and
    /// `required` says that no text may be missing. Vectors of sentences are remembered in the folder
    /// `cache`.
    ///
    /// # Errors
    /// What is wrong with the texts, or the folder of the encoder, and what to do.
    pub(in super::super) fn fit(
        name: String,
        encoder: &TextEncoder,
        texts: &[Option<&str>],
        required: bool,
        scale: Scale,
        cache: &Path,
    ) -> Result<FittedText, (String, String)> {
        let present: Vec<&str> = texts.iter().map(|text| text.unwrap_or_default()).collect();
        let mut network = None;
        let (state, learned) = match encoder {
            TextEncoder::Tfidf(options) => {
                let fitted = tfidf::Fitted::fit(options, &present)?;
                let learned = Learned::of(&fitted);
                (State::Tfidf(fitted), Some(learned))
            }
            TextEncoder::Hashing(_) => (State::Hashing, None),
            TextEncoder::Sentence(options) => {
                let encoder = SentenceEncoder::open(&options.model).map_err(told)?;
                network = Some(SentenceNetwork {
                    dims: encoder.width(),
                    sha256: encoder.digest().to_owned(),
                });
                let reader = Reader {
                    encoder: Arc::new(encoder),
                    cache: Some(cache.to_owned()),
                };
                (State::Sentence(reader), None)
            }
        };
        let field = TextField {
            name,
            encoder: encoder.clone(),
            factor: 1.0,
            required,
            network,
            learned,
        };
        let mut fitted = FittedText { field, state };
        if scale == Scale::Standard {
            fitted.field.factor = factor(&fitted.encode(texts)?, fitted.field.dims());
        }
        Ok(fitted)
    }

    pub fn field(&self) -> &TextField {
        &self.field
    }

    /// Features of `texts`, row-major [texts, dims]; nothing is fitted anew.
    ///
    /// # Errors
    /// What is wrong with a sentence encoder, and what to do; the other encoders make none.
    pub fn encode(&self, texts: &[Option<&str>]) -> Result<Vec<f32>, (String, String)> {
        if let State::Sentence(reader) = &self.state {
            return self.read(reader, texts);
        }
        let dims = self.field.dims();
        let mut features = vec![0.0; texts.len() * dims];
        features
            .par_chunks_exact_mut(dims)
            .zip(texts.par_iter())
            .for_each_init(
                || vec![0.0; dims],
                |row, (features, text)| {
                    self.encode_one(text.unwrap_or_default(), row);
                    for (feature, x) in features.iter_mut().zip(row) {
                        // Adding zero turns -0 to 0, so that equal rows are equal bytes.
                        *feature = (*x * self.field.factor) as f32 + 0.0;
                    }
                },
            );
        Ok(features)
    }

    fn read(&self, reader: &Reader, texts: &[Option<&str>]) -> Result<Vec<f32>, (String, String)> {
        let texts: Vec<&str> = texts.iter().map(|text| text.unwrap_or_default()).collect();
        let mut features = reader
            .encoder
            .encode(&texts, reader.cache.as_deref())
            .map_err(told)?;
        for feature in &mut features {
            *feature = (f64::from(*feature) * self.field.factor) as f32 + 0.0;
        }
        Ok(features)
    }

    fn encode_one(&self, text: &str, row: &mut [f64]) {
        match (&self.field.encoder, &self.state) {
            (TextEncoder::Tfidf(options), State::Tfidf(fitted)) => {
                fitted.encode(options, text, row);
            }
            (TextEncoder::Hashing(options), _) => {
                hashing::encode(row, |each| for_each_term(&options.terms, text, each));
            }
            (TextEncoder::Tfidf(_) | TextEncoder::Sentence(_), _) => {
                unreachable!("an encoder is only joined with its own state")
            }
        }
    }
}

impl TextField {
    /// Number of features.
    pub fn dims(&self) -> usize {
        let network = self.network.as_ref().map(|network| network.dims);
        self.encoder.dims().or(network).unwrap_or(0)
    }

    /// Names of the features: `title:tfidf_word.0`, ...
    pub fn features(&self) -> impl Iterator<Item = String> {
        (0..self.dims()).map(|place| format!("{}.{place}", self.name))
    }
}

/// What went wrong, and what to do about it.
fn told(error: SentenceError) -> (String, String) {
    (error.to_string(), error.help)
}

/// The number that brings the variances of the features [rows, dims] to a sum of 1, so that a text
/// weighs as much as a standardised number; 1 if nothing varies.
fn factor(features: &[f32], dims: usize) -> f64 {
    let rows = (features.len() / dims) as f64;
    let (mut sums, mut squares) = (vec![0.0; dims], vec![0.0; dims]);
    for row in features.chunks_exact(dims) {
        for (place, x) in row.iter().enumerate() {
            sums[place] += f64::from(*x);
            squares[place] += f64::from(*x) * f64::from(*x);
        }
    }
    // Texts are vectors of length 1 at most, so the difference loses nothing that matters.
    let variance = |(sum, square): (&f64, &f64)| (square / rows - (sum / rows).powi(2)).max(0.0);
    let total: f64 = sums.iter().zip(&squares).map(variance).sum();
    match total > 0.0 {
        true => total.sqrt().recip(),
        false => 1.0,
    }
}
