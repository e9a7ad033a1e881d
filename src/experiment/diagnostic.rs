//! What is wrong with an experiment, and where: plain data that the command line draws.
//!
//! Every diagnostic points at bytes that exist: of the file, or of one `--set` flag.

use std::fmt;
use std::ops::Range;

/// Most diagnostics that are shown of one file.
pub const MAX_DIAGNOSTICS: usize = 100;

/// Longest message or label, in characters.
const MAX_MESSAGE: usize = 500;
/// Longest word for which a nearest name is looked for, in bytes: the search is quadratic.
const MAX_WORD: usize = 64;

/// Which text a span counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// The experiment file.
    File,
    /// The `--set` flag with this index.
    Flag(usize),
}

/// A range of bytes of one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub origin: Origin,
    pub span: Range<usize>,
}

/// One thing that is wrong, what is allowed instead, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// One sentence: what is wrong and what is allowed.
    pub message: String,
    pub origin: Origin,
    /// Bytes of the text named by `origin`; empty at the place where something is missing.
    pub span: Range<usize>,
    /// A few words to stand under the span; may be empty.
    pub label: String,
    /// What to do, or what was probably meant.
    pub help: Option<String>,
}

impl Diagnostic {
    pub fn new(place: &Place, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            message: message.into(),
            origin: place.origin,
            span: place.span.clone(),
            label: String::new(),
            help: None,
        }
    }

    pub fn label(mut self, label: impl Into<String>) -> Diagnostic {
        self.label = label.into();
        self
    }

    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Diagnostic {}

/// Collects diagnostics, so that reading continues after the first.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<Diagnostic>);

impl Problems {
    pub(super) fn add(&mut self, mut diagnostic: Diagnostic) {
        for text in [&mut diagnostic.message, &mut diagnostic.label] {
            *text = printable(text);
        }
        self.0.push(diagnostic);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The diagnostics by place, or `value` when there are none; it is missing only when something
    /// was reported.
    pub(super) fn or<T>(mut self, value: Option<T>) -> Result<T, Vec<Diagnostic>> {
        if let (Some(value), true) = (value, self.0.is_empty()) {
            return Ok(value);
        }
        self.0
            .sort_by_key(|problem| (problem.origin, problem.span.start));
        Err(self.0)
    }
}

/// The name among `names` that `word` was probably meant to be.
pub(super) fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > MAX_WORD {
        return None;
    }
    // Letters' case is what people get wrong most: `RELU` is `relu`.
    let word = word.to_lowercase();
    names
        .into_iter()
        .map(|name| {
            (
                strsim::damerau_levenshtein(&word, &name.to_lowercase()),
                name,
            )
        })
        .filter(|(distance, name)| *distance <= 1 + name.len().min(word.len()) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// `text` fit for a terminal: keys may hold escape sequences and be as long as the file.
fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(MAX_MESSAGE));
    for (at, char) in text.chars().enumerate() {
        match char {
            _ if at == MAX_MESSAGE => {
                shown.push('…');
                break;
            }
            char if char.is_control() => shown.extend(char.escape_default()),
            char => shown.push(char),
        }
    }
    shown
}

/// Names in backquotes, with commas between.
pub(super) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names
        .into_iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
