//! Trials that are decided on while others run: taken from their supply, and their ends told to it.
//!
//! Invariant: a trial that was supplied is assigned only after every observer has recorded the decision.

use super::number_of;
use super::state::{Decided, Dispatcher};
use super::work::{ScheduleError, TrialEnd};
use sweep_core::trial::Metric;

impl Dispatcher<'_, '_> {
    /// Decides on more trials: on one, or, while some slot has nothing to do, on all that can be decided on now.
    pub(super) fn replenish(&mut self) -> Result<(), ScheduleError> {
        loop {
            let Some(supply) = &mut self.supply else {
                return Ok(());
            };
            let next = supply.next()?;
            self.tell_of_supply()?;
            let Some(trial) = next else {
                break;
            };
            let counts = self.observers.iter().map(|observer| observer.counts().0);
            self.decided.push_back(Decided {
                trial,
                recorded_at: counts.collect(),
            });
            if self.queue.len() + self.decided.len() >= self.usable() {
                break;
            }
        }
        if !self.decided.is_empty() {
            // Nothing else may come for a while that would have them written.
            for observer in self.observers.iter_mut() {
                observer.idle()?;
            }
        }
        Ok(())
    }

    /// Puts the trials into the queue whose decision every observer has recorded, in the order of decisions.
    pub(super) fn enqueue_recorded(&mut self) {
        let done: Vec<u64> = (self.observers.iter())
            .map(|observer| observer.counts().1)
            .collect();
        let is_recorded = |decided: &Decided| {
            let mut both = done.iter().zip(&decided.recorded_at);
            both.all(|(done, at)| done >= at)
        };
        while self.decided.front().is_some_and(is_recorded)
            && let Some(Decided { trial, .. }) = self.decided.pop_front()
        {
            let config = number_of(&trial.planned.config, &mut self.configs);
            let index = self.queue.push(config);
            debug_assert_eq!(index, self.trials.len());
            self.trials.push(trial);
        }
    }

    fn tell_of_supply(&mut self) -> Result<(), ScheduleError> {
        let events = self.supply.as_mut().map(|supply| supply.drain_events());
        for event in events.unwrap_or_default() {
            self.emit(&event)?;
        }
        Ok(())
    }

    /// The number of the trial `index` among those supplied.
    fn supplied(&self, index: usize) -> Option<usize> {
        index.checked_sub(self.work.trials.len())
    }

    pub(super) fn supplied_progressed(
        &mut self,
        index: usize,
        step: u32,
        values: &[(Metric, f64)],
    ) {
        if let (Some(number), Some(supply)) = (self.supplied(index), &mut self.supply) {
            supply.progressed(number, step, values);
        }
    }

    pub(super) fn supplied_ended(
        &mut self,
        index: usize,
        end: TrialEnd,
    ) -> Result<(), ScheduleError> {
        if let (Some(number), Some(supply)) = (self.supplied(index), &mut self.supply) {
            supply.ended(number, end)?;
        }
        self.tell_of_supply()
    }
}
