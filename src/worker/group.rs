//! Several orders at once: networks that are trained together.
//!
//! Invariant: every order gets exactly one last word, said as soon as it is known; or it is given back
//! to be carried out alone.

use std::fs::File;
use std::io;
use std::sync::atomic::AtomicBool;

use super::budget::{Budget, Pace};
use super::checkpoints;
use super::reporter::Reporter;
use super::trial::{OpenData, begin, conclude};
use super::voice::Voice;
use sweep_core::protocol::{Checkpointing, FromWorker, TrainRequest};
use sweep_engine::{Backend, BatchedTrial, EngineError, Job, Outcome};

/// An order that has been begun.
struct Begun<'a> {
    order: TrainRequest,
    voice: Voice<'a>,
    checkpoint: Option<Vec<u8>>,
}

/// Carries `orders` out together, all of one data set; gives back those that need to be carried out
/// alone, since their checkpoints are of no use.
pub(super) fn train(
    backend: &mut dyn Backend,
    orders: Vec<TrainRequest>,
    data: &mut OpenData,
    (output, stop): (&File, &AtomicBool),
    pace: &mut Pace,
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
                 voice,
                 checkpoint,
             }| {
                let cost = order.checkpoint.cost * share;
                let budget = Budget::new(
                    Checkpointing {
                        cost,
                        ..order.checkpoint
                    },
                    *pace,
                );
                let reporter = Reporter::new(voice, &order.folder, budget, false);
                (reporter, &*order, checkpoint.as_deref())
            },
        )
        .collect();
    let lanes = watched
        .iter_mut()
        .map(|(reporter, order, checkpoint)| BatchedTrial {
            job: Job {
                spec: &order.spec,
                data,
                folder: &order.folder,
            },
            checkpoint: *checkpoint,
            callback: reporter,
        })
        .collect();
    sweep_engine::train_together(backend, lanes, &mut |place, outcome| match outcome {
        Ok(Outcome::Done(result)) => {
            let attempt = attempts[place];
            // The lane's own voice is its callback's until all are done.
            Voice::new(attempt, output, stop).say(&FromWorker::Finished { attempt, result });
        }
        outcome => outcomes[place] = Some(outcome),
    });
    let steps: Vec<Option<u32>> = watched
        .iter()
        .map(|(callback, ..)| callback.saved_step)
        .collect();
    if let Some((callback, ..)) = watched.last() {
        *pace = callback.budget.pace;
    }
    drop(watched);
    for ((mut begun, outcome), step) in begun.into_iter().zip(outcomes).zip(steps) {
        match outcome {
            None => {}
            Some(Err(EngineError::Checkpoint(_))) if begun.checkpoint.is_some() => {
                alone.push(begun.order);
            }
            Some(outcome) => {
                let last_word = conclude(outcome, step, &mut begun.voice);
                begun.voice.say(&last_word);
            }
        }
        heard(begun.voice)?;
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
        let mut voice = Voice::new(order.attempt, output, stop);
        if let Err(last_word) = begin(&order.folder, &mut voice) {
            voice.say(&last_word);
            heard(voice)?;
            continue;
        }
        match checkpoints::find(&order.folder).into_iter().next() {
            Some(found) if found.bytes.is_err() => alone.push(order),
            found => begun.push(Begun {
                checkpoint: found.and_then(|found| found.bytes.ok()),
                order,
                voice,
            }),
        }
    }
    Ok((begun, alone))
}

/// Says of each of `begun` that it cannot be trained.
fn reject(begun: Vec<Begun<'_>>, message: &str) -> io::Result<()> {
    for Begun { mut voice, .. } in begun {
        let (attempt, message) = (voice.attempt, message.to_owned());
        voice.say(&FromWorker::Rejected { attempt, message });
        heard(voice)?;
    }
    Ok(())
}

/// An error when what `voice` said was not heard.
fn heard(voice: Voice<'_>) -> io::Result<()> {
    voice.lost.map_or(Ok(()), Err)
}
