//! One setting of a model as a file gives it: read, refused, and shown.

use super::diagnostic::{Diagnostic, Problems, listed, nearest};
use super::node::{Entry, Node};
use super::program::ProgramTable;
use super::table::{must_be, unknown_key};
use sweep_core::trial::models::{InvalidEntry, InvalidParam, OPEN_NAME, is_open_name};
use sweep_core::trial::{Kind, ModelSpec, Value};

/// Most values that a message lists.
const MAX_LISTED: usize = 12;

/// Reports that `node`, at `path`, was `rejected`: at the item or entry that is at fault, if it is one.
pub(super) fn refuse(path: &str, node: &Node, rejected: InvalidParam, problems: &mut Problems) {
    match rejected {
        // The key is known, or there were no value to refuse.
        InvalidParam::Unknown => {}
        InvalidParam::Value { allowed } => must_be(path, &allowed, node, problems),
        InvalidParam::Item { index, allowed } => {
            let item = node.items().and_then(|items| items.get(index));
            must_be(path, &allowed, item.unwrap_or(node), problems);
        }
        InvalidParam::Several(several) => {
            for problem in several {
                refuse(path, node, problem, problems);
            }
        }
        InvalidParam::Entry { name, problem } => {
            let full = format!("{path}.{name}");
            match (problem, node.entry(&name)) {
                (InvalidEntry::Value { allowed }, Some(entry)) => {
                    must_be(&full, &allowed, &entry.value, problems);
                }
                (InvalidEntry::Unknown { allowed, kinds }, Some(entry)) => {
                    unknown_entry(entry, path, &allowed, &kinds, problems);
                }
                (InvalidEntry::Missing { allowed } | InvalidEntry::Value { allowed }, _) => {
                    problems.add(
                        Diagnostic::new(&node.place, format!("`{path}` has no `{name}`"))
                            .label(format!("this is {}", node.found()))
                            .help(format!("`{name}` must be {allowed}")),
                    )
                }
                (InvalidEntry::Unknown { .. }, None) => {
                    must_be(path, "a known table", node, problems)
                }
            }
        }
    }
}

/// Reports an entry that the table at `path` does not have as it stands, but may if it is of one of `kinds`.
fn unknown_entry(
    entry: &Entry,
    path: &str,
    allowed: &[&str],
    kinds: &[&str],
    problems: &mut Problems,
) {
    let message = format!("unknown key `{}` in `{path}`", entry.key);
    let diagnostic = Diagnostic::new(&entry.key_place, message);
    let allowed_here = format!("allowed here: {}", listed(allowed.iter().copied()));
    let kinds: Vec<String> = kinds
        .iter()
        .map(|kind| format!("kind = \"{kind}\""))
        .collect();
    let meant = nearest(&entry.key, allowed.iter().copied());
    problems.add(match (kinds.is_empty(), meant) {
        (false, _) => diagnostic.label("of another kind").help(format!(
            "`{}` goes with {}; {allowed_here}",
            entry.key,
            kinds.join(" or ")
        )),
        (true, Some(meant)) => diagnostic
            .label(format!("did you mean `{meant}`?"))
            .help(allowed_here),
        (true, None) => diagnostic.label("not known").help(allowed_here),
    });
}

/// Whether models of `kind` take a setting called like `entry`, at `path`; reports it otherwise, with the other keys that
/// are `allowed` there.
pub(super) fn is_known(
    kind: Kind,
    entry: &Entry,
    path: &str,
    allowed: impl Iterator<Item = &'static str> + Clone,
    problems: &mut Problems,
) -> bool {
    if kind.param(&entry.key).is_some() {
        return true;
    }
    if !kind.is_open() {
        let names = kind.params().iter().map(|param| param.name);
        unknown_key(entry, path, names.chain(allowed), problems);
        return false;
    }
    let problem = match is_open_name(&entry.key) {
        _ if ProgramTable::reserved().contains(&entry.key.as_str()) => Diagnostic::new(
            &entry.key_place,
            format!("no setting can be called `{}`", entry.key),
        )
        .label("a placeholder that every program has")
        .help(match entry.key.as_str() {
            "seed" => {
                "list the seeds in [experiment]: seeds = [1, 2, 3]; `{seed}` is the trial's own"
            }
            _ => "choose another name",
        }),
        true => return true,
        false => Diagnostic::new(
            &entry.key_place,
            format!("{:?} cannot be the name of a setting", entry.key),
        )
        .help(format!("a setting has {OPEN_NAME}")),
    };
    problems.add(problem);
    false
}

/// The value of `node` for `key` as a model of `kind` shows it.
pub(super) fn setting(kind: Kind, key: &str, node: &Node) -> Result<Value, InvalidParam> {
    match node.value() {
        Ok(value) => canonical(kind, key, &value),
        Err(_) if kind.is_open() => Err(InvalidParam::Value {
            allowed: "a number, a boolean, a string, a list or a table".to_owned(),
        }),
        Err(_) => match kind.param(key) {
            Some(param) => Err(InvalidParam::Value {
                allowed: param.allowed(),
            }),
            None => Err(InvalidParam::Unknown),
        },
    }
}

/// `value` as a model of `kind` shows it once `key` is set to it.
pub(super) fn canonical(kind: Kind, key: &str, value: &Value) -> Result<Value, InvalidParam> {
    let mut model = ModelSpec::new(kind);
    model.set(key, value)?;
    Ok(shown(&model, key))
}

/// The value of `key` in `model`, which has it.
pub(super) fn shown(model: &ModelSpec, key: &str) -> Value {
    model.get(key).cloned().unwrap_or(Value::Bool(false))
}

/// The first of `values`, for a message.
pub(super) fn some_of<'a>(values: impl ExactSizeIterator<Item = &'a Value>) -> String {
    let more = values.len().saturating_sub(MAX_LISTED);
    let shown: Vec<String> = values
        .take(MAX_LISTED)
        .map(|value| format!("`{value}`"))
        .collect();
    match more {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
