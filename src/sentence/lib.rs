//! Sentences to vectors, by a BERT encoder whose weights lie in a local folder.
//!
//! [`SentenceEncoder`] reads a folder as `sentence-transformers` writes it (all-MiniLM-L6-v2, say),
//! cuts texts into tokens, runs the network and takes the mean over the tokens. Nothing is fetched.
//! Invariant: the vector of a text is a function of the text and of the encoder's digest, to the bit
//! on one machine type: it depends neither on the texts beside it, nor on the number of threads, nor
//! on what the cache held.

mod cache;
mod config;
mod elementwise;
mod error;
mod folder;
mod forward;
mod product;
#[cfg(test)]
mod tests;
mod tokenizer;
mod weights;

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use rayon::prelude::*;

use cache::{Cache, Key};
use config::Config;
use folder::Files;
use tokenizer::Tokenizer;
use weights::Weights;

pub use error::SentenceError;

/// Tokens that are encoded together; texts of fewer share a pack.
const PACK_TOKENS: usize = config::MAX_TOKENS;

/// Packs between two visits to the cache: what a killed process has to compute again.
const PACKS_A_WAVE: usize = 64;

/// A sentence encoder, ready to use from any number of threads.
pub struct SentenceEncoder {
    digest: [u8; 32],
    hex: String,
    config: Config,
    tokenizer: Tokenizer,
    weights: Weights,
    weights_file: std::path::PathBuf,
}

impl fmt::Debug for SentenceEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentenceEncoder")
            .field("digest", &self.hex)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl SentenceEncoder {
    /// Reads `config.json`, `modules.json`, `1_Pooling/config.json`, `sentence_bert_config.json`,
    /// `tokenizer.json` and `model.safetensors` (32-bit floats) of the folder.
    ///
    /// # Errors
    ///
    /// Names the file that is missing, or that asks for what is not computed here: another network
    /// than BERT with GELU, another tokenizer than WordPiece, another pooling than the mean.
    pub fn open(folder: &Path) -> Result<SentenceEncoder, SentenceError> {
        let files = Files::read(folder)?;
        let config = Config::read(&files)?;
        let tokenizer = Tokenizer::read(
            &files.tokenizer.0,
            &files.tokenizer.1,
            config.vocabulary,
            config.max_tokens,
        )?;
        let weights = Weights::read(&files.weights.0, &files.weights.1, &config)?;
        let digest = files.digest();
        Ok(SentenceEncoder {
            digest,
            hex: sweep_core::format::hex(&digest),
            config,
            tokenizer,
            weights,
            weights_file: files.weights.0,
        })
    }

    /// 64 hexadecimal digits that name weights, tokenizer, pooling and the way of computing.
    pub fn digest(&self) -> &str {
        &self.hex
    }

    /// Values a vector: 384 for all-MiniLM-L6-v2.
    pub fn width(&self) -> usize {
        self.config.hidden
    }

    /// One vector a text, row-major [texts, width], of length 1 if the model says so. Texts beyond
    /// the model's number of tokens are cut. Equal texts are computed once.
    ///
    /// With a `cache` (a folder, made if needed), vectors computed before are read from a file there,
    /// named by the encoder, and new ones are added to it meanwhile.
    ///
    /// # Errors
    ///
    /// The cache cannot be read or written, or a vector is not finite, which no sound weights give.
    pub fn encode(&self, texts: &[&str], cache: Option<&Path>) -> Result<Vec<f32>, SentenceError> {
        let width = self.width();
        let (distinct, places) = distinct(texts);
        let mut vectors = vec![0.0; distinct.len() * width];
        let mut missing = vec![true; distinct.len()];
        let mut store = match cache {
            Some(folder) => Some(Cache::open(folder, &self.digest, &self.hex, width)?),
            None => None,
        };
        let mut keys = Vec::new();
        if let Some(store) = &mut store {
            keys = distinct
                .par_iter()
                .map(|text| cache::key(&self.digest, text))
                .collect::<Vec<Key>>();
            let wanted = keys.iter().copied().zip(0..).collect();
            store.find(&wanted, |place, bytes| {
                let to = &mut vectors[place * width..][..width];
                for (to, bytes) in to.iter_mut().zip(bytes.as_chunks::<4>().0) {
                    *to = f32::from_le_bytes(*bytes);
                }
                missing[place] = false;
            })?;
        }
        let todo: Vec<usize> = (0..distinct.len()).filter(|text| missing[*text]).collect();
        for wave in self.packs(&distinct, &todo).chunks(PACKS_A_WAVE) {
            let done: Vec<Vec<f32>> = wave.par_iter().map(|pack| self.run(pack)).collect();
            for (pack, rows) in wave.iter().zip(&done) {
                self.check(rows)?;
                for (text, row) in pack.iter().zip(rows.chunks_exact(width)) {
                    vectors[text.place * width..][..width].copy_from_slice(row);
                }
            }
            if let Some(store) = &mut store {
                let new = wave.iter().flatten().map(|text| text.place);
                store.add(new.map(|place| (keys[place], &vectors[place * width..][..width])))?;
            }
        }
        let rows = places
            .iter()
            .flat_map(|place| &vectors[place * width..][..width]);
        Ok(rows.copied().collect())
    }

    /// Texts of similar length side by side, as many as fit into a pack; long ones first, so
    /// that no thread begins with them when the others end.
    fn packs(&self, distinct: &[&str], todo: &[usize]) -> Vec<Vec<Text>> {
        let mut texts: Vec<Text> = todo
            .par_iter()
            .map(|place| Text {
                place: *place,
                tokens: self.tokenizer.tokens(distinct[*place]),
            })
            .collect();
        texts.sort_by_key(|text| std::cmp::Reverse(text.tokens.len()));
        let mut packs: Vec<Vec<Text>> = Vec::new();
        let mut capacity = 0;
        for text in texts {
            let length = text.tokens.len();
            match packs.last_mut() {
                Some(pack) if length <= capacity => pack.push(text),
                _ => {
                    packs.push(vec![text]);
                    capacity = PACK_TOKENS;
                }
            }
            capacity -= length;
        }
        packs
    }

    fn run(&self, pack: &[Text]) -> Vec<f32> {
        let tokens: Vec<&[u32]> = pack.iter().map(|text| text.tokens.as_slice()).collect();
        forward::encode(&self.config, &self.weights, &tokens)
    }

    fn check(&self, vectors: &[f32]) -> Result<(), SentenceError> {
        if vectors.iter().all(|value| value.is_finite()) {
            return Ok(());
        }
        let message = "gives a vector that is not finite";
        Err(SentenceError::model(&self.weights_file, message))
    }
}

/// A text on its way through the network.
struct Text {
    /// Among the distinct texts.
    place: usize,
    tokens: Vec<u32>,
}

/// The distinct texts in the order in which they first come, and for each text its place among them.
fn distinct<'a>(texts: &[&'a str]) -> (Vec<&'a str>, Vec<usize>) {
    let mut seen = HashMap::new();
    let mut distinct = Vec::new();
    let places = texts.iter().map(|text| {
        *seen.entry(*text).or_insert_with(|| {
            distinct.push(*text);
            distinct.len() - 1
        })
    });
    let places = places.collect();
    (distinct, places)
}
