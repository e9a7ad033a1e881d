//! `sweep-torch`: the worker that trains networks with libtorch, on CPUs and on GPUs.
//!
//! Invariant: this program is the only one that knows libtorch; `sweep` starts it as it starts itself.

use std::io::{self, Write as _};
use std::process::ExitCode;

use sweep_torch::{Torch, device};
use sweep_worker::{RemoteOptions, ServeError};

const USAGE: &str = "\
sweep-torch is the worker of `sweep` that trains with libtorch; `sweep run` starts it.

  sweep-torch worker [cpu|cuda]   serve orders on standard input, on a CPU or on the first visible GPU
      --expect-pings SECONDS      end if nothing arrives for so long
      --expect-file PATH          end at once if this file is not visible here
  sweep-torch devices             say what libtorch can train on here, as JSON";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["worker", "cuda", ref remote @ ..] => serve(device::first_gpu(), remote),
        ["worker", "cpu", ref remote @ ..] | ["worker", ref remote @ ..] => {
            serve(Ok(tch::Device::Cpu), remote)
        }
        ["devices"] => print(&device::describe().to_string()),
        ["--version"] => print(concat!("sweep-torch ", env!("CARGO_PKG_VERSION"))),
        ["--help" | "help"] => print(USAGE),
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Writes `text` and a line's end to standard output.
fn print(text: &str) -> ExitCode {
    let mut output = io::stdout().lock();
    let written = writeln!(output, "{text}").and_then(|()| output.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("standard output cannot be written: {error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

/// Serves orders on `device` until the coordinator is gone; `remote` is the rest of the command line.
fn serve(device: Result<tch::Device, String>, remote: &[&str]) -> ExitCode {
    let remote = match RemoteOptions::parse(remote) {
        Ok(remote) => remote,
        Err(why) => {
            eprintln!("{why}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let served = device.and_then(|device| {
        sweep_worker::serve(&mut Torch::new(device), &remote).map_err(|error| match error {
            ServeError::NotVisible(_) => error.to_string(),
            ServeError::Coordinator(_) => {
                format!("{error}; `sweep-torch worker` is started by `sweep run`")
            }
        })
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}
