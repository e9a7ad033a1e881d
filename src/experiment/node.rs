//! An experiment as a tree in which every key and value knows its place.
//!
//! Entries of a table stand in file order, which is what orders the axes of a grid.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::{Diagnostic, Origin, Place};
use sweep_core::trial::Value;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub place: Place,
    pub content: Content,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Table(Vec<Entry>),
    /// What TOML has and an experiment has no use for, named for messages.
    Other(&'static str),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub key: String,
    pub key_place: Place,
    pub value: Node,
}

/// Parses a whole file; syntax errors come all at once.
pub(super) fn parse_file(text: &str) -> Result<Node, Vec<Diagnostic>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(errors
            .into_iter()
            .map(|error| syntax(&error, text, 0, Origin::File))
            .collect());
    }
    Ok(Node {
        place: Place {
            origin: Origin::File,
            span: 0..0,
        },
        content: Content::Table(entries(table.get_ref(), 0, Origin::File)),
    })
}

/// Parses one value of a flag, which begins at byte `shift` of it.
pub(super) fn parse_value(text: &str, shift: usize, origin: Origin) -> Result<Node, Diagnostic> {
    match DeValue::parse(text) {
        Ok(value) => Ok(node(&value, shift, origin)),
        Err(error) => Err(syntax(&error, text, shift, origin)),
    }
}

impl Node {
    /// The value as a setting; the node that is none otherwise.
    pub(super) fn value(&self) -> Result<Value, &Node> {
        Ok(match &self.content {
            Content::Bool(bool) => Value::Bool(*bool),
            Content::Int(int) => Value::Int(*int),
            Content::Float(float) => Value::Float(*float),
            Content::Text(text) => Value::Text(text.clone()),
            Content::List(items) => {
                Value::List(items.iter().map(Node::value).collect::<Result<_, _>>()?)
            }
            Content::Table(entries) => Value::Table(
                entries
                    .iter()
                    .map(|entry| Ok((entry.key.clone(), entry.value.value()?)))
                    .collect::<Result<BTreeMap<_, _>, _>>()?,
            ),
            Content::Other(_) => return Err(self),
        })
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn items(&self) -> Option<&[Node]> {
        match &self.content {
            Content::List(items) => Some(items),
            _ => None,
        }
    }

    pub(super) fn entries(&self) -> Option<&[Entry]> {
        match &self.content {
            Content::Table(entries) => Some(entries),
            _ => None,
        }
    }

    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries()?.iter().find(|entry| entry.key == key)
    }

    /// What stands here, for a message: a short scalar as written, otherwise its type.
    pub(super) fn found(&self) -> String {
        match &self.content {
            Content::Bool(bool) => format!("{bool}"),
            Content::Int(int) => format!("{int}"),
            Content::Float(float) => format!("{}", Value::Float(*float)),
            Content::Text(text) if text.chars().count() <= 40 => format!("{text:?}"),
            Content::Text(_) => "a string".to_owned(),
            Content::List(items) if items.is_empty() => "an empty list".to_owned(),
            Content::List(_) => "a list".to_owned(),
            Content::Table(entries) if entries.is_empty() => "an empty table".to_owned(),
            Content::Table(_) => "a table".to_owned(),
            Content::Other(name) => (*name).to_owned(),
        }
    }
}

fn entries(table: &DeTable<'_>, shift: usize, origin: Origin) -> Vec<Entry> {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            key_place: Place {
                origin,
                span: shifted(key.span(), shift),
            },
            value: node(value, shift, origin),
        })
        .collect();
    entries.sort_by_key(|entry| entry.key_place.span.start);
    entries
}

fn node(value: &Spanned<DeValue<'_>>, shift: usize, origin: Origin) -> Node {
    let content = match value.get_ref() {
        DeValue::Boolean(bool) => Content::Bool(*bool),
        DeValue::Integer(int) => match i64::from_str_radix(int.as_str(), int.radix()) {
            Ok(int) => Content::Int(int),
            Err(_) => Content::Other("an integer of more than 64 bits"),
        },
        DeValue::Float(float) => match float.as_str().parse() {
            Ok(float) => Content::Float(float),
            Err(_) => Content::Other("a malformed number"),
        },
        DeValue::String(text) => Content::Text(text.to_string()),
        DeValue::Datetime(_) => Content::Other("a date"),
        DeValue::Array(items) => {
            Content::List(items.iter().map(|item| node(item, shift, origin)).collect())
        }
        DeValue::Table(table) => Content::Table(entries(table, shift, origin)),
    };
    Node {
        place: Place {
            origin,
            span: shifted(value.span(), shift),
        },
        content,
    }
}

fn syntax(error: &toml::de::Error, text: &str, shift: usize, origin: Origin) -> Diagnostic {
    let place = Place {
        origin,
        span: shifted(error.span().unwrap_or(text.len()..text.len()), shift),
    };
    Diagnostic::new(&place, format!("not valid TOML: {}", error.message()))
}

fn shifted(span: Range<usize>, by: usize) -> Range<usize> {
    span.start + by..span.end + by
}
