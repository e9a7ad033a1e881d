//! Questions at the terminal: before something is removed, or replaced.

use std::io::{self, IsTerminal as _, Write as _};

use crate::failure::Failure;

/// Whether to proceed: `yes` was given, or the user confirms at the terminal.
///
/// # Errors
/// When there is no terminal to ask on.
pub fn confirmed(question: &str, yes: bool) -> Result<bool, Failure> {
    if yes {
        return Ok(true);
    }
    if !can_ask() {
        return Err(Failure::input(
            "nothing was removed: there is no terminal to ask on",
            "use --yes to remove without asking",
        ));
    }
    ask(question)
}

/// Whether there is a terminal to ask on.
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks `question` at the terminal; no is the default.
pub fn ask(question: &str) -> Result<bool, Failure> {
    let mut answer = String::new();
    let asked = write!(io::stderr(), "{question} [y/N] ")
        .and_then(|()| io::stderr().flush())
        .and_then(|()| io::stdin().read_line(&mut answer));
    asked.map_err(|error| Failure::environment(format!("cannot ask: {error}"), ""))?;
    let answer = answer.trim().to_ascii_lowercase();
    Ok(matches!(answer.as_str(), "y" | "yes"))
}
