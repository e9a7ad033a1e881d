//! Commands in messages, as they have to be typed to mean this database.
//!
//! Messages of every crate write a command as `sweep COMMAND` between backticks, and know nothing of how this one was called.
//! Invariant: the flags that choose the database are added here, on the way to the terminal, and nowhere else, so that no hint
//! is without them.

use std::borrow::Cow;
use std::path::Path;
use std::sync::OnceLock;

use sweep_core::format::shell_word;

/// The variable that names the database.
pub const VARIABLE: &str = "SWEEP_STORE";
/// The database without flag and variable.
pub const DEFAULT: &str = "runs/sweep.sqlite";

/// How every command in a message begins.
const COMMAND: &str = "`sweep ";

static FLAGS: OnceLock<String> = OnceLock::new();

/// Repeats `--store` in hints if `store` is not what a command without the flag would use.
pub fn learn_store(store: &Path) {
    let chosen = std::env::var_os(VARIABLE);
    let usual = chosen.as_deref().unwrap_or(DEFAULT.as_ref());
    if store.as_os_str() != usual {
        // Set once: a process carries out one command.
        let _ = FLAGS.set(format!(
            "--store {} ",
            shell_word(&store.display().to_string())
        ));
    }
}

/// `text` with the flags that were learnt in every command that it names.
pub fn with_flags(text: &str) -> Cow<'_, str> {
    match FLAGS.get() {
        Some(flags) => insert(text, flags),
        None => Cow::Borrowed(text),
    }
}

fn insert<'a>(text: &'a str, flags: &str) -> Cow<'a, str> {
    match text.contains(COMMAND) {
        true => Cow::Owned(text.replace(COMMAND, &format!("{COMMAND}{flags}"))),
        false => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_of_a_message_gets_the_flags_and_nothing_else_does() {
        let flags = format!("--store {} ", shell_word("my runs/it's.sqlite"));
        let said = "2 failed; `sweep show q` shows why, `sweep resume q --retry-failed` retries the sweep q";
        assert_eq!(
            insert(said, &flags),
            "2 failed; `sweep --store 'my runs/it'\\''s.sqlite' show q` shows why, \
             `sweep --store 'my runs/it'\\''s.sqlite' resume q --retry-failed` retries the sweep q"
        );
        assert_eq!(insert("a sweep of q", &flags), "a sweep of q");
    }
}
