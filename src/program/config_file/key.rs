//! Dotted keys of files of settings.

use std::fmt;

use super::error::ConfigError;

/// A key such as `optimizer.params[0].lr`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Without its `+`.
    pub text: String,
    /// At least one.
    pub steps: Vec<Step>,
    /// Whether the last part may be missing in the file.
    pub may_add: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Name(String),
    /// Of an item of a list, from 0.
    Index(usize),
}

impl Key {
    pub fn parse(text: &str) -> Result<Key, ConfigError> {
        let (plain, may_add) = match text.strip_prefix('+') {
            Some(plain) => (plain, true),
            None => (text, false),
        };
        let steps = steps(plain).map_err(|problem| ConfigError::Key {
            key: text.to_owned(),
            problem,
        })?;
        Ok(Key {
            text: plain.to_owned(),
            steps,
            may_add,
        })
    }

    /// The first `length` parts, as text; `None` for none.
    pub fn beginning(&self, length: usize) -> Option<String> {
        let mut text = String::new();
        for step in &self.steps[..length] {
            if matches!(step, Step::Name(_)) && !text.is_empty() {
                text.push('.');
            }
            text.push_str(&step.to_string());
        }
        (length > 0).then_some(text)
    }
}

impl ConfigError {
    /// Part `place` of `key` is not there, but the names `known`.
    pub(super) fn missing<'a>(
        key: &Key,
        place: usize,
        known: impl Iterator<Item = &'a str>,
    ) -> ConfigError {
        let name = key.steps[place].to_string();
        let alike = known
            .map(|known| (strsim::jaro_winkler(known, &name), known))
            .filter(|(likeness, _)| *likeness > 0.8)
            .max_by(|(a, _), (b, _)| a.total_cmp(b));
        ConfigError::Missing {
            key: key.text.clone(),
            nearest: key.beginning(place),
            suggestion: alike.map(|(_, known)| known.to_owned()),
            is_last: place + 1 == key.steps.len(),
            name,
        }
    }

    pub(super) fn not_a_table(key: &Key, place: usize, found: &'static str) -> ConfigError {
        ConfigError::NotATable {
            key: key.text.clone(),
            at: key.beginning(place),
            found,
        }
    }

    pub(super) fn unwritable(key: &Key, problem: impl Into<String>) -> ConfigError {
        ConfigError::Unwritable {
            key: key.text.clone(),
            problem: problem.into(),
        }
    }
}

impl Step {
    /// The place in a list; as in OmegaConf, `params.0` is one too.
    pub fn index(&self) -> Option<usize> {
        match self {
            Step::Index(index) => Some(*index),
            Step::Name(name) => name.parse().ok(),
        }
    }
}

/// As in a key.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Name(name) if name.contains(['.', '[', ']', '"']) => write!(f, "{name:?}"),
            Step::Name(name) => f.write_str(name),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}

fn steps(text: &str) -> Result<Vec<Step>, &'static str> {
    let mut steps = Vec::new();
    let mut rest = text;
    loop {
        if let Some(inner) = rest.strip_prefix('[') {
            let (index, after) = inner.split_once(']').ok_or("`]` is missing")?;
            steps.push(Step::Index(
                index.parse().map_err(|_| "a number is missing in `[]`")?,
            ));
            rest = after;
        } else if let Some(inner) = rest.strip_prefix('"') {
            let (name, after) = inner.split_once('"').ok_or("the last quote is missing")?;
            steps.push(Step::Name(name.to_owned()));
            rest = after;
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            if name.is_empty() {
                return Err("a part is empty");
            }
            if name.contains(['"', ']']) {
                return Err("a part with `\"` or `]` stands in double quotes");
            }
            steps.push(Step::Name(name.to_owned()));
            rest = after;
        }
        match rest.chars().next() {
            None => return Ok(steps),
            Some('.') => rest = &rest[1..],
            Some('[') => continue,
            Some(_) => return Err("`.` is missing between two parts"),
        }
        if rest.starts_with('[') {
            return Err("`[` follows a part without `.`");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_names_and_places() {
        let key = Key::parse("+optimizer.params[0][12].\"a.b\".lr").unwrap();
        let name = |name: &str| Step::Name(name.to_owned());
        let expected = [
            name("optimizer"),
            name("params"),
            Step::Index(0),
            Step::Index(12),
            name("a.b"),
            name("lr"),
        ];
        assert_eq!(key.steps, expected);
        assert!(key.may_add);
        assert_eq!(key.beginning(6).unwrap(), key.text);
        assert_eq!(Key::parse("[0].a").unwrap().beginning(2).unwrap(), "[0].a");
        assert_eq!(Key::parse("a-b_é/c d").unwrap().steps, [name("a-b_é/c d")]);
    }

    #[test]
    fn odd_keys_are_refused() {
        for text in [
            "", "+", ".", "a.", ".a", "a..b", "a[", "a[]", "a[x]", "a[-1]", "a[0]b", "a.[0]",
            "\"a", "a\"b\"", "a]",
        ] {
            assert!(Key::parse(text).is_err(), "{text}");
        }
    }
}
