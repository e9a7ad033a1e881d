//! The state of a session: the queue, the slots and what they run.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use super::slot_state::{Killed, SlotState, WorkerStatus};
use super::work::{QueuedTrial, ScheduleError, Settings, Summary, Supply, Work};
use crate::channel::Sender;
use crate::launcher::Launcher;
use crate::queue::Queue;
use sweep_core::event::{Event, Observer, Readiness, StopReason};
use sweep_core::trial::{ConfigId, TrialId};

/// A trial that was decided on.
pub(super) struct Decided {
    pub trial: QueuedTrial<'static>,
    /// How many events each observer has to have processed until it has recorded the decision.
    pub recorded_at: Vec<u64>,
}

/// A stop that was requested.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stopping {
    pub since: Instant,
    pub reason: StopReason,
}

pub(super) struct Dispatcher<'a, 'o> {
    pub began: Instant,
    pub work: &'a Work<'a>,
    pub settings: &'a Settings,
    pub launcher: &'a mut dyn Launcher,
    pub observers: &'a mut [&'o mut dyn Observer],
    pub sender: Sender,
    /// Decides on more trials while others run.
    pub supply: Option<&'a mut dyn Supply>,
    /// What is run, by its index in the queue: the trials of the work first, then those supplied.
    pub trials: Vec<QueuedTrial<'a>>,
    /// Numbers of the configurations met so far.
    pub configs: HashMap<ConfigId, usize>,
    /// Trials that were decided on, and are not in the queue before every observer has recorded that.
    pub decided: VecDeque<Decided>,
    pub queue: Queue,
    pub slots: Vec<SlotState>,
    pub summary: Summary,
    pub workers: u64,
    pub attempts: u64,
    pub stopping: Option<Stopping>,
    /// What workers that were killed or given up were training, to be judged.
    pub killed: Vec<Killed>,
    /// When this process was last continued after a stop, if that was a moment ago.
    pub continued_at: Option<Instant>,
    /// The readiness of the least ready observer.
    pub readiness: Readiness,
}

impl Dispatcher<'_, '_> {
    /// Trials that are being trained, or whose worker was killed and that are to be judged.
    pub fn running_trials(&self) -> usize {
        let slots = self.slots.iter();
        let killed = self.killed.iter();
        slots
            .map(|slot_state| slot_state.assignments.len())
            .chain(killed.map(Killed::trials))
            .sum()
    }

    /// Slots at which a trial is trained.
    pub fn busy(&self) -> usize {
        let is_busy =
            |slot_state: &&SlotState| matches!(slot_state.state, WorkerStatus::Busy { .. });
        self.slots.iter().filter(is_busy).count()
    }

    /// Slots that get work.
    pub fn usable(&self) -> usize {
        let is_usable =
            |slot_state: &&SlotState| !matches!(slot_state.state, WorkerStatus::Retired);
        self.slots.iter().filter(is_usable).count()
    }

    /// How many more trials may be begun before running ones have ended.
    pub fn startable_trials(&self) -> usize {
        match self.settings.max_trials {
            Some(most) => most.saturating_sub(self.summary.ended() + self.running_trials()),
            None => usize::MAX,
        }
    }

    pub fn id(&self, index: usize) -> TrialId {
        self.trials[index].planned.id.clone()
    }

    pub fn emit(&mut self, event: &Event) -> Result<(), ScheduleError> {
        emit(self.observers, event)
    }
}

pub fn emit(observers: &mut [&mut dyn Observer], event: &Event) -> Result<(), ScheduleError> {
    for observer in observers.iter_mut() {
        observer.observe(event)?;
    }
    Ok(())
}
