//! `sweep completions SHELL`.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{Exit, Failure, terminal};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The shell to complete for
    shell: Shell,
}

pub fn completions(arguments: &Arguments) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    let mut command = super::Arguments::command();
    clap_complete::generate(arguments.shell, &mut command, "sweep", &mut script);
    terminal::print(&String::from_utf8_lossy(&script));
    Ok(Exit::Success)
}
