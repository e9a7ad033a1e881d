//! Text to token numbers: the checks that a folder's `tokenizer.json` is BERT's, and the `tokenizers`
//! crate that carries it out.
//!
//! Invariant: [`Tokenizer::tokens`] gives the numbers that the published tokenizer gives, for any
//! text, begins and ends with the markers and never exceeds the limit.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;
use tokenizers::utils::truncation::TruncationParams;

use super::error::SentenceError;

/// A BERT tokenizer.
#[derive(Debug)]
pub(crate) struct Tokenizer(tokenizers::Tokenizer);

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    added_tokens: Vec<Added>,
    normalizer: Kind,
    pre_tokenizer: Kind,
    post_processor: Template,
    model: WordPiece,
}

#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Added {
    id: u32,
    content: String,
    single_word: bool,
    lstrip: bool,
    rstrip: bool,
    normalized: bool,
}

#[derive(Deserialize)]
struct Template {
    #[serde(rename = "type")]
    kind: String,
    single: Vec<Part>,
    special_tokens: HashMap<String, Special>,
}

#[derive(Deserialize)]
enum Part {
    SpecialToken { id: String, type_id: u32 },
    Sequence { type_id: u32 },
}

#[derive(Deserialize)]
struct Special {
    ids: Vec<u32>,
}

#[derive(Deserialize)]
struct WordPiece {
    #[serde(rename = "type")]
    kind: String,
    unk_token: String,
    vocab: HashMap<String, u32>,
}

impl Tokenizer {
    /// `limit` counts the markers; tokens from `vocabulary` on are refused.
    pub(crate) fn read(
        path: &Path,
        bytes: &[u8],
        vocabulary: usize,
        limit: usize,
    ) -> Result<Tokenizer, SentenceError> {
        let wrong = |message: String| SentenceError::model(path, message);
        let file: File = serde_json::from_slice(bytes)
            .map_err(|error| wrong(format!("cannot be understood: {error}")))?;
        let kinds = [
            ("normalizer", &file.normalizer.kind, "BertNormalizer"),
            (
                "pre_tokenizer",
                &file.pre_tokenizer.kind,
                "BertPreTokenizer",
            ),
            (
                "post_processor",
                &file.post_processor.kind,
                "TemplateProcessing",
            ),
            ("model", &file.model.kind, "WordPiece"),
        ];
        for (part, has, wants) in kinds {
            if has != wants {
                return Err(wrong(format!("the {part} is {has}, not {wants}")));
            }
        }
        let [begin, end] = markers(&file.post_processor)
            .ok_or_else(|| wrong("a text does not stand between two single markers".to_owned()))?;
        let odd = |added: &Added| {
            let stripped = added.lstrip || added.rstrip;
            stripped || added.single_word || added.normalized || added.content.is_empty()
        };
        if file.added_tokens.iter().any(odd) {
            let message = "an added token is empty, or is stripped, normalized or a single word";
            return Err(wrong(message.to_owned()));
        }
        let vocab = &file.model.vocab;
        if !vocab.contains_key(&file.model.unk_token) {
            let message = format!("{:?} is not in the vocabulary", file.model.unk_token);
            return Err(wrong(message));
        }
        let added = file.added_tokens.iter().map(|added| &added.id);
        let numbers = vocab.values().chain(added).chain([&begin, &end]);
        let highest = numbers.max().expect("two markers");
        if *highest as usize >= vocabulary {
            let message = format!("token {highest} is beyond the {vocabulary} the model knows");
            return Err(wrong(message));
        }
        let not_understood =
            |error: tokenizers::Error| wrong(format!("cannot be understood: {error}"));
        let mut tokenizer = tokenizers::Tokenizer::from_bytes(bytes).map_err(not_understood)?;
        tokenizer.with_padding(None);
        let truncation = TruncationParams {
            max_length: limit,
            ..TruncationParams::default()
        };
        tokenizer
            .with_truncation(Some(truncation))
            .map_err(not_understood)?;
        Ok(Tokenizer(tokenizer))
    }

    /// Token numbers of a text, between the markers, cut at the limit.
    pub(crate) fn tokens(&self, text: &str) -> Vec<u32> {
        // Normalising, splitting and looking up a text fails for no text once the file is sound:
        // unknown words have a token of their own.
        let encoding = self.0.encode_fast(text, true);
        encoding.expect("an unknown token").get_ids().to_vec()
    }
}

/// The marker before a text and the one behind it.
fn markers(template: &Template) -> Option<[u32; 2]> {
    let [
        Part::SpecialToken {
            id: begin,
            type_id: 0,
        },
        Part::Sequence { type_id: 0 },
        Part::SpecialToken {
            id: end,
            type_id: 0,
        },
    ] = template.single.as_slice()
    else {
        return None;
    };
    let number = |name| match template.special_tokens.get(name)?.ids.as_slice() {
        [id] => Some(*id),
        _ => None,
    };
    Some([number(begin)?, number(end)?])
}
