//! The queue with a made-up clock.

use super::*;

fn slot(number: usize) -> Slot {
    Slot(format!("cpu:{number}"))
}

fn crash() -> Cause {
    Cause::Crashed {
        exit_code: None,
        signal: Some(9),
    }
}

fn no_memory() -> Cause {
    let message = "more than 1 GB".to_owned();
    Cause::OutOfMemory { message }
}

/// Trials that each have a configuration of their own.
fn different(count: usize, retries: u32) -> Queue {
    Queue::new((0..count).collect(), retries)
}

impl Queue {
    /// Takes a trial for the only slot there is.
    fn next(&mut self, now: Instant) -> Option<usize> {
        self.take(&slot(0), true, now)
    }

    fn fail(&mut self, on: usize, trial: usize, cause: &Cause, now: Instant) -> RetryDecision {
        let failure = Failure {
            cause,
            had_neighbours: false,
        };
        self.failed(&slot(on), trial, failure, now)
    }
}

#[test]
fn trials_run_in_plan_order_and_each_once() {
    let mut queue = different(3, 2);
    let now = Instant::now();
    let taken = [(); 4].map(|()| queue.next(now));
    assert_eq!(taken, [Some(0), Some(1), Some(2), None]);
    assert!(queue.is_empty());
}

#[test]
fn a_crashed_trial_comes_back_after_a_pause_that_grows() {
    let mut queue = different(1, 5);
    let mut now = Instant::now();
    let mut delay = INITIAL_BACKOFF;
    for _ in 0..4 {
        let trial = queue.next(now).unwrap();
        assert_eq!(queue.fail(0, trial, &crash(), now), RetryDecision::Retry);
        assert_eq!(queue.next_due(now), Some(now + delay));
        assert_eq!(queue.next(now + delay - Duration::from_millis(1)), None);
        now += delay;
        delay *= 2;
    }
    assert_eq!(queue.len(), 1);
}

#[test]
fn what_would_fail_again_is_not_tried_again_and_counts_against_neither_slot_nor_configuration() {
    let mut queue = Queue::new(vec![0; 9], 2);
    let now = Instant::now();
    let refused = Cause::Rejected {
        message: "no".to_owned(),
    };
    let late = Cause::TimedOut {
        after: Duration::from_secs(1),
    };
    for cause in [&refused, &late, &refused, &late] {
        let trial = queue.next(now).unwrap();
        assert_eq!(queue.fail(0, trial, cause, now), RetryDecision::GiveUp);
    }
    assert_eq!(queue.len(), 5);
    assert!(!queue.is_unhealthy(&slot(0)));
}

#[test]
fn a_configuration_that_ends_two_workers_is_skipped_with_all_its_seeds() {
    // Two seeds each of three configurations, as a plan has them.
    let mut queue = Queue::new(vec![0, 1, 2, 0, 1, 2], 1);
    let now = Instant::now();
    assert_eq!(queue.next(now), Some(0));
    assert_eq!(queue.next(now), Some(1));
    assert_eq!(queue.fail(0, 1, &crash(), now), RetryDecision::Retry);
    let now = now + MAX_BACKOFF;
    assert_eq!(queue.next(now), Some(1));
    let trials = vec![4];
    let decision = queue.fail(1, 1, &crash(), now);
    assert_eq!(
        decision,
        RetryDecision::SkipConfiguration { kills: 2, trials }
    );
    let rest = [(); 4].map(|()| queue.next(now));
    assert_eq!(rest, [Some(2), Some(3), Some(5), None]);
}

#[test]
fn trials_of_one_configuration_that_fail_once_each_set_it_aside_without_retries() {
    let mut queue = Queue::new(vec![7; 4], 0);
    let now = Instant::now();
    assert_eq!(queue.next(now), Some(0));
    assert_eq!(queue.fail(0, 0, &crash(), now), RetryDecision::GiveUp);
    assert_eq!(queue.next(now), Some(1));
    let trials = vec![2, 3];
    let decision = queue.fail(0, 1, &crash(), now);
    assert_eq!(
        decision,
        RetryDecision::SkipConfiguration { kills: 2, trials }
    );
    assert!(queue.is_empty());
}

#[test]
fn more_retries_let_a_configuration_end_more_workers() {
    let mut queue = Queue::new(vec![0; 2], 3);
    let mut now = Instant::now();
    for _ in 0..3 {
        assert_eq!(queue.next(now), Some(0));
        assert_eq!(queue.fail(0, 0, &crash(), now), RetryDecision::Retry);
        now += MAX_BACKOFF;
    }
    assert_eq!(queue.next(now), Some(0));
    let trials = vec![1];
    let decision = queue.fail(0, 0, &crash(), now);
    assert_eq!(
        decision,
        RetryDecision::SkipConfiguration { kills: 4, trials }
    );
}

#[test]
fn a_configuration_that_finishes_a_trial_is_cleared() {
    let mut queue = Queue::new(vec![0; 3], 1);
    let mut now = Instant::now();
    for trial in 0..2 {
        assert_eq!(queue.next(now), Some(trial));
        assert_eq!(queue.fail(0, trial, &crash(), now), RetryDecision::Retry);
        now += MAX_BACKOFF;
        assert_eq!(queue.next(now), Some(trial));
        queue.finished(&slot(0), trial);
    }
    assert_eq!(queue.next(now), Some(2));
}

#[test]
fn memory_that_ran_out_is_tried_again_once_and_only_after_company() {
    let now = Instant::now();
    let mut alone = different(1, 9);
    alone.next(now);
    assert_eq!(alone.fail(0, 0, &no_memory(), now), RetryDecision::GiveUp);

    let mut beside_others = different(1, 9);
    let failure = Failure {
        cause: &no_memory(),
        had_neighbours: true,
    };
    beside_others.next(now);
    let first = beside_others.failed(&slot(0), 0, failure, now);
    assert_eq!(first, RetryDecision::Retry);
    assert_eq!(beside_others.next(now + INITIAL_BACKOFF), Some(0));
    let second = beside_others.failed(&slot(0), 0, failure, now);
    assert_eq!(second, RetryDecision::GiveUp);
}

#[test]
fn a_trial_is_tried_again_on_another_slot_where_there_is_one() {
    let mut queue = different(1, 1);
    let now = Instant::now();
    let later = now + INITIAL_BACKOFF;
    queue.next(now);
    queue.fail(0, 0, &crash(), now);
    assert!(!queue.has_due(&slot(0), false, later));
    assert_eq!(queue.take(&slot(0), false, later), None);
    // No delay is left to wait for: what is due waits for a slot.
    assert_eq!(queue.next_due(later), None);
    assert!(queue.has_due(&slot(0), true, later));
    assert!(queue.has_due(&slot(1), false, later));
    assert_eq!(queue.take(&slot(1), false, later), Some(0));
}

#[test]
fn a_trial_that_another_session_has_comes_back_later_and_the_rest_from_the_far_end() {
    let mut queue = different(3, 1);
    let now = Instant::now();
    assert_eq!(queue.next(now), Some(0));
    queue.defer(0, now + INITIAL_BACKOFF);
    assert_eq!(queue.next(now), Some(2));
    assert_eq!(queue.next(now), Some(1));
    assert_eq!(queue.next(now), None);
    assert_eq!(queue.take(&slot(0), false, now + INITIAL_BACKOFF), Some(0));
}

#[test]
fn a_slot_becomes_unhealthy_by_different_configurations_not_by_one_that_kills_its_worker() {
    // Every third trial is of configuration 0.
    let mut queue = Queue::new((0..30).map(|trial| trial % 3 * trial).collect(), 9);
    let now = Instant::now();
    for trial in [0, 3, 6, 9, 12] {
        queue.fail(0, trial, &crash(), now);
    }
    assert!(!queue.is_unhealthy(&slot(0)));
    queue.fail(0, 1, &crash(), now);
    queue.finished(&slot(0), 2);
    for trial in [4, 5, 7] {
        assert!(!queue.is_unhealthy(&slot(0)));
        queue.fail(0, trial, &crash(), now);
    }
    assert!(queue.is_unhealthy(&slot(0)));
    assert!(!queue.is_unhealthy(&slot(1)));
}

#[test]
fn configurations_that_failed_elsewhere_do_not_make_a_slot_unhealthy() {
    let mut queue = different(6, 1);
    let now = Instant::now();
    for trial in 0..2 {
        queue.fail(0, trial, &crash(), now);
        queue.fail(1, trial, &crash(), now);
    }
    for trial in 2..4 {
        queue.fail(1, trial, &crash(), now);
    }
    assert!(!queue.is_unhealthy(&slot(1)));
    queue.fail(1, 4, &crash(), now);
    assert!(queue.is_unhealthy(&slot(1)));
    assert!(!queue.is_unhealthy(&slot(0)));
}

#[test]
fn a_slot_in_doubt_is_tried_with_a_trial_from_the_far_end_of_the_plan() {
    let mut queue = different(9, 0);
    let now = Instant::now();
    for trial in [0, 1] {
        assert_eq!(queue.next(now), Some(trial));
        assert_eq!(queue.fail(0, trial, &crash(), now), RetryDecision::GiveUp);
    }
    assert_eq!(queue.next(now), Some(8));
    queue.finished(&slot(0), 8);
    assert_eq!(queue.next(now), Some(2));
}

#[test]
fn a_slot_whose_worker_never_starts_becomes_unhealthy() {
    let mut queue = different(1, 0);
    for _ in 0..SLOT_FAILURES {
        assert!(!queue.is_unhealthy(&slot(0)));
        queue.start_failed(&slot(0));
    }
    assert!(queue.is_unhealthy(&slot(0)));
}

#[test]
fn trials_of_a_group_are_taken_in_the_order_of_the_plan_and_each_once() {
    let mut queue = Queue::new(vec![0, 1, 2, 3, 4, 5], 2);
    let now = Instant::now();
    let even = |trial: usize| trial.is_multiple_of(2);
    assert_eq!(queue.take(&slot(0), true, now), Some(0));
    assert_eq!(queue.take_batch(1, even), [2]);
    assert_eq!(queue.take_batch(9, even), [4]);
    assert_eq!(queue.len(), 3);
    assert_eq!(queue.take(&slot(0), true, now), Some(1));
}

#[test]
fn trials_whose_group_died_are_tried_again_alone_and_no_configuration_is_counted_as_failing() {
    let mut queue = Queue::new(vec![0; 4], 0);
    let now = Instant::now();
    let group: Vec<usize> = (0..4)
        .filter_map(|_| queue.take(&slot(0), true, now))
        .collect();
    for trial in &group {
        queue.batch_failed(*trial, now);
    }
    assert!(!queue.is_unhealthy(&slot(0)));
    assert!(
        queue.take_batch(4, |_| true).is_empty(),
        "none of them joins a group"
    );
    let later = now + MAX_BACKOFF;
    for trial in group {
        assert_eq!(queue.take(&slot(0), true, later), Some(trial));
        assert!(!queue.can_join_batch(trial));
    }
}

#[test]
fn a_batch_that_crashed_is_no_second_session_and_the_plan_is_still_run_from_its_start() {
    let mut queue = different(6, 2);
    let now = Instant::now();
    for trial in 0..2 {
        assert_eq!(queue.next(now), Some(trial));
    }
    for trial in 0..2 {
        queue.batch_failed(trial, now);
    }
    assert_eq!(queue.next(now), Some(2), "the next one, not the last one");
    let later = now + INITIAL_BACKOFF;
    let rest = [(); 6].map(|()| queue.next(later));
    assert_eq!(rest, [Some(0), Some(1), Some(3), Some(4), Some(5), None]);
}
