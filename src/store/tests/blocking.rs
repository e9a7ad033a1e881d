//! What keeps the writer from writing: a full disk, locks, readers that hold the log, a file that was moved.

use std::time::{Duration, Instant};

use super::{
    TestStore, failure_of, finished, observe_all, plan, progressed, query, result, started,
};
use crate::batch_writer::BatchWriter;
use crate::database::Database;
use crate::{Outcome, Writer};
use sweep_core::event::{Event, Observer, Readiness};
use sweep_core::trial::Status;

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
fn a_database_that_was_moved_away_is_reported() {
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
