//! Several threads and processes on one database.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{TestStore, begin, finished, plan, progressed, query, result, started};
use crate::{Outcome, Store, SweepLock};
use sweep_core::event::Observer;
use sweep_core::trial::Status;

/// Tells the test below which database to write to when it runs as another process.
const CHILD_PATH: &str = "SWEEP_TEST_CHILD_PATH";
const CHILD_EXPERIMENT: &str = "SWEEP_TEST_CHILD_EXPERIMENT";
const CHILD_STEPS: &str = "SWEEP_TEST_CHILD_STEPS";

/// Trains `steps` steps of one trial of `experiment`, committing each.
fn sweep(path: &Path, experiment: &str, rate: f64, steps: u32) {
    let plan = plan(&[rate]);
    let _lock = SweepLock::acquire(path.parent().unwrap(), experiment).unwrap();
    let mut store = Store::open(path).unwrap();
    let session = begin(&mut store, experiment, &plan, true);
    let mut writer = store.writer(session, None).unwrap();
    let trial = &plan[0].0;
    writer.observe(&started(trial, 1)).unwrap();
    for step in 1..=steps {
        let values = [("loss", f64::from(step)), ("lr", rate)];
        writer
            .observe(&progressed(trial, 1, step, &values))
            .unwrap();
        writer.idle().unwrap();
    }
    writer.observe(&finished(trial, 1, result(rate))).unwrap();
    writer.finish(Outcome::Finished).unwrap();
}

/// Not a test of its own: what other processes run.
#[test]
#[ignore = "run by other tests, as another process"]
fn as_another_process() {
    let Some(path) = std::env::var_os(CHILD_PATH).map(PathBuf::from) else {
        return;
    };
    let experiment = std::env::var(CHILD_EXPERIMENT).unwrap();
    let steps = std::env::var(CHILD_STEPS).unwrap().parse().unwrap();
    sweep(&path, &experiment, 0.5, steps);
}

fn spawn(path: &Path, experiment: &str, steps: u32) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tests::sharing::as_another_process", "--ignored"])
        .env(CHILD_PATH, path)
        .env(CHILD_EXPERIMENT, experiment)
        .env(CHILD_STEPS, steps.to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn two_sweeps_write_to_one_database_at_once() {
    const STEPS: u32 = 200;
    let lab = TestStore::new();
    let path = lab.path();
    let mut child = spawn(&path, "in-a-process", STEPS);
    std::thread::scope(|scope| {
        scope.spawn(|| sweep(&path, "one", 0.1, STEPS));
        scope.spawn(|| sweep(&path, "two", 0.2, STEPS));
    });
    assert!(child.wait().unwrap().success());
    for experiment in ["one", "two", "in-a-process"] {
        let record = lab.store.experiment(experiment).unwrap().unwrap();
        assert_eq!(record.trials[0].status, Status::Finished);
        let curves = lab.store.curves(&record.trials[0].id).unwrap();
        let expected: Vec<_> = (1..=STEPS).map(|step| (step, f64::from(step))).collect();
        assert_eq!(curves[0].points, expected, "{experiment}");
    }
    assert_eq!(query::<String>(&path, "PRAGMA integrity_check"), "ok");
}

#[test]
fn readers_see_whole_batches_while_a_sweep_writes() {
    let lab = TestStore::new();
    let path = lab.path();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            sweep(&path, "songs", 0.1, 300);
            done.store(true, Ordering::Release);
        });
        for _ in 0..2 {
            scope.spawn(|| {
                let store = Store::open_existing(&path).unwrap();
                let mut seen = 0;
                while !done.load(Ordering::Acquire) {
                    let Some(record) = store.experiment("songs").unwrap() else {
                        continue;
                    };
                    let curves = store.curves(&record.trials[0].id).unwrap();
                    let (loss, lr) = match curves.as_slice() {
                        [] => continue,
                        [loss, lr, ..] => (&loss.points, &lr.points),
                        [_] => panic!("half of a step"),
                    };
                    assert_eq!(loss.len(), lr.len());
                    assert!(loss.len() >= seen, "a step was lost");
                    seen = loss.len();
                }
            });
        }
    });
}

#[test]
fn a_killed_sweep_leaves_a_database_that_the_next_one_resumes() {
    let mut lab = TestStore::new();
    let path = lab.path();
    let mut child = spawn(&path, "songs", u32::MAX);
    while query::<i64>(&path, "SELECT count(*) FROM metrics") < 100 {
        std::thread::sleep(Duration::from_millis(5));
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
    }
    assert!(SweepLock::acquire(path.parent().unwrap(), "songs").is_err());
    child.kill().unwrap();
    child.wait().unwrap();

    let _lock = SweepLock::acquire(path.parent().unwrap(), "songs").unwrap();
    assert_eq!(query::<String>(&path, "PRAGMA integrity_check"), "ok");
    let plan = plan(&[0.5]);
    let trial = &plan[0].0;
    let status = |store: &Store| store.statuses(std::slice::from_ref(trial)).unwrap()[0];
    assert_eq!(status(&lab.store), Some(Status::Running));
    lab.begin("songs", &plan);
    assert_eq!(status(&lab.store), Some(Status::Interrupted));
    let curves = lab.store.curves(trial).unwrap();
    for (step, (found, loss)) in (1..).zip(&curves[0].points) {
        assert_eq!((*found, *loss), (step, f64::from(step)));
    }
}

#[test]
fn many_may_create_one_database_at_the_same_moment() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..5 {
        let path = folder.path().join(format!("{round}/sweeps.db"));
        let barrier = std::sync::Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    barrier.wait();
                    Store::open(&path).unwrap().experiments().unwrap();
                });
            }
        });
        assert_eq!(query::<String>(&path, "PRAGMA journal_mode"), "wal");
    }
}
