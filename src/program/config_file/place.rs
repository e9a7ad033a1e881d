//! The place of a key in a tree.

use super::error::ConfigError;
use super::key::{Key, Step};
use super::tree::{Kind, Node};

/// The key of YAML whose value is a table, or a list of tables, that is merged into the one that it stands in.
const MERGE: &str = "<<";

/// Where a key leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// To the value at these places of lists and tables.
    Value(Vec<usize>),
    /// To the table at these places, to which its last part can be added.
    New(Vec<usize>),
}

pub fn find(root: &Node, key: &Key) -> Result<Place, ConfigError> {
    let mut places = Vec::new();
    let mut node = root;
    for (number, step) in key.steps.iter().enumerate() {
        let is_last = number + 1 == key.steps.len();
        match (&node.kind, step) {
            (Kind::Map(entries), Step::Name(name)) => match node.entry(name) {
                Some(place) => {
                    places.push(place);
                    node = &entries[place].1;
                }
                None if is_last && (key.may_add || is_merged(root, node, name)) => {
                    return Ok(Place::New(places));
                }
                None => {
                    let known = entries.iter().filter_map(|(key, _)| key.text());
                    return Err(ConfigError::missing(key, number, known));
                }
            },
            (Kind::List(items), step) if step.index().is_some() => {
                let place = step.index().unwrap_or_default();
                node = items.get(place).ok_or_else(|| ConfigError::OutOfRange {
                    key: key.text.clone(),
                    at: key.beginning(number),
                    length: items.len(),
                })?;
                places.push(place);
            }
            (Kind::Alias(alias), _) => {
                return Err(ConfigError::Alias {
                    key: key.text.clone(),
                    at: key.beginning(number).unwrap_or_default(),
                    alias: alias.clone(),
                });
            }
            _ => return Err(ConfigError::not_a_table(key, number, node.kind_name())),
        }
    }
    Ok(Place::Value(places))
}

/// The node at `places`.
pub fn at<'a>(root: &'a Node, places: &[usize]) -> Option<&'a Node> {
    places
        .iter()
        .try_fold(root, |node, place| match &node.kind {
            Kind::List(items) => items.get(*place),
            Kind::Map(entries) => entries.get(*place).map(|(_, value)| value),
            _ => None,
        })
}

pub fn at_mut<'a>(root: &'a mut Node, places: &[usize]) -> Option<&'a mut Node> {
    places
        .iter()
        .try_fold(root, |node, place| match &mut node.kind {
            Kind::List(items) => items.get_mut(*place),
            Kind::Map(entries) => entries.get_mut(*place).map(|(_, value)| value),
            _ => None,
        })
}

/// Whether `table` has `name` from another one that is merged into it.
fn is_merged(root: &Node, table: &Node, name: &str) -> bool {
    let has = |node: &Node| match &node.kind {
        Kind::Alias(alias) => anchored(root, alias).is_some_and(|node| node.entry(name).is_some()),
        _ => node.entry(name).is_some(),
    };
    let (Kind::Map(entries), Some(place)) = (&table.kind, table.entry(MERGE)) else {
        return false;
    };
    match &entries[place].1.kind {
        Kind::List(merged) => merged.iter().any(has),
        _ => has(&entries[place].1),
    }
}

fn anchored<'a>(node: &'a Node, name: &str) -> Option<&'a Node> {
    if node.anchor.as_deref() == Some(name) {
        return Some(node);
    }
    match &node.kind {
        Kind::List(items) => items.iter().find_map(|item| anchored(item, name)),
        Kind::Map(entries) => entries.iter().find_map(|(_, value)| anchored(value, name)),
        Kind::Scalar(..) | Kind::Alias(_) => None,
    }
}
