//! Failing: what becomes of trials whose worker is lost or whose engine refuses them, and of slots that wear out.

use std::time::Instant;

use super::station::{Hand, State};
use super::{Dispatcher, ScheduleError};
use crate::queue::{Failure, RetryDecision, SLOT_FAILURES};
use sweep_core::event::{Cause, Event};

impl Dispatcher<'_, '_> {
    /// Gives up the worker at `place`, and with it what it was training.
    pub(super) fn lose(&mut self, place: usize, cause: Cause) -> Result<(), ScheduleError> {
        let hands = std::mem::take(&mut self.stations[place].hands);
        let log_tail = self.stations[place].vacate();
        match hands[..] {
            [] => {
                let reason = match log_tail.is_empty() {
                    true => cause.to_string(),
                    false => format!("{cause}\n{log_tail}"),
                };
                self.start_failed(place, &reason)
            }
            _ if self.stopping.is_some() => {
                self.summary.interrupted += hands.len();
                for Hand { trial, attempt } in hands {
                    let trial = self.id(trial);
                    let step = None;
                    self.tell(&Event::TrialInterrupted {
                        trial,
                        attempt,
                        step,
                    })?;
                }
                Ok(())
            }
            [hand] => self.fail(place, hand, cause, log_tail),
            _ => {
                let now = Instant::now();
                for Hand { trial, attempt } in hands {
                    // One of them may be to blame: alone it will show which.
                    self.queue.failed_together(trial, now);
                    self.tell(&Event::TrialFailed {
                        trial: self.id(trial),
                        attempt,
                        cause: cause.clone(),
                        log_tail: log_tail.clone(),
                        will_retry: true,
                    })?;
                }
                Ok(())
            }
        }
    }

    pub(super) fn fail(
        &mut self,
        place: usize,
        hand: Hand,
        cause: Cause,
        log_tail: String,
    ) -> Result<(), ScheduleError> {
        let Hand {
            trial: index,
            attempt,
        } = hand;
        let slot = self.stations[place].slot.clone();
        let failure = Failure {
            cause: &cause,
            // The worker that failed is not counted: it has been given up, or is ready.
            had_company: self.busy() > 0,
        };
        let verdict = self.queue.failed(&slot, index, failure, Instant::now());
        let why = cause.to_string();
        let will_retry = verdict == RetryDecision::Retry;
        self.summary.failed += usize::from(!will_retry);
        self.tell(&Event::TrialFailed {
            trial: self.id(index),
            attempt,
            cause,
            log_tail,
            will_retry,
        })?;
        if let RetryDecision::SkipConfiguration { kills, trials } = verdict {
            let reason = format!(
                "its configuration {} has ended {kills} workers; the last: {why}",
                self.work.trials[index].config.short()
            );
            for other in trials {
                self.skipped(other, &reason)?;
            }
        }
        let reason = format!(
            "trials of {SLOT_FAILURES} configurations failed on it in a row; the last: {why}"
        );
        self.retire_if_worn_out(place, &reason)
    }

    fn skipped(&mut self, index: usize, reason: &str) -> Result<(), ScheduleError> {
        self.summary.failed += 1;
        self.summary.skipped += 1;
        self.tell(&Event::TrialSkipped {
            trial: self.id(index),
            reason: reason.to_owned(),
        })
    }

    pub(super) fn start_failed(&mut self, place: usize, reason: &str) -> Result<(), ScheduleError> {
        self.queue.start_failed(&self.stations[place].slot);
        let reason =
            format!("its worker failed to start {SLOT_FAILURES} times; the last: {reason}");
        self.retire_if_worn_out(place, &reason)
    }

    fn retire_if_worn_out(&mut self, place: usize, reason: &str) -> Result<(), ScheduleError> {
        let slot = self.stations[place].slot.clone();
        if !self.queue.is_worn_out(&slot) {
            return Ok(());
        }
        self.stations[place].vacate();
        self.stations[place].state = State::Retired;
        let reason = reason.to_owned();
        self.summary.retired.push((slot.clone(), reason.clone()));
        self.tell(&Event::SlotRetired { slot, reason })
    }
}
