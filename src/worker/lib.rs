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
mod program;
pub mod progress_log;
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
use sweep_core::protocol::{FromWorker, Line, PROTOCOL_VERSION, ToWorker, TrainRequest, read_line};
use sweep_core::signals;
use sweep_engine::Backend;
use trial::OpenData;
pub use trial::make_ready;

/// Serves orders until standard input closes; `backend` trains networks, trees have their own engines. What asks a
/// sweep to stop is ignored: it is the coordinator that asks workers.
///
/// # Errors
/// When the coordinator cannot be spoken to, which means that it is gone.
pub fn serve(backend: &mut dyn Backend) -> io::Result<()> {
    // Whatever started this process.
    signals::ignore_as_worker();
    pause::stop_with_coordinator()?;
    let output = claim_stdout()?;
    let stop = Arc::new(AtomicBool::new(false));
    let (orders, queue) = channel();
    let reader_stop = Arc::clone(&stop);
    thread::Builder::new()
        .name("orders".to_owned())
        .spawn(move || read_orders(&orders, &reader_stop))?;
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
                return Err(error);
            }
        }
    }
    Ok(())
}

/// Passes orders on in the order they came in; ends the process when there will be no more.
fn read_orders(orders: &Sender<Vec<TrainRequest>>, stop: &AtomicBool) {
    let mut input = io::stdin().lock();
    let mut line = Vec::new();
    while let Ok(Line::Whole) = read_line(&mut input, &mut line) {
        let next = match serde_json::from_slice(&line) {
            Ok(ToWorker::Train(order)) => vec![*order],
            Ok(ToWorker::TrainBatch { requests }) => requests,
            Ok(ToWorker::Stop) => {
                stop.store(true, Ordering::Relaxed);
                continue;
            }
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
