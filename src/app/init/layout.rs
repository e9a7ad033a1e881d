//! Lines of an experiment file: keys, and comments beside or above them.
//!
//! Invariant: whatever columns and classes are called, the text is TOML that means them: names stand
//! in strings that escape what has to be, and in comments without what ends a line.

use std::fmt::Write as _;

use sweep_analysis::text::cut;
use sweep_core::format::toml_string;
use sweep_core::sanitize::{display_width, sanitize};

/// Columns of text that a line of comments takes.
const WIDTH: usize = 100;
/// Where comments beside keys begin.
const BESIDE: usize = 36;
/// Longest name that is shown in a comment, in characters.
pub(super) const WIDEST: usize = 32;

/// `line` with a comment beside it, or above it if there is no room.
pub(super) fn aligned(line: &str, about: &str) -> String {
    let (width, length) = (display_width(line), display_width(about));
    match about.is_empty() {
        true => format!("{line}\n"),
        false if width < BESIDE && BESIDE + 2 + length <= WIDTH => {
            format!("{line}{}# {about}\n", " ".repeat(BESIDE - width))
        }
        false if width + 3 + length <= WIDTH => format!("{line} # {about}\n"),
        false => format!("{}{line}\n", comment(about)),
    }
}

/// `text` as comments, its words on lines of limited width.
pub(super) fn comment(text: &str) -> String {
    let mut lines = String::new();
    let mut line = String::from("#");
    for word in sanitize(text).split_whitespace() {
        if line.len() > 1 && display_width(&line) + 1 + display_width(word) > WIDTH {
            let _ = writeln!(lines, "{line}");
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    let _ = writeln!(lines, "{line}");
    lines
}

/// A list of strings.
pub(super) fn list(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| toml_string(name)).collect();
    format!("[{}]", names.join(", "))
}

/// A key, between quotes only if it has to be.
pub(super) fn key(name: &str) -> String {
    let is_bare = |letter: u8| letter.is_ascii_alphanumeric() || b"_-".contains(&letter);
    match !name.is_empty() && name.bytes().all(is_bare) {
        true => name.to_owned(),
        false => toml_string(name),
    }
}

/// A name in a comment.
pub(super) fn quoted(name: &str) -> String {
    format!("`{}`", cut(name, WIDEST))
}
