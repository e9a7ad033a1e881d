//! Handles lost workers, rejected trials, and slots that fail too often.
//!
//! A worker that somebody killed may be the first to hear that the whole job is to end. What it was training is
//! judged a moment later, and only if no stop has come meanwhile. What a worker was training that takes time to end is
//! judged when it has ended, so that no trial is trained twice at a time.

use std::time::{Duration, Instant};

use super::slot_state::{Assignment, Killed, WorkerStatus};
use super::state::Dispatcher;
use super::work::{ScheduleError, TrialEnd};
use crate::channel::WorkerId;
use crate::queue::{Failure, RetryDecision, SLOT_FAILURES};
use sweep_core::awake;
use sweep_core::event::{Cause, Event};
use sweep_core::format::format_signal;
use sweep_core::signals;

/// How long after a worker was killed a stop may come that explains it.
const STOP_WINDOW: Duration = Duration::from_secs(2);

impl Dispatcher<'_, '_> {
    /// Gives up the worker at `slot_index`, and with it what it was training.
    pub(super) fn worker_lost(
        &mut self,
        slot_index: usize,
        cause: Cause,
    ) -> Result<(), ScheduleError> {
        let slot_state = &mut self.slots[slot_index];
        let assignments = std::mem::take(&mut slot_state.assignments);
        let link = slot_state.link.as_ref();
        let name = link.map(|link| link.name());
        let now = awake::now();
        let lives_until = now + link.map_or(Duration::ZERO, |link| link.lives_on(&cause));
        let log_tail = slot_state.stop_worker();
        let is_ending = matches!(slot_state.state, WorkerStatus::Ending);
        let lives = is_ending.then_some(slot_state.worker);
        match assignments[..] {
            [] => {
                let mut reason = not_ready(&name.unwrap_or_default(), &cause);
                if !log_tail.is_empty() {
                    reason = format!("{reason}:\n{log_tail}");
                }
                self.start_failed(slot_index, &reason)
            }
            _ if self.stopping.is_some() => self.interrupted(assignments),
            _ if lives.is_some() || lives_until > now || is_sent_by_others(&cause) => {
                self.killed.push(Killed {
                    slot_index,
                    lives,
                    lives_until,
                    assignments,
                    cause,
                    log_tail,
                    at: now,
                });
                Ok(())
            }
            _ => self.judge(slot_index, assignments, cause, log_tail),
        }
    }

    /// A worker that was given up has ended, as far as is heard of it.
    pub(super) fn worker_ended(&mut self, slot_index: usize, cause: &Cause) {
        let slot_state = &mut self.slots[slot_index];
        let lives_on =
            { slot_state.link.as_ref() }.map_or(Duration::ZERO, |link| link.lives_on(cause));
        slot_state.worker_ended();
        for killed in &mut self.killed {
            let is_its_own = |worker: &mut WorkerId| *worker == slot_state.worker;
            if killed.lives.take_if(is_its_own).is_some() {
                killed.lives_until = awake::now() + lives_on;
            }
        }
    }

    /// Judges what workers were training that have ended, if they were killed too long before `now` for a stop to explain
    /// it.
    pub(super) fn judge_killed(&mut self, now: Instant) -> Result<(), ScheduleError> {
        let is_due = |killed: &mut Killed| {
            let is_explained =
                is_sent_by_others(&killed.cause) && now.duration_since(killed.at) <= STOP_WINDOW;
            killed.lives.is_none() && now >= killed.lives_until && !is_explained
        };
        for killed in self.killed.extract_if(.., is_due).collect::<Vec<_>>() {
            let Killed {
                slot_index,
                assignments,
                cause,
                log_tail,
                ..
            } = killed;
            self.judge(slot_index, assignments, cause, log_tail)?;
        }
        Ok(())
    }

    /// The stop that has come explains why workers were killed a moment ago.
    pub(super) fn excuse_killed(&mut self) -> Result<(), ScheduleError> {
        for killed in std::mem::take(&mut self.killed) {
            self.interrupted(killed.assignments)?;
        }
        Ok(())
    }

    fn interrupted(&mut self, assignments: Vec<Assignment>) -> Result<(), ScheduleError> {
        self.summary.interrupted += assignments.len();
        for Assignment { trial, attempt } in assignments {
            let trial = self.id(trial);
            let step = None;
            self.emit(&Event::TrialInterrupted {
                trial,
                attempt,
                step,
            })?;
        }
        Ok(())
    }

    /// Decides what becomes of `assignments`, whose worker is gone.
    fn judge(
        &mut self,
        slot_index: usize,
        assignments: Vec<Assignment>,
        cause: Cause,
        log_tail: String,
    ) -> Result<(), ScheduleError> {
        match assignments[..] {
            [assignment] => self.fail(slot_index, assignment, cause, log_tail),
            _ => {
                let now = awake::now();
                for Assignment { trial, attempt } in assignments {
                    // One of them may have caused it: alone, each shows whether it does.
                    self.queue.batch_failed(trial, now);
                    self.emit(&Event::TrialFailed {
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
        slot_index: usize,
        assignment: Assignment,
        cause: Cause,
        log_tail: String,
    ) -> Result<(), ScheduleError> {
        let Assignment {
            trial: index,
            attempt,
        } = assignment;
        let slot = self.slots[slot_index].slot.clone();
        let failure = Failure {
            cause: &cause,
            // The worker that failed is not counted: it has been given up, or is ready.
            had_neighbours: self.busy() > 0,
        };
        let decision = self.queue.failed(&slot, index, failure, awake::now());
        let why = cause.to_string();
        let will_retry = decision == RetryDecision::Retry;
        self.summary.failed += usize::from(!will_retry);
        self.emit(&Event::TrialFailed {
            trial: self.id(index),
            attempt,
            cause,
            log_tail,
            will_retry,
        })?;
        if !will_retry {
            self.supplied_ended(index, TrialEnd::Failed)?;
        }
        if let RetryDecision::SkipConfiguration { kills, trials } = decision {
            let is_program = self.trials[index].planned.spec.model.program().is_some();
            let reason = format!(
                "its configuration {} has {} {kills} {}; the last: {why}",
                self.trials[index].planned.config.short(),
                if is_program { "failed" } else { "ended" },
                if is_program { "times" } else { "workers" },
            );
            for other in trials {
                self.skipped(other, &reason)?;
            }
        }
        let reason = format!(
            "trials of {SLOT_FAILURES} configurations failed on it in a row; the last: {why}"
        );
        self.retire_if_unhealthy(slot_index, &reason)
    }

    fn skipped(&mut self, index: usize, reason: &str) -> Result<(), ScheduleError> {
        self.summary.failed += 1;
        self.summary.skipped += 1;
        self.emit(&Event::TrialSkipped {
            trial: self.id(index),
            reason: reason.to_owned(),
        })?;
        self.supplied_ended(index, TrialEnd::Failed)
    }

    pub(super) fn start_failed(
        &mut self,
        slot_index: usize,
        reason: &str,
    ) -> Result<(), ScheduleError> {
        self.queue.start_failed(&self.slots[slot_index].slot);
        let reason =
            format!("its worker failed to start {SLOT_FAILURES} times; the last: {reason}");
        self.retire_if_unhealthy(slot_index, &reason)
    }

    fn retire_if_unhealthy(
        &mut self,
        slot_index: usize,
        reason: &str,
    ) -> Result<(), ScheduleError> {
        let slot = self.slots[slot_index].slot.clone();
        // What was judged late may be of an earlier worker; the one that is there is given its chance.
        let is_busy = matches!(self.slots[slot_index].state, WorkerStatus::Busy { .. });
        if is_busy || !self.queue.is_unhealthy(&slot) {
            return Ok(());
        }
        self.slots[slot_index].stop_worker();
        self.slots[slot_index].state = WorkerStatus::Retired;
        let reason = reason.to_owned();
        self.summary.retired.push((slot.clone(), reason.clone()));
        self.emit(&Event::SlotRetired { slot, reason })
    }
}

/// Why a worker that is called `name` got no trial: it ended, or was given up, for `cause`.
fn not_ready(name: &str, cause: &Cause) -> String {
    match cause {
        Cause::Crashed {
            exit_code: Some(code),
            ..
        } => format!("{name} exited with code {code} before it had a trial"),
        Cause::Crashed {
            signal: Some(signal),
            ..
        } => format!(
            "{name} was killed by signal {} before it had a trial",
            format_signal(*signal)
        ),
        Cause::TimedOut { after } => {
            format!("{name} was not ready after {:.1} s", after.as_secs_f64())
        }
        cause => cause.to_string(),
    }
}

/// Whether a signal ended the worker that was sent by somebody.
fn is_sent_by_others(cause: &Cause) -> bool {
    match cause {
        Cause::Crashed {
            signal: Some(signal),
            ..
        } => signals::is_sent_by_others(*signal),
        _ => false,
    }
}
