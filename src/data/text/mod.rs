//! Columns of text as features: fitted on training texts, applied to any.
//!
//! Each column is encoded by itself. A further encoder is a variant of [`TextEncoder`] and of
//! `State`, and an arm in each `match` of this folder.
//!
//! Invariant: a missing text is an empty one, a text without a known term is all zeros, and what
//! is encoded depends on nothing but the fitted state and the text.

pub(super) mod fitted;
mod hashing;
#[cfg(any(test, not(feature = "sentence")))]
#[cfg_attr(
    feature = "sentence",
    expect(dead_code, reason = "its test alone uses it")
)]
mod no_sentence;
mod saved;
mod sparse;
mod svd;
mod terms;
#[cfg(test)]
mod tests;
mod tfidf;

pub(super) use fitted::{FittedText, TextField};
pub(super) use saved::{file_bytes, path};
use sweep_core::data_config::{TextEncoder, TextSpec};

use super::columns::{Field, Form};

/// For each of `fields` what the names of its features begin with: `title:tfidf_word`, and
/// `title:tfidf_word#2` for the next one that would be called the same; empty for what is no text.
pub(super) fn names(fields: &[Field], texts: &[TextSpec]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(fields.len());
    for field in fields {
        let Form::Text(at) = field.form else {
            names.push(String::new());
            continue;
        };
        let what = match &texts[at].encoder {
            TextEncoder::Tfidf(tfidf) => format!("tfidf_{}", tfidf.terms.analyzer.name()),
            TextEncoder::Hashing(hashing) => format!("hashing_{}", hashing.terms.analyzer.name()),
            TextEncoder::Sentence(_) => "sentence".to_owned(),
        };
        let plain = format!("{}:{what}", field.name);
        let mut name = plain.clone();
        let mut number = 1;
        while names.contains(&name) {
            number += 1;
            name = format!("{plain}#{number}");
        }
        names.push(name);
    }
    names
}
