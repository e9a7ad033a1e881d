//! The worker's side of the protocol: takes orders on standard input, trains, answers on standard
//! output.
//!
//! A thread of its own reads orders, so that a stop request or the end of the coordinator is noticed
//! in the middle of training. Nothing is shared with it but the stop flag and a channel, in order.

mod attempt_channel;
mod budget;
pub mod checkpoints;
mod group;
mod pause;
mod pings;
mod program;
pub mod progress_log;
mod remote;
mod reporter;
mod trial;

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use attempt_channel::{AttemptChannel, log, send};
use budget::WriteCost;
use pings::LastMessage;
pub use remote::{RemoteOptions, parse_seconds};
use sweep_core::protocol::{FromWorker, Line, PROTOCOL_VERSION, ToWorker, TrainRequest, read_line};
use sweep_core::signals;
use sweep_engine::Backend;
use trial::OpenData;
pub use trial::make_ready;

/// Why a worker cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// This host does not see the folder of the sweep.
    #[error("{0}")]
    NotVisible(String),
    /// The coordinator cannot be spoken to, which means that it is gone.
    #[error("the worker cannot communicate with its coordinator: {0}")]
    Coordinator(#[from] io::Error),
}

/// Serves orders until standard input closes; `backend` trains networks, trees have their own engines. What asks a
/// sweep to stop is ignored: it is the coordinator that asks workers.
///
/// # Errors
/// When the coordinator cannot be spoken to, or this process runs on a host that does not see the folder of the sweep.
pub fn serve(backend: &mut dyn Backend, remote: &RemoteOptions) -> Result<(), ServeError> {
    // Whatever started this process.
    signals::ignore_as_worker();
    let last_message = Arc::new(LastMessage::new());
    match remote.expect_pings {
        // The parent is some other program, and what stops it says nothing of the coordinator.
        Some(limit) => pings::end_without(Arc::clone(&last_message), limit)?,
        None => pause::stop_with_coordinator()?,
    }
    remote.check_visible().map_err(ServeError::NotVisible)?;
    let output = claim_stdout()?;
    let stop = Arc::new(AtomicBool::new(false));
    let (orders, queue) = channel();
    let reader_stop = Arc::clone(&stop);
    thread::Builder::new()
        .name("orders".to_owned())
        .spawn(move || read_orders(&orders, &reader_stop, &last_message))?;
    send(
        &output,
        &FromWorker::Ready {
            protocol: PROTOCOL_VERSION,
            engine: backend.name().to_owned(),
            pid: std::process::id(),
            capacity: backend.capacity(),
        },
    )?;
    let mut data = OpenData::default();
    let mut programs = program::Programs::default();
    let mut write_cost = WriteCost::default();
    for orders in queue {
        let alone = match orders.len() {
            1 => orders,
            _ => group::train(
                backend,
                orders,
                &mut data,
                (&output, &stop),
                &mut write_cost,
            )?,
        };
        for order in alone {
            let mut channel = AttemptChannel::new(order.attempt, &output, &stop);
            let answer = match &order.program {
                Some(program) => programs.run(&order, program, &mut channel),
                None => trial::train(backend, &order, &mut data, &mut channel, &mut write_cost),
            };
            channel.send(&answer);
            if let Some(error) = channel.send_error {
                return Err(error.into());
            }
        }
    }
    Ok(())
}

/// Passes orders on in the order they came in; ends the process when there will be no more.
fn read_orders(orders: &Sender<Vec<TrainRequest>>, stop: &AtomicBool, last_message: &LastMessage) {
    let mut input = io::stdin().lock();
    let mut line = Vec::new();
    while let Ok(Line::Whole) = read_line(&mut input, &mut line) {
        last_message.arrived();
        let next = match serde_json::from_slice(&line) {
            Ok(ToWorker::Train(order)) => vec![*order],
            Ok(ToWorker::TrainBatch { requests }) => requests,
            Ok(ToWorker::Stop) => {
                stop.store(true, Ordering::Relaxed);
                continue;
            }
            Ok(ToWorker::Ping) => continue,
            Err(error) => {
                log(&format!("an order that cannot be read: {error}"));
                std::process::exit(2);
            }
        };
        stop.store(false, Ordering::Relaxed);
        if orders.send(next).is_err() {
            break;
        }
    }
    // The coordinator is gone. Whatever is being trained has its checkpoint; ending at once, with all that a program has
    // started, leaves no process behind.
    program::end_all();
    std::process::exit(0);
}

/// Takes standard output for the protocol alone: whatever a library prints goes to the log.
#[cfg(unix)]
fn claim_stdout() -> io::Result<File> {
    use std::os::fd::{AsFd as _, AsRawFd as _};
    let claimed = io::stdout().as_fd().try_clone_to_owned()?;
    // SAFETY: both descriptors are open; dup2 closes and replaces the first in one step.
    if unsafe { libc::dup2(io::stderr().as_raw_fd(), io::stdout().as_raw_fd()) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(File::from(claimed))
}
