//! Files that change between two sessions: data, experiment, the program itself.

use std::fs;

use super::running::{small, succeed, test_dir};
use crate::common::{DATABASE, TestDir, results};

#[test]
fn data_that_changed_are_refused_with_both_digests_or_accepted_as_new() {
    let dir = test_dir(2);
    succeed(&dir, &["run", "small.toml"]);
    let old = results(&dir);
    let digest = |dir: &TestDir| {
        let (listed, _) = succeed(dir, &["ls", "--json"]);
        let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
        let out = listed[0]["out_of_plan"].as_u64().unwrap();
        (listed[0]["data"].as_str().unwrap()[..8].to_owned(), out)
    };
    let (before, _) = digest(&dir);
    succeed(
        &dir,
        &[
            "data", "synth", "demo.csv", "--rows", "1000", "--seed", "9", "--force",
        ],
    );
    let said = dir.fail(&["resume"], 2);
    assert!(
        said.contains(&before) && said.contains("--accept-new-data"),
        "{said}"
    );
    assert_eq!(dir.count("SELECT count(*) FROM attempts"), 10);

    let (_, told) = succeed(&dir, &["resume", "--accept-new-data"]);
    let (after, out_of_plan) = digest(&dir);
    assert_ne!(after, before);
    assert!(said.contains(&after), "both digests: {said}");
    assert!(
        told.contains("accepted as a new version of the data set"),
        "{told}"
    );
    assert_eq!(dir.count("SELECT count(*) FROM attempts"), 20);
    assert_eq!(out_of_plan, 10);
    let now = results(&dir);
    assert!(
        old.iter().all(|row| now.contains(row)),
        "nothing recorded is lost"
    );
    assert!(
        succeed(&dir, &["show", "small"])
            .0
            .contains("out of the plan: 10 trials")
    );
    assert!(succeed(&dir, &["ls"]).0.contains("10/10 (+10 out of plan)"));

    let (_, told) = succeed(&dir, &["resume", "--accept-new-data"]);
    assert!(told.contains("no new data to accept"), "{told}");
    assert_eq!(dir.count("SELECT count(*) FROM attempts"), 20);
}

#[test]
fn an_edited_experiment_trains_what_is_new_and_marks_what_fell_out() {
    let dir = test_dir(2);
    succeed(&dir, &["run", "small.toml"]);
    let edited = small(2).replace("dropout = [0.0, 0.3]", "dropout = [0.3, 0.5]");
    dir.write("small.toml", &edited);
    let (_, told) = succeed(&dir, &["run", "small.toml"]);
    assert!(told.contains("6 already done, 4 to train"), "{told}");
    assert!(
        told.contains("4 trials of earlier files or data stay in the database"),
        "{told}"
    );
    assert_eq!(dir.count("SELECT count(*) FROM attempts"), 14);
    assert_eq!(
        dir.count("SELECT count(*) FROM experiment_trials WHERE in_plan = 0"),
        4
    );
}

#[test]
fn a_database_of_an_older_program_is_read_as_it_is_and_copied_before_it_is_written() {
    let dir = test_dir(1);
    let old = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/store/v2.db");
    let bytes = fs::read(old).unwrap();
    fs::create_dir(dir.path("runs")).unwrap();
    fs::write(dir.path(DATABASE), &bytes).unwrap();
    assert!(succeed(&dir, &["ls"]).0.contains("songs"));
    assert!(succeed(&dir, &["show", "songs"]).0.contains("1 finished"));
    assert!(succeed(&dir, &["report", "songs"]).0.contains("index.html"));
    assert_eq!(fs::read(dir.path(DATABASE)).unwrap(), bytes);

    let (_, told) = succeed(&dir, &["run", "small.toml"]);
    assert!(told.contains("from schema version 2 to 9"), "{told}");
    assert!(told.contains("runs/sweep.sqlite.v2.bak"), "{told}");
    assert!(dir.path("runs/sweep.sqlite.v2.bak").exists());
    let (listed, _) = succeed(&dir, &["ls"]);
    assert!(
        listed.contains("songs") && listed.contains("small"),
        "{listed}"
    );
    let kept = succeed(&dir, &["--store", "runs/sweep.sqlite.v2.bak", "ls"]).0;
    assert!(kept.contains("songs") && !kept.contains("small"), "{kept}");
}

#[test]
fn a_session_keeps_what_it_ran_on() {
    let dir = test_dir(1);
    succeed(&dir, &["run", "small.toml"]);
    let known = "SELECT count(*) FROM sessions
                 WHERE environment ->> 'cores' > 0 AND environment ->> 'system' LIKE '%Linux%'
                   AND environment ->> 'sweep' IS NOT NULL AND environment ->> 'xgboost' IS NULL";
    assert_eq!(dir.count(known), 1);
}
