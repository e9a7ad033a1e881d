//! What is durable when: results after their models, sessions that were cut off, times.

use std::sync::mpsc;

use super::{TestStore, begin, execute, finished, observe_all, plan, query, result, started};
use crate::{Outcome, Store};
use sweep_core::event::Observer;
use sweep_core::trial::Status;

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
