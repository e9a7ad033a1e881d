//! Several orders at once: networks that are trained together.
//!
//! Invariant: every order gets exactly one last word, said as soon as it is known; or it is given back
//! to be carried out alone.

use std::fs::File;
use std::io;
use std::sync::atomic::AtomicBool;

use super::attempt_channel::AttemptChannel;
use super::budget::{Budget, WriteCost};
use super::checkpoints;
use super::reporter::Reporter;
use super::trial::{OpenData, StoppedAt, begin, conclude};
use sweep_core::protocol::{Checkpointing, FromWorker, TrainRequest};
use sweep_engine::{Backend, BatchedTrial, EngineError, Job, Outcome};

/// An order that has been begun.
struct Begun<'a> {
    order: TrainRequest,
    channel: AttemptChannel<'a>,
    checkpoint: Option<Vec<u8>>,
}

/// Carries `orders` out together, all of one data set; gives back those that need to be carried out
/// alone, since their checkpoints are of no use.
pub(super) fn train(
    backend: &mut dyn Backend,
    orders: Vec<TrainRequest>,
    data: &mut OpenData,
    (output, stop): (&File, &AtomicBool),
    write_cost: &mut WriteCost,
) -> io::Result<Vec<TrainRequest>> {
    let (mut begun, mut alone) = begin_each(orders, output, stop)?;
    let Some(first) = begun.first() else {
        return Ok(alone);
    };
    let data = match data.get(&first.order.data) {
        Ok(data) => data,
        Err(message) => {
            reject(begun, &message)?;
            return Ok(alone);
        }
    };

    // All lanes together may spend on checkpoints what one may.
    let share = 1.0 / begun.len() as f64;
    let attempts: Vec<u64> = begun.iter().map(|begun| begun.order.attempt).collect();
    let mut outcomes: Vec<Option<Result<Outcome, EngineError>>> = Vec::new();
    outcomes.resize_with(begun.len(), || None);
    let mut watched: Vec<(Reporter<'_, '_>, &TrainRequest, Option<&[u8]>)> = begun
        .iter_mut()
        .map(
            |Begun {
                 order,
                 channel,
                 checkpoint,
             }| {
                let cost = order.checkpoint.cost * share;
                let budget = Budget::new(
                    Checkpointing {
                        cost,
                        ..order.checkpoint
                    },
                    *write_cost,
                );
                let reporter =
                    Reporter::new(channel, &order.folder, budget, (order.pause_at, false));
                (reporter, &*order, checkpoint.as_deref())
            },
        )
        .collect();
    let lanes = watched
        .iter_mut()
        .map(|(reporter, order, checkpoint)| BatchedTrial {
            job: Job::new(&order.spec, data, &order.folder),
            checkpoint: *checkpoint,
            callback: reporter,
        })
        .collect();
    sweep_engine::train_together(backend, lanes, &mut |place, outcome| match outcome {
        Ok(Outcome::Done(result)) => {
            let attempt = attempts[place];
            // The lane's own channel is its callback's until all are done.
            AttemptChannel::new(attempt, output, stop)
                .send(&FromWorker::Finished { attempt, result });
        }
        outcome => outcomes[place] = Some(outcome),
    });
    let stopped_at: Vec<StoppedAt> = watched
        .iter()
        .map(|(callback, ..)| StoppedAt::of(callback))
        .collect();
    if let Some((callback, ..)) = watched.last() {
        *write_cost = callback.budget.write_cost;
    }
    drop(watched);
    for ((mut begun, outcome), stopped_at) in begun.into_iter().zip(outcomes).zip(stopped_at) {
        match outcome {
            None => {}
            Some(Err(EngineError::Checkpoint(_))) if begun.checkpoint.is_some() => {
                alone.push(begun.order);
            }
            Some(outcome) => {
                let last_word = conclude(outcome, stopped_at, &mut begun.channel);
                begun.channel.send(&last_word);
            }
        }
        delivered(begun.channel)?;
    }
    Ok(alone)
}

/// Begins `orders`; gives those that are, and those that need to be carried out alone.
fn begin_each<'a>(
    orders: Vec<TrainRequest>,
    output: &'a File,
    stop: &'a AtomicBool,
) -> io::Result<(Vec<Begun<'a>>, Vec<TrainRequest>)> {
    let mut alone = Vec::new();
    let mut begun = Vec::with_capacity(orders.len());
    for order in orders {
        let mut channel = AttemptChannel::new(order.attempt, output, stop);
        if let Err(last_word) = begin(&order.folder, &mut channel) {
            channel.send(&last_word);
            delivered(channel)?;
            continue;
        }
        match checkpoints::find(&order.folder).into_iter().next() {
            Some(found) if found.bytes.is_err() => alone.push(order),
            found => begun.push(Begun {
                checkpoint: found.and_then(|found| found.bytes.ok()),
                order,
                channel,
            }),
        }
    }
    Ok((begun, alone))
}

/// Says of each of `begun` that it cannot be trained.
fn reject(begun: Vec<Begun<'_>>, message: &str) -> io::Result<()> {
    for Begun { mut channel, .. } in begun {
        let (attempt, message) = (channel.attempt, message.to_owned());
        channel.send(&FromWorker::Rejected { attempt, message });
        delivered(channel)?;
    }
    Ok(())
}

/// An error when a message of `channel` could not be delivered.
fn delivered(channel: AttemptChannel<'_>) -> io::Result<()> {
    channel.send_error.map_or(Ok(()), Err)
}
