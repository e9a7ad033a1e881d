//! Crashes, hangs and rejections: what is retried, skipped or retired.

use std::time::Duration;

use sweep_core::event::{Cause, Event, StopReason};
use sweep_scheduler::Summary;

use super::fake_launcher::{Act, Case};

#[test]
fn a_crash_costs_one_attempt_and_the_trial_is_tried_again() {
    let (summary, recorder) = Case::new(3, 1).run(|number, attempt| match (number, attempt) {
        (1, 0) => Act::Crash,
        (2, 0) => Act::Babble,
        _ => Act::Finish,
    });
    assert_eq!(
        summary.unwrap(),
        Summary {
            finished: 3,
            ..Summary::default()
        }
    );
    assert_eq!(recorder.starts(), 5);
    recorder.assert_attempts_are_closed();
    let tails = recorder.events.iter().filter_map(|event| match event {
        Event::TrialFailed {
            log_tail,
            will_retry,
            ..
        } => Some((log_tail.as_str(), *will_retry)),
        _ => None,
    });
    assert_eq!(tails.collect::<Vec<_>>(), [("last words", true); 2]);
}

#[test]
fn a_trial_that_always_kills_its_worker_is_given_up_and_the_others_continue() {
    let (summary, recorder) = Case::new(6, 1).run(|number, _| match number {
        2 => Act::Crash,
        _ => Act::Finish,
    });
    assert_eq!(
        summary.unwrap(),
        Summary {
            finished: 5,
            failed: 1,
            ..Summary::default()
        }
    );
    assert_eq!(recorder.starts(), 5 + 3);
    recorder.assert_attempts_are_closed();
}

#[test]
fn what_an_engine_refuses_and_what_diverges_is_not_tried_again() {
    let (summary, recorder) = Case::new(3, 2).run(|number, _| match number {
        0 => Act::Refuse,
        1 => Act::Diverge,
        _ => Act::Finish,
    });
    let expected = Summary {
        finished: 1,
        diverged: 1,
        failed: 1,
        ..Summary::default()
    };
    assert_eq!(summary.unwrap(), expected);
    assert_eq!(recorder.starts(), 3);
}

#[test]
fn a_trial_that_takes_too_long_is_ended_and_the_others_continue() {
    let mut case = Case::new(3, 1);
    case.settings.trial_timeout = Some(Duration::from_millis(20));
    let (summary, recorder) = case.run(|number, _| match number {
        0 => Act::Sleep,
        _ => Act::Finish,
    });
    assert_eq!(
        summary.unwrap(),
        Summary {
            finished: 2,
            failed: 1,
            ..Summary::default()
        }
    );
    recorder.assert_attempts_are_closed();
}

#[test]
fn slots_that_fail_everything_are_retired_and_the_work_is_kept() {
    let mut case = Case::new(50, 2);
    case.settings.retries = 0;
    let (summary, recorder) = case.run(|_, _| Act::Crash);
    let summary = summary.unwrap();
    assert_eq!(summary.failed, 6, "three on each slot");
    assert_eq!(summary.left, 44);
    assert_eq!(summary.retired.len(), 2);
    assert!(summary.retired[0].1.contains("signal 11 (SIGSEGV)"));
    assert_eq!(summary.stopped, None);
    let retired = |event: &&Event| matches!(event, Event::SlotRetired { .. });
    assert_eq!(recorder.events.iter().filter(retired).count(), 2);
    recorder.assert_attempts_are_closed();
}

#[test]
fn a_configuration_that_kills_its_worker_twice_is_skipped_and_the_sweep_goes_on() {
    for slots in [1, 3] {
        // Four seeds of five configurations, the third of which is deadly.
        let mut case = Case::new(20, slots);
        case.configs = 5;
        case.settings.retries = 1;
        let (summary, recorder) = case.run(|number, _| match number % 5 {
            2 => Act::Crash,
            _ => Act::Finish,
        });
        let summary = summary.unwrap();
        let left = (summary.finished, summary.failed, summary.left);
        assert_eq!(left, (16, 4, 0));
        assert_eq!(summary.retired, []);
        recorder.assert_attempts_are_closed();
        let reasons: Vec<&str> = (recorder.events.iter())
            .filter_map(|event| match event {
                Event::TrialSkipped { reason, .. } => Some(reason.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(reasons.len(), summary.skipped);
        // Seeds of it that other slots had begun by then may have failed as well.
        assert!(summary.skipped + slots >= 4, "{summary:?}");
        for reason in reasons {
            assert!(reason.contains("has ended 2 workers"), "{reason}");
            assert!(reason.contains("SIGSEGV"), "{reason}");
        }
    }
}

#[test]
fn a_neighbourhood_of_deadly_configurations_does_not_cost_the_slot() {
    let mut case = Case::new(12, 1);
    case.settings.retries = 1;
    let (summary, recorder) = case.run(|number, _| match number {
        0..4 => Act::Crash,
        _ => Act::Finish,
    });
    let summary = summary.unwrap();
    let ended = (summary.finished, summary.failed, summary.left);
    assert_eq!(ended, (8, 4, 0));
    assert_eq!(summary.retired, []);
    recorder.assert_attempts_are_closed();
}

#[test]
fn a_worker_that_falls_silent_is_ended_as_hung_and_one_that_is_only_slow_is_not() {
    let mut case = Case::new(2, 1);
    case.settings.retries = 0;
    // Shorter than the slow trial takes, which waits for the failure of the silent one; far longer than its steps.
    let timeout = Duration::from_millis(400);
    case.settings.stall_timeout = Some(timeout);
    let (summary, recorder) = case.run(|number, _| match number {
        0 => Act::Sleep,
        _ => Act::Slow,
    });
    let summary = summary.unwrap();
    assert_eq!((summary.finished, summary.failed), (1, 1));
    let causes = recorder.events.iter().filter_map(|event| match event {
        Event::TrialFailed { cause, .. } => Some(cause),
        _ => None,
    });
    let causes: Vec<&Cause> = causes.collect();
    assert!(
        matches!(causes[..], [Cause::Hung { after }] if *after > timeout),
        "{causes:?}"
    );
}

#[test]
fn workers_that_were_killed_before_a_stop_count_against_no_configuration() {
    let mut case = Case::new(3, 2);
    case.configs = 1;
    case.settings.retries = 0;
    case.recorder.interrupt_at = vec![3];
    let (summary, recorder) = case.run(|number, _| match number {
        0 | 1 => Act::Killed,
        _ => Act::Hang,
    });
    let expected = Summary {
        interrupted: 3,
        stopped: Some(StopReason::Interrupt),
        ..Summary::default()
    };
    assert_eq!(summary.unwrap(), expected);
    recorder.assert_attempts_are_closed();
}

#[test]
fn workers_that_were_killed_and_no_stop_came_count_as_crashes() {
    let mut case = Case::new(3, 1);
    case.configs = 1;
    case.settings.retries = 0;
    case.settings.max_trials = Some(3);
    let (summary, recorder) = case.run(|_, _| Act::Killed);
    let summary = summary.unwrap();
    assert_eq!((summary.failed, summary.interrupted), (3, 0));
    recorder.assert_attempts_are_closed();
}
