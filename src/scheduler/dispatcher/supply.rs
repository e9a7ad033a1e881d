//! Trials that are decided on while others run: taken from their supply, and their ends told to it.
//!
//! Invariant: a trial that was supplied is assigned only after every observer has recorded the decision.

use super::number_of;
use super::state::Dispatcher;
use super::work::{ScheduleError, TrialEnd};
use sweep_core::trial::Metric;

impl Dispatcher<'_, '_> {
    /// Takes all trials that can be decided on now into the queue.
    pub(super) fn replenish(&mut self) -> Result<(), ScheduleError> {
        if let Some(supply) = &mut self.supply {
            while let Some(trial) = supply.next()? {
                let config = number_of(&trial.planned.config, &mut self.configs);
                let index = self.queue.push(config);
                debug_assert_eq!(index, self.trials.len());
                self.trials.push(trial);
            }
            self.tell_of_supply()?;
        }
        Ok(())
    }

    /// Whether every observer has recorded what was decided; if not, has them write it soon.
    pub(super) fn is_recorded(&mut self) -> Result<bool, ScheduleError> {
        let counts = self.observers.iter().map(|observer| observer.counts().1);
        if counts.zip(&self.to_record).all(|(done, due)| done >= *due) {
            self.to_record.clear();
            return Ok(true);
        }
        for observer in self.observers.iter_mut() {
            observer.idle()?;
        }
        Ok(false)
    }

    fn tell_of_supply(&mut self) -> Result<(), ScheduleError> {
        let events = self.supply.as_mut().map(|supply| supply.drain_events());
        for event in events.unwrap_or_default() {
            self.emit(&event)?;
            let counts = self.observers.iter().map(|observer| observer.counts().0);
            self.to_record = counts.collect();
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
