//! Text to token numbers: BERT's normalisation, its splitting into words, and WordPiece.
//!
//! As `tokenizer.json` describes it and the BERT paper's authors define it: control characters go,
//! white space is one separator, CJK ideographs and punctuation stand alone, letters are lowered
//! and lose their accents; each word is then cut greedily into the longest known pieces.
//! Invariant: [`Tokenizer::tokens`] gives the numbers that the published tokenizer gives, for any
//! text, begins and ends with the markers and never exceeds the limit.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;
use unicode_categories::UnicodeCategories;
use unicode_normalization::UnicodeNormalization;

use super::error::SentenceError;

/// Ranges of the ideographs that stand as words of their own.
const IDEOGRAPHS: [(u32, u32); 8] = [
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B920, 0x2CEAF),
    (0x2F800, 0x2FA1F),
];

/// A BERT tokenizer.
#[derive(Debug)]
pub(super) struct Tokenizer {
    normalizer: Normalizer,
    /// Pieces that begin a word.
    first: HashMap<String, u32>,
    /// Pieces that go on with a word, without their prefix.
    later: HashMap<String, u32>,
    unknown: u32,
    /// Characters of the longest word that is cut into pieces; longer ones are unknown.
    max_word: usize,
    /// Texts that stand for one token wherever they occur, such as `[MASK]`.
    added: Vec<(String, u32)>,
    begin: u32,
    end: u32,
    max_tokens: usize,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    added_tokens: Vec<Added>,
    normalizer: Normalizer,
    pre_tokenizer: Kind,
    post_processor: Template,
    model: WordPiece,
}

#[derive(Debug, Deserialize)]
struct Normalizer {
    #[serde(rename = "type")]
    kind: String,
    clean_text: bool,
    handle_chinese_chars: bool,
    strip_accents: Option<bool>,
    lowercase: bool,
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
    continuing_subword_prefix: String,
    max_input_chars_per_word: usize,
    vocab: HashMap<String, u32>,
}

impl Tokenizer {
    /// `limit` counts the markers; tokens from `vocabulary` on are refused.
    pub(super) fn read(
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
        let unknown = *file.model.vocab.get(&file.model.unk_token).ok_or_else(|| {
            wrong(format!(
                "{:?} is not in the vocabulary",
                file.model.unk_token
            ))
        })?;
        let added: Vec<(String, u32)> = file
            .added_tokens
            .into_iter()
            .map(|added| (added.content, added.id))
            .collect();
        let numbers = file
            .model
            .vocab
            .values()
            .chain(added.iter().map(|(_, id)| id));
        let highest = numbers.chain([&begin, &end]).max().expect("two markers");
        if *highest as usize >= vocabulary {
            let message = format!("token {highest} is beyond the {vocabulary} the model knows");
            return Err(wrong(message));
        }
        let prefix = &file.model.continuing_subword_prefix;
        let later = file.model.vocab.iter().filter_map(|(piece, id)| {
            let rest = piece.strip_prefix(prefix.as_str())?;
            (!rest.is_empty()).then(|| (rest.to_owned(), *id))
        });
        Ok(Tokenizer {
            normalizer: file.normalizer,
            later: later.collect(),
            unknown,
            max_word: file.model.max_input_chars_per_word,
            first: file.model.vocab,
            added,
            begin,
            end,
            max_tokens: limit,
        })
    }

    /// Token numbers of a text, between the markers, cut at the limit.
    pub(super) fn tokens(&self, text: &str) -> Vec<u32> {
        let mut tokens = vec![self.begin];
        let room = self.max_tokens - 1;
        let mut rest = text;
        while tokens.len() < room {
            let Some((at, length, id)) = self.next_added(rest) else {
                self.push_words(rest, room, &mut tokens);
                break;
            };
            self.push_words(&rest[..at], room, &mut tokens);
            tokens.push(id);
            rest = &rest[at + length..];
        }
        tokens.truncate(room);
        tokens.push(self.end);
        tokens
    }

    /// Place, length and number of the first added token in `text`; the longest of those there.
    fn next_added(&self, text: &str) -> Option<(usize, usize, u32)> {
        let found = self.added.iter().filter_map(|(content, id)| {
            text.find(content.as_str())
                .map(|at| (at, content.len(), *id))
        });
        found.min_by_key(|(at, length, _)| (*at, usize::MAX - length))
    }

    /// Adds the pieces of the words of `text`, until there are `room` or more.
    fn push_words(&self, text: &str, room: usize, tokens: &mut Vec<u32>) {
        let text = self.normalizer.apply(text);
        for word in text.split(char::is_whitespace) {
            for part in word.split_inclusive(is_punctuation) {
                // The mark that ended the part is a word of its own.
                let mark = part
                    .chars()
                    .next_back()
                    .filter(|last| is_punctuation(*last));
                let (part, mark) = part.split_at(part.len() - mark.map_or(0, char::len_utf8));
                for word in [part, mark].into_iter().filter(|word| !word.is_empty()) {
                    if tokens.len() >= room {
                        return;
                    }
                    self.push_pieces(word, tokens);
                }
            }
        }
    }

    /// Adds the longest known beginning, and again of what is left; or one unknown token.
    fn push_pieces(&self, word: &str, tokens: &mut Vec<u32>) {
        let before = tokens.len();
        let mut rest = match word.chars().count() <= self.max_word {
            true => word,
            false => "",
        };
        let mut pieces = &self.first;
        while !rest.is_empty() {
            let ends = rest.char_indices().rev().map(|(at, c)| at + c.len_utf8());
            let longest = ends
                .into_iter()
                .find_map(|end| pieces.get(&rest[..end]).map(|id| (end, *id)));
            let Some((end, id)) = longest else {
                tokens.truncate(before);
                break;
            };
            tokens.push(id);
            rest = &rest[end..];
            pieces = &self.later;
        }
        if tokens.len() == before {
            tokens.push(self.unknown);
        }
    }
}

impl Normalizer {
    fn apply(&self, text: &str) -> String {
        let mut cleaned = String::with_capacity(text.len() + text.len() / 2);
        for c in text.chars() {
            if self.clean_text && is_noise(c) {
                continue;
            }
            if self.handle_chinese_chars && is_ideograph(c) {
                cleaned.extend([' ', c, ' ']);
            } else if self.clean_text && c.is_whitespace() {
                cleaned.push(' ');
            } else {
                cleaned.push(c);
            }
        }
        if self.strip_accents.unwrap_or(self.lowercase) {
            cleaned = cleaned.nfd().filter(|c| !c.is_mark_nonspacing()).collect();
        }
        match self.lowercase {
            // Letter by letter: a final sigma is lowered like any other.
            true => cleaned.chars().flat_map(char::to_lowercase).collect(),
            false => cleaned,
        }
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

/// Control and format characters, private ones and the mark of broken text.
fn is_noise(c: char) -> bool {
    !matches!(c, '\t' | '\n' | '\r') && (c == '\u{FFFD}' || c.is_other())
}

fn is_ideograph(c: char) -> bool {
    let code = u32::from(c);
    IDEOGRAPHS
        .iter()
        .any(|(first, last)| (*first..=*last).contains(&code))
}

fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation() || c.is_punctuation()
}
