//! Names of sweeps: two files with one name, reports of two databases in one folder, sweeps renamed and copied.

use std::fs;

use crate::common::{TestDir, experiment, results};

/// Two networks on two columns, and a forest.
fn file(epochs: u32, columns: &[&str]) -> String {
    let training = format!(
        "[model]
epochs = {epochs}

[grid]
layers = [[8], [4]]
"
    );
    experiment(columns, &training)
}

const COLUMNS: &[&str] = &["danceability", "energy"];

/// With the experiments `A/exp.toml` and `B/exp.toml`, which differ.
fn test_dir() -> TestDir {
    let dir = TestDir::with_data(300);
    dir.write("A/exp.toml", file(2, COLUMNS));
    dir.write("B/exp.toml", file(3, COLUMNS));
    dir
}

/// A message without the line breaks that fit it to a terminal.
fn unwrapped(message: &str) -> String {
    let lines = message
        .lines()
        .map(|line| line.trim_start_matches([' ', '│']));
    lines.collect::<Vec<_>>().join("")
}

fn planned(dir: &TestDir, sweep: &str) -> i64 {
    dir.count(&format!(
        "SELECT count(*) FROM experiment_trials x JOIN experiments e ON e.id = x.experiment
         WHERE e.name = '{sweep}' AND x.in_plan = 1"
    ))
}

#[test]
fn a_second_file_of_the_same_name_is_refused_unless_accepted() {
    let dir = test_dir();
    dir.succeed(&["run", "A/exp.toml", "-q"]);
    let before = dir.text("SELECT file_text FROM experiments");
    let error = dir.fail(&["run", "B/exp.toml"], 2);
    let error = unwrapped(&error);
    for part in [
        "A/exp.toml",
        "B/exp.toml",
        "experiment.name=",
        "--accept-new-file",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert_eq!(dir.text("SELECT file_text FROM experiments"), before);
    assert_eq!(dir.count("SELECT count(*) FROM sessions"), 1);
    let (_, told) = dir.end(&["plan", "B/exp.toml"], 0);
    assert!(told.contains("--accept-new-file"), "{told}");

    // The same name, seen from the folder of the other file.
    let store = dir.path("runs/sweep.sqlite");
    let mut there = dir.command(&["--store", store.to_str().unwrap(), "run", "exp.toml"]);
    let there = there.current_dir(dir.path("B")).output().unwrap();
    assert_eq!(there.status.code(), Some(2));

    dir.succeed(&["run", "B/exp.toml", "--set", "experiment.name=b", "-q"]);
    assert_eq!((planned(&dir, "exp"), planned(&dir, "b")), (4, 4));
    dir.succeed(&["run", "B/exp.toml", "--accept-new-file", "-q"]);
    assert_eq!(
        dir.text("SELECT file_text FROM experiments WHERE name = 'exp'"),
        file(3, COLUMNS)
    );
    // The other way round, the first file is the other one now.
    dir.fail(&["run", "A/exp.toml"], 2);
}

#[test]
fn a_file_that_was_moved_edited_copied_or_linked_is_no_other_file() {
    let dir = test_dir();
    dir.succeed(&["run", "A/exp.toml", "-q"]);
    let other_paths = [dir.path("A/exp.toml"), dir.path("A/../A/exp.toml")];
    for path in &other_paths {
        dir.succeed(&["run", path.to_str().unwrap(), "-q"]);
    }
    fs::create_dir(dir.path("C")).unwrap();
    std::os::unix::fs::symlink("../A/exp.toml", dir.path("C/exp.toml")).unwrap();
    dir.succeed(&["run", "C/exp.toml", "-q"]);
    // The same text, then an edited file.
    dir.write("D/exp.toml", file(2, COLUMNS));
    dir.succeed(&["run", "D/exp.toml", "-q"]);
    dir.write("D/exp.toml", file(1, COLUMNS));
    dir.succeed(&["run", "D/exp.toml", "-q"]);
    fs::create_dir(dir.path("E")).unwrap();
    fs::rename(dir.path("D/exp.toml"), dir.path("E/exp.toml")).unwrap();
    dir.write("E/exp.toml", file(2, &["energy"]));
    dir.succeed(&["run", "E/exp.toml", "-q"]);
    dir.succeed(&["resume", "exp", "-q"]);
    dir.fail(&["run", "B/exp.toml"], 2);
}

#[test]
fn a_report_is_not_replaced_by_that_of_another_database_unless_forced() {
    let dir = test_dir();
    dir.succeed(&["run", "A/exp.toml", "-q"]);
    let other = ["--store", "other/sweep.sqlite"];
    let with_other = |arguments: &[&'static str]| [&other[..], arguments].concat();
    dir.succeed(&with_other(&["run", "B/exp.toml", "-q"]));
    dir.succeed(&["report", "exp"]);
    dir.succeed(&["report", "exp"]);
    let page = || fs::read(dir.path("reports/exp/index.html")).unwrap();
    let before = page();
    let error = unwrapped(&dir.fail(&with_other(&["report", "exp"]), 2));
    for part in [
        "runs/sweep.sqlite",
        "other/sweep.sqlite",
        "--out",
        "--force",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(page() == before);
    dir.succeed(&with_other(&["report", "exp", "--out", "elsewhere"]));
    dir.succeed(&with_other(&["report", "exp", "--force"]));
    assert!(page() != before);
    dir.fail(&["report", "exp"], 2);
    // Of an earlier version, and of a database that was moved.
    fs::remove_file(dir.path("reports/exp/origin.json")).unwrap();
    dir.succeed(&["report", "exp"]);
    fs::rename(dir.path("runs"), dir.path("moved")).unwrap();
    dir.succeed(&with_other(&["report", "exp"]));
}

#[test]
fn a_renamed_sweep_keeps_all_that_is_recorded_and_resumes() {
    let dir = test_dir();
    dir.end(&["run", "A/exp.toml", "-q", "--max-trials", "2"], 6);
    let trial = dir.text("SELECT name FROM trials WHERE status = 'finished' LIMIT 1");
    dir.succeed(&["tag", &trial, "paper"]);
    dir.write("runs/logs/exp/cpu-0.log", "a worker's last words");
    dir.succeed(&["mv", "exp", "first"]);
    assert!(dir.path("runs/logs/first/cpu-0.log").is_file());
    assert!(!dir.path("runs/logs/exp").exists() && !dir.path("runs/locks/exp.lock").exists());
    let shown = dir.json(&["show", "first", "--json"]);
    assert_eq!(shown["sessions"].as_array().unwrap().len(), 1);
    assert!(
        dir.succeed(&["ls", "first", "-q", "tag=paper"])
            .contains(&trial[..8])
    );
    dir.fail(&["show", "exp"], 2);
    dir.succeed(&["resume", "first", "-q"]);
    assert_eq!(dir.count("SELECT count(*) FROM experiments"), 1);
    assert_eq!(
        dir.count("SELECT count(*) FROM attempts WHERE outcome = 'finished'"),
        4
    );
    dir.succeed(&["report", "first"]);
    // A name that TOML would take for a number.
    dir.succeed(&["mv", "first", "2024"]);
    dir.succeed(&["resume", "2024", "-q"]);
    assert_eq!(
        dir.text("SELECT flags FROM experiments"),
        r#"["experiment.name=\"2024\""]"#
    );
    dir.succeed(&[
        "run",
        "A/exp.toml",
        "--set",
        "experiment.name=\"2024\"",
        "-q",
    ]);
    assert_eq!(dir.count("SELECT count(*) FROM experiments"), 1);
}

#[test]
fn a_copied_sweep_shares_its_trials_and_resumes_by_itself() {
    let dir = test_dir();
    dir.succeed(&["run", "A/exp.toml", "-q"]);
    let before = results(&dir);
    let copied = dir.json(&["cp", "exp", "second", "--json"]);
    assert_eq!(
        (&copied["new"], &copied["trials"]),
        (&"second".into(), &4.into())
    );
    assert_eq!(planned(&dir, "second"), 4);
    dir.succeed(&["report", "second"]);
    dir.succeed(&["resume", "second", "-q"]);
    assert_eq!(dir.count("SELECT count(*) FROM attempts"), 4);
    dir.succeed(&["rm", "exp", "--yes"]);
    assert_eq!(results(&dir), before);
    dir.succeed(&["predict", "best", "demo.csv", "-o", "out.csv"]);
}

#[test]
fn a_name_that_is_taken_or_none_and_a_running_sweep_are_refused() {
    let dir = test_dir();
    dir.succeed(&["run", "A/exp.toml", "-q"]);
    dir.succeed(&["cp", "exp", "taken"]);
    for command in ["mv", "cp"] {
        let error = dir.fail(&[command, "exp", "taken"], 2);
        assert!(
            error.contains("there is a sweep `taken` already"),
            "{error}"
        );
        let error = dir.fail(&[command, "exp", "exp"], 2);
        assert!(error.contains("there is a sweep `exp` already"), "{error}");
        let error = dir.fail(&[command, "exp", "a/b"], 2);
        assert!(error.contains("cannot be the name"), "{error}");
        let error = dir.fail(&[command, "none", "new"], 2);
        assert!(error.contains("no sweep `none`"), "{error}");
    }
    let logs = dir.path("runs/logs/left");
    fs::create_dir_all(&logs).unwrap();
    fs::write(logs.join("cpu-0.log"), "of a sweep that is gone").unwrap();
    let error = dir.fail(&["mv", "exp", "left"], 2);
    assert!(error.contains("`sweep gc`"), "{error}");
    let path = dir.path("runs/locks/exp.lock");
    let lock = fs::File::open(&path).unwrap();
    lock.lock().unwrap();
    dir.fail(&["mv", "exp", "new"], 4);
    drop(lock);
    dir.succeed(&["mv", "exp", "new"]);
}

/// Runs `git` in the folder of `dir`.
fn git(dir: &TestDir, arguments: &[&str]) {
    let identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
    let done = std::process::Command::new("git")
        .args(identity)
        .args(arguments)
        .current_dir(dir.root())
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
}

#[test]
fn uncommitted_changes_are_recorded_beside_the_commit() {
    let dir = test_dir();
    let error = {
        dir.succeed(&["run", "A/exp.toml", "-q"]);
        dir.fail(&["show", "exp", "--patch"], 2)
    };
    assert!(error.contains("not recorded"), "{error}");
    git(&dir, &["init", "-q"]);
    git(&dir, &["add", "A", "B"]);
    git(&dir, &["commit", "-q", "-m", "first"]);
    dir.write("A/exp.toml", file(1, COLUMNS));
    dir.succeed(&["run", "A/exp.toml", "-q"]);
    let shown = dir.json(&["show", "exp", "--json"]);
    let session = &shown["sessions"][1];
    assert_eq!(session["uncommitted_changes"], true);
    assert_eq!(session["untracked_files"], serde_json::json!(["demo.csv"]));
    let commit = &session["git_commit"].as_str().unwrap()[..7];
    let said = format!("commit {commit} with uncommitted changes and 1 untracked file");
    assert!(dir.succeed(&["show", "exp"]).contains(&said));
    let (patch, told) = dir.end(&["show", "exp", "--patch"], 0);
    assert!(told.contains("untracked: demo.csv"), "{told}");
    assert!(patch.contains("-epochs = 2\n+epochs = 1\n"), "{patch}");
    git(&dir, &["checkout", "-q", "A/exp.toml"]);
    dir.write("x.patch", &patch);
    git(&dir, &["apply", "x.patch"]);
    assert_eq!(
        fs::read_to_string(dir.path("A/exp.toml")).unwrap(),
        file(1, COLUMNS)
    );
    dir.succeed(&["report", "exp"]);
    let page = fs::read_to_string(dir.path("reports/exp/index.html")).unwrap();
    assert!(page.contains(" with uncommitted changes and 1 untracked file"));
    assert!(!page.contains("git_patch") && !page.contains("+epochs = 1"));
}
