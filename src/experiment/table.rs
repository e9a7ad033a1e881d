//! Reading the keys of one table: unknown keys and wrong types are reported here and nowhere else.

use super::diagnostic::{Diagnostic, Place, Problems, listed, nearest};
use super::keys::{self, Key};
use super::node::{Content, Entry, Node};
use sweep_core::trial::Kind;

/// A table of the experiment whose keys are known to be among those allowed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table<'a> {
    /// Dotted path, for messages.
    pub path: &'a str,
    keys: &'static [Key],
    node: &'a Node,
}

impl<'a> Table<'a> {
    /// Takes `node` as the table at `path`; reports what is no table and keys not in `keys`.
    pub(super) fn open(
        node: &'a Node,
        path: &'a str,
        keys: &'static [Key],
        problems: &mut Problems,
    ) -> Option<Table<'a>> {
        let names = keys.iter().map(|key| key.name);
        let entries = entries_of(node, path, names.clone(), problems)?;
        for entry in entries {
            if keys.iter().all(|key| key.name != entry.key) {
                unknown_key(entry, path, names.clone(), problems);
            }
        }
        Some(Table { path, keys, node })
    }

    pub(super) fn place(&self) -> &'a Place {
        &self.node.place
    }

    pub(super) fn get(&self, key: &str) -> Option<&'a Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    pub(super) fn entry(&self, key: &str) -> Option<&'a Entry> {
        debug_assert!(self.keys.iter().any(|known| known.name == key));
        self.node.entry(key)
    }

    /// The value at `key` as `convert` takes it; it gives back the node that will not do.
    pub(super) fn read<T>(
        &self,
        key: &str,
        problems: &mut Problems,
        convert: impl Fn(&'a Node) -> Result<T, &'a Node>,
    ) -> Option<T> {
        match convert(self.get(key)?) {
            Ok(value) => Some(value),
            Err(at) => {
                self.refuse(key, at, problems);
                None
            }
        }
    }

    /// Reports that what stands `at`, in the value of `key`, is not what is allowed there.
    pub(super) fn refuse(&self, key: &str, at: &Node, problems: &mut Problems) {
        if let Some(known) = self.keys.iter().find(|known| known.name == key) {
            must_be(&format!("{}.{key}", self.path), known.allowed, at, problems);
        }
    }
}

/// Reports that `node`, at `path`, is not what is `allowed`.
pub(super) fn must_be(path: &str, allowed: &str, node: &Node, problems: &mut Problems) {
    problems.add(
        Diagnostic::new(&node.place, format!("`{path}` must be {allowed}"))
            .label(found_or_meant(allowed, node)),
    );
}

/// What stands at `node`, or the word in quotes among those `allowed` that it was meant to be.
pub(super) fn found_or_meant(allowed: &str, node: &Node) -> String {
    // Times and sizes in quotes are examples, not words to choose from.
    let is_word = |word: &&str| word.starts_with(|c: char| c.is_alphabetic());
    let words = allowed.split('"').skip(1).step_by(2).filter(is_word);
    match node.text().and_then(|text| nearest(text, words)) {
        Some(near) if node.text() != Some(near) => format!("did you mean {near:?}?"),
        _ => format!("this is {}", node.found()),
    }
}

/// The entries of `node`, or a report that there should be a table.
pub(super) fn entries_of<'a>(
    node: &'a Node,
    path: &str,
    names: impl Iterator<Item = &'static str>,
    problems: &mut Problems,
) -> Option<&'a [Entry]> {
    let entries = node.entries();
    if entries.is_none() {
        must_be(
            path,
            &format!("a table with the keys {}", listed(names)),
            node,
            problems,
        );
    }
    entries
}

/// Reports a key that the table at `path` does not have.
pub(super) fn unknown_key(
    entry: &Entry,
    path: &str,
    names: impl Iterator<Item = &'static str> + Clone,
    problems: &mut Problems,
) {
    let message = match path {
        "" => format!("unknown table or key `{}`", entry.key),
        path => format!("unknown key `{}` in `{path}`", entry.key),
    };
    let allowed = format!("allowed here: {}", listed(names.clone()));
    let diagnostic = Diagnostic::new(&entry.key_place, message);
    if let Some(meant) = meant_by(&entry.key, path) {
        problems.add(
            diagnostic
                .label(format!("did you mean {meant}?"))
                .help(allowed),
        );
        return;
    }
    problems.add(match nearest(&entry.key, names) {
        Some(near) => diagnostic
            .label(format!("did you mean `{near}`?"))
            .help(allowed),
        None => match home_of(&entry.key) {
            Some(home) if home != path => diagnostic
                .label("not here")
                .help(format!("it belongs in {home}; {allowed}")),
            _ => diagnostic.label("not known").help(allowed),
        },
    });
}

/// What people mean by a key that other tools have.
fn meant_by(key: &str, path: &str) -> Option<&'static str> {
    match (path, key) {
        ("schedule", "via") => Some("`via` of a table of `slots`"),
        ("data.split", "order" | "order_by" | "sort" | "sort_by" | "date" | "timestamp") => {
            Some("`time`, the column whose order splits the rows")
        }
        ("data.split", "side" | "split" | "by") => {
            Some("`column`, the column that names the split of each row")
        }
        _ => None,
    }
}

/// Where a key that stands in the wrong table belongs.
fn home_of(key: &str) -> Option<&'static str> {
    let has = |keys: &[Key]| keys.iter().any(|known| known.name == key);
    if has(keys::EXPERIMENT) {
        Some("[experiment]")
    } else if has(keys::DATA) {
        Some("[data]")
    } else if has(keys::CATEGORIES) {
        Some("`categories` of [data]")
    } else if has(keys::DATE) {
        Some("an entry of `date` of [data]")
    } else if has(keys::SPLIT) {
        Some("`split` of [data]")
    } else if has(keys::CHECKPOINT) {
        Some("`checkpoint` of [schedule]")
    } else if has(keys::TRANSFER) && Kind::MLP.param(key).is_none() {
        Some("[transfer]")
    } else if has(keys::SCHEDULE) {
        Some("[schedule]")
    } else {
        let mut baselines = Kind::baselines();
        let is_of_baseline = baselines.any(|kind| kind.param(key).is_some());
        match (Kind::MLP.param(key).is_some(), is_of_baseline) {
            (true, true) => Some("[model], [grid] or a [[baseline]] of some kinds"),
            (true, false) => Some("[model] or [grid]"),
            (false, true) => Some("[[baseline]]"),
            (false, false) => None,
        }
    }
}

/// Conversions for [`Table::read`].
pub(super) fn text(node: &Node) -> Result<String, &Node> {
    match node.text() {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(node),
    }
}

pub(super) fn boolean(node: &Node) -> Result<bool, &Node> {
    match node.content {
        Content::Bool(bool) => Ok(bool),
        _ => Err(node),
    }
}

pub(super) fn number(node: &Node) -> Result<f64, &Node> {
    match node.content {
        Content::Int(int) => Ok(int as f64),
        Content::Float(float) if float.is_finite() => Ok(float),
        _ => Err(node),
    }
}

/// A number that may seed something: from 0 to 2^63 - 1.
pub(super) fn seed(node: &Node) -> Result<u64, &Node> {
    match node.content {
        Content::Int(int) => u64::try_from(int).map_err(|_| node),
        _ => Err(node),
    }
}

/// A list of strings that are not empty.
pub(super) fn texts(node: &Node) -> Result<Vec<String>, &Node> {
    node.items().ok_or(node)?.iter().map(text).collect()
}
