//! Limits, interrupts, other sessions, and the store.

use std::time::Duration;

use sweep_core::event::{Event, StopReason};
use sweep_scheduler::{ClaimState, Summary};

use super::fake_launcher::{Act, Case, Start};

#[test]
fn every_trial_runs_once_whatever_the_number_of_slots() {
    for slots in [1, 2, 7] {
        let (summary, recorder) = Case::new(20, slots).run(|_, _| Act::Finish);
        let expected = Summary {
            finished: 20,
            ..Summary::default()
        };
        assert_eq!(summary.unwrap(), expected);
        assert_eq!(recorder.starts(), 20);
        recorder.assert_attempts_are_closed();
    }
}

#[test]
fn no_more_trials_are_begun_than_may_end_in_the_session() {
    for slots in [1, 4] {
        let mut case = Case::new(20, slots);
        case.settings.max_trials = Some(6);
        let (summary, recorder) = case.run(|number, attempt| match (number, attempt) {
            (1, 0) => Act::Crash,
            (2, _) => Act::Refuse,
            (3, _) => Act::Diverge,
            _ => Act::Finish,
        });
        let summary = summary.unwrap();
        let ended = summary.finished + summary.diverged + summary.failed;
        assert_eq!((ended, summary.interrupted, summary.left), (6, 0, 14));
        assert_eq!(summary.stopped, Some(StopReason::TrialLimit(6)));
        recorder.assert_attempts_are_closed();
    }
    // A limit that is no limit.
    let mut case = Case::new(3, 2);
    case.settings.max_trials = Some(3);
    let (summary, _) = case.run(|_, _| Act::Finish);
    assert_eq!(summary.unwrap().stopped, None);
}

#[test]
fn the_time_limit_of_a_session_ends_it_as_an_interrupt_does() {
    let mut case = Case::new(9, 2);
    let limit = Duration::from_millis(50);
    case.settings.max_time = Some(limit);
    let (summary, recorder) = case.run(|_, _| Act::Hang);
    let expected = Summary {
        interrupted: 2,
        left: 7,
        stopped: Some(StopReason::TimeLimit(limit)),
        ..Summary::default()
    };
    assert_eq!(summary.unwrap(), expected);
    recorder.assert_attempts_are_closed();
}

#[test]
fn trials_that_another_session_has_in_hand_are_left_to_it() {
    let mut case = Case::new(6, 2);
    case.claim_state = |number, times| match (number, times) {
        (1, _) => ClaimState::Done,
        // Finished there in the end, or given up.
        (3, 0) | (4, 0) => ClaimState::Running,
        (3, _) => ClaimState::Done,
        _ => ClaimState::Free,
    };
    let (summary, recorder) = case.run(|number, _| match number {
        1 | 3 => panic!("trained twice"),
        _ => Act::Finish,
    });
    let expected = Summary {
        finished: 4,
        completed_elsewhere: 2,
        ..Summary::default()
    };
    assert_eq!(summary.unwrap(), expected);
    assert_eq!(recorder.starts(), 4);
}

#[test]
fn workers_that_cannot_start_or_are_of_another_version_end_the_session() {
    for start in [Start::Never, Start::WrongProtocol] {
        let mut case = Case::new(5, 2);
        case.start = start;
        let (summary, recorder) = case.run(|_, _| Act::Finish);
        let summary = summary.unwrap();
        assert_eq!((summary.failed, summary.left), (0, 5));
        assert_eq!(summary.retired.len(), 2);
        assert_eq!(recorder.starts(), 0);
        let reasons = recorder.events.iter().filter_map(|event| match event {
            Event::SlotRetired { reason, .. } => Some(reason.as_str()),
            _ => None,
        });
        let word = if start == Start::Never {
            "no such program"
        } else {
            "protocol"
        };
        assert_eq!(reasons.filter(|reason| reason.contains(word)).count(), 2);
    }
}

#[test]
fn the_first_interrupt_lets_workers_checkpoint_and_starts_nothing_more() {
    let mut case = Case::new(9, 2);
    case.recorder.interrupt_at = vec![2];
    let (summary, recorder) = case.run(|_, _| Act::Hang);
    let expected = Summary {
        interrupted: 2,
        left: 7,
        stopped: Some(StopReason::Interrupt),
        ..Summary::default()
    };
    assert_eq!(summary.unwrap(), expected);
    let steps = recorder.events.iter().filter_map(|event| match event {
        Event::TrialInterrupted { step, .. } => Some(*step),
        _ => None,
    });
    assert_eq!(steps.collect::<Vec<_>>(), [Some(4); 2]);
    recorder.assert_attempts_are_closed();
}

#[test]
fn the_second_interrupt_does_not_wait_for_workers() {
    let mut case = Case::new(9, 2);
    case.recorder.interrupt_at = vec![2, 2];
    let (summary, recorder) = case.run(|_, _| Act::Sleep);
    let expected = Summary {
        interrupted: 2,
        left: 7,
        stopped: Some(StopReason::Interrupt),
        ..Summary::default()
    };
    assert_eq!(summary.unwrap(), expected);
    recorder.assert_attempts_are_closed();
}

#[test]
fn a_database_that_cannot_be_written_ends_the_session_with_its_reason() {
    let mut case = Case::new(9, 1);
    case.recorder.fail_at = Some(5);
    let (summary, _) = case.run(|_, _| Act::Finish);
    assert_eq!(summary.unwrap_err().to_string(), "disk full");
}
