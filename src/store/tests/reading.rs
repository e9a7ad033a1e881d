//! What readers get: plans, rankings, names, and errors for what another program wrote.

use super::{
    TestStore, execute, finished, finished_lab, observe_all, plan, query, result, started,
};
use crate::cells::param_cells;
use crate::{Outcome, Store, StoreError};
use sweep_core::event::{AttemptNo, Cause, Event, Observer};
use sweep_core::trial::{Status, TrialId, TrialResult, Value};

#[test]
fn the_summary_counts_the_plan_and_names_the_best() {
    let (mut lab, trials) = finished_lab(&[0.5, 0.7, 0.9, 0.6]);
    let summary = &lab.store.experiments().unwrap()[0];
    assert_eq!(
        summary.counts,
        [(Status::Pending, 2), (Status::Finished, 4)]
    );
    assert_eq!(summary.best, Some(0.9));
    assert_eq!(summary.best_trial.as_ref(), Some(&trials[2]));
    assert!(summary.updated_ms >= summary.created_ms);

    // The plan shrinks to the first configuration: what is left over is neither counted nor best.
    lab.begin("songs", &plan(&[0.1]));
    let summary = &lab.store.experiments().unwrap()[0];
    assert_eq!(summary.counts, [(Status::Finished, 2)]);
    assert_eq!((summary.best, summary.out_of_plan), (Some(0.7), 4));
    let record = lab.store.experiment("songs").unwrap().unwrap();
    let in_plan: Vec<bool> = record.trials.iter().map(|trial| trial.in_plan).collect();
    assert_eq!(in_plan, [true, true, false, false, false, false]);

    // And grows again, in another order.
    lab.begin("songs", &plan(&[0.01, 0.1]));
    let record = lab.store.experiment("songs").unwrap().unwrap();
    let order: Vec<&TrialId> = record.trials.iter().map(|trial| &trial.id).collect();
    assert_eq!(order[..4], [&trials[2], &trials[3], &trials[0], &trials[1]]);
    assert_eq!(record.trials[0].status, Status::Finished);
    assert_eq!(record.sessions.len(), 3);
}

#[test]
fn trials_of_a_fraction_of_the_rows_are_recorded_and_not_ranked() {
    let mut lab = TestStore::new();
    let mut plan = plan(&[0.1]);
    let digest = super::dataset().digest;
    for (_, _, spec) in plan.clone() {
        let mut spec = spec;
        spec.train_fraction = 0.25;
        plan.push((spec.id(&digest), spec.config_id(&digest), spec));
    }
    let session = lab.begin("songs", &plan);
    let mut writer = lab.writer(session);
    for ((attempt, best), (trial, ..)) in (1..).zip([0.5, 0.6, 0.8, 0.9]).zip(&plan) {
        observe_all(
            &mut writer,
            [
                started(trial, attempt),
                finished(trial, attempt, result(best)),
            ],
        );
    }
    writer.finish(Outcome::Finished).unwrap();
    assert_eq!(lab.store.experiments().unwrap()[0].best, Some(0.6));
    let path = lab.path();
    assert_eq!(query::<i64>(&path, "SELECT count(*) FROM best_trials"), 2);
    assert_eq!(query::<i64>(&path, "SELECT count(*) FROM leaderboard"), 1);
    assert_eq!(query::<f64>(&path, "SELECT max FROM leaderboard"), 0.6);
    // Every trial of the database tells its fraction, also those that were recorded without one.
    let record = lab.store.experiment("songs").unwrap().unwrap();
    let fractions: Vec<f64> = record
        .trials
        .iter()
        .map(|trial| {
            let fraction = trial.params.iter().find(|(key, _)| key == "train_fraction");
            fraction.unwrap().1.as_f64().unwrap()
        })
        .collect();
    assert_eq!(fractions, [1.0, 1.0, 0.25, 0.25]);
}

#[test]
fn the_experiment_begun_last_is_the_last_experiment() {
    let mut lab = TestStore::new();
    assert_eq!(lab.store.last_experiment().unwrap(), None);
    assert_eq!(lab.store.experiment("songs").unwrap(), None);
    for name in ["a", "b", "a"] {
        lab.begin(name, &plan(&[0.1]));
        assert_eq!(lab.store.last_experiment().unwrap().as_deref(), Some(name));
    }
    let trial = &plan(&[0.1])[0].0;
    assert_eq!(lab.store.experiments_of(trial).unwrap(), ["a", "b"]);
    let asked: i64 = query(&lab.path(), "SELECT count(*) FROM trials");
    assert_eq!(
        asked, 2,
        "a trial that two experiments ask for is one trial"
    );
}

#[test]
fn the_views_rank_by_the_goal_and_by_the_mean_over_seeds() {
    let (lab, trials) = finished_lab(&[0.5, 0.7, 0.9, 0.6, 0.8]);
    let best: String = query(
        &lab.path(),
        "SELECT group_concat(rank || ':' || best, ' ') FROM (SELECT * FROM best_trials ORDER BY rank)",
    );
    assert_eq!(best, "1:0.9 2:0.8 3:0.7 4:0.6 5:0.5");
    let board = "SELECT group_concat(rank || ':' || round(mean, 3) || ':' || n || '/' || planned
                                     || ':' || min || ':' || max, ' ')
                 FROM (SELECT * FROM leaderboard WHERE experiment = 'songs' ORDER BY rank)";
    let found: String = query(&lab.path(), board);
    assert_eq!(
        found,
        "1:0.8:1/2:0.8:0.8 2:0.75:2/2:0.6:0.9 3:0.6:2/2:0.5:0.7"
    );
    execute(&lab.path(), "UPDATE experiments SET goal = 'min'");
    let found: String = query(&lab.path(), board);
    assert_eq!(
        found,
        "1:0.6:2/2:0.5:0.7 2:0.75:2/2:0.6:0.9 3:0.8:1/2:0.8:0.8"
    );
    let rate: f64 = query(
        &lab.path(),
        &format!(
            "SELECT value FROM trial_params WHERE trial = '{}' AND param = 'lr'",
            trials[2]
        ),
    );
    assert_eq!(rate, 0.01);
    let loss: f64 = query(
        &lab.path(),
        &format!(
            "SELECT value FROM metric_rows WHERE trial = '{}' AND metric = 'valid/loss'",
            trials[0]
        ),
    );
    assert_eq!(loss, 0.5);
}

#[test]
fn only_failures_are_listed_as_failures() {
    let mut lab = TestStore::new();
    let plan = plan(&[0.1, 0.2, 0.3, 0.4]);
    let session = lab.begin("songs", &plan);
    let mut writer = lab.writer(session);
    let causes = [
        Cause::Crashed {
            exit_code: Some(101),
            signal: None,
        },
        Cause::TimedOut {
            after: std::time::Duration::from_secs(60),
        },
        Cause::Rejected {
            message: "batch larger than the data".to_owned(),
        },
        Cause::Protocol {
            message: "not JSON".to_owned(),
        },
    ];
    for ((attempt, cause), (trial, ..)) in (1..).zip(causes).zip(&plan) {
        writer.observe(&started(trial, attempt)).unwrap();
        let failed = Event::TrialFailed {
            trial: trial.clone(),
            attempt: AttemptNo(attempt),
            cause,
            log_tail: String::new(),
            will_retry: false,
        };
        writer.observe(&failed).unwrap();
    }
    let diverged = TrialResult {
        diverged: Some("loss is infinite".to_owned()),
        ..TrialResult::default()
    };
    let (last, next) = (&plan[4].0, &plan[5].0);
    observe_all(
        &mut writer,
        [
            started(last, 5),
            finished(last, 5, diverged),
            started(next, 6),
        ],
    );
    writer.finish(Outcome::Finished).unwrap();
    let listed: String = query(
        &lab.path(),
        "SELECT group_concat(status || '/' || outcome || '/' || coalesce(exit_code, '-'), ' ')
         FROM (SELECT * FROM failures ORDER BY attempt)",
    );
    assert_eq!(
        listed,
        "failed/crashed/101 failed/timed_out/- failed/rejected/- failed/protocol/-"
    );
    let record = lab.store.experiment("songs").unwrap().unwrap();
    let message = record.trials[2].message.as_deref();
    assert_eq!(message, Some("batch larger than the data"));
}

#[test]
fn a_trial_is_found_by_the_first_digits_of_its_name() {
    let (lab, trials) = finished_lab(&[0.5]);
    for trial in &trials {
        assert_eq!(lab.store.find_trial(trial.as_str()).unwrap().id, *trial);
        assert_eq!(
            lab.store.find_trial(&trial.as_str()[..12]).unwrap().id,
            *trial
        );
    }
    let upper = trials[0].as_str().to_uppercase();
    assert_eq!(lab.store.find_trial(&upper).unwrap().id, trials[0]);
    for absent in ["*", "?", "[0-9]", "zz", &format!("{}0", trials[0])] {
        let error = lab.store.find_trial(absent).unwrap_err();
        assert!(
            matches!(error, StoreError::NoSuchTrial { .. }),
            "{absent}: {error}"
        );
    }
    let mut names = trials.clone();
    names.sort();
    match lab.store.find_trial("").unwrap_err() {
        StoreError::Ambiguous {
            candidates, count, ..
        } => {
            assert_eq!((candidates, count), (names, 6));
        }
        other => panic!("{other}"),
    }
}

#[test]
fn hyper_parameters_of_every_type_keep_it() {
    let table = Value::Table([("timeout".to_owned(), Value::Int(5))].into());
    let values = [
        Value::Bool(true),
        Value::Bool(false),
        Value::Int(-3),
        Value::Float(1.0),
        Value::Float(1e-300),
        Value::Text("12".to_owned()),
        Value::List(vec![Value::Int(64), Value::Float(0.5), Value::Bool(true)]),
        Value::List(vec![]),
        table,
    ];
    let (lab, trials) = finished_lab(&[0.5]);
    let connection = rusqlite::Connection::open(lab.path()).unwrap();
    connection.execute("DELETE FROM params", []).unwrap();
    for (position, value) in (0_i64..).zip(&values) {
        let (kind, cell) = param_cells(value).unwrap();
        connection
            .execute(
                "INSERT INTO params SELECT id, ?2, 'p' || ?2, ?3, ?4 FROM trials WHERE name = ?1",
                rusqlite::params![trials[0].as_str(), position, kind, cell],
            )
            .unwrap();
    }
    let read: Vec<Value> = lab
        .store
        .find_trial(trials[0].as_str())
        .unwrap()
        .params
        .into_iter()
        .map(|param| param.1)
        .collect();
    assert_eq!(read, values);
    for odd in [
        Value::Float(f64::NAN),
        Value::List(vec![Value::Float(f64::INFINITY)]),
    ] {
        assert_eq!(param_cells(&odd), None);
    }
}

#[test]
fn what_another_program_wrote_is_named_and_is_no_panic() {
    for (sql, expected) in [
        (
            "UPDATE trials SET status = 'done'",
            "status is `done`, allowed is pending",
        ),
        ("UPDATE trials SET kind = 'svm'", "kind is `svm`"),
        ("UPDATE trials SET name = 'é' || id", "name is `é1`"),
        ("UPDATE trials SET seed = -1", "seed is -1"),
        (
            "UPDATE trials SET steps = 99999999999",
            "steps is 99999999999",
        ),
        (
            "UPDATE params SET value = 2 WHERE type = 'bool'",
            "value is 2",
        ),
        (
            "UPDATE params SET value = '[' WHERE type = 'list'",
            "value is `[`",
        ),
        (
            "UPDATE params SET value = x'00'",
            "value is a blob of 1 bytes",
        ),
        ("UPDATE params SET type = 'date'", "value is"),
        (
            "UPDATE datasets SET classes = 'pop'",
            "table datasets, row 1: classes is `pop`",
        ),
        ("UPDATE datasets SET digest = 'abc'", "digest is `abc`"),
        ("UPDATE sessions SET outcome = ''", "outcome is ``"),
        ("UPDATE sessions SET pid = -5", "pid is -5"),
        (
            "UPDATE experiments SET dataset = 9",
            "table datasets, row 9: id is missing",
        ),
    ] {
        let (lab, _) = finished_lab(&[0.5]);
        execute(&lab.path(), &format!("PRAGMA foreign_keys = OFF; {sql}"));
        let error = lab.store.experiment("songs").unwrap_err().to_string();
        assert!(error.contains(expected), "{sql}: {error}");
        assert!(error.contains("sweeps.db"), "{error}");
    }
    let (lab, trials) = finished_lab(&[0.5]);
    execute(
        &lab.path(),
        "UPDATE confusion SET predicted = 7 WHERE predicted = 2 AND actual = 0",
    );
    let error = lab.store.confusion(&trials[0]).unwrap_err().to_string();
    assert!(error.contains("predicted is 7"), "{error}");
    execute(&lab.path(), "DROP TABLE confusion");
    let error = lab.store.confusion(&trials[0]).unwrap_err().to_string();
    assert!(error.contains("no such table: confusion"), "{error}");
}

#[test]
fn a_seed_that_the_database_cannot_hold_is_refused_and_nothing_is_written() {
    let mut lab = TestStore::new();
    let mut planned = plan(&[0.1]).swap_remove(0);
    planned.2.seed = u64::MAX;
    let trials = [crate::NewTrial {
        id: &planned.0,
        config: &planned.1,
        spec: &planned.2,
        fold: None,
    }];
    let error = lab
        .store
        .begin(&crate::NewSession {
            experiment: "songs",
            file_path: "a.toml".as_ref(),
            file_text: "",
            flags: &[],
            edition: sweep_core::data_config::Edition::default(),
            objective: &planned.2.objective,
            datasets: &[super::dataset()],
            command: "sweep run",
            host: "box",
            pid: 1,
            version: "0.1.0",
            git_commit: None,
            environment: &[],
            trials: &trials,
            holds_lock: true,
        })
        .unwrap_err();
    assert!(
        error.to_string().contains("the seed cannot be recorded"),
        "{error}"
    );
    assert!(
        Store::open(&lab.path())
            .unwrap()
            .experiments()
            .unwrap()
            .is_empty()
    );
}

#[test]
fn the_environment_of_a_session_reads_back() {
    let (lab, _) = finished_lab(&[0.5]);
    let environment = |lab: &TestStore| {
        let record = lab.store.experiment("songs")?.unwrap();
        Ok::<_, StoreError>(record.sessions[0].environment.clone())
    };
    let expected = [("cpu", "a \"fast\" one"), ("memory", "16 GB")];
    let expected = expected.map(|(name, text)| (name.to_owned(), text.to_owned()));
    assert_eq!(environment(&lab).unwrap(), expected);
    execute(&lab.path(), "UPDATE sessions SET environment = '[1]'");
    let error = environment(&lab).unwrap_err().to_string();
    assert!(
        error.contains("environment") && error.contains("a JSON object of texts"),
        "{error}"
    );
}
