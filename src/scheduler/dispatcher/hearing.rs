//! Hearing: what workers say, and what it means for what they have in hand.

use std::time::{Duration, Instant};

use super::station::{Hand, State, Station};
use super::{Dispatcher, ScheduleError};
use crate::launcher::{WorkerId, WorkerOutput};
use crate::slots;
use sweep_core::event::{AttemptNo, Cause, Event};
use sweep_core::protocol::{FromWorker, PROTOCOL_VERSION};

impl Dispatcher<'_, '_> {
    pub(super) fn hear(
        &mut self,
        worker: WorkerId,
        heard: WorkerOutput,
    ) -> Result<(), ScheduleError> {
        let at = |station: &Station| station.worker == worker && station.link.is_some();
        let Some(place) = self.stations.iter().position(at) else {
            // A worker that was given up speaks its last.
            return Ok(());
        };
        match heard {
            WorkerOutput::Message(said) => self.hear_said(place, said),
            WorkerOutput::Malformed(line) => {
                let message = format!("the worker said what is not of the protocol: {line:?}");
                self.lose(place, Cause::Protocol { message })
            }
            WorkerOutput::Exited(cause) => self.lose(place, cause),
        }
    }

    fn hear_said(&mut self, place: usize, said: FromWorker) -> Result<(), ScheduleError> {
        match (said, self.stations[place].state) {
            (
                FromWorker::Ready {
                    protocol,
                    engine,
                    pid,
                    capacity,
                },
                State::Starting { .. },
            ) => {
                if protocol != PROTOCOL_VERSION {
                    let message = format!(
                        "the worker speaks protocol {protocol}, this program {PROTOCOL_VERSION}: \
                         install both from one release"
                    );
                    return self.lose(place, Cause::Protocol { message });
                }
                let station = &mut self.stations[place];
                station.state = State::Ready;
                station.engine.clone_from(&engine);
                station.pid = pid;
                // Each found the whole device free.
                let slot = station.slot.clone();
                station.capacity =
                    capacity / slots::workers_on_device(&self.settings.slots, &slot) as u64;
                let log = station
                    .link
                    .as_ref()
                    .map(|link| link.log())
                    .unwrap_or_default();
                self.tell(&Event::WorkerStarted {
                    slot,
                    pid,
                    engine,
                    log,
                })
            }
            (said, State::Busy { .. }) if self.hand_of(place, &said).is_some() => {
                if let State::Busy { heard, .. } = &mut self.stations[place].state {
                    *heard = Instant::now();
                }
                match self.hand_of(place, &said) {
                    Some(hand) => self.hear_of_trial(place, hand, said),
                    None => Ok(()),
                }
            }
            (said, _) => {
                let message = format!("the worker spoke out of turn: {said:?}");
                self.lose(place, Cause::Protocol { message })
            }
        }
    }

    /// What the worker at `place` has in hand that `said` is about.
    fn hand_of(&self, place: usize, said: &FromWorker) -> Option<Hand> {
        let mut hands = self.stations[place].hands.iter();
        hands.find(|hand| names(said, hand.attempt)).copied()
    }

    /// Takes an attempt that has ended out of the hands of the worker at `place`.
    fn let_go(&mut self, place: usize, attempt: AttemptNo) {
        let station = &mut self.stations[place];
        station.hands.retain(|hand| hand.attempt != attempt);
        if station.hands.is_empty() {
            station.state = State::Ready;
        }
    }

    fn hear_of_trial(
        &mut self,
        place: usize,
        hand: Hand,
        said: FromWorker,
    ) -> Result<(), ScheduleError> {
        let Hand {
            trial: index,
            attempt,
        } = hand;
        let trial = self.id(index);
        let event = match said {
            FromWorker::Resumed { step, .. } => Event::TrialResumed {
                trial,
                attempt,
                step,
            },
            FromWorker::Progress { step, values, .. } => Event::TrialProgressed {
                trial,
                attempt,
                step,
                values,
            },
            FromWorker::Finished { result, .. } => {
                self.let_go(place, attempt);
                self.queue.finished(&self.stations[place].slot, index);
                match result.diverged {
                    Some(_) => self.summary.diverged += 1,
                    None => self.summary.finished += 1,
                }
                Event::TrialFinished {
                    trial,
                    attempt,
                    result,
                }
            }
            FromWorker::Blocked { millis, .. } => {
                if let State::Busy { since, .. } = &mut self.stations[place].state {
                    *since += Duration::from_millis(millis);
                }
                return Ok(());
            }
            FromWorker::Warning { message, .. } => Event::TrialWarning {
                trial,
                attempt,
                message,
            },
            FromWorker::Interrupted { step, .. } => {
                self.let_go(place, attempt);
                self.summary.interrupted += 1;
                Event::TrialInterrupted {
                    trial,
                    attempt,
                    step,
                }
            }
            FromWorker::Rejected { message, .. } => {
                self.let_go(place, attempt);
                let log_tail = self.stations[place]
                    .link
                    .as_ref()
                    .map(|link| link.log_tail());
                let cause = Cause::Rejected { message };
                return self.fail(place, hand, cause, log_tail.unwrap_or_default());
            }
            FromWorker::Ready { .. } => unreachable!("`names` lets no Ready through"),
        };
        self.tell(&event)
    }
}

/// Whether `said` is about `attempt`.
fn names(said: &FromWorker, attempt: AttemptNo) -> bool {
    match said {
        FromWorker::Ready { .. } => false,
        FromWorker::Resumed { attempt: of, .. }
        | FromWorker::Progress { attempt: of, .. }
        | FromWorker::Finished { attempt: of, .. }
        | FromWorker::Warning { attempt: of, .. }
        | FromWorker::Blocked { attempt: of, .. }
        | FromWorker::Interrupted { attempt: of, .. }
        | FromWorker::Rejected { attempt: of, .. } => *of == attempt.0,
    }
}
