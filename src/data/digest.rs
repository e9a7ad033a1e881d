//! The name of a prepared data set, made from its content.
//!
//! Invariant: equal content gives equal bytes and different content different bytes, since every
//! part of the stream is preceded by its length.

use std::convert::Infallible;
use std::hash::BuildHasher;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use sweep_core::data_config::TextEncoder;
use sweep_core::trial::DataDigest;

use super::encode::{Counts, SplitEncoder};
use super::layout::{DATA_FORMAT, float_bytes, word_bytes};
use super::mask::Mask;
use super::meta::NumberTarget;
use super::preprocessor::{FittedField, Preprocessor};

/// The rows of one split as they will be written.
pub(super) struct SplitRows<'a> {
    pub x: SplitEncoder<'a>,
    /// Which features are of missing cells, if a field keeps those.
    pub missing: Option<Mask<'a>>,
    /// Labels, or strata of a target that is a number.
    pub y: Vec<u32>,
    /// The target, where it is a number.
    pub numbers: Option<Vec<f32>>,
    /// Weights of training rows, if they have any.
    pub weights: Option<Vec<f32>>,
    /// Row numbers in the source file, from 1.
    pub source: Vec<u32>,
    /// What is missing or unknown in these rows.
    pub counts: Counts,
    /// A hash of the features of each row; equal for equal ones.
    pub hashes: Vec<u64>,
}

/// SHA-256 over the stream that `docs/DATA.md` describes; `test_groups` numbers the groups of the
/// test rows. Also hashes the features of each row.
pub(super) fn digest(
    preprocessor: &Preprocessor,
    (features, classes, number): (&[String], &[String], Option<&NumberTarget>),
    splits: &mut [SplitRows<'_>; 3],
    test_groups: &[u32],
) -> DataDigest {
    let mut stream = Stream(Sha256::new());
    stream.text("sweep prepared data");
    stream.number(u64::from(DATA_FORMAT));
    stream.texts(features);
    stream.texts(classes);
    let preprocessor = placeless(preprocessor);
    stream.text(&serde_json::to_string(&preprocessor).expect("a preparation is plain data"));
    // Hashes of rows are compared within one preparation alone.
    let hasher = hashbrown::DefaultHashBuilder::default();
    for split in &mut *splits {
        let width = split.x.width;
        stream.number((split.x.rows() * width) as u64);
        split.hashes = Vec::with_capacity(split.x.rows());
        let each = split.x.for_each_block(|block| {
            let bytes = float_bytes(block);
            stream.0.update(bytes);
            let rows = bytes.chunks_exact(4 * width);
            split.hashes.extend(rows.map(|row| hasher.hash_one(row)));
            Ok::<(), Infallible>(())
        });
        match each {
            Ok(()) => {}
            Err(never) => match never {},
        }
        match &split.numbers {
            None => stream.words(&split.y),
            Some(numbers) => stream.floats(numbers),
        }
        stream.words(&split.source);
    }
    stream.words(test_groups);
    // What was not there before stands behind all that was.
    if let Some(number) = number {
        stream.text("numbers");
        stream.text(number.transform.name());
    }
    for weights in splits.iter().filter_map(|split| split.weights.as_ref()) {
        stream.text("weights");
        stream.floats(weights);
    }
    for mask in splits.iter().filter_map(|split| split.missing.as_ref()) {
        stream.number((mask.rows() * mask.width) as u64);
        let each = mask.for_each_block(|block| {
            stream.0.update(block);
            Ok::<(), Infallible>(())
        });
        match each {
            Ok(()) => {}
            Err(never) => match never {},
        }
    }
    DataDigest::of(stream.0)
}

/// The preparation, less where the folders of its encoders stand: their content is named by hash.
fn placeless(preprocessor: &Preprocessor) -> Preprocessor {
    let mut preprocessor = preprocessor.clone();
    for field in &mut preprocessor.fields {
        if let FittedField::Text { text, .. } = field
            && let TextEncoder::Sentence(sentence) = &mut text.encoder
        {
            sentence.model = PathBuf::new();
        }
    }
    preprocessor
}

struct Stream(Sha256);

impl Stream {
    fn number(&mut self, number: u64) {
        self.0.update(number.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.update(text);
    }

    fn texts(&mut self, texts: &[String]) {
        self.number(texts.len() as u64);
        texts.iter().for_each(|text| self.text(text));
    }

    /// The number of floats, then each in little-endian order.
    fn floats(&mut self, values: &[f32]) {
        self.number(values.len() as u64);
        self.0.update(float_bytes(values));
    }

    /// The number of words, then each in little-endian order.
    fn words(&mut self, words: &[u32]) {
        self.number(words.len() as u64);
        self.0.update(word_bytes(words));
    }
}
