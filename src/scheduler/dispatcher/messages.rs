//! Handles the messages of workers.

use std::time::Duration;

use super::slot_state::{Assignment, SlotState, WorkerStatus};
use super::state::Dispatcher;
use super::work::{ScheduleError, TrialEnd};
use crate::channel::{WorkerId, WorkerOutput};
use crate::slots;
use sweep_core::awake;
use sweep_core::event::{AttemptNo, Cause, Event};
use sweep_core::protocol::{FromWorker, PROTOCOL_VERSION, ProgramFailure};

impl Dispatcher<'_, '_> {
    pub(super) fn on_output(
        &mut self,
        worker: WorkerId,
        output: WorkerOutput,
    ) -> Result<(), ScheduleError> {
        let at = |slot_state: &SlotState| slot_state.worker == worker && slot_state.link.is_some();
        let Some(slot_index) = self.slots.iter().position(at) else {
            // A late message of a worker that was given up.
            return Ok(());
        };
        if let WorkerStatus::Ending | WorkerStatus::Retired = self.slots[slot_index].state {
            if let WorkerOutput::Exited(cause) = output {
                self.worker_ended(slot_index, &cause);
            }
            return Ok(());
        }
        match output {
            WorkerOutput::Message(said) => self.on_message(slot_index, said),
            WorkerOutput::Malformed(line) => {
                let message = format!("the worker sent an invalid message: {line:?}");
                self.worker_lost(slot_index, Cause::Protocol { message })
            }
            WorkerOutput::Exited(cause) => self.worker_lost(slot_index, cause),
        }
    }

    fn on_message(&mut self, slot_index: usize, said: FromWorker) -> Result<(), ScheduleError> {
        match (said, self.slots[slot_index].state) {
            (
                FromWorker::Ready {
                    protocol,
                    engine,
                    pid,
                    capacity,
                },
                WorkerStatus::Starting { .. },
            ) => {
                if protocol != PROTOCOL_VERSION {
                    let message = format!(
                        "the worker has protocol version {protocol}, this program {PROTOCOL_VERSION}: \
                         install both from one release"
                    );
                    return self.worker_lost(slot_index, Cause::Protocol { message });
                }
                let slot_state = &mut self.slots[slot_index];
                slot_state.state = WorkerStatus::Ready;
                slot_state.engine.clone_from(&engine);
                slot_state.pid = pid;
                // Each found the whole device free.
                let slot = slot_state.slot.clone();
                slot_state.capacity =
                    capacity / slots::workers_on_device(&self.settings.slots, &slot) as u64;
                let log = slot_state
                    .link
                    .as_ref()
                    .map(|link| link.log())
                    .unwrap_or_default();
                self.emit(&Event::WorkerStarted {
                    slot,
                    pid,
                    engine,
                    log,
                })
            }
            (said, WorkerStatus::Busy { .. })
                if self.assignment_of(slot_index, &said).is_some() =>
            {
                if let WorkerStatus::Busy { last_message, .. } = &mut self.slots[slot_index].state {
                    *last_message = awake::now();
                }
                match self.assignment_of(slot_index, &said) {
                    Some(assignment) => self.on_trial_message(slot_index, assignment, said),
                    None => Ok(()),
                }
            }
            (said, _) => {
                let message = format!("the worker sent an unexpected message: {said:?}");
                self.worker_lost(slot_index, Cause::Protocol { message })
            }
        }
    }

    /// The running trial of the worker at `slot_index` that `said` is about.
    fn assignment_of(&self, slot_index: usize, said: &FromWorker) -> Option<Assignment> {
        let mut assignments = self.slots[slot_index].assignments.iter();
        assignments
            .find(|assignment| names(said, assignment.attempt))
            .copied()
    }

    /// Takes an attempt that has ended from the assignments of the worker at `slot_index`.
    fn complete(&mut self, slot_index: usize, attempt: AttemptNo) {
        let slot_state = &mut self.slots[slot_index];
        slot_state
            .assignments
            .retain(|assignment| assignment.attempt != attempt);
        if slot_state.assignments.is_empty() {
            slot_state.state = WorkerStatus::Ready;
        }
    }

    fn count_result(&mut self, is_diverged: bool) -> TrialEnd {
        match is_diverged {
            true => {
                self.summary.diverged += 1;
                TrialEnd::Diverged
            }
            false => {
                self.summary.finished += 1;
                TrialEnd::Finished
            }
        }
    }

    fn on_trial_message(
        &mut self,
        slot_index: usize,
        assignment: Assignment,
        said: FromWorker,
    ) -> Result<(), ScheduleError> {
        let Assignment {
            trial: index,
            attempt,
        } = assignment;
        let trial = self.id(index);
        let mut end = None;
        let event = match said {
            FromWorker::Resumed { step, .. } => Event::TrialResumed {
                trial,
                attempt,
                step,
            },
            FromWorker::Progress { step, values, .. } => {
                self.supplied_progressed(index, step, &values);
                Event::TrialProgressed {
                    trial,
                    attempt,
                    step,
                    values,
                }
            }
            FromWorker::Finished { result, .. } => {
                self.complete(slot_index, attempt);
                self.queue.finished(&self.slots[slot_index].slot, index);
                end = Some(self.count_result(result.diverged.is_some()));
                Event::TrialFinished {
                    trial,
                    attempt,
                    result,
                }
            }
            FromWorker::Paused { step, .. } => {
                self.complete(slot_index, attempt);
                self.queue.finished(&self.slots[slot_index].slot, index);
                self.summary.paused += 1;
                end = Some(TrialEnd::Paused);
                Event::TrialPaused {
                    trial,
                    attempt,
                    step,
                }
            }
            FromWorker::Blocked { millis, .. } => {
                if let WorkerStatus::Busy { since, .. } = &mut self.slots[slot_index].state {
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
                self.complete(slot_index, attempt);
                self.summary.interrupted += 1;
                Event::TrialInterrupted {
                    trial,
                    attempt,
                    step,
                }
            }
            FromWorker::Rejected { message, .. } => {
                self.complete(slot_index, attempt);
                let link = self.slots[slot_index].link.as_ref();
                let log_tail = link.map(|link| link.log_tail()).unwrap_or_default();
                let cause = Cause::Rejected { message };
                return self.fail(slot_index, assignment, cause, log_tail);
            }
            FromWorker::Failed {
                failure, log_tail, ..
            } => {
                self.complete(slot_index, attempt);
                return self.fail(slot_index, assignment, cause_of(failure), log_tail);
            }
            FromWorker::Ready { .. } => unreachable!("`names` lets no Ready through"),
        };
        self.emit(&event)?;
        // The events of the search come after what they are made from.
        end.map_or(Ok(()), |end| self.supplied_ended(index, end))
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
        | FromWorker::Paused { attempt: of, .. }
        | FromWorker::Interrupted { attempt: of, .. }
        | FromWorker::Failed { attempt: of, .. }
        | FromWorker::Rejected { attempt: of, .. } => *of == attempt.0,
    }
}

/// The cause that is recorded of a program without a result.
fn cause_of(failure: ProgramFailure) -> Cause {
    match failure {
        ProgramFailure::Ended {
            exit_code,
            signal,
            message,
            is_temporary,
        } => Cause::ProgramEnded {
            exit_code,
            signal,
            message,
            is_temporary,
        },
        ProgramFailure::TimedOut { after_ms } => Cause::TimedOut {
            after: Duration::from_millis(after_ms),
        },
        ProgramFailure::OutOfMemory { message } => Cause::OutOfMemory { message },
        ProgramFailure::Invalid { message } => Cause::Rejected { message },
    }
}
