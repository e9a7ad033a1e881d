//! Values of JSON files.

use sweep_core::trial::Value;

use super::error::ConfigError;
use super::key::{Key, Step};
use super::place::{Place, at, find};
use super::tree::{Kind, Mark, Node};
use crate::values::{json_string, to_json_text};

/// Most lists and tables within each other.
pub const MAX_DEPTH: usize = 128;

/// `text` with `value` at `key`.
pub fn set(text: &str, key: &Key, value: &Value) -> Result<String, ConfigError> {
    let root = parse(text)?;
    let value = to_json_text(value);
    match find(&root, key)? {
        Place::Value(places) => match at(&root, &places) {
            Some(node) => Ok([&text[..node.start], &value, &text[node.end..]].concat()),
            None => Ok(text.to_owned()),
        },
        Place::New(places) => match (at(&root, &places), key.steps.last()) {
            (Some(table), Some(Step::Name(name))) => {
                let entry = format!("{}: {value}", json_string(name));
                Ok(add(text, table, &entry))
            }
            _ => Ok(text.to_owned()),
        },
    }
}

/// `text` with `entry` at the end of a table in braces, with the blanks that the first one has before it.
pub fn add(text: &str, table: &Node, entry: &str) -> String {
    let Kind::Map(entries) = &table.kind else {
        return text.to_owned();
    };
    let (Some((first, _)), Some((_, last))) = (entries.first(), entries.last()) else {
        let end = table.end - 1;
        return [&text[..end], entry, &text[end..]].concat();
    };
    let before = &text[..first.start];
    let blanks = &before[before.trim_end().len()..];
    let blanks = if blanks.is_empty() { " " } else { blanks };
    [&text[..last.end], ",", blanks, entry, &text[last.end..]].concat()
}

fn parse(text: &str) -> Result<Node, ConfigError> {
    let mut parser = Parser { text, at: 0 };
    let node = parser.node(0).and_then(|node| {
        parser.blanks();
        match parser.at == text.len() {
            true => Ok(node),
            false => Err("something follows the value"),
        }
    });
    node.map_err(|problem| {
        let before = &text[..parser.at];
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            + 1;
        ConfigError::Syntax {
            format: "JSON",
            problem: format!("{problem} at line {line}, column {column}"),
        }
    })
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn node(&mut self, depth: usize) -> Result<Node, &'static str> {
        self.blanks();
        if depth > MAX_DEPTH {
            return Err("too many lists and tables are within each other");
        }
        let start = self.at;
        let kind = match self.peek() {
            Some(b'{') => self.map(depth)?,
            Some(b'[') => self.list(depth)?,
            Some(b'"') => Kind::Scalar(self.string()?, Mark::Text),
            _ => self.word()?,
        };
        Ok(Node {
            start,
            end: self.at,
            anchor: None,
            is_flow: matches!(kind, Kind::Map(_) | Kind::List(_)),
            kind,
        })
    }

    fn map(&mut self, depth: usize) -> Result<Kind, &'static str> {
        let mut entries = Vec::new();
        self.at += 1;
        self.blanks();
        if self.take(b'}') {
            return Ok(Kind::Map(entries));
        }
        loop {
            self.blanks();
            if self.peek() != Some(b'"') {
                return Err("a name in double quotes is missing");
            }
            let key = self.node(depth + 1)?;
            self.blanks();
            if !self.take(b':') {
                return Err("`:` is missing");
            }
            entries.push((key, self.node(depth + 1)?));
            self.blanks();
            if self.take(b'}') {
                return Ok(Kind::Map(entries));
            }
            if !self.take(b',') {
                return Err("`,` or `}` is missing");
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Kind, &'static str> {
        let mut items = Vec::new();
        self.at += 1;
        self.blanks();
        if self.take(b']') {
            return Ok(Kind::List(items));
        }
        loop {
            items.push(self.node(depth + 1)?);
            self.blanks();
            if self.take(b']') {
                return Ok(Kind::List(items));
            }
            if !self.take(b',') {
                return Err("`,` or `]` is missing");
            }
        }
    }

    fn string(&mut self) -> Result<String, &'static str> {
        let rest = &self.text[self.at..];
        let mut end = 1;
        while let Some(found) = rest.get(end..).and_then(|rest| rest.find(['"', '\\'])) {
            end += found + 1;
            if rest.as_bytes()[end - 1] == b'"' {
                let text = serde_json::from_str(&rest[..end]).map_err(|_| "this is no string")?;
                self.at += end;
                return Ok(text);
            }
            // What is escaped may be longer than a byte, and then is no string anyway.
            end += rest[end..].chars().next().map_or(1, char::len_utf8);
        }
        Err("the string that begins here does not end")
    }

    /// A number or a word; also what Python writes for numbers that are not finite.
    fn word(&mut self) -> Result<Kind, &'static str> {
        let rest = &self.text[self.at..];
        let end =
            rest.find(|letter: char| !(letter.is_ascii_alphanumeric() || "+-.".contains(letter)));
        let word = &rest[..end.unwrap_or(rest.len())];
        let is_python = matches!(word, "NaN" | "Infinity" | "-Infinity");
        if !is_python && serde_json::from_str::<serde_json::Value>(word).is_err() {
            let error = if word.is_empty() {
                "a value is missing"
            } else {
                "this is no value"
            };
            return Err(error);
        }
        self.at += word.len();
        Ok(Kind::Scalar(word.to_owned(), Mark::Plain))
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
    }
}
