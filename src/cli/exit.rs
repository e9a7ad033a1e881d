//! Exit codes: part of the public interface, listed in the README.

use std::process::ExitCode;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything was done.
    Success = 0,
    /// A problem of this machine: a file, a folder, the database, a worker that cannot start, standard output.
    Environment = 1,
    /// Invalid input: arguments, experiment file, data.
    Input = 2,
    /// The sweep has ended, and some trials have no result.
    TrialsFailed = 3,
    /// Another process is running this sweep.
    Busy = 4,
    /// Predictions are written, but some rows have none.
    RowsLeft = 5,
    /// Ended by `--max-time` or `--max-trials` with trials left, which `sweep resume` trains.
    LimitReached = 6,
    /// Interrupted by Ctrl-C, `sweep stop` or a termination signal; `sweep resume` continues.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}
