//! The name of a prepared data set, made from its content.
//!
//! Invariant: equal content gives equal bytes and different content different bytes, since every
//! part of the stream is preceded by its length.

use std::path::PathBuf;

use sha2::{Digest, Sha256};

use sweep_core::data_config::TextEncoder;
use sweep_core::trial::DataDigest;

use super::fit::{FittedField, Preprocessor};
use super::layout::DATA_FORMAT;

/// The rows of one side as they will be written.
#[derive(Debug)]
pub(super) struct SplitRows {
    /// Row-major [rows, features].
    pub x: Vec<f32>,
    pub y: Vec<u32>,
    /// Row numbers in the source file, from 1.
    pub source: Vec<u32>,
}

/// SHA-256 over the stream that `docs/DATA.md` describes; `test_groups` numbers the groups of the
/// test rows.
pub(super) fn digest(
    preprocessor: &Preprocessor,
    features: &[String],
    classes: &[String],
    splits: &[SplitRows; 3],
    test_groups: &[u32],
) -> DataDigest {
    let mut stream = Stream(Sha256::new());
    stream.text("sweep prepared data");
    stream.number(u64::from(DATA_FORMAT));
    stream.texts(features);
    stream.texts(classes);
    let preprocessor = placeless(preprocessor);
    stream.text(&serde_json::to_string(&preprocessor).expect("a preparation is plain data"));
    for split in splits {
        stream.words(split.x.iter().map(|x| x.to_bits()), split.x.len());
        stream.words(split.y.iter().copied(), split.y.len());
        stream.words(split.source.iter().copied(), split.source.len());
    }
    stream.words(test_groups.iter().copied(), test_groups.len());
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

    /// The number of words, then each in little-endian order.
    fn words(&mut self, words: impl Iterator<Item = u32>, length: usize) {
        self.number(length as u64);
        let bytes: Vec<u8> = words.flat_map(u32::to_le_bytes).collect();
        self.0.update(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::super::fit::Scaling;
    use super::*;

    #[test]
    fn each_part_of_the_content_changes_the_digest() {
        type LoadedTable = (
            f64,
            Vec<String>,
            Vec<String>,
            Vec<f32>,
            Vec<u32>,
            Vec<u32>,
            Vec<u32>,
        );
        let of = |content: &LoadedTable| {
            let (mean, features, classes, x, y, source, groups) = content.clone();
            let scaling = Scaling {
                mean,
                sd: 1.0,
                imputed: None,
                quantiles: None,
            };
            let column = "a".to_owned();
            let fields = vec![FittedField::Number { column, scaling }];
            let split = || SplitRows {
                x: x.clone(),
                y: y.clone(),
                source: source.clone(),
            };
            let splits = [split(), split(), split()];
            digest(
                &Preprocessor { fields },
                &features,
                &classes,
                &splits,
                &groups,
            )
        };
        let texts = |texts: &[&str]| {
            texts
                .iter()
                .map(|text| (*text).to_owned())
                .collect::<Vec<_>>()
        };
        let base: LoadedTable = (
            0.5,
            texts(&["a"]),
            texts(&["x", "y"]),
            vec![1.0],
            vec![1],
            vec![7],
            vec![3],
        );
        assert_eq!(of(&base), of(&base.clone()));
        let changes: [fn(&mut LoadedTable); 8] = [
            |content| content.0 = 0.25,
            |content| content.1 = vec!["b".to_owned()],
            |content| content.2.reverse(),
            |content| content.2 = vec!["xy".to_owned(), String::new()],
            |content| content.3 = vec![1.0 + f32::EPSILON],
            |content| content.4 = vec![0],
            |content| content.5 = vec![8],
            |content| content.6 = vec![4],
        ];
        for (place, change) in changes.iter().enumerate() {
            let mut other = base.clone();
            change(&mut other);
            assert_ne!(of(&base), of(&other), "change {place}");
        }
    }
}
