//! `sweep completions SHELL`.

use clap_complete::Shell;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The shell to complete for
    shell: Shell,
}

/// Writes the completion script of `command`.
pub fn completions(command: &mut clap::Command, arguments: &Arguments) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, command, "sweep", &mut script);
    terminal::print(&String::from_utf8_lossy(&script));
    Ok(Exit::Success)
}
