//! Finds the placeholders in a text, and says what is wrong with those that are none.

use thiserror::Error;

/// What follows the name in a placeholder for all items of a list.
const EACH: &str = "...";

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Text(String),
    Value(String),
    /// All items of a list.
    Each(String),
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("at byte {}: {problem}", offset + 1)]
pub struct TemplateError {
    /// Bytes before the place.
    pub offset: usize,
    /// Bytes that are to be pointed at.
    pub length: usize,
    pub problem: Problem,
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Problem {
    #[error("the placeholder that begins here is not closed; write `{{{{` for a brace")]
    Unclosed,
    #[error("a name is missing in `{{}}`; write `{{{{}}}}` for the two braces")]
    Empty,
    #[error(
        "`{{{name}}}` is no placeholder, because names begin with a letter or `_` and go on with letters, digits and \
         `_ - . /`; write `{{{{` and `}}}}` for braces{}",
        suggestion.as_ref().map(|text| format!(": `{text}`")).unwrap_or_default()
    )]
    OddName {
        name: String,
        /// All of the text with its braces doubled.
        suggestion: Option<String>,
    },
    #[error("`}}` closes nothing here; write `}}}}` for a brace")]
    LoneBrace,
    #[error("`{{{name}...}}` becomes several arguments, so it has to stand alone")]
    NotAlone { name: String },
    #[error(
        "`${{{name}}}` could be meant for the shell; write `${{{{{name}}}}}` for its variable, `{{{name}}}` for the \
         value"
    )]
    Dollar { name: String },
    #[error(
        "no value can be put in {place} of a script; set a variable before, `value={{{name}}}`, and use it here"
    )]
    Unquotable { name: String, place: &'static str },
}

impl Part {
    pub fn name(&self) -> Option<&str> {
        match self {
            Part::Text(_) => None,
            Part::Value(name) | Part::Each(name) => Some(name),
        }
    }
}

/// The pieces of `text`, each with its offset and length.
pub fn parts(text: &str) -> Result<Vec<(usize, usize, Part)>, TemplateError> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut began = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find(['{', '}']) {
        plain.push_str(&text[at..at + found]);
        at += found;
        let rest = &text[at..];
        if rest.starts_with("{{") || rest.starts_with("}}") {
            plain.push_str(&rest[..1]);
            at += 2;
            continue;
        }
        let (length, part) = placeholder(text, at)?;
        if !plain.is_empty() {
            parts.push((began, at - began, Part::Text(std::mem::take(&mut plain))));
        }
        parts.push((at, length, part));
        at += length;
        began = at;
    }
    plain.push_str(&text[at..]);
    if !plain.is_empty() || parts.is_empty() {
        parts.push((began, text.len() - began, Part::Text(plain)));
    }
    Ok(parts)
}

/// The placeholder that begins at `offset`, where a brace stands, and its length.
fn placeholder(text: &str, offset: usize) -> Result<(usize, Part), TemplateError> {
    let error = |length, problem| TemplateError {
        offset,
        length,
        problem,
    };
    let Some(inner) = text[offset..].strip_prefix('{') else {
        return Err(error(1, Problem::LoneBrace));
    };
    let Some(end) = inner.find('}') else {
        return Err(error(1, Problem::Unclosed));
    };
    let length = end + 2;
    let inner = &inner[..end];
    if inner.is_empty() {
        return Err(error(length, Problem::Empty));
    }
    let (name, is_each) = match inner.strip_suffix(EACH) {
        Some(name) => (name, true),
        None => (inner, false),
    };
    if !is_name(name) {
        let suggestion = escaped(text);
        let is_right = parts(&suggestion).is_ok();
        let problem = Problem::OddName {
            name: inner.to_owned(),
            suggestion: is_right.then_some(suggestion),
        };
        return Err(error(length, problem));
    }
    let name = name.to_owned();
    let part = if is_each {
        Part::Each(name)
    } else {
        Part::Value(name)
    };
    Ok((length, part))
}

fn is_name(name: &str) -> bool {
    let mut letters = name.chars();
    letters
        .next()
        .is_some_and(|first| first.is_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_alphanumeric() || "_-./".contains(letter))
        && !name.ends_with('.')
}

/// `text` with all braces doubled but those of placeholders.
fn escaped(text: &str) -> String {
    let mut doubled = String::new();
    let mut rest = text;
    while let Some(found) = rest.find(['{', '}']) {
        let (before, brace) = rest.split_at(found);
        doubled.push_str(before);
        let inner = brace
            .strip_prefix('{')
            .and_then(|inner| inner.split_once('}'));
        let length = match inner {
            Some((inner, _)) if is_name(inner.trim_end_matches(EACH)) => {
                doubled.push_str(&brace[..inner.len() + 2]);
                inner.len() + 2
            }
            _ => {
                doubled.push_str(&brace[..1].repeat(2));
                1
            }
        };
        rest = &brace[length..];
    }
    doubled + rest
}
