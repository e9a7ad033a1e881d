//! What runs next, and what a failure means. Pure: time is handed in.
//!
//! Invariant: a trial is in exactly one place: waiting, out at a slot, or over.
//!
//! A worker may die because of its configuration or because of its slot. Trying again on another slot
//! shows which: a trial comes back on another slot where there is one, and a slot that
//! failed two configurations in a row gets its next one from the far end of the plan.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use sweep_core::event::{Cause, Slot};

/// A slot that fails trials of this many different configurations (or starts) in a row gets no more
/// work. A configuration that has failed elsewhere before does not count.
pub const SLOT_FAILURES: usize = 3;
/// Fewest workers that a configuration ends before it is skipped.
pub const CONFIG_KILLS: u32 = 2;
/// First delay before a failed trial is tried again; doubles with every further failure.
pub const INITIAL_BACKOFF: Duration = Duration::from_millis(200);
/// Longest delay before a failed trial is tried again.
pub const MAX_BACKOFF: Duration = Duration::from_secs(30);

/// What becomes of a trial that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RetryDecision {
    Retry,
    GiveUp,
    /// It is given up, and so are all trials of its configuration that were waiting.
    SkipConfiguration {
        /// Workers that the configuration has ended.
        kills: u32,
        trials: Vec<usize>,
    },
}

/// How an attempt failed, as far as that decides what comes next.
#[derive(Debug, Clone, Copy)]
pub struct Failure<'a> {
    pub cause: &'a Cause,
    /// Whether other workers were training beside it.
    pub had_neighbours: bool,
}

/// A trial that waits for its next attempt.
#[derive(Debug)]
struct Delayed {
    due: Instant,
    trial: usize,
    /// Where it failed last: it is tried on another slot if there is one.
    failed_on: Option<Slot>,
}

/// Trials by their index in the plan, waiting to be run.
#[derive(Debug)]
pub struct Queue {
    /// The configuration of each trial, by number.
    configs: Vec<usize>,
    waiting: VecDeque<usize>,
    delayed: Vec<Delayed>,
    failures: BTreeMap<usize, u32>,
    /// Trials that ran out of memory beside others and were tried again for it.
    oom_retried: BTreeSet<usize>,
    /// Trials that failed in a group: which of them caused it is not known.
    alone: BTreeSet<usize>,
    /// Workers that each configuration has ended since a trial of it finished.
    kills: BTreeMap<usize, u32>,
    retries: u32,
    /// Configurations that each slot was the first to fail since it last finished a trial.
    slot_failures: BTreeMap<Slot, BTreeSet<usize>>,
    failed_starts: BTreeMap<Slot, usize>,
    /// Whether another session was met that runs the same trials.
    is_shared: bool,
}

impl Queue {
    /// One trial for each of `configs`, which number their configurations; run in the order of their
    /// index, each tried `retries` times more.
    pub fn new(configs: Vec<usize>, retries: u32) -> Queue {
        Queue {
            waiting: (0..configs.len()).collect(),
            configs,
            delayed: Vec::new(),
            failures: BTreeMap::new(),
            oom_retried: BTreeSet::new(),
            alone: BTreeSet::new(),
            kills: BTreeMap::new(),
            retries,
            slot_failures: BTreeMap::new(),
            failed_starts: BTreeMap::new(),
            is_shared: false,
        }
    }

    /// Adds a trial of the configuration numbered `config` at the end, and gives its index.
    pub fn push(&mut self, config: usize) -> usize {
        let index = self.configs.len();
        self.configs.push(config);
        self.waiting.push_back(index);
        index
    }

    /// Takes the next trial that `slot` may run at `now`; those tried before come first. `is_only_slot`
    /// says that no other slot gets work.
    pub fn take(&mut self, slot: &Slot, is_only_slot: bool, now: Instant) -> Option<usize> {
        let due = (0..self.delayed.len())
            .filter(|place| self.delayed[*place].may_run(slot, is_only_slot, now))
            .min_by_key(|place| (self.delayed[*place].due, self.delayed[*place].trial));
        match due {
            Some(place) => Some(self.delayed.swap_remove(place).trial),
            // The other session comes from the front: the two meet once, not at every trial.
            None if self.is_shared => self.waiting.pop_back(),
            // One more failure retires the slot: let it not be that of a neighbour in the grid.
            None if self.consecutive_failures(slot) + 1 >= SLOT_FAILURES => self.waiting.pop_back(),
            None => self.waiting.pop_front(),
        }
    }

    /// Whether `trial` has never failed, so that it may be trained together with others.
    pub fn can_join_batch(&self, trial: usize) -> bool {
        !self.failures.contains_key(&trial) && !self.alone.contains(&trial)
    }

    /// Takes the first `most` of the trials that wait for their first attempt and of which `holds` is true.
    pub fn take_batch(&mut self, most: usize, holds: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut taken = Vec::new();
        self.waiting.retain(|trial| {
            let takes = taken.len() < most && holds(*trial);
            if takes {
                taken.push(*trial);
            }
            !takes
        });
        taken
    }

    /// Takes note that a worker that trained `trial` together with others died at `now`. It is tried
    /// again, alone, and the failure counts against none of them.
    pub fn batch_failed(&mut self, trial: usize, now: Instant) {
        self.alone.insert(trial);
        self.delay(trial, now + INITIAL_BACKOFF);
    }

    /// Puts back a trial that was taken and never begun.
    pub fn put_back(&mut self, trial: usize) {
        self.waiting.push_front(trial);
    }

    /// Puts back a trial that another session is running, to be tried again when `due`.
    pub fn defer(&mut self, trial: usize, due: Instant) {
        self.is_shared = true;
        self.delay(trial, due);
    }

    fn delay(&mut self, trial: usize, due: Instant) {
        self.delayed.push(Delayed {
            due,
            trial,
            failed_on: None,
        });
    }

    /// Whether `slot` could take a trial at `now`.
    pub fn has_due(&self, slot: &Slot, is_only_slot: bool, now: Instant) -> bool {
        let may_run = |delayed: &Delayed| delayed.may_run(slot, is_only_slot, now);
        !self.waiting.is_empty() || self.delayed.iter().any(may_run)
    }

    /// When the next of the trials that are delayed at `now` may run, if there is one.
    pub fn next_due(&self, now: Instant) -> Option<Instant> {
        let dues = self.delayed.iter().map(|delayed| delayed.due);
        dues.filter(|due| *due > now).min()
    }

    /// Trials neither out nor over.
    pub fn len(&self) -> usize {
        self.waiting.len() + self.delayed.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes note that `slot` brought `trial` to its end.
    pub fn finished(&mut self, slot: &Slot, trial: usize) {
        self.slot_failures.remove(slot);
        self.failed_starts.remove(slot);
        self.failures.remove(&trial);
        self.kills.remove(&self.configs[trial]);
    }

    /// Takes note that `trial` failed on `slot` at `now`.
    ///
    /// A worker that died, fell silent or spoke nonsense may do better next time, and one that ran out
    /// of memory beside others may do so once; a program that a signal ended or that asks for it is tried again. What an
    /// engine refuses, what takes too long, and a program that ends with an error would do so again.
    pub fn failed(
        &mut self,
        slot: &Slot,
        trial: usize,
        failure: Failure<'_>,
        now: Instant,
    ) -> RetryDecision {
        if matches!(
            failure.cause,
            Cause::Rejected { .. } | Cause::TimedOut { .. }
        ) {
            // The worker is well: this is about the trial alone.
            return RetryDecision::GiveUp;
        }
        if let Cause::ProgramEnded {
            signal,
            is_temporary,
            ..
        } = failure.cause
        {
            let helps = signal.is_some() || *is_temporary;
            return match helps && self.count_failure(trial) <= self.retries {
                true => self.retry(slot, trial, now),
                false => RetryDecision::GiveUp,
            };
        }
        let config = self.configs[trial];
        let kills = self.kills.entry(config).or_insert(0);
        *kills += 1;
        let kills = *kills;
        if kills == 1 {
            // A second one says more of the configuration than of the slot.
            let failures = self.slot_failures.entry(slot.clone()).or_default();
            failures.insert(config);
        }
        if kills >= CONFIG_KILLS.max(self.retries + 1) {
            let trials = self.withdraw(config);
            return RetryDecision::SkipConfiguration { kills, trials };
        }
        let failures = self.count_failure(trial);
        let helps = match failure.cause {
            Cause::OutOfMemory { .. } => failure.had_neighbours && self.oom_retried.insert(trial),
            _ => true,
        };
        if failures > self.retries || !helps {
            return RetryDecision::GiveUp;
        }
        self.retry(slot, trial, now)
    }

    /// Counts a failure of `trial`, and gives how many there are now.
    fn count_failure(&mut self, trial: usize) -> u32 {
        let failures = self.failures.entry(trial).or_insert(0);
        *failures += 1;
        *failures
    }

    /// Has `trial`, which failed on `slot`, tried again after a delay.
    fn retry(&mut self, slot: &Slot, trial: usize, now: Instant) -> RetryDecision {
        let failures = self.failures.get(&trial).map_or(1, |count| (*count).max(1));
        let delay = INITIAL_BACKOFF
            .saturating_mul(1 << (failures - 1).min(16))
            .min(MAX_BACKOFF);
        self.delayed.push(Delayed {
            due: now + delay,
            trial,
            failed_on: Some(slot.clone()),
        });
        RetryDecision::Retry
    }

    /// Takes the trials of `config` that wait out of the queue, in the order of the plan.
    fn withdraw(&mut self, config: usize) -> Vec<usize> {
        let configs = &self.configs;
        let is_of = |trial: &usize| configs[*trial] == config;
        let delayed = self.delayed.iter().map(|delayed| delayed.trial);
        let mut trials: Vec<usize> = self.waiting.iter().copied().chain(delayed).collect();
        trials.retain(is_of);
        trials.sort_unstable();
        self.waiting.retain(|trial| !is_of(trial));
        self.delayed.retain(|delayed| !is_of(&delayed.trial));
        trials
    }

    /// Takes note that no worker could be started on `slot`.
    pub fn start_failed(&mut self, slot: &Slot) {
        *self.failed_starts.entry(slot.clone()).or_insert(0) += 1;
    }

    /// Whether `slot` has failed too much to get more work.
    pub fn is_unhealthy(&self, slot: &Slot) -> bool {
        let starts = self.failed_starts.get(slot).copied().unwrap_or(0);
        self.consecutive_failures(slot) >= SLOT_FAILURES || starts >= SLOT_FAILURES
    }

    /// Configurations that `slot` has failed in a row.
    fn consecutive_failures(&self, slot: &Slot) -> usize {
        self.slot_failures.get(slot).map_or(0, BTreeSet::len)
    }
}

impl Delayed {
    fn may_run(&self, slot: &Slot, is_only_slot: bool, now: Instant) -> bool {
        self.due <= now && (is_only_slot || self.failed_on.as_ref() != Some(slot))
    }
}

#[cfg(test)]
mod tests;
