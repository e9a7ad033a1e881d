//! What events leave in the database, and what is left when writing fails.

use super::{
    TestStore, execute, failure_of, finished, observe_all, plan, progressed, query, result, started,
};
use crate::{Outcome, SessionId};
use sweep_core::event::{AttemptNo, Cause, Event, Observer, Slot};
use sweep_core::trial::{Status, TrialId, TrialResult};

#[test]
fn a_sweep_reads_back_as_it_happened() {
    let mut lab = TestStore::new();
    let plan = plan(&[0.1, 0.01]);
    let session = lab.begin("songs", &plan);
    let mut writer = lab.writer(session);
    let (first, second) = (&plan[0].0, &plan[1].0);
    observe_all(
        &mut writer,
        [
            started(first, 1),
            progressed(first, 1, 1, &[("valid/accuracy", 0.5), ("lr", 0.1)]),
            progressed(first, 1, 2, &[("valid/accuracy", 0.9), ("lr", 0.2)]),
            finished(first, 1, result(0.9)),
            started(second, 2),
            Event::TrialInterrupted {
                trial: second.clone(),
                attempt: AttemptNo(2),
                step: Some(4),
            },
        ],
    );
    writer.finish(Outcome::Interrupted).unwrap();

    let record = lab.store.experiment("songs").unwrap().unwrap();
    assert_eq!(record.dataset, super::dataset());
    assert_eq!(record.sessions.len(), 1);
    assert_eq!(record.sessions[0].outcome, "interrupted");
    assert!(record.sessions[0].ended_ms.is_some());
    let trial = &record.trials[0];
    assert_eq!((&trial.id, trial.status), (first, Status::Finished));
    assert_eq!(trial.params, plan[0].2.model.params());
    assert_eq!(trial.best, Some(0.9));
    assert_eq!((trial.best_step, trial.steps), (Some(2), Some(2)));
    assert_eq!((trial.parameters, trial.seconds), (Some(1_234), Some(1.5)));
    let at_best = super::metrics(&[("lr", 0.2), ("valid/accuracy", 0.9), ("valid/loss", 0.5)]);
    assert_eq!(trial.metrics, at_best);
    assert_eq!(record.trials[1].status, Status::Interrupted);
    assert_eq!(record.trials[2].status, Status::Pending);

    let curves = lab.store.curves(first).unwrap();
    assert_eq!(curves.len(), 3);
    assert_eq!(curves[1].metric, "valid/accuracy");
    assert_eq!(curves[1].points, [(1, 0.5), (2, 0.9)]);
    assert_eq!(lab.store.confusion(first).unwrap(), result(0.9).confusion);
    assert_eq!(lab.store.importance(first).unwrap(), result(0.9).importance);
    let artifacts = lab.store.artifacts(first).unwrap();
    assert_eq!(artifacts[0].path.to_str(), Some("model.safetensors"));
    assert_eq!((artifacts.len(), artifacts[0].bytes), (1, 4_096));
    let attempts = lab.store.attempts(second).unwrap();
    assert_eq!(attempts[0].outcome, "interrupted");
    assert_eq!(
        attempts[0].message.as_deref(),
        Some("checkpoint after step 4")
    );
    assert!(attempts[0].ended_ms >= Some(attempts[0].started_ms));
}

#[test]
fn values_that_are_no_numbers_survive() {
    let mut lab = TestStore::new();
    let plan = plan(&[0.1]);
    let session = lab.begin("songs", &plan);
    let trial = &plan[0].0;
    let values = [
        ("nan", f64::NAN),
        ("up", f64::INFINITY),
        ("down", f64::NEG_INFINITY),
        ("tiny", f64::MIN_POSITIVE / 2.0),
        ("zero", -0.0),
    ];
    let mut writer = lab.writer(session);
    observe_all(
        &mut writer,
        [started(trial, 1), progressed(trial, 1, 1, &values)],
    );
    let diverged = TrialResult {
        diverged: Some("loss is not a number at step 1".to_owned()),
        ..TrialResult::default()
    };
    writer.observe(&finished(trial, 1, diverged)).unwrap();
    writer.finish(Outcome::Finished).unwrap();

    let curves = lab.store.curves(trial).unwrap();
    assert_eq!(curves.len(), values.len());
    for (name, value) in values {
        let curve = curves.iter().find(|curve| curve.metric == name).unwrap();
        let (step, read) = curve.points[0];
        assert_eq!(step, 1);
        // SQLite keeps a zero as an integer, without its sign.
        let kept = read.to_bits() == value.to_bits() || (value == 0.0 && read == 0.0);
        assert!(kept || (read.is_nan() && value.is_nan()), "{name}: {read}");
    }
    let found = lab.store.find_trial(trial.as_str()).unwrap();
    assert_eq!(found.status, Status::Diverged);
    assert_eq!((found.best, found.metrics.len()), (None, 0));
    assert_eq!(
        found.message.as_deref(),
        Some("loss is not a number at step 1")
    );
}

#[test]
fn steps_that_come_again_after_a_resume_replace_what_was_there() {
    let mut lab = TestStore::new();
    let plan = plan(&[0.1]);
    let session = lab.begin("songs", &plan);
    let trial = &plan[0].0;
    let mut writer = lab.writer(session);
    writer.observe(&started(trial, 1)).unwrap();
    for step in 1..=4 {
        writer
            .observe(&progressed(trial, 1, step, &[("loss", f64::from(step))]))
            .unwrap();
    }
    observe_all(
        &mut writer,
        [
            Event::TrialFailed {
                trial: trial.clone(),
                attempt: AttemptNo(1),
                cause: Cause::Crashed {
                    exit_code: None,
                    signal: Some(9),
                },
                log_tail: "out of memory\n".to_owned(),
                will_retry: true,
            },
            started(trial, 2),
            Event::TrialResumed {
                trial: trial.clone(),
                attempt: AttemptNo(2),
                step: 2,
            },
            progressed(trial, 2, 3, &[("loss", 30.0)]),
        ],
    );
    writer.finish(Outcome::Interrupted).unwrap();

    let points = &lab.store.curves(trial).unwrap()[0].points;
    assert_eq!(points, &[(1, 1.0), (2, 2.0), (3, 30.0)]);
    let attempts = lab.store.attempts(trial).unwrap();
    assert_eq!(attempts[0].outcome, "crashed");
    assert_eq!(attempts[0].log_tail.as_deref(), Some("out of memory\n"));
    assert_eq!(attempts[1].resumed_from, Some(2));
    assert_eq!(attempts[1].outcome, "interrupted", "it never ended");
    let signal: i64 = query(
        &lab.path(),
        "SELECT signal FROM failures WHERE experiment = 'songs'",
    );
    assert_eq!(signal, 9);
    let found = lab.store.find_trial(trial.as_str()).unwrap();
    assert_eq!(
        found.message.as_deref(),
        Some("worker killed by signal 9 (SIGKILL)")
    );
}

#[test]
fn what_is_told_again_after_a_resume_fills_gaps_and_takes_nothing_away() {
    let mut lab = TestStore::new();
    let plan = plan(&[0.1]);
    let session = lab.begin("songs", &plan);
    let trial = &plan[0].0;
    let mut writer = lab.writer(session);
    let told = |attempt, step, loss| progressed(trial, attempt, step, &[("loss", loss)]);
    // The second step of the first attempt was never recorded.
    let first = [1, 3, 4].map(|step| told(1, step, f64::from(step)));
    observe_all(&mut writer, [started(trial, 1)].into_iter().chain(first));
    writer.finish(Outcome::Interrupted).unwrap();

    let session = lab.begin("songs", &plan);
    let mut writer = lab.writer(session);
    let resumed = Event::TrialResumed {
        trial: trial.clone(),
        attempt: AttemptNo(1),
        step: 3,
    };
    observe_all(&mut writer, [started(trial, 1), resumed, told(1, 1, 1.0)]);
    writer.idle().unwrap();
    observe_all(&mut writer, [told(1, 2, 2.0), told(1, 3, 3.0)]);
    writer.finish(Outcome::Interrupted).unwrap();
    let points = &lab.store.curves(trial).unwrap()[0].points;
    assert_eq!(points, &[(1, 1.0), (2, 2.0), (3, 3.0), (4, 4.0)]);
}

#[test]
fn a_finished_trial_stays_finished_whatever_another_session_reports() {
    let mut lab = TestStore::new();
    let plan = plan(&[0.1]);
    let trial = &plan[0].0;
    let session = lab.begin("songs", &plan);
    let mut writer = lab.writer(session);
    let progress = [
        started(trial, 1),
        progressed(trial, 1, 1, &[("loss", 2.0)]),
        progressed(trial, 1, 2, &[("loss", 1.0)]),
    ];
    observe_all(&mut writer, progress);
    writer.observe(&finished(trial, 1, result(0.9))).unwrap();
    writer.finish(Outcome::Finished).unwrap();

    let other = lab.begin("other", &plan);
    let mut writer = lab.writer(other);
    observe_all(
        &mut writer,
        [started(trial, 1), progressed(trial, 1, 1, &[("loss", 2.0)])],
    );
    drop(writer);
    let found = lab.store.find_trial(trial.as_str()).unwrap();
    assert_eq!((found.status, found.best), (Status::Finished, Some(0.9)));
    let curves = lab.store.curves(trial).unwrap();
    assert_eq!(curves[0].points, [(1, 2.0), (2, 1.0)]);
}

#[test]
fn events_that_the_plan_does_not_know_are_refused() {
    let mut lab = TestStore::new();
    let plan = plan(&[0.1, 0.2]);
    let session = lab.begin("songs", &plan[..2]);
    let stranger = &plan[2].0;
    let mut wide = result(0.9);
    wide.confusion.push(vec![0; 3]);
    let trial = &plan[0].0;
    for (events, expected) in [
        (vec![started(stranger, 1)], "does not know of"),
        (
            vec![finished(trial, 9, result(0.9))],
            "attempt 9 of this session",
        ),
        (
            vec![started(trial, 1), finished(trial, 1, wide)],
            "confusion matrix",
        ),
    ] {
        let mut writer = lab.writer(session);
        for event in &events {
            writer.observe(event).unwrap();
        }
        let message = failure_of(writer);
        assert!(message.contains(expected), "{message}");
    }
    assert_eq!(
        query::<i64>(&lab.path(), "SELECT count(*) FROM attempts"),
        0
    );
}

#[test]
fn keys_point_at_rows_that_are_there() {
    let mut lab = TestStore::new();
    let plan = plan(&[0.1, 0.2]);
    let session = lab.begin("songs", &plan);
    let mut writer = lab.writer(session);
    let trial = &plan[0].0;
    let progress = progressed(trial, 1, 1, &[("loss", 1.0)]);
    observe_all(
        &mut writer,
        [started(trial, 1), progress, finished(trial, 1, result(0.9))],
    );
    writer.finish(Outcome::Finished).unwrap();
    let sql = "SELECT count(*) FROM pragma_foreign_key_check";
    assert_eq!(query::<i64>(&lab.path(), sql), 0);
    execute(
        &lab.path(),
        "PRAGMA foreign_keys = OFF; DELETE FROM metric_names;",
    );
    assert_ne!(query::<i64>(&lab.path(), sql), 0);
}

/// A session with a worker that ends while it trains the first of two trials, and nothing for the second.
fn failed_session(lab: &mut TestStore) -> (SessionId, Vec<TrialId>) {
    let plan = plan(&[0.1]);
    let session = lab.begin("songs", &plan);
    let (first, second) = (&plan[0].0, &plan[1].0);
    let slot = Slot("cpu:0".to_owned());
    let noted = |note: &str| Event::TrialWarning {
        trial: first.clone(),
        attempt: AttemptNo(1),
        message: note.to_owned(),
    };
    let mut writer = lab.writer(session);
    observe_all(
        &mut writer,
        [
            Event::WorkerStarted {
                slot: slot.clone(),
                pid: 77,
                engine: "native".to_owned(),
                log: "cpu-0.log".into(),
            },
            started(first, 1),
            noted("a checkpoint could not be used"),
            noted("the disk is full"),
            Event::TrialFailed {
                trial: first.clone(),
                attempt: AttemptNo(1),
                cause: Cause::Crashed {
                    exit_code: Some(3),
                    signal: None,
                },
                log_tail: String::new(),
                will_retry: false,
            },
            Event::TrialSkipped {
                trial: second.clone(),
                reason: "its configuration kills workers".to_owned(),
            },
            Event::SlotRetired {
                slot,
                reason: "unhealthy".to_owned(),
            },
        ],
    );
    writer.finish(Outcome::Failed).unwrap();
    (session, plan.into_iter().map(|planned| planned.0).collect())
}

#[test]
fn failures_and_warnings_read_back_with_their_reasons() {
    let mut lab = TestStore::new();
    let (_, trials) = failed_session(&mut lab);
    let first = &trials[0];
    let record = lab.store.experiment("songs").unwrap().unwrap();
    let causes: Vec<_> = record
        .trials
        .iter()
        .map(|trial| trial.cause.as_deref())
        .collect();
    assert_eq!(causes, [Some("crashed"), Some("skipped")]);
    let attempt = &lab.store.attempts(first).unwrap()[0];
    assert_eq!((attempt.exit_code, attempt.signal), (Some(3), None));
    assert_eq!(
        attempt.warnings,
        ["a checkpoint could not be used", "the disk is full"]
    );
    let all = lab.store.attempts_in("songs").unwrap();
    assert_eq!(all, [(first.clone(), attempt.clone())]);
    assert!(lab.store.attempts_in("other").unwrap().is_empty());
}

#[test]
fn events_of_slots_read_back_with_their_reasons() {
    let mut lab = TestStore::new();
    let (session, _) = failed_session(&mut lab);
    let slots = lab.store.slot_events("songs").unwrap();
    let told: Vec<_> = slots
        .iter()
        .map(|it| {
            (
                it.slot.as_str(),
                it.event.as_str(),
                it.pid,
                it.message.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("cpu:0", "worker_started", Some(77), None),
            ("cpu:0", "retired", None, Some("unhealthy")),
        ]
    );
    assert_eq!(slots[0].engine.as_deref(), Some("native"));
    assert_eq!(slots[0].session, session.get());
    assert!(lab.store.slot_events("other").unwrap().is_empty());
}
