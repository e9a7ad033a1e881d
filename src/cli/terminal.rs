//! The terminal: whether there is one, and writing to it without panicking when it goes away.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// How long something may take before it is said what is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

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

/// Writes `text` and a line's end to standard output; ends quietly when nobody reads it any more.
pub fn print(text: &str) {
    let mut output = io::stdout().lock();
    let written = output.write_all(text.trim_end_matches('\n').as_bytes());
    if written
        .and_then(|()| output.write_all(b"\n"))
        .and_then(|()| output.flush())
        .is_err()
    {
        // `sweep ls | head` closes the pipe: that is no failure.
        std::process::exit(0);
    }
}

/// Does `work`, and says `waits` if it takes long.
pub fn with_patience<T>(waits: &str, work: impl FnOnce() -> T) -> T {
    let (done, wait) = channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            if wait.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                note(waits);
            }
        });
        let result = work();
        drop(done);
        result
    })
}

/// Writes a line to standard error.
pub fn note(text: &str) {
    // Nothing can be done about messages that cannot be written.
    let _ = writeln!(io::stderr(), "{}", text.trim_end_matches('\n'));
}
