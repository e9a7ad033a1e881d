//! `--set` flags: keys of the experiment set from the command line, before anything is checked.
//!
//! What a flag sets carries the place of the flag, so that its errors name the flag.

use super::diagnostic::{Diagnostic, Origin, Place};
use super::keys::{BASELINE, GRID};
use super::node::{self, Content, Entry, Node};

/// Applies one flag, `model.epochs=5`, to the tree of the file.
///
/// # Errors
/// When the flag is no key and value, or leads into a list that is not there.
pub(super) fn apply(root: &mut Node, index: usize, flag: &str) -> Result<(), Diagnostic> {
    let origin = Origin::Flag(index);
    let whole = Place {
        origin,
        span: 0..flag.len(),
    };
    let Some(equals) = flag.find('=') else {
        return Err(Diagnostic::new(&whole, "a flag must read KEY=VALUE")
            .help("for example --set model.epochs=5"));
    };
    let path = path(&flag[..equals], origin)?;
    let value = value(&flag[equals + 1..], equals + 1, origin)?;
    remove_conflicting(root, &path);
    put(root, &path, value)
}

/// The keys of `flag`'s path, as axes and settings of one thing share them: `model.lr` and `grid.lr` are one.
fn keys(flag: &str) -> Vec<&str> {
    let path = flag.split('=').next().unwrap_or_default();
    let mut keys: Vec<&str> = path.split('.').map(str::trim).collect();
    match keys.as_slice() {
        ["grid", key] if !GRID.contains(key) => keys[0] = "model",
        ["baseline", _, "grid", key] if !GRID.contains(key) => drop(keys.remove(2)),
        _ => {}
    }
    keys
}

/// Whether two flags set the same key.
pub fn is_of_key(flag: &str, other: &str) -> bool {
    keys(flag) == keys(other)
}

/// The first of `flags` that a later one makes void, and that one: both set the same key, or the later one a table
/// around it.
pub fn overridden(flags: &[String]) -> Option<(&str, &str)> {
    flags.iter().enumerate().find_map(|(at, flag)| {
        let key = keys(flag);
        let later = flags[at + 1..].iter();
        let mut voids = later.filter(|later| key.starts_with(&keys(later)));
        Some((flag.as_str(), voids.next()?.as_str()))
    })
}

/// One key of a dotted path, and its bytes in the flag.
struct Step {
    key: String,
    place: Place,
}

fn path(text: &str, origin: Origin) -> Result<Vec<Step>, Diagnostic> {
    let mut steps = Vec::new();
    let mut start = 0;
    for part in text.split('.') {
        let place = Place {
            origin,
            span: start..start + part.len(),
        };
        start += part.len() + 1;
        let key = part.trim();
        if key.is_empty() {
            return Err(Diagnostic::new(&place, "a key is missing here")
                .help("for example --set model.epochs=5"));
        }
        if key.contains(['"', '\'']) {
            return Err(
                Diagnostic::new(&place, "a flag cannot set a key that needs quotes")
                    .help("set this key in the file"),
            );
        }
        steps.push(Step {
            key: key.to_owned(),
            place,
        });
    }
    Ok(steps)
}

/// A TOML value; a bare word is taken as a string, since shells eat quotes.
fn value(text: &str, shift: usize, origin: Origin) -> Result<Node, Diagnostic> {
    let bare = text.trim();
    if bare.is_empty() {
        let place = Place {
            origin,
            span: shift..shift + text.len(),
        };
        return Err(Diagnostic::new(&place, "a value is missing here")
            .help("for example --set model.epochs=5"));
    }
    let is_word = bare
        .chars()
        .all(|letter| letter.is_alphanumeric() || "_-./:".contains(letter));
    match node::parse_value(text, shift, origin) {
        // What is no TOML by itself, such as `adam`, `data/songs.csv`, `grid:best` or `3fa9c1`.
        Err(_) if is_word => Ok(Node {
            place: Place {
                origin,
                span: shift..shift + text.len(),
            },
            content: Content::Text(bare.to_owned()),
        }),
        value => value,
    }
}

/// A key is either fixed or an axis: setting it as one takes it away as the other.
fn remove_conflicting(root: &mut Node, path: &[Step]) {
    let keys: Vec<&str> = path.iter().map(|step| step.key.as_str()).collect();
    match keys.as_slice() {
        ["model", key, ..] => remove(root, &["grid"], key),
        ["grid", key, ..] if !GRID.contains(key) => remove(root, &["model"], key),
        ["baseline", at, "grid", key, ..] if !GRID.contains(key) => {
            remove(root, &["baseline", at], key);
        }
        ["baseline", at, key, ..] if !BASELINE.contains(key) => {
            remove(root, &["baseline", at, "grid"], key);
        }
        _ => {}
    }
}

fn remove(root: &mut Node, path: &[&str], key: &str) {
    let mut node = root;
    for step in path {
        let next = match &mut node.content {
            Content::Table(entries) => entries
                .iter_mut()
                .find(|entry| entry.key == *step)
                .map(|entry| &mut entry.value),
            Content::List(items) => step.parse().ok().and_then(|at: usize| items.get_mut(at)),
            _ => None,
        };
        match next {
            Some(next) => node = next,
            None => return,
        }
    }
    if let Content::Table(entries) = &mut node.content {
        entries.retain(|entry| entry.key != key);
    }
}

/// Sets the value at `path`, making tables on the way.
fn put(node: &mut Node, path: &[Step], value: Node) -> Result<(), Diagnostic> {
    let [step, rest @ ..] = path else {
        *node = value;
        return Ok(());
    };
    if let Content::List(items) = &mut node.content {
        let length = items.len();
        let at = step.key.parse().ok().filter(|at: &usize| *at < length);
        return match at {
            Some(at) => put(&mut items[at], rest, value),
            None => Err(Diagnostic::new(
                &step.place,
                "this must be the index of an entry, counted from 0",
            )
            .label(match length {
                0 => "the list is empty".to_owned(),
                1 => "only 0".to_owned(),
                length => format!("0 to {}", length - 1),
            })),
        };
    }
    if !matches!(node.content, Content::Table(_)) {
        node.content = Content::Table(Vec::new());
        node.place = step.place.clone();
    }
    let Content::Table(entries) = &mut node.content else {
        return Ok(());
    };
    let at = match entries.iter().position(|entry| entry.key == step.key) {
        Some(at) => at,
        None => {
            entries.push(Entry {
                key: step.key.clone(),
                key_place: step.place.clone(),
                value: Node {
                    place: step.place.clone(),
                    content: Content::Table(Vec::new()),
                },
            });
            entries.len() - 1
        }
    };
    if rest.is_empty() {
        entries[at].key_place = step.place.clone();
    }
    put(&mut entries[at].value, rest, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_that_a_later_one_makes_void_is_found() {
        let void = |flags: &[&str]| {
            let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
            overridden(&flags).map(|(flag, later)| (flag.to_owned(), later.to_owned()))
        };
        let pair = |one: &str, two: &str| Some((one.to_owned(), two.to_owned()));
        for (one, two) in [
            ("model.lr=1", "model.lr=2"),
            ("model.lr=1", "model . lr = 2"),
            ("model.lr=1", "grid.lr=[1, 2]"),
            ("baseline.0.eta=1", "baseline.0.grid.eta=[1, 2]"),
            (
                "model.early_stopping.patience=3",
                "model.early_stopping={patience=4}",
            ),
        ] {
            assert_eq!(void(&[one, "data.path=a.csv", two]), pair(one, two));
        }
        assert_eq!(
            void(&[
                "model.early_stopping={patience=4}",
                "model.early_stopping.patience=3",
                "baseline.0.eta=1",
                "baseline.1.eta=1",
                "grid.zip=[]",
                "grid.lr=[1]"
            ]),
            None
        );
    }
}
