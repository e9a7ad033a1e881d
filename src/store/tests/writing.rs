//! What events leave in the record, and what is left when writing fails.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::{
    TestStore, begin, execute, finished, observe_all, plan, progressed, query, result, started,
};
use crate::batch_writer::BatchWriter;
use crate::database::Database;
use crate::{Outcome, Store, Writer};
use sweep_core::event::{AttemptNo, Cause, Event, Observer, Readiness, Slot};
use sweep_core::trial::{Status, TrialResult};

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
fn a_result_is_told_of_once_it_is_durable() {
    let mut lab = TestStore::new();
    let plan = plan(&[0.1, 0.2]);
    let session = lab.begin("songs", &plan);
    let (sender, receiver) = mpsc::channel();
    let path = lab.path();
    let tell = Box::new(move |trial: &sweep_core::trial::TrialId| {
        let sql = format!("SELECT status FROM trials WHERE name = '{trial}'");
        sender
            .send((trial.clone(), query::<String>(&path, &sql)))
            .unwrap();
    });
    let mut writer = lab.keeping_files(session, tell);
    for (attempt, (trial, ..)) in plan.iter().enumerate().take(3) {
        let attempt = attempt as u64 + 1;
        lab.leave_model(trial);
        writer.observe(&started(trial, attempt)).unwrap();
        writer
            .observe(&finished(trial, attempt, result(0.5)))
            .unwrap();
        writer.idle().unwrap();
    }
    writer.finish(Outcome::Interrupted).unwrap();
    let told: Vec<_> = receiver.into_iter().collect();
    let expected: Vec<_> = plan[..3]
        .iter()
        .map(|(trial, ..)| (trial.clone(), "finished".to_owned()))
        .collect();
    assert_eq!(told, expected);
}

#[test]
fn a_result_whose_model_is_gone_is_not_recorded() {
    let mut lab = TestStore::new();
    let plan = plan(&[0.1]);
    let session = lab.begin("songs", &plan);
    let (first, second) = (&plan[0].0, &plan[1].0);
    let mut writer = lab.keeping_files(session, Box::new(|_| ()));
    lab.leave_model(first);
    writer.observe(&started(first, 1)).unwrap();
    writer.observe(&finished(first, 1, result(0.5))).unwrap();
    writer.idle().unwrap();
    writer.observe(&started(second, 2)).unwrap();
    writer.observe(&finished(second, 2, result(0.5))).unwrap();
    let error = writer.finish(Outcome::Finished).unwrap_err().to_string();
    let model = lab.trials().join(second.as_str()).join("model.safetensors");
    assert!(
        error.contains(model.to_str().unwrap()) && error.contains("trained again"),
        "{error}"
    );
    let finished = "SELECT count(*) FROM trials WHERE status = 'finished'";
    assert_eq!(query::<i64>(&lab.path(), finished), 1);
}

#[test]
fn a_session_that_was_cut_off_leaves_interrupted_trials() {
    let mut lab = TestStore::new();
    let plan = plan(&[0.1]);
    let session = lab.begin("songs", &plan);
    let mut writer = lab.writer(session);
    writer.observe(&started(&plan[0].0, 1)).unwrap();
    drop(writer);
    let ids: Vec<_> = plan.iter().map(|planned| planned.0.clone()).collect();
    let statuses = || Store::open(&lab.path()).unwrap().statuses(&ids).unwrap();
    assert_eq!(statuses(), [Some(Status::Running), Some(Status::Pending)]);

    // Another experiment's session is alive for all that this one knows.
    begin(&mut Store::open(&lab.path()).unwrap(), "other", &plan, true);
    begin(
        &mut Store::open(&lab.path()).unwrap(),
        "songs",
        &plan,
        false,
    );
    assert_eq!(statuses(), [Some(Status::Running), Some(Status::Pending)]);

    begin(&mut Store::open(&lab.path()).unwrap(), "songs", &plan, true);
    assert_eq!(
        statuses(),
        [Some(Status::Interrupted), Some(Status::Pending)]
    );
    let sessions = lab.store.experiment("songs").unwrap().unwrap().sessions;
    let outcomes: Vec<&str> = sessions
        .iter()
        .map(|session| session.outcome.as_str())
        .collect();
    assert_eq!(outcomes, ["interrupted", "interrupted", "running"]);
    assert_eq!(sessions[0].ended_ms, None);
    assert_eq!(
        lab.store.attempts(&ids[0]).unwrap()[0].outcome,
        "interrupted"
    );
}

/// Waits until the writer tells of its failure, and gives the message.
fn failure_of(mut writer: Writer) -> String {
    loop {
        if let Err(error) = writer.idle() {
            assert_eq!(writer.idle().unwrap_err().to_string(), error.to_string());
            assert_eq!(
                writer.finish(Outcome::Finished).unwrap_err().to_string(),
                error.to_string()
            );
            return error.to_string();
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Waits until the writer is at `readiness`, asking as the dispatcher does.
fn until(writer: &mut Writer, readiness: Readiness) {
    let begin = Instant::now();
    while writer.readiness() != readiness {
        assert!(
            begin.elapsed() < Duration::from_secs(60),
            "not {readiness:?}"
        );
        writer.idle().unwrap();
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_full_disk_holds_work_back_and_writes_nothing_by_halves() {
    let mut lab = TestStore::new();
    let plan = plan(&[0.1]);
    let session = lab.begin("songs", &plan);
    let trial = &plan[0].0;
    let database = Database::create(&lab.path()).unwrap();
    let pages: i64 = query(&lab.path(), "SELECT page_count FROM pragma_page_count");
    database
        .connection
        .query_row(
            &format!("PRAGMA max_page_count = {}", pages + 2),
            [],
            |_| Ok(()),
        )
        .unwrap();
    let mut writer = Writer::start(database, session, None).unwrap();
    observe_all(
        &mut writer,
        [started(trial, 1), progressed(trial, 1, 1, &[("loss", 1.0)])],
    );
    until(&mut writer, Readiness::Idle);
    assert_eq!(writer.drain_events(), []);
    let mut big = result(0.9);
    big.importance = (0..5_000).map(|i| (format!("feature {i}"), 0.0)).collect();
    writer.observe(&finished(trial, 1, big)).unwrap();

    until(&mut writer, Readiness::Blocked);
    let Some(Event::StoreBlocked { reason }) = writer.drain_events().pop() else {
        panic!("it is not told");
    };
    assert!(reason.contains("no space left"), "{reason}");
    assert_eq!(writer.drain_events(), [], "it is told once");
    // Far more than may be on its way while the disk is merely slow.
    let more = progressed(&plan[1].0, 2, 1, &[]);
    for _ in 0..20_000 {
        writer.observe(&more).unwrap();
    }

    let error = writer.finish(Outcome::Interrupted).unwrap_err().to_string();
    assert!(
        error.contains("no space left") && error.contains("1 result was not recorded"),
        "{error}"
    );
    let found = lab.store.find_trial(trial.as_str()).unwrap();
    assert_eq!(
        found.status,
        Status::Running,
        "all of the result or nothing"
    );
    assert!(lab.store.confusion(trial).unwrap().is_empty());
    assert_eq!(lab.store.curves(trial).unwrap()[0].points, [(1, 1.0)]);
}

#[test]
fn a_lock_that_is_let_go_at_last_costs_nothing_but_time() {
    let mut lab = TestStore::new();
    let plan = plan(&[0.1]);
    let session = lab.begin("songs", &plan);
    let trial = &plan[0].0;
    let database = Database::create(&lab.path()).unwrap();
    database
        .connection
        .busy_timeout(Duration::from_millis(20))
        .unwrap();
    let mut writer = Writer::start(database, session, None).unwrap();
    writer.observe(&started(trial, 1)).unwrap();
    let step = |step| progressed(trial, 1, step, &[("loss", 1.0)]);
    writer.observe(&step(1)).unwrap();
    until(&mut writer, Readiness::Idle);

    let other = rusqlite::Connection::open(lab.path()).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    observe_all(
        &mut writer,
        [step(2), step(3), finished(trial, 1, result(0.9))],
    );
    until(&mut writer, Readiness::Blocked);
    let Some(Event::StoreBlocked { reason }) = writer.drain_events().pop() else {
        panic!("it is not told");
    };
    assert!(
        reason.contains("keeps") && reason.contains("locked"),
        "{reason}"
    );
    other.execute_batch("ROLLBACK").unwrap();
    until(&mut writer, Readiness::Idle);
    assert!(matches!(
        writer.drain_events()[..],
        [Event::StoreResumed { .. }]
    ));
    writer.finish(Outcome::Finished).unwrap();

    let found = lab.store.find_trial(trial.as_str()).unwrap();
    assert_eq!((found.status, found.best), (Status::Finished, Some(0.9)));
    let loss = &lab.store.curves(trial).unwrap()[0];
    assert_eq!(loss.points, [(1, 1.0), (2, 1.0), (3, 1.0)]);
    assert_eq!(lab.store.attempts(trial).unwrap().len(), 1);
}

#[test]
fn a_lock_that_is_not_let_go_ends_a_stopped_sweep_with_a_message() {
    let mut lab = TestStore::new();
    let plan = plan(&[0.1]);
    let session = lab.begin("songs", &plan);
    let database = Database::create(&lab.path()).unwrap();
    database
        .connection
        .busy_timeout(Duration::from_millis(20))
        .unwrap();
    let mut writer = Writer::start(database, session, None).unwrap();
    let other = rusqlite::Connection::open(lab.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    writer.observe(&started(&plan[0].0, 1)).unwrap();
    until(&mut writer, Readiness::Blocked);
    let message = writer.finish(Outcome::Interrupted).unwrap_err().to_string();
    assert!(
        message.contains("kept") && message.contains("locked"),
        "{message}"
    );
}

#[test]
fn the_log_is_emptied_when_readers_let_it_and_told_of_when_not() {
    let mut lab = TestStore::new();
    let plan = plan(&[0.1]);
    let session = lab.begin("songs", &plan);
    let trial = &plan[0].0;
    let log = || {
        std::fs::metadata(lab.path().with_extension("db-wal"))
            .unwrap()
            .len()
    };
    /// Below what SQLite lets the log grow to by itself.
    const BOUND: u64 = 200_000;
    let write = |writer: &mut Writer, steps: std::ops::Range<u32>| {
        let names: Vec<String> = (0..200).map(|i| format!("metric {i}")).collect();
        for step in steps {
            let values: Vec<_> = names.iter().map(|name| (name.as_str(), 1.0)).collect();
            writer
                .observe(&progressed(trial, 1, step, &values))
                .unwrap();
        }
        until(writer, Readiness::Idle);
    };
    let start = || {
        let database = Database::create(&lab.path()).unwrap();
        let journal = BatchWriter::new(database, session).with_wal_limit(BOUND);
        Writer::start_with(journal, None).unwrap()
    };
    let mut writer = start();
    writer.observe(&started(trial, 1)).unwrap();
    write(&mut writer, 1..100);
    assert!(log() < BOUND, "{} bytes were left", log());
    assert_eq!(writer.drain_events(), []);
    drop(writer);

    let reader = rusqlite::Connection::open(lab.path()).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    let rows = || -> i64 {
        let sql = "SELECT count(*) FROM metrics";
        reader.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    let seen = rows();
    let mut writer = start();
    write(&mut writer, 100..200);
    let Some(Event::StoreWarning { message: note }) = writer.drain_events().pop() else {
        panic!("it is not told");
    };
    assert!(
        note.contains("sweeps.db-wal") && note.contains("reading"),
        "{note}"
    );
    assert_eq!(rows(), seen, "the reader keeps its moment");
    reader.execute_batch("COMMIT").unwrap();
    assert!(rows() > seen);
    writer.finish(Outcome::Interrupted).unwrap();
}

#[test]
fn times_of_a_session_never_run_backwards() {
    let mut lab = TestStore::new();
    let plan = plan(&[0.1]);
    let session = lab.begin("songs", &plan);
    // The session began tomorrow: since then the clock was set back by a day.
    execute(
        &lab.path(),
        "UPDATE sessions SET started_ms = started_ms + 86400000",
    );
    let mut writer = lab.writer(session);
    let trial = &plan[0].0;
    observe_all(
        &mut writer,
        [started(trial, 1), finished(trial, 1, result(0.9))],
    );
    writer.finish(Outcome::Finished).unwrap();
    let record = &lab.store.experiment("songs").unwrap().unwrap().sessions[0];
    let attempt = &lab.store.attempts(trial).unwrap()[0];
    assert!(record.started_ms <= attempt.started_ms);
    assert!(Some(attempt.started_ms) <= attempt.ended_ms);
    assert!(attempt.ended_ms <= record.ended_ms);
    assert!(
        record.ended_ms.unwrap() - record.started_ms < 3_600_000,
        "{record:?}"
    );

    // What was run last stands first, whatever the clock said.
    lab.begin("newer", &plan);
    let names = lab.store.experiments().unwrap();
    assert_eq!(names[0].name, "newer");
}

#[test]
fn a_record_that_was_moved_away_is_told() {
    let mut lab = TestStore::new();
    let plan = plan(&[0.1]);
    let session = lab.begin("songs", &plan);
    let mut writer = lab.writer(session);
    std::fs::rename(lab.path(), lab.folder.path().join("elsewhere.db")).unwrap();
    writer.observe(&started(&plan[0].0, 1)).unwrap();
    let message = failure_of(writer);
    assert!(
        message.contains("was moved, removed or replaced"),
        "{message}"
    );
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

#[test]
fn failures_notes_and_slots_read_back_with_their_reasons() {
    let mut lab = TestStore::new();
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
                reason: "worn out".to_owned(),
            },
        ],
    );
    writer.finish(Outcome::Failed).unwrap();

    let record = lab.store.experiment("songs").unwrap().unwrap();
    let causes: Vec<_> = record
        .trials
        .iter()
        .map(|trial| trial.cause.as_deref())
        .collect();
    assert_eq!(causes, [Some("crashed"), Some("set_aside")]);
    let attempt = &lab.store.attempts(first).unwrap()[0];
    assert_eq!((attempt.exit_code, attempt.signal), (Some(3), None));
    assert_eq!(
        attempt.notes,
        ["a checkpoint could not be used", "the disk is full"]
    );
    let all = lab.store.attempts_in("songs").unwrap();
    assert_eq!(all, [(first.clone(), attempt.clone())]);
    assert!(lab.store.attempts_in("other").unwrap().is_empty());
    let slots = lab.store.slot_events("songs").unwrap();
    let told: Vec<_> = slots
        .iter()
        .map(|it| {
            (
                it.slot.as_str(),
                it.what.as_str(),
                it.pid,
                it.message.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("cpu:0", "worker_started", Some(77), None),
            ("cpu:0", "retired", None, Some("worn out")),
        ]
    );
    assert_eq!(slots[0].engine.as_deref(), Some("native"));
    assert_eq!(slots[0].session, session.get());
    assert!(lab.store.slot_events("other").unwrap().is_empty());
}
