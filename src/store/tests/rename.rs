//! Experiments renamed and copied.

use super::{TestStore, finished_lab, plan, query};
use crate::StoreError;

fn flags(name: &str) -> Vec<String> {
    vec![format!("experiment.name={name}")]
}

/// Names of experiments, by key.
fn names(lab: &TestStore) -> String {
    query(
        &lab.path(),
        "SELECT group_concat(name) FROM (SELECT name FROM experiments ORDER BY id)",
    )
}

#[test]
fn a_renamed_experiment_has_all_that_it_had() {
    let (mut lab, _) = finished_lab(&[0.5]);
    let seeds = vec![(plan(&[0.1])[0].1.clone(), vec![7, 8])];
    lab.store.set_extra_seeds("songs", &seeds).unwrap();
    let before = lab.store.experiment("songs").unwrap().unwrap();
    lab.store.rename("songs", "tunes", &flags("tunes")).unwrap();
    let after = lab.store.experiment("tunes").unwrap().unwrap();
    assert_eq!(after.flags, flags("tunes"));
    assert_eq!(
        (&after.trials, &after.sessions),
        (&before.trials, &before.sessions)
    );
    assert_eq!(lab.store.extra_seeds("tunes").unwrap(), seeds);
    assert_eq!(lab.store.experiment("songs").unwrap(), None);
}

#[test]
fn a_copy_has_the_plan_and_the_trials_and_no_session() {
    let (mut lab, _) = finished_lab(&[0.5]);
    // Trials out of the plan are left behind.
    lab.begin("songs", &plan(&[0.1, 0.01]));
    let copied = lab.store.copy("songs", "tunes", &flags("tunes"));
    assert_eq!(copied.unwrap(), 4);
    let (one, other) = ["songs", "tunes"]
        .map(|name| lab.store.experiment(name).unwrap().unwrap())
        .into();
    assert_eq!(one.trials[..4], other.trials);
    assert_eq!((one.file_text, other.sessions.len()), (other.file_text, 0));
    assert_eq!(names(&lab), "songs,tunes");
    assert_eq!(lab.store.experiments().unwrap().len(), 2);
}

#[test]
fn a_name_that_is_taken_is_left_to_its_experiment() {
    let (mut lab, _) = finished_lab(&[0.5]);
    lab.begin("tunes", &plan(&[0.1]));
    let rename = lab.store.rename("songs", "tunes", &[]).unwrap_err();
    let copy = lab.store.copy("songs", "tunes", &[]).unwrap_err();
    for error in [rename, copy] {
        assert!(matches!(error, StoreError::NameTaken { .. }), "{error}");
    }
    let error = lab.store.rename("none", "new", &[]).unwrap_err();
    assert!(matches!(error, StoreError::NotFound { .. }), "{error}");
    assert_eq!(names(&lab), "songs,tunes");
}
