//! Experiments and trials that are taken out of the database, and what must stay.

use super::{
    NewTrial, TestStore, dataset, execute, finished, metrics, observe_all, plan, progressed, query,
    result, started,
};
use crate::{Outcome, Removal, StoreError};
use sweep_core::trial::{Evaluated, EvaluatedRun, Evaluation, Kind, TestScore, TrialId};

/// Trains every trial of `plan` for `experiment`.
fn train(lab: &mut TestStore, experiment: &str, plan: &[NewTrial], trained: &[NewTrial]) {
    let session = lab.begin(experiment, plan);
    let mut writer = lab.writer(session);
    for (attempt, (trial, _, _)) in (1..).zip(trained) {
        observe_all(
            &mut writer,
            [
                started(trial, attempt),
                progressed(trial, attempt, 1, &[("valid/accuracy", 0.5)]),
                progressed(trial, attempt, 2, &[("valid/accuracy", 0.75)]),
                finished(trial, attempt, result(0.75)),
            ],
        );
    }
    writer.finish(Outcome::Finished).unwrap();
}

/// A test-set evaluation of `experiment` with the trials of `plan`.
fn evaluate(lab: &mut TestStore, experiment: &str, plan: &[NewTrial]) {
    let runs = plan.iter().map(|(id, _, spec)| EvaluatedRun {
        trial: id.clone(),
        seed: spec.seed,
        fold: None,
        values: metrics(&[("test/accuracy", 0.5)]),
    });
    let evaluation = Evaluation {
        ensemble: None,
        data: dataset().digest,
        rows: 20,
        groups: 18,
        replicates: 2_000,
        models: vec![Evaluated {
            kind: Kind::MLP,
            config: plan[0].1.clone(),
            runs: runs.collect(),
            scores: vec![TestScore {
                metric: "test/accuracy".to_owned(),
                mean: 0.5,
                sd: None,
                low: 0.4,
                high: 0.6,
            }],
        }],
    };
    lab.store
        .record_evaluation(experiment, "0.1.0", &evaluation)
        .unwrap();
}

/// Rows of every table but the list of metrics' names, and that no key leads nowhere.
fn rows(lab: &TestStore) -> Vec<(String, i64)> {
    let connection = rusqlite::Connection::open(lab.path()).unwrap();
    let broken: i64 = connection
        .query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(broken, 0, "a key leads nowhere");
    let names: Vec<String> = connection
        .prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'metric_names'
             ORDER BY name",
        )
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let count = |name: &String| {
        let sql = format!("SELECT count(*) FROM {name}");
        connection.query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    names
        .into_iter()
        .map(|name| (name.clone(), count(&name)))
        .collect()
}

#[test]
fn a_removed_experiment_leaves_nothing_but_the_count_of_its_test_evaluations() {
    let mut lab = TestStore::new();
    let plan = plan(&[0.1, 0.2]);
    train(&mut lab, "songs", &plan, &plan);
    evaluate(&mut lab, "songs", &plan[..2]);
    evaluate(&mut lab, "songs", &plan[..2]);
    execute(
        &lab.path(),
        "INSERT INTO tags SELECT id, 'good' FROM trials LIMIT 1;
         INSERT INTO notes (trial, written_ms, text) SELECT id, 1, 'see there' FROM trials;
         INSERT INTO slot_events VALUES (1, 'cpu:0', 1, 'worker_started', 'native', 7, NULL)",
    );
    let before = rows(&lab);
    let expected = Removal {
        ensembles: Vec::new(),
        whole: true,
        trials: plan.iter().map(|planned| planned.0.clone()).collect(),
        shared: 0,
        sessions: 1,
        sessions_kept: 0,
        attempts: 4,
        metrics: 12,
        tags: 1,
        notes: 4,
        test_evaluations: 2,
        datasets: vec![dataset().digest],
    };
    assert_eq!(lab.store.removal("songs", None).unwrap(), expected);
    assert_eq!(rows(&lab), before, "listing what would go removes nothing");

    assert_eq!(lab.store.remove("songs", None).unwrap(), expected);
    for (table, rows) in rows(&lab) {
        let left = if table == "removed_evaluations" { 2 } else { 0 };
        assert_eq!(rows, left, "rows of {table}");
    }
    assert!(lab.store.experiment("songs").unwrap().is_none());
    assert_eq!(
        lab.store.test_evaluation_count(&dataset().digest).unwrap(),
        2
    );

    // The same data again: earlier evaluations still count.
    train(&mut lab, "again", &plan, &plan);
    evaluate(&mut lab, "again", &plan[..2]);
    assert_eq!(
        lab.store.test_evaluation_count(&dataset().digest).unwrap(),
        3
    );
    let last = lab.store.last_evaluation("again").unwrap().unwrap();
    assert_eq!(last.test_evaluations, 3);
}

#[test]
fn what_other_experiments_ask_for_stays_with_the_story_of_its_training() {
    let mut lab = TestStore::new();
    let all = plan(&[0.1, 0.2]);
    let shared = plan(&[0.2]);
    train(&mut lab, "first", &all, &all);
    train(&mut lab, "second", &shared, &[]);
    let removal = lab.store.remove("first", None).unwrap();
    assert_eq!((removal.trials.len(), removal.shared), (2, 2));
    assert_eq!((removal.sessions, removal.sessions_kept), (0, 1));
    assert_eq!(removal.datasets, []);
    rows(&lab);

    let second = lab.store.experiment("second").unwrap().unwrap();
    assert_eq!(second.trials.len(), 2);
    assert_eq!(second.sessions.len(), 2);
    for trial in &second.trials {
        assert_eq!(trial.best, Some(0.75));
        assert_eq!(lab.store.attempts(&trial.id).unwrap().len(), 1);
    }
    assert_eq!(
        query::<i64>(&lab.path(), "SELECT count(*) FROM attempts"),
        2
    );
}

#[test]
fn a_single_trial_goes_from_one_experiment_alone() {
    let mut lab = TestStore::new();
    let all = plan(&[0.1, 0.2]);
    train(&mut lab, "first", &all, &all);
    train(&mut lab, "second", &plan(&[0.2]), &[]);
    let (own, shared) = (&all[0].0, &all[2].0);
    let removal = lab.store.remove("first", Some(own)).unwrap();
    assert_eq!(removal.trials, std::slice::from_ref(own));
    assert_eq!(
        (removal.whole, removal.attempts, removal.metrics),
        (false, 1, 3)
    );
    let removal = lab.store.remove("first", Some(shared)).unwrap();
    assert_eq!(
        (removal.trials.len(), removal.shared, removal.attempts),
        (0, 1, 0)
    );
    rows(&lab);
    assert_eq!(
        lab.store.experiment("first").unwrap().unwrap().trials.len(),
        2
    );
    assert_eq!(
        lab.store
            .experiment("second")
            .unwrap()
            .unwrap()
            .trials
            .len(),
        2
    );
    assert_eq!(lab.store.attempts(shared).unwrap().len(), 1);

    // Its attempt stands in a session of the first, which no longer asks for it.
    let removal = lab.store.remove("first", None).unwrap();
    assert_eq!((removal.sessions, removal.sessions_kept), (0, 1));
    rows(&lab);
    assert_eq!(lab.store.attempts(shared).unwrap().len(), 1);
}

#[test]
fn what_was_tested_or_copied_from_does_not_go_by_itself() {
    let mut lab = TestStore::new();
    let all = plan(&[0.1, 0.2]);
    train(&mut lab, "source", &all, &all);
    evaluate(&mut lab, "source", &all[..2]);
    let error = lab.store.remove("source", Some(&all[0].0)).unwrap_err();
    assert!(matches!(error, StoreError::HasTestScores { .. }), "{error}");
    lab.store.remove("source", Some(&all[3].0)).unwrap();

    train(&mut lab, "heir", &plan(&[0.3]), &[]);
    let copied = format!(
        "INSERT INTO params SELECT id, 99, 'transfer_from', 'text', '{}' FROM trials
         WHERE status = 'pending' LIMIT 1",
        all[1].0
    );
    execute(&lab.path(), &copied);
    let before = rows(&lab);
    let error = lab.store.remove("source", None).unwrap_err().to_string();
    assert!(
        error.contains("networks of sweep `heir` begin with"),
        "{error}"
    );
    assert_eq!(rows(&lab), before);
    lab.store.remove("heir", None).unwrap();
    lab.store.remove("source", None).unwrap();
    let unknown = lab.store.remove("source", None).unwrap_err();
    assert!(matches!(unknown, StoreError::NotFound { .. }), "{unknown}");
    let strange = TrialId::from_hex("9".repeat(32));
    train(&mut lab, "other", &all, &[]);
    let unknown = lab.store.remove("other", Some(&strange)).unwrap_err();
    assert!(matches!(unknown, StoreError::NotFound { .. }), "{unknown}");
}

#[test]
fn room_that_removed_sweeps_have_left_can_be_given_back() {
    let mut lab = TestStore::new();
    let plan = plan(&[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]);
    train(&mut lab, "songs", &plan, &plan);
    lab.store.remove("songs", None).unwrap();
    let free = lab.store.free_bytes().unwrap();
    assert!(free > 0);
    lab.store.vacuum().unwrap();
    assert_eq!(lab.store.free_bytes().unwrap(), 0);
}
