//! What runs next, and what a failure means. Pure: time is handed in.
//!
//! Invariant: a trial is in exactly one place: waiting, out at a slot, or over.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use crate::event::{Cause, Slot};

/// A slot that fails this many different trials (or starts) in a row gets no more work.
pub const SLOT_FAILURES: usize = 3;
/// First pause before a failed trial is tried again; doubles with every further failure.
pub const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Longest pause before a failed trial is tried again.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What becomes of a trial that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Retry,
    GiveUp,
}

/// Trials by their index in the plan, waiting to be run.
#[derive(Debug)]
pub struct Queue {
    waiting: VecDeque<usize>,
    /// Failed trials and when they may be tried again.
    paused: Vec<(Instant, usize)>,
    failures: BTreeMap<usize, u32>,
    retries: u32,
    /// Trials each slot has failed since it last finished one.
    slot_failures: BTreeMap<Slot, BTreeSet<usize>>,
    failed_starts: BTreeMap<Slot, usize>,
}

impl Queue {
    /// `count` trials, run in the order of their index, each tried `retries` times more.
    pub fn new(count: usize, retries: u32) -> Queue {
        Queue {
            waiting: (0..count).collect(),
            paused: Vec::new(),
            failures: BTreeMap::new(),
            retries,
            slot_failures: BTreeMap::new(),
            failed_starts: BTreeMap::new(),
        }
    }

    /// Takes the next trial that may run at `now`; those tried before come first.
    pub fn take(&mut self, now: Instant) -> Option<usize> {
        let due = (0..self.paused.len())
            .filter(|place| self.paused[*place].0 <= now)
            .min_by_key(|place| self.paused[*place]);
        match due {
            Some(place) => Some(self.paused.swap_remove(place).1),
            None => self.waiting.pop_front(),
        }
    }

    /// Puts back a trial that was taken and never begun.
    pub fn put_back(&mut self, trial: usize) {
        self.waiting.push_front(trial);
    }

    /// Whether a trial could be taken at `now`.
    pub fn has_due(&self, now: Instant) -> bool {
        !self.waiting.is_empty() || self.paused.iter().any(|(at, _)| *at <= now)
    }

    /// When the next paused trial may run, if there is one.
    pub fn next_due(&self) -> Option<Instant> {
        self.paused.iter().map(|(at, _)| *at).min()
    }

    /// Trials neither out nor over.
    pub fn len(&self) -> usize {
        self.waiting.len() + self.paused.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes note that `slot` brought `trial` to its end.
    pub fn finished(&mut self, slot: &Slot, trial: usize) {
        self.slot_failures.remove(slot);
        self.failed_starts.remove(slot);
        self.failures.remove(&trial);
    }

    /// Takes note that `trial` failed on `slot` at `now`.
    ///
    /// Only a crash or a broken conversation is worth another try: what an engine refuses, or what
    /// takes too long, would do so again.
    pub fn failed(&mut self, slot: &Slot, trial: usize, cause: &Cause, now: Instant) -> Verdict {
        if matches!(cause, Cause::Refused { .. }) {
            // The worker is well: this is about the trial alone.
            return Verdict::GiveUp;
        }
        self.slot_failures
            .entry(slot.clone())
            .or_default()
            .insert(trial);
        if matches!(cause, Cause::TimedOut { .. }) {
            return Verdict::GiveUp;
        }
        let failures = self.failures.entry(trial).or_insert(0);
        *failures += 1;
        if *failures > self.retries {
            return Verdict::GiveUp;
        }
        let pause = FIRST_PAUSE
            .saturating_mul(1 << (*failures - 1).min(16))
            .min(LONGEST_PAUSE);
        self.paused.push((now + pause, trial));
        Verdict::Retry
    }

    /// Takes note that no worker could be started on `slot`.
    pub fn start_failed(&mut self, slot: &Slot) {
        *self.failed_starts.entry(slot.clone()).or_insert(0) += 1;
    }

    /// Whether `slot` has failed too much to get more work.
    pub fn is_worn_out(&self, slot: &Slot) -> bool {
        let trials = self.slot_failures.get(slot).map_or(0, BTreeSet::len);
        let starts = self.failed_starts.get(slot).copied().unwrap_or(0);
        trials >= SLOT_FAILURES || starts >= SLOT_FAILURES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot() -> Slot {
        Slot("cpu:0".to_owned())
    }

    fn crash() -> Cause {
        Cause::Crashed {
            exit_code: None,
            signal: Some(9),
        }
    }

    #[test]
    fn trials_run_in_plan_order_and_each_once() {
        let mut queue = Queue::new(3, 2);
        let now = Instant::now();
        assert_eq!(
            [(); 4].map(|()| queue.take(now)),
            [Some(0), Some(1), Some(2), None]
        );
        assert!(queue.is_empty());
    }

    #[test]
    fn a_crashed_trial_comes_back_after_a_pause_and_is_given_up_in_the_end() {
        let mut queue = Queue::new(1, 2);
        let mut now = Instant::now();
        for expected in [Verdict::Retry, Verdict::Retry, Verdict::GiveUp] {
            let trial = queue.take(now).unwrap();
            assert_eq!(queue.failed(&slot(), trial, &crash(), now), expected);
            assert_eq!(queue.take(now), None);
            now += LONGEST_PAUSE;
        }
        assert!(queue.is_empty());
    }

    #[test]
    fn what_would_fail_again_is_not_tried_again() {
        let mut queue = Queue::new(2, 2);
        let now = Instant::now();
        let refused = Cause::Refused {
            message: "no".to_owned(),
        };
        let late = Cause::TimedOut {
            after: Duration::from_secs(1),
        };
        for cause in [refused, late] {
            let trial = queue.take(now).unwrap();
            assert_eq!(queue.failed(&slot(), trial, &cause, now), Verdict::GiveUp);
        }
        assert!(queue.is_empty());
    }

    #[test]
    fn a_slot_is_worn_out_by_different_trials_not_by_one_that_kills_its_worker() {
        let mut queue = Queue::new(9, 9);
        let now = Instant::now();
        for _ in 0..5 {
            queue.failed(&slot(), 0, &crash(), now);
        }
        assert!(!queue.is_worn_out(&slot()));
        queue.failed(&slot(), 1, &crash(), now);
        queue.finished(&slot(), 2);
        for trial in 3..3 + SLOT_FAILURES {
            assert!(!queue.is_worn_out(&slot()));
            queue.failed(&slot(), trial, &crash(), now);
        }
        assert!(queue.is_worn_out(&slot()));
    }

    #[test]
    fn a_slot_whose_worker_never_starts_is_worn_out() {
        let mut queue = Queue::new(1, 0);
        for _ in 0..SLOT_FAILURES {
            assert!(!queue.is_worn_out(&slot()));
            queue.start_failed(&slot());
        }
        assert!(queue.is_worn_out(&slot()));
    }
}
