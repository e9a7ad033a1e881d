//! The tree of a YAML file, from the events of the crate `saphyr-parser`.

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use super::error::ConfigError;
use super::json::MAX_DEPTH;
use super::tree::{Kind, Mark, Node};

/// The tree of a file with one document or none.
pub fn parse(text: &str) -> Result<Node, ConfigError> {
    let syntax = |problem: String| ConfigError::Syntax {
        format: "YAML",
        problem,
    };
    let mut reader = Reader::new(text);
    let mut root = None;
    loop {
        match reader.next().map_err(|error| syntax(error.to_string()))?.0 {
            Event::StreamEnd => break,
            Event::DocumentStart(_) if root.is_some() => {
                return Err(syntax(
                    "it has several documents; one can be written".to_owned(),
                ));
            }
            Event::DocumentStart(_) => {
                let (event, span) = reader.next().map_err(|error| syntax(error.to_string()))?;
                root = Some(
                    reader
                        .node(event, span, 0)
                        .map_err(|error| syntax(error.to_string()))?,
                );
            }
            _ => {}
        }
    }
    Ok(root.unwrap_or(Node {
        start: text.len(),
        end: text.len(),
        anchor: None,
        is_flow: false,
        kind: Kind::Map(Vec::new()),
    }))
}

/// Builds the tree from the events of a parser.
struct Reader<'a> {
    text: &'a str,
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    /// Byte offsets of characters, where these differ.
    offsets: Vec<usize>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Reader<'a> {
        let offsets = match text.is_ascii() {
            true => Vec::new(),
            false => text.char_indices().map(|(offset, _)| offset).collect(),
        };
        Reader {
            text,
            parser: Parser::new_from_str(text),
            offsets,
        }
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), ScanError> {
        let end = (Event::StreamEnd, Span::default());
        self.parser.next_event().unwrap_or(Ok(end))
    }

    fn offset(&self, character: usize) -> usize {
        match self.offsets.is_empty() {
            true => character.min(self.text.len()),
            false => self
                .offsets
                .get(character)
                .copied()
                .unwrap_or(self.text.len()),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, ScanError> {
        if depth > MAX_DEPTH {
            let problem = "too many lists and tables are within each other";
            return Err(ScanError::new_str(span.start, problem));
        }
        let start = self.offset(span.start.index());
        let spanned = &self.text[start..self.offset(span.end.index()).max(start)];
        let node = |start, end, kind, anchor: usize| Node {
            start,
            end,
            anchor: (anchor > 0).then(|| anchor_name(spanned)),
            is_flow: !matches!(kind, Kind::Scalar(..)) && bracket(spanned).is_some(),
            kind,
        };
        Ok(match event {
            Event::Alias(_) => {
                let alias = spanned.trim_start_matches('*').trim_end().to_owned();
                node(
                    start,
                    start + spanned.trim_end().len(),
                    Kind::Alias(alias),
                    0,
                )
            }
            Event::Scalar(text, style, anchor, tag) => {
                let end = start + scalar_length(spanned, style);
                let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                let start = match is_block && anchor == 0 && tag.is_none() {
                    true => block_start(self.text, start),
                    false => start,
                };
                let mark = match (tag, style) {
                    (Some(tag), _) => Mark::Tagged(tag.to_string()),
                    (None, ScalarStyle::Plain) if text.is_empty() => Mark::Empty,
                    (None, ScalarStyle::Plain) => Mark::Plain,
                    (None, _) => Mark::Text,
                };
                node(start, end, Kind::Scalar(text.into_owned(), mark), anchor)
            }
            Event::SequenceStart(anchor, _) => {
                let items = self.items(depth)?;
                let first = items.first().map(|item| item.start);
                // The parser counts the first dash in where the list is indented, and not where it is not.
                let dash = self.text[..start]
                    .trim_end()
                    .strip_suffix('-')
                    .map(str::len);
                let start = dash.filter(|_| first == Some(start)).unwrap_or(start);
                let last = items.last().map(|item| item.end);
                let end = self.end(start, last, bracket(spanned), ']');
                node(start, end, Kind::List(items), anchor)
            }
            Event::MappingStart(anchor, _) => {
                let entries = self.entries(depth)?;
                let ends = |(key, value): &(Node, Node)| key.end.max(value.end);
                let last = entries.last().map(ends);
                let end = self.end(start, last, bracket(spanned), '}');
                node(start, end, Kind::Map(entries), anchor)
            }
            _ => return Err(ScanError::new_str(span.start, "a value is missing")),
        })
    }

    fn items(&mut self, depth: usize) -> Result<Vec<Node>, ScanError> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(items),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn entries(&mut self, depth: usize) -> Result<Vec<(Node, Node)>, ScanError> {
        let mut entries = Vec::new();
        loop {
            let key = match self.next()? {
                (Event::MappingEnd, _) => return Ok(entries),
                (event, span) => self.node(event, span, depth + 1)?,
            };
            let (event, span) = self.next()?;
            entries.push((key, self.node(event, span, depth + 1)?));
        }
    }

    /// Where a list or table ends: at its bracket, if it has one `open` bytes behind its start, or with the last in it.
    fn end(&self, start: usize, last: Option<usize>, open: Option<usize>, bracket: char) -> usize {
        let Some(open) = open else {
            return last.unwrap_or(start);
        };
        let from = last.unwrap_or(start + open + 1);
        let mut rest = &self.text[from..];
        loop {
            rest = rest.trim_start_matches([' ', '\t', '\r', '\n', ',', ':', '?']);
            match rest
                .strip_prefix('#')
                .map(|comment| comment.find('\n').unwrap_or(comment.len()))
            {
                Some(length) => rest = &rest[1 + length..],
                None => break,
            }
        }
        self.text.len() - rest.len() + usize::from(rest.starts_with(bracket))
    }
}

/// The place of the bracket of a list or table, behind anchor and tag. Blanks and comments may follow it.
fn bracket(spanned: &str) -> Option<usize> {
    let mut rest = spanned;
    while rest.starts_with(['&', '!']) {
        let end = rest.find(|letter: char| letter.is_ascii_whitespace())?;
        rest = rest[end..].trim_start();
    }
    rest.starts_with(['[', '{'])
        .then_some(spanned.len() - rest.len())
}

/// Bytes of a scalar with anchor and tag. The parser counts blanks and comments behind some.
fn scalar_length(spanned: &str, style: ScalarStyle) -> usize {
    let content = spanned
        .find(['\'', '"'])
        .filter(|_| matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted));
    let Some(open) = content else {
        return spanned.trim_end_matches([' ', '\t', '\r', '\n']).len();
    };
    let bytes = spanned.as_bytes();
    let mut at = open + 1;
    while let Some(byte) = bytes.get(at) {
        match (style, byte) {
            (ScalarStyle::SingleQuoted, b'\'') if bytes.get(at + 1) == Some(&b'\'') => at += 2,
            (ScalarStyle::DoubleQuoted, b'\\') => at += 2,
            (ScalarStyle::SingleQuoted, b'\'') | (ScalarStyle::DoubleQuoted, b'"') => {
                return at + 1;
            }
            _ => at += 1,
        }
    }
    spanned.len()
}

/// Where a block text begins whose first line is at `content`: at its `|` or `>`, on a line before.
fn block_start(text: &str, content: usize) -> usize {
    let before = text[..content].trim_end();
    let line = before.rfind('\n').map_or(0, |end| end + 1);
    let is_header = |(place, _): &(usize, &str)| {
        let rest = before[line + place + 1..]
            .trim_start_matches(|letter: char| letter.is_ascii_digit() || "+-".contains(letter));
        rest.is_empty()
            || rest.trim_start_matches([' ', '\t']).starts_with('#')
                && rest.starts_with([' ', '\t'])
    };
    let header = before[line..].match_indices(['|', '>']).find(is_header);
    header.map_or(content, |(place, _)| line + place)
}

/// The name of the anchor among the properties that `spanned` begins with.
fn anchor_name(spanned: &str) -> String {
    let words = spanned.split_ascii_whitespace();
    let name = words.into_iter().find_map(|word| word.strip_prefix('&'));
    name.unwrap_or_default().to_owned()
}
