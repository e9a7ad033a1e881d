//! Checkpoints that are damaged, torn, old or too expensive.

use std::fs;
use std::process::Command;

use sweep_core::protocol::{Checkpointing, FromWorker, ToWorker};
use sweep_core::trial::{Kind, Objective, TrialSpec};
use sweep_worker::checkpoints::{LAST, PREVIOUS};
use sweep_worker::progress_log::REPORTS;

use super::worker_process::{
    ALWAYS, NEVER, TestWorker, damage, kinds, models, names, spec, tear, timeless,
};

#[test]
fn a_damaged_or_torn_checkpoint_is_reported_and_training_resumes_from_the_one_before() {
    for kind in kinds() {
        for (number, spoil) in [damage, tear].into_iter().enumerate() {
            let mut worker = TestWorker::new();
            let spec = spec(kind, number as u64);
            let folder = worker.trial(&spec);
            let (_, expected) = worker.finish(&spec, NEVER);
            let model = models(&folder);
            fs::remove_dir_all(&folder).unwrap();

            let before = worker.stop(&spec).expect("a checkpoint");
            let step = worker.stop(&spec).expect("a checkpoint");
            assert!(before < step, "{before} {step}");
            assert_eq!(names(&folder), [PREVIOUS, REPORTS, LAST], "{kind:?}");
            let good = fs::read(folder.join(PREVIOUS)).unwrap();
            spoil(&folder.join(LAST));
            let (story, result) = worker.finish(&spec, NEVER);
            assert_eq!(story.notes.len(), 1, "{story:?}");
            let note = &story.notes[0];
            assert!(
                note.starts_with(&format!("{LAST} cannot be used: ")),
                "{note}"
            );
            assert!(note.ends_with("; the one before it is tried"), "{note}");
            assert_eq!(story.resumed, Some(before));
            assert!(story.steps[0] > before);
            // Forests report now and then, all others every step.
            assert_eq!(
                story.again.last(),
                Some(&before),
                "what came before is told again"
            );
            assert!(kind == Kind::RANDOM_FOREST || story.again.len() == before as usize);
            assert_eq!(timeless(result), timeless(expected), "{kind:?}");
            assert_eq!(models(&folder), model, "{kind:?}");
            assert_eq!(
                fs::read(folder.join(LAST)).unwrap(),
                good,
                "it is the last one now"
            );
            assert!(!folder.join(PREVIOUS).exists());
        }
    }
}

#[test]
fn without_a_good_checkpoint_training_begins_from_the_start_and_says_so() {
    let mut worker = TestWorker::new();
    let spec = spec(Kind::MLP, 1);
    let folder = worker.trial(&spec);
    let (_, expected) = worker.finish(&spec, NEVER);
    worker.stop(&spec);
    // One of another trial, and none at all.
    let other = TrialSpec::new(spec.model.clone(), 2, Objective::default());
    worker.stop(&other);
    fs::copy(worker.trial(&other).join(LAST), folder.join(LAST)).unwrap();
    fs::write(folder.join(PREVIOUS), "").unwrap();
    let (story, result) = worker.finish(&spec, ALWAYS);
    assert_eq!(story.notes.len(), 2, "{story:?}");
    assert!(story.notes[0].contains("belongs to trial"), "{story:?}");
    assert!(story.notes[1].starts_with(PREVIOUS), "{story:?}");
    assert!(story.notes[1].ends_with("; training begins from the start"));
    assert_eq!((story.resumed, story.steps[0]), (None, 1));
    assert_eq!(timeless(result), timeless(expected));
}

#[test]
fn going_on_starts_from_the_last_checkpoint_and_repeats_nothing() {
    for kind in kinds() {
        let mut worker = TestWorker::new();
        let spec = spec(kind, 5);
        let step = worker.stop(&spec).expect("a checkpoint");
        let again = worker.stop(&spec).expect("a checkpoint");
        assert!(again > step);
        let (story, result) = worker.finish(&spec, NEVER);
        assert_eq!(story.resumed, Some(again), "{kind:?}");
        assert!(
            Some(story.steps[0]) > Some(again) && story.notes.is_empty(),
            "{story:?}"
        );
        assert_eq!(story.steps.last(), Some(&result.steps));
    }
}

#[test]
fn a_checkpoint_that_is_not_worth_its_time_is_not_written_but_for_a_stop() {
    let mut worker = TestWorker::new();
    let spec = spec(Kind::MLP, 1);
    let folder = worker.trial(&spec);
    let stingy = Checkpointing {
        every_ms: 1,
        cost: 1e-9,
    };
    worker.finish(&spec, stingy);
    assert!(!names(&folder).iter().any(|name| name == LAST));
    fs::remove_dir_all(&folder).unwrap();
    let step = worker.stop(&spec).expect("a checkpoint");
    assert!(step < 60, "it was stopped on the way");
    assert_eq!(names(&folder), [REPORTS, LAST]);
}

#[test]
fn what_a_killed_worker_left_half_written_is_cleared_away() {
    let mut worker = TestWorker::new();
    let spec = spec(Kind::MLP, 1);
    let folder = worker.trial(&spec);
    fs::create_dir_all(&folder).unwrap();
    let mut child = Command::new("true").spawn().unwrap();
    let dead = child.id();
    child.wait().unwrap();
    fs::write(folder.join(format!("{LAST}.{dead}-0.part")), "half").unwrap();
    fs::write(
        folder.join(format!("model.safetensors.{dead}.part")),
        "half",
    )
    .unwrap();
    worker.finish(&spec, NEVER);
    let finished = [
        "model.json",
        "model.safetensors",
        "predictions.safetensors.zst",
    ];
    assert_eq!(names(&folder), finished);
}

#[test]
fn a_checkpoint_that_finds_no_space_is_noted_once_and_costs_no_trial() {
    let mut worker = TestWorker::new();
    let spec = spec(Kind::MLP, 1);
    let folder = worker.trial(&spec);
    fs::create_dir_all(&folder).unwrap();
    // Where checkpoints are written first, there is no space.
    for count in 0..100 {
        let part = folder.join(format!("{LAST}.{}-{count}.part", worker.pid));
        std::os::unix::fs::symlink("/dev/full", part).unwrap();
    }
    worker.order(&spec, &folder, ALWAYS);
    worker.send(&ToWorker::Stop);
    let (story, end) = worker.hear_out(|_| {});
    let (attempt, step) = (worker.attempts, None);
    assert_eq!(end, FromWorker::Interrupted { attempt, step });
    assert_eq!(story.notes.len(), 1, "{story:?}");
    assert!(story.notes[0].contains("No space left"), "{story:?}");
    assert!(story.notes[0].contains("training continues"), "{story:?}");
    let (story, result) = worker.finish(&spec, ALWAYS);
    assert!(story.notes.len() <= 1, "{story:?}");
    assert_eq!(result.steps, 60);
}
