//! Whether output may be coloured.

use std::io::{self, IsTerminal as _};

/// Whether tables on standard output may be coloured.
pub fn stdout_has_colour() -> bool {
    io::stdout().is_terminal() && wants_colour()
}

/// Whether messages on standard error may be coloured.
pub fn stderr_has_colour() -> bool {
    io::stderr().is_terminal() && wants_colour()
}

/// `NO_COLOR` (no-color.org) and dumb terminals are respected.
fn wants_colour() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}
