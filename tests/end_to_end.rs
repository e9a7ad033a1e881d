//! The real binary, driven as a user would, on a small made-up data set.

use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::common::{TIMEOUT, TestDir, experiment, results};

pub fn test_dir() -> TestDir {
    let dir = TestDir::with_data(1500);
    dir.write("small.toml", small("epochs = 3"));
    dir
}

/// Starts a sweep and waits until it has recorded at least `rows` metric rows.
pub fn start(dir: &TestDir, arguments: &[&str], rows: i64) -> Child {
    let child = dir
        .command(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begin = Instant::now();
    while dir.count("SELECT count(*) FROM metrics") < rows {
        assert!(begin.elapsed() < TIMEOUT, "nothing was recorded");
        sleep(Duration::from_millis(10));
    }
    child
}

/// An experiment of eight networks and two forests.
pub fn small(epochs: &str) -> String {
    let training = format!(
        "[model]
{epochs}
batch_norm = true

[grid]
layers = [[16], [8, 8]]
dropout = [0.0, 0.3]

[[baseline]]
kind = \"random_forest\"
trees = 20
max_depth = 6
"
    );
    let columns = ["danceability", "energy", "loudness", "tempo"];
    experiment(&columns, &training)
}

/// Sends `signal` to the process.
pub fn signal(child: &Child, signal: i32) {
    // SAFETY: kill takes plain numbers; the child has not been waited for, so its number is its own.
    assert_eq!(unsafe { libc::kill(child.id() as i32, signal) }, 0);
}

/// Processes whose command line names `folder` or that run in it.
fn processes_in(folder: &Path) -> Vec<String> {
    let folder = folder.canonicalize().unwrap();
    let entries = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    entries
        .filter(|entry| {
            std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(&folder))
        })
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn the_last_line_of_every_session_names_the_best_that_the_database_has() {
    let dir = test_dir();
    // Four sessions that leave trials, and one that does not.
    let arguments = [
        "run",
        "small.toml",
        "--quiet",
        "--workers",
        "1",
        "--max-trials",
        "2",
    ];
    for code in [6, 6, 6, 6, 0] {
        let said = dir.fail(&arguments, code);
        let line = said
            .lines()
            .find(|line| line.contains("trials done"))
            .unwrap();
        let best = dir.json(&["ls", "--json"])[0]["best_trial"].clone();
        let best = best.as_str().unwrap();
        assert!(
            line.contains(&format!(": {}", &best[..8])),
            "{best}: {said}"
        );
        assert!(!said.contains("stopping"), "{said}");
    }
    let said = dir.fail(&["run", "small.toml", "--quiet"], 0);
    assert_eq!(said.trim(), "small: nothing left to train");
}

#[test]
fn a_sweep_is_planned_trained_listed_shown_and_reported() {
    let dir = test_dir();
    let plan = dir.succeed(&["plan", "small.toml"]);
    assert!(plan.contains("10 trials"), "{plan}");
    assert!(
        !dir.path("runs/sweep.sqlite").exists(),
        "planning records nothing"
    );

    let board = dir.succeed(&["run", "small.toml"]);
    assert!(board.contains("random forest"), "{board}");
    assert_eq!(
        dir.count("SELECT count(*) FROM trials WHERE status = 'finished'"),
        10
    );
    assert!(dir.succeed(&["ls"]).contains("small"));
    assert!(dir.succeed(&["show"]).contains("small"));

    let listed: serde_json::Value = serde_json::from_str(&dir.succeed(&["ls", "--json"])).unwrap();
    assert_eq!(listed[0]["name"], "small");
    let shown = dir.succeed(&["show", "small", "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let trial = shown["records"][0]["trial"].as_str().unwrap();
    assert!(dir.succeed(&["show", &trial[..10]]).contains(&trial[..8]));

    let said = dir.succeed(&["report", "small"]);
    assert!(said.contains("index.html"), "{said}");
    for file in [
        "index.html",
        "trials.csv",
        "best.csv",
        "curves.csv",
        "axes.csv",
        "confusion.csv",
    ] {
        assert!(
            dir.path("reports/small").join(file).exists(),
            "{file} is missing"
        );
    }
    let trials = std::fs::read_to_string(dir.path("reports/small/trials.csv")).unwrap();
    assert_eq!(trials.lines().count(), 1 + 10);
}

#[test]
fn every_table_that_leaves_the_program_has_columns_that_python_can_tell_apart() {
    let dir = test_dir();
    dir.succeed(&["run", "small.toml"]);
    dir.succeed(&["report", "small"]);
    dir.succeed(&["export", "small", "out", "--format", "csv"]);
    dir.succeed(&["describe", "small.toml", "--out", "described"]);
    let script = dir.path("columns.py");
    std::fs::write(&script, COLUMNS).unwrap();
    let output = std::process::Command::new("python3")
        .arg(&script)
        .args(["reports/small", "out", "described"].map(|folder| dir.path(folder)))
        .output();
    let Ok(output) = output else {
        eprintln!("SKIPPED: python3 is not installed; names of columns are not checked");
        return;
    };
    let said = String::from_utf8_lossy(&output.stdout);
    let failed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{failed}");
    let tables: usize = said.trim().parse().unwrap();
    assert!(tables >= 10, "{tables} tables");
}

/// Counts the tables in some folders, each of which has every column once; a row holds what its columns are called.
const COLUMNS: &str = r#"
import csv, pathlib, sys
tables = 0
for path in sorted(path for folder in sys.argv[1:] for path in pathlib.Path(folder).rglob("*.csv")):
    with open(path, newline="") as file:
        reader = csv.DictReader(file)
        names = reader.fieldnames
        assert len(set(names)) == len(names) and all(names), (path, names)
        for row in reader:
            assert None not in row and None not in row.values(), (path, row)
            if path.name == "trials.csv" and row["kind"] == "mlp":
                assert float(row["params.lr"]) > 0 and float(row["seconds"]) > 0, row
    tables += 1
print(tables)
"#;

#[test]
fn a_report_whose_models_are_gone_says_so_and_shows_the_rest() {
    let dir = test_dir();
    dir.succeed(&["run", "small.toml"]);
    dir.succeed(&["report", "small"]);
    let page = || std::fs::read_to_string(dir.path("reports/small/index.html")).unwrap();
    let has = |part: &str| page().contains(&format!("<section id=\"{part}\""));
    assert!(has("leaderboard") && has("calibration") && has("timeline"));
    std::fs::remove_dir_all(dir.path("runs/trials")).unwrap();
    dir.succeed(&["report", "small"]);
    assert!(has("leaderboard") && !has("calibration"));
    assert!(page().contains("Calibration of mlp"));
}

#[test]
fn a_finished_sweep_trains_nothing_again_and_an_edited_one_only_what_is_new() {
    let dir = test_dir();
    dir.succeed(&["run", "small.toml"]);
    let attempts = "SELECT count(*) FROM attempts";
    assert_eq!(dir.count(attempts), 10);
    dir.succeed(&["run", "small.toml"]);
    dir.succeed(&["resume"]);
    assert_eq!(dir.count(attempts), 10);

    // Another order, another spelling, one value more: four new trials.
    let edited = small("epochs = 3").replace("[0.0, 0.3]", "[0.30, 0.5, 0]");
    dir.write("small.toml", &edited);
    dir.succeed(&["run", "small.toml"]);
    assert_eq!(dir.count(attempts), 14);
    assert_eq!(dir.count("SELECT count(DISTINCT trial) FROM attempts"), 14);
}

#[test]
fn results_do_not_depend_on_the_number_of_workers() {
    let one = test_dir();
    one.succeed(&["run", "small.toml", "--workers", "1"]);
    let three = test_dir();
    three.succeed(&["run", "small.toml", "--workers", "3"]);
    let first = results(&one);
    assert!(first.len() > 100);
    assert_eq!(first, results(&three));
}

#[test]
fn a_sweep_stopped_and_killed_ends_with_the_bits_of_one_left_alone() {
    // Long enough that a trial running when the signal comes never ends before the signal is handled.
    let long = small("epochs = 600");
    let alone = test_dir();
    alone.write("small.toml", &long);
    alone.succeed(&["run", "small.toml"]);

    let dir = test_dir();
    dir.write("small.toml", &long);
    // More rows than the forests have, which come first and are over in no time.
    let mut child = start(&dir, &["run", "small.toml"], 1_000);
    signal(&child, libc::SIGINT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(dir.count("SELECT count(*) FROM trials WHERE status = 'interrupted'") > 0);
    assert_eq!(processes_in(dir.root()), [""; 0]);

    let seen = dir.count("SELECT count(*) FROM metrics");
    let mut child = start(&dir, &["resume"], seen + 1_000);
    signal(&child, libc::SIGKILL);
    child.wait().unwrap();
    let begin = Instant::now();
    while !processes_in(dir.root()).is_empty() {
        assert!(
            begin.elapsed() < TIMEOUT,
            "a worker outlived its coordinator"
        );
        sleep(Duration::from_millis(10));
    }

    let finished = "SELECT count(*) FROM trials WHERE status = 'finished'";
    let before = dir.count(finished);
    dir.succeed(&["resume", "small"]);
    assert_eq!(dir.count(finished), 10);
    assert_eq!(results(&alone), results(&dir));
    let again = "SELECT count(*) FROM (SELECT trial FROM attempts WHERE outcome = 'finished'
                 GROUP BY trial HAVING count(*) > 1)";
    assert_eq!(dir.count(again), 0, "{before} were finished before");
    let resumed = "SELECT count(*) FROM attempts WHERE resumed_from IS NOT NULL";
    assert!(dir.count(resumed) > 0, "nothing resumed from a checkpoint");
}

#[test]
fn a_sweep_that_is_running_is_not_run_twice() {
    let dir = test_dir();
    dir.write("small.toml", small("epochs = 100000"));
    let mut child = start(&dir, &["run", "small.toml"], 10);
    let said = dir.fail(&["run", "small.toml"], 4);
    assert!(said.contains(&child.id().to_string()), "{said}");
    // Another sweep on the same database is welcome.
    dir.write("other.toml", small("epochs = 2"));
    dir.succeed(&["run", "other.toml"]);
    dir.succeed(&["report", "other"]);
    signal(&child, libc::SIGTERM);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn mistakes_are_told_all_at_once_and_nothing_is_written() {
    let dir = test_dir();
    let wrong = small("epochs = 0\nlerning_rate = 0.1").replace("\"tempo\"", "\"tempoo\"");
    dir.write("wrong.toml", &wrong);
    let said = dir.fail(&["run", "wrong.toml"], 2);
    for word in ["wrong.toml:12", "epochs", "lerning_rate", "2 errors"] {
        assert!(said.contains(word), "{word} is not in:\n{said}");
    }
    assert!(!dir.path("runs").exists());

    let said = dir.fail(
        &["run", "small.toml", "--set", "data.numeric=[\"tempoo\"]"],
        2,
    );
    assert!(said.contains("tempoo") && said.contains("tempo`"), "{said}");
    let said = dir.fail(&["run", "small.toml", "--set", "model.batch_size=5000"], 2);
    assert!(
        said.contains("batch_size") && said.contains("training set"),
        "{said}"
    );
    let said = dir.fail(&["run", "none.toml"], 2);
    assert!(said.contains("none.toml"), "{said}");
    let said = dir.fail(&["resume", "nothing"], 1);
    assert!(said.contains("runs/sweep.sqlite"), "{said}");
}

#[test]
fn flags_hold_for_a_run_and_for_its_resumption() {
    let dir = test_dir();
    dir.succeed(&["run", "small.toml", "--set", "model.epochs=2"]);
    let last_step = "SELECT max(step) FROM metric_rows WHERE metric = 'lr'";
    assert_eq!(dir.count(last_step), 2);
    dir.succeed(&["resume"]);
    assert_eq!(dir.count(last_step), 2);
    assert_eq!(dir.count("SELECT count(*) FROM attempts"), 10);
}

#[test]
fn data_that_changed_under_a_sweep_are_not_mixed_with_the_old() {
    let dir = test_dir();
    dir.succeed(&["run", "small.toml"]);
    let synth = ["data", "synth", "demo.csv", "--rows", "1500"];
    dir.succeed(&[&synth[..], &["--seed", "9", "--force"]].concat());
    let said = dir.fail(&["resume"], 2);
    assert!(said.contains("has changed since"), "{said}");
    dir.succeed(&["run", "small.toml"]);
    assert_eq!(dir.count("SELECT count(*) FROM attempts"), 20);
}

#[test]
fn a_database_that_is_none_is_refused_and_left_alone() {
    let dir = test_dir();
    std::fs::create_dir(dir.path("runs")).unwrap();
    dir.write(
        "runs/sweep.sqlite",
        "this is no database, and long enough to be sure of it",
    );
    let said = dir.fail(&["run", "small.toml"], 1);
    assert!(said.contains("sweep.sqlite"), "{said}");
    let kept = std::fs::read_to_string(dir.path("runs/sweep.sqlite")).unwrap();
    assert!(kept.starts_with("this is no database"));
}

#[test]
fn trials_that_failed_before_are_not_passed_over_in_silence() {
    let dir = test_dir();
    let head = small("epochs = 100000");
    let (data, _) = head.split_once("[grid]").unwrap();
    let file = format!("{data}\n[schedule]\ntrial_timeout = \"300ms\"\nretries = 0\n");
    dir.write("slow.toml", file.replace("[1, 2]", "[1]"));
    dir.fail(&["run", "slow.toml"], 3);
    for again in [&["run", "slow.toml"], &["resume", "slow"]] {
        let said = dir.fail(again, 3);
        assert!(
            said.contains("1 trial failed before") && said.contains("--retry-failed"),
            "{said}"
        );
    }
    let said = dir.fail(&["resume", "slow", "--retry-failed"], 3);
    assert!(!said.contains("failed before"), "{said}");
    assert_eq!(dir.count("SELECT count(*) FROM attempts"), 2);
}

#[test]
fn a_database_that_was_killed_as_it_was_made_is_made_anew() {
    let dir = test_dir();
    std::fs::create_dir_all(dir.path("runs")).unwrap();
    dir.write("runs/sweep.sqlite", "");
    dir.succeed(&["plan", "small.toml"]);
    dir.succeed(&["run", "small.toml"]);
    let finished = "SELECT count(*) FROM trials WHERE status = 'finished'";
    assert_eq!(dir.count(finished), 10);
}
