//! Handing out: which worker gets what next, alone or with company.

use std::time::{Duration, Instant};

use super::station::{Hand, State, Station};
use super::{ClaimState, Dispatcher, ScheduleError, tell};
use crate::groups;
use crate::launcher::WorkerId;
use crate::slots::gpu_of;
use sweep_core::event::{AttemptNo, Event};
use sweep_core::protocol::{ToWorker, TrainRequest};

/// Pause before a trial that another session is training is looked at again.
const ELSEWHERE_PAUSE: Duration = Duration::from_secs(1);

impl Dispatcher<'_, '_> {
    /// Gives ready workers their next trial and starts workers where there is work for them.
    pub(super) fn fill(&mut self) -> Result<(), ScheduleError> {
        let now = Instant::now();
        for place in 0..self.stations.len() {
            match self.stations[place].state {
                State::Ready => {
                    if let Some(trial) = self.next_trial(place, now)? {
                        let trials = self.with_company(place, trial, now)?;
                        self.hand_out(place, trials)?;
                    }
                }
                State::Vacant if self.wants_worker(place, now) => self.launch(place)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether there are more trials to run now than workers about to ask for one.
    fn wants_worker(&self, place: usize, now: Instant) -> bool {
        let starting = |station: &&Station| matches!(station.state, State::Starting { .. });
        let starting = self.stations.iter().filter(starting).count();
        let is_alone = self.usable() == 1;
        let slot = &self.stations[place].slot;
        self.queue.has_due(slot, is_alone, now) && self.queue.len().min(self.capacity()) > starting
    }

    /// The next trial for the worker at `place` that no other session is training or has finished.
    fn next_trial(&mut self, place: usize, now: Instant) -> Result<Option<usize>, ScheduleError> {
        if self.capacity() == 0 {
            return Ok(None);
        }
        let is_alone = self.usable() == 1;
        let slot = self.stations[place].slot.clone();
        while let Some(index) = self.queue.take(&slot, is_alone, now) {
            if self.is_free(index, now)? {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    /// Whether no other session is training the trial `index`, which was taken, or has finished it; if one
    /// has, it is not to be begun here, or not now.
    fn is_free(&mut self, index: usize, now: Instant) -> Result<bool, ScheduleError> {
        let trial = &self.work.trials[index].id;
        match (self.work.claim_state)(trial) {
            ClaimState::Free => return Ok(true),
            ClaimState::Running => self.queue.put_off(index, now + ELSEWHERE_PAUSE),
            ClaimState::Done => {
                self.summary.completed_elsewhere += 1;
                let trial = trial.clone();
                tell(self.observers, &Event::TrialCompletedElsewhere { trial })?;
            }
        }
        Ok(false)
    }

    /// `first`, and those that the worker at `place` can train together with it.
    fn with_company(
        &mut self,
        place: usize,
        first: usize,
        now: Instant,
    ) -> Result<Vec<usize>, ScheduleError> {
        let capacity = self.stations[place].capacity;
        let mut trials = vec![first];
        if capacity == 0 || !self.queue.is_untried(first) {
            return Ok(trials);
        }
        let work = self.work;
        let spec = &work.trials[first].spec;
        let is_alike = |other: usize| groups::can_batch(spec, &work.trials[other].spec);
        let waiting = 1 + self.queue.len();
        let slots = self.slots_to_feed(place);
        let most = groups::size(spec, work.dataset_size, capacity, waiting, slots);
        let most = most.min(self.capacity());
        for other in self.queue.take_like(most.saturating_sub(1), is_alike) {
            if self.is_free(other, now)? {
                trials.push(other);
            }
        }
        Ok(trials)
    }

    /// How many slots are to have something to do when the one at `place` has its group. On a GPU a large group takes
    /// hardly longer than a small one, so that only slots that wait are thought of; on CPUs it takes as much
    /// longer as it is larger, and all slots are to end together.
    fn slots_to_feed(&self, place: usize) -> usize {
        let is_on_gpu = |station: &&Station| gpu_of(&station.slot).is_some();
        if !is_on_gpu(&&self.stations[place]) {
            return self.usable();
        }
        let waits =
            |station: &&Station| !matches!(station.state, State::Busy { .. } | State::Retired);
        let gpus = self.stations.iter().filter(is_on_gpu);
        gpus.filter(waits).count()
    }

    fn launch(&mut self, place: usize) -> Result<(), ScheduleError> {
        self.workers += 1;
        let worker = WorkerId(self.workers);
        let station = &mut self.stations[place];
        station.worker = worker;
        match self
            .launcher
            .launch(&station.slot, worker, self.sender.clone())
        {
            Ok(link) => {
                station.link = Some(link);
                station.state = State::Starting {
                    since: Instant::now(),
                };
                Ok(())
            }
            Err(error) => self.start_failed(place, &format!("no worker could be started: {error}")),
        }
    }

    fn hand_out(&mut self, place: usize, trials: Vec<usize>) -> Result<(), ScheduleError> {
        let first = self.attempts + 1;
        let order = |(number, trial): (u64, &usize)| {
            let planned = self.work.trials[*trial];
            TrainRequest {
                attempt: number,
                trial: planned.id.clone(),
                spec: planned.spec.clone(),
                data: self.work.data.clone(),
                folder: self.work.folder.join(planned.id.as_str()),
                checkpoint: self.settings.checkpoint,
            }
        };
        let mut orders: Vec<TrainRequest> = (first..).zip(&trials).map(order).collect();
        let message = match orders.len() {
            1 => ToWorker::Train(Box::new(orders.remove(0))),
            _ => ToWorker::TrainBatch { requests: orders },
        };
        self.attempts += trials.len() as u64;
        let station = &mut self.stations[place];
        let sent = station
            .link
            .as_mut()
            .is_some_and(|link| link.send(&message).is_ok());
        if !sent {
            // The worker died while idle; `Gone` is on its way and says how.
            station.state = State::Starting {
                since: Instant::now(),
            };
            for trial in trials.into_iter().rev() {
                self.queue.put_back(trial);
            }
            return Ok(());
        }
        let now = Instant::now();
        station.state = State::Busy {
            since: now,
            heard: now,
            begun: trials.len() as u32,
        };
        let hands = (first..).zip(trials);
        station.hands = hands
            .map(|(number, trial)| Hand {
                trial,
                attempt: AttemptNo(number),
            })
            .collect();
        for hand in station.hands.clone() {
            let station = &self.stations[place];
            let event = Event::TrialStarted {
                trial: self.id(hand.trial),
                attempt: hand.attempt,
                slot: station.slot.clone(),
                engine: station.engine.clone(),
                pid: station.pid,
            };
            self.tell(&event)?;
        }
        Ok(())
    }
}
