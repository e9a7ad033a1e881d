//! Exit codes: part of the public interface, listed in the README.

use std::process::ExitCode;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All that was asked for is done.
    Success = 0,
    /// The machine got in the way: a file, a folder, the database, a worker that cannot start.
    Environment = 1,
    /// What was asked for cannot be done: arguments, experiment file, data.
    Input = 2,
    /// The sweep is over, and some trials have no result.
    TrialsFailed = 3,
    /// Another process is running this sweep.
    Busy = 4,
    /// Predictions are written, and some rows have none.
    RowsLeft = 5,
    /// Ended by `--max-time` or `--max-trials` with trials left; `sweep resume` goes on.
    LimitReached = 6,
    /// Ended by Ctrl-C, `sweep stop` or a termination signal; `sweep resume` goes on.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}
