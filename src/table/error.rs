//! What is wrong with the data, in words a user can act on.
//!
//! Invariant: no text of a file reaches a message except through [`quote`], so a message never
//! carries control characters and is never longer than a few lines.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use sweep_core::sanitize::is_unsafe;

/// Characters of a cell, name or path shown in a message.
const MAX_SHOWN: usize = 60;
/// Column names listed in a message.
const MAX_LISTED: usize = 12;
/// Similarity (Jaro and Winkler) from which a name is offered as the one that was meant.
const NEAR: f64 = 0.8;

/// One thing wrong with a data file or with what an experiment asks of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", self.place())]
pub struct DataError {
    /// Dotted path of the experiment key at fault, such as `data.numeric[2]`.
    pub key: Option<Box<str>>,
    /// The file that was read or written.
    pub file: PathBuf,
    /// Line of `file`, from 1, header included.
    pub line: Option<u64>,
    /// Column of `file`.
    pub column: Option<Box<str>>,
    /// What is wrong.
    pub message: String,
    /// What is allowed, and what to do.
    pub help: Box<str>,
    /// Whether the machine got in the way, and nothing that was asked for is at fault.
    pub is_of_machine: bool,
}

impl DataError {
    /// Something wrong with `file`, and what to do about it.
    pub fn new(file: &Path, message: impl Into<String>, help: impl Into<Box<str>>) -> DataError {
        DataError {
            key: None,
            file: file.to_owned(),
            line: None,
            column: None,
            message: message.into(),
            help: help.into(),
            is_of_machine: false,
        }
    }

    /// Not what was asked for is at fault: a folder that cannot be written, say.
    pub fn of_machine(mut self) -> DataError {
        self.is_of_machine = true;
        self
    }

    /// Blames an experiment key.
    pub fn key(mut self, key: impl Into<Box<str>>) -> DataError {
        self.key = Some(key.into());
        self
    }

    /// Points at a line, from 1.
    pub fn line(mut self, line: u64) -> DataError {
        self.line = Some(line);
        self
    }

    /// Points at a column.
    pub fn column(mut self, column: &str) -> DataError {
        self.column = Some(column.into());
        self
    }

    /// `songs.csv:12: column tempo: `, as far as known.
    fn place(&self) -> String {
        let mut place = escape(&self.file.to_string_lossy());
        if let Some(line) = self.line {
            let _ = write!(place, ":{line}");
        }
        place.push_str(": ");
        if let Some(column) = &self.column {
            let _ = write!(place, "column {}: ", quote(column));
        }
        place
    }
}

/// `text` between backquotes, control characters escaped, cut when long.
pub fn quote(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("`{}`", escape(&shown))
}

/// `text` without characters that move a terminal's cursor or turn its direction of writing.
fn escape(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_unsafe(letter) {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// `did you mean X? ` when one of `names` is near, then the names there are.
pub fn suggest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    // A space around a name in a header is seldom meant.
    let wanted = wanted.trim().to_lowercase();
    let likeness = |name: &str| strsim::jaro_winkler(&wanted, &name.trim().to_lowercase());
    let nearest = names
        .iter()
        .map(|name| (likeness(name), *name))
        .filter(|(likeness, _)| *likeness >= NEAR)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let meant = match nearest {
        Some((_, name)) => format!("did you mean {}? ", quote(name)),
        None => String::new(),
    };
    format!("{meant}there are {}", list(&names))
}

/// The first of `names`, quoted, and how many more there are.
pub fn list(names: &[&str]) -> String {
    let shown: Vec<String> = names
        .iter()
        .take(MAX_LISTED)
        .map(|name| quote(name))
        .collect();
    match names.len().saturating_sub(MAX_LISTED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_shown_without_control_characters_and_cut() {
        assert_eq!(quote("a\u{1b}[31mb\n"), "`a\\u{1b}[31mb\\n`");
        assert_eq!(quote("\u{202e}abc"), "`\\u{202e}abc`");
        assert_eq!(quote(&"é".repeat(100)), format!("`{}…`", "é".repeat(60)));
        assert_eq!(quote("naïve"), "`naïve`");
    }

    #[test]
    fn a_near_name_is_offered_and_a_far_one_is_not() {
        let names = ["danceability", "energy"];
        assert!(suggest("dancability", names).starts_with("did you mean `danceability`?"));
        assert_eq!(suggest("xyz", names), "there are `danceability`, `energy`");
        assert!(suggest("y", ["id", " y"]).starts_with("did you mean ` y`?"));
    }
}
