//! Why a value could not be written into a file of settings.

use sweep_core::format::pluralize;
use thiserror::Error;

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    #[error("the file is no valid {format}: {problem}")]
    Syntax {
        format: &'static str,
        problem: String,
    },
    #[error(
        "`{key}` is no key of a file of settings: {problem}; a key is such as `train.lr` or `layers[0].size`"
    )]
    Key { key: String, problem: &'static str },
    /// A part of the key is not in the file.
    #[error("{}", missing(key, nearest, name, suggestion.as_deref(), *is_last))]
    Missing {
        key: String,
        /// The longest beginning of the key that is in the file.
        nearest: Option<String>,
        /// The part that is not.
        name: String,
        /// A name there that is much like it.
        suggestion: Option<String>,
        is_last: bool,
    },
    #[error("`{key}` cannot be set, because {} is {found}", shown(at, "the file"))]
    NotATable {
        key: String,
        at: Option<String>,
        found: &'static str,
    },
    #[error(
        "`{key}` cannot be set, because {} has {}; the first is `[0]`",
        shown(at, "the list"),
        pluralize(*length as u64, "item")
    )]
    OutOfRange {
        key: String,
        at: Option<String>,
        length: usize,
    },
    #[error(
        "`{key}` cannot be set, because `{at}` is the alias `*{alias}`; name the key where `&{alias}` stands"
    )]
    Alias {
        key: String,
        at: String,
        alias: String,
    },
    #[error("`{key}` cannot be set: {problem}")]
    Unwritable { key: String, problem: String },
}

/// The beginning of a key in backquotes, or what it is called where there is none.
fn shown(at: &Option<String>, whole: &str) -> String {
    match at {
        Some(at) => format!("`{at}`"),
        None => whole.to_owned(),
    }
}

fn missing(
    key: &str,
    nearest: &Option<String>,
    name: &str,
    suggestion: Option<&str>,
    is_last: bool,
) -> String {
    let place = shown(nearest, "the file");
    let suggestion = suggestion.map(|known| format!("; did you mean `{known}`?"));
    let suggestion = suggestion.unwrap_or_default();
    let add = match is_last {
        true => format!(" (write `+{key}` to add it)"),
        false => String::new(),
    };
    match (nearest, is_last) {
        (None, true) => format!("{place} has no `{name}`{suggestion}{add}"),
        _ => format!("the file has no `{key}`: {place} has no `{name}`{suggestion}{add}"),
    }
}
