//! Handles interrupts, limits of the session, and time limits of trials.
//!
//! Limits are enforced when all messages have been received: an observer that keeps the loop waiting
//! (a full disk, say) makes no worker seem silent.

use std::time::{Duration, Instant};

use super::slot_state::{SlotState, WorkerStatus};
use super::state::{Dispatcher, Stopping};
use super::work::ScheduleError;
use crate::slots;
use sweep_core::awake;
use sweep_core::event::{Cause, Event, StopReason};
use sweep_core::protocol::ToWorker;

/// How long a fresh worker may take to say that it is ready.
const START_LIMIT: Duration = Duration::from_secs(30);

/// The same on a GPU, whose libraries are gigabytes to be read.
const GPU_START_LIMIT: Duration = Duration::from_secs(120);

/// A group may take as many times as long as a trial as it has trials, on a GPU at most this many times.
const GPU_BATCH_TIMEOUT_FACTOR: u32 = 4;

impl Dispatcher<'_, '_> {
    /// The first interrupt asks for a clean end, the second ends at once.
    pub(super) fn interrupt(&mut self) -> Result<(), ScheduleError> {
        match self.stopping {
            Some(stopping) => self.stop_now(stopping.reason),
            None => self.request_stop(StopReason::Interrupt),
        }
    }

    /// Begins nothing more, and asks workers to write a checkpoint of their trials.
    fn request_stop(&mut self, reason: StopReason) -> Result<(), ScheduleError> {
        self.stopping = Some(Stopping {
            since: awake::now(),
            reason,
        });
        for slot_state in &mut self.slots {
            if let (WorkerStatus::Busy { .. }, Some(link)) =
                (slot_state.state, slot_state.link.as_mut())
            {
                // A worker that cannot be told is gone, or killed when its time is up.
                let _ = link.send(&ToWorker::Stop);
            }
        }
        self.excuse_killed()?;
        let at_once = false;
        self.emit(&Event::StopRequested { reason, at_once })
    }

    fn stop_now(&mut self, reason: StopReason) -> Result<(), ScheduleError> {
        if self.busy() == 0 {
            return Ok(());
        }
        let at_once = true;
        self.emit(&Event::StopRequested { reason, at_once })?;
        self.kill_all()
    }

    /// Ends every worker now; their trials resume from their last checkpoint another time.
    fn kill_all(&mut self) -> Result<(), ScheduleError> {
        for slot_index in 0..self.slots.len() {
            if let WorkerStatus::Busy { .. } = self.slots[slot_index].state {
                self.worker_lost(
                    slot_index,
                    Cause::Crashed {
                        exit_code: None,
                        signal: None,
                    },
                )?;
            }
        }
        Ok(())
    }

    /// Ends what takes too long, and the session when it has done what it may.
    pub(super) fn enforce_limits(&mut self, now: Instant) -> Result<(), ScheduleError> {
        match self.stopping {
            Some(stopping) if now.duration_since(stopping.since) > self.settings.stop_grace => {
                return self.stop_now(stopping.reason);
            }
            Some(_) => {}
            None => {
                if let Some(reason) = self.limit_reached(now) {
                    self.request_stop(reason)?;
                }
            }
        }
        self.judge_killed(now)?;
        for slot_index in 0..self.slots.len() {
            if let Some(cause) = self.exceeded_limit(slot_index, now) {
                self.worker_lost(slot_index, cause)?;
            }
        }
        Ok(())
    }

    /// The limit of the session that keeps trials that are left from being begun.
    fn limit_reached(&self, now: Instant) -> Option<StopReason> {
        if self.queue.is_empty() && self.busy() == 0 {
            return None;
        }
        if let Some(limit) = self.settings.max_time
            && now.duration_since(self.began) >= limit
        {
            return Some(StopReason::TimeLimit(limit));
        }
        let most = self.settings.max_trials?;
        (self.summary.ended() >= most).then_some(StopReason::TrialLimit(most))
    }

    /// The limit that the worker at `slot_index` has passed.
    fn exceeded_limit(&self, slot_index: usize, now: Instant) -> Option<Cause> {
        match self.slots[slot_index].state {
            WorkerStatus::Starting { since } => {
                let after = now.duration_since(since);
                let SlotState { slot, link, .. } = &self.slots[slot_index];
                let usual = match slots::gpu_of(slot) {
                    Some(_) => GPU_START_LIMIT,
                    None => START_LIMIT,
                };
                let own = link.as_ref().and_then(|link| link.start_timeout());
                let limit = own.unwrap_or(usual);
                (after > limit).then_some(Cause::TimedOut { after })
            }
            WorkerStatus::Busy {
                since,
                last_message,
                begun,
            } => {
                let (after, silence) =
                    (now.duration_since(since), now.duration_since(last_message));
                let times = match slots::gpu_of(&self.slots[slot_index].slot) {
                    Some(_) => begun.min(GPU_BATCH_TIMEOUT_FACTOR),
                    None => begun,
                };
                let passed = |limit: Option<Duration>, time| {
                    limit.is_some_and(|most| time > most.saturating_mul(times))
                };
                if passed(self.settings.trial_timeout, after) {
                    return Some(Cause::TimedOut { after });
                }
                passed(self.settings.stall_timeout, silence)
                    .then_some(Cause::Hung { after: silence })
            }
            WorkerStatus::Empty
            | WorkerStatus::Ready
            | WorkerStatus::Ending
            | WorkerStatus::Retired => None,
        }
    }
}
