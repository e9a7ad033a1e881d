//! Values of YAML files: the text of a value is exchanged, all else stays as it is.
//!
//! Invariant: the file is read again after each change, and nothing but the value may differ.

use sweep_core::format::toml_string;
use sweep_core::trial::Value;

use super::error::ConfigError;
use super::json::add;
use super::key::{Key, Step};
use super::place::{Place, at, at_mut, find};
use super::toml::inline;
use super::tree::{Kind, Mark, Node};
use super::yaml_tree::parse;
use crate::values::float_text;

/// `text` with `value` at `key`.
pub fn set(text: &str, key: &Key, value: &Value) -> Result<String, ConfigError> {
    let root = parse(text)?;
    let value = inline(value, yaml_float, ": ");
    let place = find(&root, key)?;
    let changed = match &place {
        Place::Value(places) => {
            at(&root, places).and_then(|node| replace(text, &root, places, node, &value))
        }
        Place::New(places) => at(&root, places).and_then(|table| insert(text, table, key, &value)),
    };
    let problem = "its value cannot be exchanged as it is written; write it on the line of its key";
    let changed = changed.ok_or_else(|| ConfigError::unwritable(key, problem))?;
    match is_right(root, &changed, key, &place, &value) {
        true => Ok(changed),
        false => Err(ConfigError::unwritable(key, problem)),
    }
}

/// A float as YAML 1.1 and 1.2 read it: readers of 1.1, such as PyYAML, take `1e-5` for a text.
fn yaml_float(value: f64) -> String {
    let text = float_text(value);
    if !value.is_finite() {
        return text.replace("nan", ".nan").replace("inf", ".inf");
    }
    let Some((mantissa, exponent)) = text.split_once('e') else {
        return text;
    };
    let point = if mantissa.contains('.') { "" } else { ".0" };
    let sign = if exponent.starts_with('-') { "" } else { "+" };
    format!("{mantissa}{point}e{sign}{exponent}")
}

/// `text` with `value` in place of `node`, whose anchor stays.
fn replace(text: &str, root: &Node, places: &[usize], node: &Node, value: &str) -> Option<String> {
    if let Some(anchor) = &node.anchor {
        let value = format!("&{anchor} {value}");
        return Some([&text[..node.start], &value, &text[node.end..]].concat());
    }
    let is_nothing = matches!(node.kind, Kind::Scalar(_, Mark::Empty));
    let is_block = matches!(node.kind, Kind::List(_) | Kind::Map(_)) && !node.is_flow;
    let (last, outer) = match places.split_last() {
        Some(split) if is_nothing || is_block => split,
        _ => return Some([&text[..node.start], value, &text[node.end..]].concat()),
    };
    // Behind the colon of the key or the dash of the item.
    let place = match &at(root, outer)?.kind {
        Kind::Map(entries) => {
            let key = &entries[*last].0;
            let after = &text[key.end..];
            let blanks = after.len() - after.trim_start_matches([' ', '\t']).len();
            after[blanks..]
                .starts_with(':')
                .then_some(key.end + blanks + 1)?
        }
        _ => {
            let before = text[..node.start].trim_end();
            before.ends_with('-').then_some(before.len())?
        }
    };
    // Comments between stay.
    let (between, after) = match is_block {
        true => (text[place..node.start].trim_end(), &text[node.end..]),
        false => ("", &text[place..]),
    };
    Some([&text[..place], " ", value, between, after].concat())
}

/// `text` with the last part of `key` in `table`: at its beginning, or at its end where it is in braces.
fn insert(text: &str, table: &Node, key: &Key, value: &str) -> Option<String> {
    let (Kind::Map(entries), Some(Step::Name(name))) = (&table.kind, key.steps.last()) else {
        return None;
    };
    let entry = format!("{}: {value}", yaml_key(name));
    if table.is_flow {
        return Some(add(text, table, &entry));
    }
    let line = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let Some((first, _)) = entries.first() else {
        // Nothing but blanks and comments is in the file.
        let end = if text.is_empty() || text.ends_with('\n') {
            ""
        } else {
            line
        };
        return Some([text, end, &entry, line].concat());
    };
    let before = &text[..first.start];
    let indent = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .trim_start_matches('\u{feff}')
        .chars()
        .count();
    let blanks = " ".repeat(indent);
    Some([before, &entry, line, &blanks, &text[first.start..]].concat())
}

/// A name as it is usually written, in quotes where it must be.
fn yaml_key(name: &str) -> String {
    let is_plain = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "_-./".contains(letter));
    let means_more = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    match is_plain && !means_more.contains(&name.to_ascii_lowercase().as_str()) {
        true => name.to_owned(),
        false => toml_string(name),
    }
}

/// Whether `changed` differs from the file at the place alone, and has `value` there.
fn is_right(mut old: Node, changed: &str, key: &Key, place: &Place, value: &str) -> bool {
    let (Ok(mut new), Ok(mut value)) = (parse(changed), parse(value)) else {
        return false;
    };
    let Ok(Place::Value(places)) = find(&new, key) else {
        return false;
    };
    let Some(node) = at_mut(&mut new, &places) else {
        return false;
    };
    value.anchor = node.anchor.clone();
    if !node.is_same(&value) {
        return false;
    }
    match place {
        Place::Value(places) => {
            let (Some(before), Some(after)) = (at_mut(&mut old, places), at_mut(&mut new, places))
            else {
                return false;
            };
            let is_kept = before.anchor == after.anchor;
            *after = before.clone();
            is_kept && new.is_same(&old)
        }
        Place::New(table) => {
            let (
                Some(Node {
                    kind: Kind::Map(entries),
                    ..
                }),
                Some(last),
            ) = (at_mut(&mut new, table), places.last())
            else {
                return false;
            };
            entries.remove(*last);
            new.is_same(&old)
        }
    }
}
