//! Trials that are trained together.

use sweep_core::event::{Event, Slot};
use sweep_scheduler::{Summary, cpu_slots, slots};

use super::fake_launcher::{Act, batched};

#[test]
fn trials_that_are_alike_are_handed_out_together_and_end_one_by_one() {
    for (slots, most) in [(1, 9), (3, 9)] {
        let (summary, recorder) = batched(9, slots).run(|number, _| match number {
            4 => Act::Refuse,
            _ => Act::Finish,
        });
        let expected = Summary {
            finished: 8,
            failed: 1,
            ..Summary::default()
        };
        assert_eq!(summary.unwrap(), expected);
        assert_eq!(recorder.starts(), 9);
        assert!((2..=most).contains(&recorder.most_at_once()));
        recorder.assert_attempts_are_closed();
    }
}

#[test]
fn a_group_whose_worker_dies_is_tried_again_one_by_one_so_that_one_alone_is_blamed() {
    let (summary, recorder) = batched(6, 1).run(|number, _| match number {
        2 => Act::Crash,
        _ => Act::Finish,
    });
    let expected = Summary {
        finished: 5,
        failed: 1,
        ..Summary::default()
    };
    assert_eq!(summary.unwrap(), expected);
    // Six together, of which two ended; then four alone, one of them three times.
    assert_eq!(recorder.starts(), 6 + 3 + 3);
    recorder.assert_attempts_are_closed();
}

#[test]
fn groups_on_a_gpu_leave_something_to_slots_that_wait_and_on_cpus_to_all() {
    let sizes = |slots: Vec<Slot>, begun: usize| {
        let mut case = batched(12, 2);
        case.settings.slots = slots.clone();
        case.recorder.interrupt_at = vec![begun];
        let (summary, recorder) = case.run(|_, _| Act::Hang);
        assert_eq!(summary.unwrap().interrupted, begun);
        let of = |slot: &Slot| {
            let started = recorder.events.iter().filter(
                |event| matches!(event, Event::TrialStarted { slot: on, .. } if on == slot),
            );
            started.count()
        };
        let mut sizes: Vec<usize> = slots.iter().map(of).collect();
        sizes.sort_unstable();
        sizes
    };
    assert_eq!(sizes(slots(0, (&[0], 2), 1).unwrap(), 12), [6, 6]);
    assert_eq!(sizes(cpu_slots(Some(2)).unwrap(), 9), [3, 6]);
}

#[test]
fn an_interrupt_reaches_every_trial_of_a_group() {
    let mut case = batched(4, 1);
    case.recorder.interrupt_at = vec![4];
    let (summary, recorder) = case.run(|_, _| Act::Hang);
    let summary = summary.unwrap();
    assert_eq!((summary.interrupted, summary.left), (4, 0));
    recorder.assert_attempts_are_closed();
}

#[test]
fn no_larger_group_is_begun_than_may_end_in_the_session() {
    let mut case = batched(9, 1);
    case.settings.max_trials = Some(3);
    let (summary, recorder) = case.run(|_, _| Act::Finish);
    let summary = summary.unwrap();
    assert_eq!((summary.finished, summary.left), (3, 6));
    assert_eq!(recorder.starts(), 3);
}
