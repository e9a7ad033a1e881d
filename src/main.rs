//! Parses arguments, calls, turns the outcome into an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    sweep::cli::main().into()
}
