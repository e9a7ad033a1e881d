//! Assigns trials to workers, one by one or in batches.

use std::time::{Duration, Instant};

use super::slot_state::{Assignment, SlotState, WorkerStatus};
use super::state::{Dispatcher, emit};
use super::work::{ClaimState, QueuedTrial, ScheduleError, TrialEnd};
use crate::batches;
use crate::channel::WorkerId;
use crate::slots::{carrier_of, gpu_of};
use sweep_core::awake;
use sweep_core::event::{AttemptNo, Event};
use sweep_core::protocol::{ProgramRequest, ToWorker, TrainRequest};
use sweep_experiment::plan::PlannedTrial;

/// Pause before a trial that another session is training is tried again.
const CLAIM_RETRY_DELAY: Duration = Duration::from_secs(1);

/// What is recorded as the engine of a program.
const PROGRAM_ENGINE: &str = "program";

impl Dispatcher<'_, '_> {
    /// Gives ready workers their next trial and starts workers where there is work for them.
    pub(super) fn assign_work(&mut self) -> Result<(), ScheduleError> {
        let now = awake::now();
        for slot_index in 0..self.slots.len() {
            match self.slots[slot_index].state {
                WorkerStatus::Ready => {
                    if let Some(trial) = self.next_trial(slot_index, now)? {
                        let trials = self.with_batch(slot_index, trial, now)?;
                        self.assign(slot_index, trials)?;
                    }
                }
                WorkerStatus::Empty if self.wants_worker(slot_index, now) => {
                    self.launch(slot_index)?
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether there are more trials to run now than workers about to ask for one. A worker of this machine does not count
    /// on those behind carriers, which may wait in a queue.
    fn wants_worker(&self, slot_index: usize, now: Instant) -> bool {
        let is_here = carrier_of(&self.slots[slot_index].slot).is_none();
        let starting = |slot_state: &&SlotState| {
            matches!(slot_state.state, WorkerStatus::Starting { .. })
                && !(is_here && carrier_of(&slot_state.slot).is_some())
        };
        let starting = self.slots.iter().filter(starting).count();
        let is_only_slot = self.usable() == 1;
        let slot = &self.slots[slot_index].slot;
        self.queue.has_due(slot, is_only_slot, now)
            && self.queue.len().min(self.startable_trials()) > starting
    }

    /// The next trial for the worker at `slot_index` that no other session is training or has finished.
    fn next_trial(
        &mut self,
        slot_index: usize,
        now: Instant,
    ) -> Result<Option<usize>, ScheduleError> {
        if self.startable_trials() == 0 {
            return Ok(None);
        }
        let is_only_slot = self.usable() == 1;
        let slot = self.slots[slot_index].slot.clone();
        while let Some(index) = self.queue.take(&slot, is_only_slot, now) {
            if self.is_free(index, now)? {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    /// Whether no other session is training the trial `index`, which was taken, or has finished it; if one
    /// has, it is not to be begun here, or not now.
    fn is_free(&mut self, index: usize, now: Instant) -> Result<bool, ScheduleError> {
        let trial = &self.trials[index].planned.id;
        match (self.work.claim_state)(trial) {
            ClaimState::Free => return Ok(true),
            ClaimState::Running => self.queue.defer(index, now + CLAIM_RETRY_DELAY),
            ClaimState::Done => {
                self.summary.completed_elsewhere += 1;
                let trial = trial.clone();
                emit(self.observers, &Event::TrialCompletedElsewhere { trial })?;
                self.supplied_ended(index, TrialEnd::Elsewhere)?;
            }
        }
        Ok(false)
    }

    /// `first`, and those that the worker at `slot_index` can train together with it.
    fn with_batch(
        &mut self,
        slot_index: usize,
        first: usize,
        now: Instant,
    ) -> Result<Vec<usize>, ScheduleError> {
        let capacity = self.slots[slot_index].capacity;
        let mut trials = vec![first];
        if capacity == 0 || !self.queue.can_join_batch(first) {
            return Ok(trials);
        }
        let trials_known = &self.trials;
        let PlannedTrial { spec, fold, .. } = &*trials_known[first].planned;
        let is_alike = |other: usize| {
            let other = &trials_known[other].planned;
            *fold == other.fold && batches::can_batch(spec, &other.spec)
        };
        let waiting = 1 + self.queue.len();
        let slots = self.slots_to_supply(slot_index);
        let most = batches::size(spec, self.work.dataset_size, capacity, waiting, slots);
        let most = most.min(self.startable_trials());
        for other in self.queue.take_batch(most.saturating_sub(1), is_alike) {
            if self.is_free(other, now)? {
                trials.push(other);
            }
        }
        Ok(trials)
    }

    /// How many slots are to have something to do when the one at `slot_index` has its group. On a GPU a large group takes
    /// hardly longer than a small one, so that only slots that wait are thought of; on CPUs it takes as much
    /// longer as it is larger, and all slots are to end together.
    fn slots_to_supply(&self, slot_index: usize) -> usize {
        let is_on_gpu = |slot_state: &&SlotState| gpu_of(&slot_state.slot).is_some();
        if !is_on_gpu(&&self.slots[slot_index]) {
            return self.usable();
        }
        let waits = |slot_state: &&SlotState| {
            !matches!(
                slot_state.state,
                WorkerStatus::Busy { .. } | WorkerStatus::Retired
            )
        };
        let gpus = self.slots.iter().filter(is_on_gpu);
        gpus.filter(waits).count()
    }

    fn launch(&mut self, slot_index: usize) -> Result<(), ScheduleError> {
        self.workers += 1;
        let worker = WorkerId(self.workers);
        let slot_state = &mut self.slots[slot_index];
        slot_state.worker = worker;
        match self
            .launcher
            .launch(&slot_state.slot, worker, self.sender.clone())
        {
            Ok(link) => {
                slot_state.link = Some(link);
                slot_state.state = WorkerStatus::Starting {
                    since: awake::now(),
                };
                Ok(())
            }
            Err(error) => {
                self.start_failed(slot_index, &format!("no worker could be started: {error}"))
            }
        }
    }

    /// What a worker is told of the program that `planned` is, if it is one.
    fn program_request(&self, planned: &PlannedTrial) -> Option<Box<ProgramRequest>> {
        planned.spec.model.program()?;
        let work = self.work.program.as_ref()?;
        Some(Box::new(ProgramRequest {
            spec: work.spec.clone(),
            recorded: (work.recorded)(&planned.id),
            owner: work.owner.clone(),
        }))
    }

    fn assign(&mut self, slot_index: usize, trials: Vec<usize>) -> Result<(), ScheduleError> {
        let first = self.attempts + 1;
        let order = |(number, trial): (u64, &usize)| {
            let QueuedTrial { planned, pause_at } = &self.trials[*trial];
            TrainRequest {
                attempt: number,
                trial: planned.id.clone(),
                spec: planned.spec.clone(),
                data: self.work.data[planned.data_index()].clone(),
                program: self.program_request(planned),
                folder: self.work.folder.join(planned.id.as_str()),
                checkpoint: self.settings.checkpoint,
                pause_at: *pause_at,
            }
        };
        let mut orders: Vec<TrainRequest> = (first..).zip(&trials).map(order).collect();
        let message = match orders.len() {
            1 => ToWorker::Train(Box::new(orders.remove(0))),
            _ => ToWorker::TrainBatch { requests: orders },
        };
        self.attempts += trials.len() as u64;
        let slot_state = &mut self.slots[slot_index];
        let sent = slot_state
            .link
            .as_mut()
            .is_some_and(|link| link.send(&message).is_ok());
        if !sent {
            // The worker died while idle; `Gone` is on its way and says how.
            slot_state.state = WorkerStatus::Starting {
                since: awake::now(),
            };
            for trial in trials.into_iter().rev() {
                self.queue.put_back(trial);
            }
            return Ok(());
        }
        let now = awake::now();
        slot_state.state = WorkerStatus::Busy {
            since: now,
            last_message: now,
            begun: trials.len() as u32,
        };
        let assignments = (first..).zip(trials);
        slot_state.assignments = assignments
            .map(|(number, trial)| Assignment {
                trial,
                attempt: AttemptNo(number),
            })
            .collect();
        for assignment in slot_state.assignments.clone() {
            let slot_state = &self.slots[slot_index];
            let model = &self.trials[assignment.trial].planned.spec.model;
            let engine = match model.program() {
                Some(_) => PROGRAM_ENGINE.to_owned(),
                None => slot_state.engine.clone(),
            };
            let event = Event::TrialStarted {
                trial: self.id(assignment.trial),
                attempt: assignment.attempt,
                slot: slot_state.slot.clone(),
                engine,
                pid: slot_state.pid,
            };
            self.emit(&event)?;
        }
        Ok(())
    }
}
