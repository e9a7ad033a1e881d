//! `sweep worker`: train trials on behalf of a coordinator, which starts it.

use std::path::PathBuf;
use std::time::Duration;

use crate::exit::Exit;
use crate::failure::Failure;
use sweep_engine::models::mlp;
use sweep_worker::{RemoteOptions, ServeError, parse_seconds};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// End if nothing arrives from the coordinator for so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    expect_pings: Option<Duration>,

    /// End at once if this file of the coordinator is not visible here
    #[arg(long, value_name = "PATH")]
    expect_file: Option<PathBuf>,
}

/// `sweep worker`.
pub fn worker(arguments: &Arguments) -> Result<Exit, Failure> {
    let remote = RemoteOptions {
        expect_pings: arguments.expect_pings,
        expect_file: arguments.expect_file.clone(),
    };
    match sweep_worker::serve(&mut mlp::Native, &remote) {
        Ok(()) => Ok(Exit::Success),
        Err(ServeError::NotVisible(message)) => {
            // One plain line: the coordinator shows it.
            eprintln!("{message}");
            Ok(Exit::Environment)
        }
        Err(error) => Err(Failure::environment(
            error,
            "`sweep worker` is started by `sweep run`",
        )),
    }
}
