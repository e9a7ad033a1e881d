//! Databases of earlier schema versions, with something in every table: what they hold is read the same
//! after the migration as if it had been written today.

use std::path::Path;

use super::opening::fixture;
use super::{
    NewTrial, TestStore, begin, dataset, execute, finished, metrics, observe_all, plan, progressed,
    query, result, started,
};
use crate::lock::{SweepLock, host_name};
use crate::{Outcome, Store, StoreError};
use rusqlite::types::Value as Cell;
use sweep_core::event::{AttemptNo, Cause, Event, Slot};
use sweep_core::trial::{Evaluated, EvaluatedRun, Evaluation, Kind, TestScore};

/// The fixtures that hold what [`fill`] writes.
const FULL: [&str; 6] = ["v3-full.db", "v4.db", "v5.db", "v6.db", "v7.db", "v8.db"];

/// Writes to every table: the little that the fixtures of versions 1 to 3 hold, an experiment `more` with trials
/// of every fate, and one that was removed after it had evaluated on the test set.
fn fill(lab: &mut TestStore) {
    first_experiment(lab);
    let plan = plan_of_more();
    let session = begin(&mut lab.store, "more", &plan, true);
    let mut writer = lab.writer(session);
    let slot = Slot("cpu:0".to_owned());
    let failed = |at: usize, attempt, cause| Event::TrialFailed {
        trial: plan[at].0.clone(),
        attempt: AttemptNo(attempt),
        cause,
        log_tail: "the last line".to_owned(),
        will_retry: false,
    };
    let message = "the engine cannot train this".to_owned();
    let crash = Cause::Crashed {
        exit_code: None,
        signal: Some(9),
    };
    observe_all(
        &mut writer,
        [
            Event::WorkerStarted {
                slot: slot.clone(),
                pid: 77,
                engine: "native".to_owned(),
                log: "cpu-0.log".into(),
            },
            started(&plan[0].0, 1),
            progressed(&plan[0].0, 1, 1, &[("valid/loss", f64::NAN)]),
            finished(&plan[0].0, 1, result(0.7)),
            started(&plan[1].0, 2),
            failed(1, 2, Cause::Rejected { message }),
            started(&plan[2].0, 3),
            failed(2, 3, crash),
            Event::TrialSkipped {
                trial: plan[3].0.clone(),
                reason: "its configuration crashed a worker".to_owned(),
            },
            started(&plan[4].0, 4),
            finished(&plan[4].0, 4, result(0.8)),
            started(&plan[5].0, 5),
            Event::TrialWarning {
                trial: plan[5].0.clone(),
                attempt: AttemptNo(5),
                message: "a checkpoint could not be used".to_owned(),
            },
            Event::TrialInterrupted {
                trial: plan[5].0.clone(),
                attempt: AttemptNo(5),
                step: Some(1),
            },
            Event::SlotRetired {
                slot,
                reason: "it failed three times".to_owned(),
            },
        ],
    );
    writer.finish(Outcome::Interrupted).unwrap();
    let store = &mut lab.store;
    let seeds = [(plan[0].1.clone(), vec![3, 4])];
    store.set_extra_seeds("more", &seeds).unwrap();
    store.tag(&plan[0].0, "keep").unwrap();
    store.note(&plan[0].0, "see the confusion matrix").unwrap();
    begin(store, "gone", &plan[..1], true);
    for experiment in ["more", "gone"] {
        let evaluation = evaluation(&plan[0]);
        store
            .record_evaluation(experiment, "0.1.0", &evaluation)
            .unwrap();
    }
    store.remove("gone", None).unwrap();
}

/// A finished trial with a curve, and one that was never begun.
fn first_experiment(lab: &mut TestStore) {
    let plan = plan(&[0.1]);
    let session = begin(&mut lab.store, "songs", &plan, true);
    let mut writer = lab.writer(session);
    let trial = &plan[0].0;
    observe_all(
        &mut writer,
        [
            started(trial, 1),
            progressed(trial, 1, 1, &[("loss", 2.0)]),
            progressed(trial, 1, 2, &[("loss", 1.0)]),
            finished(trial, 1, result(0.9)),
        ],
    );
    writer.finish(Outcome::Finished).unwrap();
}

/// Two configurations on all rows, and the first of them on a fourth of the rows.
fn plan_of_more() -> Vec<NewTrial> {
    let mut plan = plan(&[0.2, 0.3]);
    for at in [0, 1] {
        let mut spec = plan[at].2.clone();
        spec.train_fraction = 0.25;
        let digest = dataset().digest;
        plan.push((spec.id(&digest), spec.config_id(&digest), spec));
    }
    plan
}

fn evaluation((trial, config, spec): &NewTrial) -> Evaluation {
    Evaluation {
        ensemble: None,
        data: dataset().digest,
        rows: 20,
        groups: 18,
        replicates: 2_000,
        models: vec![Evaluated {
            kind: Kind::MLP,
            config: config.clone(),
            runs: vec![EvaluatedRun {
                trial: trial.clone(),
                seed: spec.seed,
                fold: None,
                values: metrics(&[("test/accuracy", 0.5), ("test/loss", f64::NAN)]),
            }],
            scores: vec![TestScore {
                metric: "test/accuracy".to_owned(),
                mean: 0.5,
                sd: None,
                low: 0.25,
                high: 0.75,
            }],
        }],
    }
}

/// Every row of every table and view, by their names and those of their columns; times left out.
fn dump(path: &Path) -> String {
    let connection = rusqlite::Connection::open(path).unwrap();
    let names = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name";
    let mut names = connection.prepare(names).unwrap();
    let names: Vec<String> = (names.query_map([], |row| row.get(0)).unwrap())
        .collect::<Result<_, _>>()
        .unwrap();
    let mut text = String::new();
    for name in names {
        let mut rows = connection
            .prepare(&format!("SELECT * FROM {name}"))
            .unwrap();
        let columns: Vec<String> = rows.column_names().map(str::to_owned).collect();
        text.push_str(&format!("{name} ({})\n", columns.join(", ")));
        let mut rows = rows.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let cells = columns.iter().filter(|column| !column.ends_with("_ms"));
            let cells = cells.map(|column| row.get::<_, Cell>(column.as_str()).unwrap());
            text.push_str(&format!("    {:?}\n", cells.collect::<Vec<_>>()));
        }
    }
    text
}

/// Removes from the database at `path` the settings that models have got since the one at `older` was written.
fn forget_later_settings(path: &Path, older: &Path) {
    let connection = rusqlite::Connection::open(path).unwrap();
    let older = older.to_str().unwrap();
    connection.execute("ATTACH ?1 AS older", [older]).unwrap();
    let delete = "DELETE FROM params WHERE name NOT IN (SELECT name FROM older.params)";
    connection.execute(delete, []).unwrap();
    let close_up = "UPDATE params SET position = (SELECT count(*) FROM params AS before
         WHERE before.trial = params.trial AND before.position < params.position)";
    connection.execute(close_up, []).unwrap();
}

#[test]
fn a_migrated_database_holds_what_a_new_one_would() {
    for name in FULL {
        let mut lab = TestStore::new();
        fill(&mut lab);
        let (_folder, path) = fixture(name);
        let read = Store::open_existing(&path).unwrap();
        let store = Store::open(&path).unwrap();
        forget_later_settings(&lab.path(), &path);
        let expected = dump(&lab.path());
        for (found, expected) in dump(&path).lines().zip(expected.lines()) {
            assert_eq!(found, expected, "{name}");
        }
        assert_eq!(dump(&path).lines().count(), expected.lines().count());
        for experiment in ["songs", "more"] {
            let before = read.experiment(experiment).unwrap();
            assert!(before.is_some(), "{name}");
            assert_eq!(before, store.experiment(experiment).unwrap(), "{name}");
        }
    }
}

#[test]
fn a_database_is_not_migrated_while_an_older_program_runs_a_sweep_in_it() {
    let (folder, path) = fixture("v3-full.db");
    let lock = SweepLock::acquire(folder.path(), "more").unwrap();
    let running = format!(
        "UPDATE sessions SET outcome = 'running', pid = {}, host = '{}' WHERE id = 2",
        std::process::id(),
        host_name()
    );
    execute(&path, &running);
    let before = query::<String>(&path, "SELECT group_concat(sql) FROM sqlite_schema");
    let error = Store::open(&path).err().unwrap();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    assert!(error.to_string().contains("sweep stop more"), "{error}");
    assert!(Store::open_existing(&path).is_ok());
    let after = query::<String>(&path, "SELECT group_concat(sql) FROM sqlite_schema");
    assert_eq!(after, before);
    drop(lock);
    assert!(Store::open(&path).unwrap().upgraded().is_some());
}

#[test]
#[ignore = "writes the fixture of the newest schema version: run it once, when that is released"]
fn write_the_fixture() {
    let newest = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/store")
        .join(FULL.last().unwrap());
    // A fixture that was released is never written again.
    if newest.exists() {
        return;
    }
    let mut lab = TestStore::new();
    fill(&mut lab);
    let path = lab.path();
    drop(lab.store);
    std::fs::copy(path, newest).unwrap();
}
