//! Parses arguments, calls, turns the outcome into an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    sweep_cli::main().into()
}
