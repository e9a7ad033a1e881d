//! The real binary, driven as a user would, on a small made-up data set.

use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::common::{PATIENCE, TestDir, results};

pub fn test_dir() -> TestDir {
    let bench = TestDir::with_data(1500);
    bench.write("small.toml", small("epochs = 3"));
    bench
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
        assert!(begin.elapsed() < PATIENCE, "nothing was recorded");
        sleep(Duration::from_millis(10));
    }
    child
}

/// An experiment of eight networks and two forests.
pub fn small(epochs: &str) -> String {
    format!(
        "[experiment]
seeds = [1, 2]

[data]
path = \"demo.csv\"
target = \"playlist_genre\"
group = \"track_id\"
numeric = [\"danceability\", \"energy\", \"loudness\", \"tempo\"]

[model]
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
    )
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
    let bench = test_dir();
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
        let said = bench.fail(&arguments, code);
        let line = said
            .lines()
            .find(|line| line.contains("trials done"))
            .unwrap();
        let best = bench.json(&["ls", "--json"])[0]["best_trial"].clone();
        let best = best.as_str().unwrap();
        assert!(
            line.contains(&format!(": {}", &best[..8])),
            "{best}: {said}"
        );
        assert!(!said.contains("stopping"), "{said}");
    }
    let said = bench.fail(&["run", "small.toml", "--quiet"], 0);
    assert_eq!(said.trim(), "small: nothing left to train");
}

#[test]
fn a_sweep_is_planned_trained_listed_shown_and_reported() {
    let bench = test_dir();
    let plan = bench.succeed(&["plan", "small.toml"]);
    assert!(plan.contains("10 trials"), "{plan}");
    assert!(
        !bench.path("runs/sweep.sqlite").exists(),
        "planning records nothing"
    );

    let board = bench.succeed(&["run", "small.toml"]);
    assert!(board.contains("random forest"), "{board}");
    assert_eq!(
        bench.count("SELECT count(*) FROM trials WHERE status = 'finished'"),
        10
    );
    assert!(bench.succeed(&["ls"]).contains("small"));
    assert!(bench.succeed(&["show"]).contains("small"));

    let listed: serde_json::Value =
        serde_json::from_str(&bench.succeed(&["ls", "--json"])).unwrap();
    assert_eq!(listed[0]["name"], "small");
    let shown = bench.succeed(&["show", "small", "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let trial = shown["records"][0]["trial"].as_str().unwrap();
    assert!(bench.succeed(&["show", &trial[..10]]).contains(&trial[..8]));

    let said = bench.succeed(&["report", "small"]);
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
            bench.path("reports/small").join(file).exists(),
            "{file} is missing"
        );
    }
    let trials = std::fs::read_to_string(bench.path("reports/small/trials.csv")).unwrap();
    assert_eq!(trials.lines().count(), 1 + 10);
}

#[test]
fn every_table_that_leaves_the_program_has_columns_that_python_can_tell_apart() {
    let bench = test_dir();
    bench.succeed(&["run", "small.toml"]);
    bench.succeed(&["report", "small"]);
    bench.succeed(&["export", "small", "out", "--format", "csv"]);
    bench.succeed(&["describe", "small.toml", "--out", "described"]);
    let script = bench.path("columns.py");
    std::fs::write(&script, COLUMNS).unwrap();
    let output = std::process::Command::new("python3")
        .arg(&script)
        .args(["reports/small", "out", "described"].map(|folder| bench.path(folder)))
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
    let bench = test_dir();
    bench.succeed(&["run", "small.toml"]);
    bench.succeed(&["report", "small"]);
    let page = || std::fs::read_to_string(bench.path("reports/small/index.html")).unwrap();
    let has = |part: &str| page().contains(&format!("<section id=\"{part}\""));
    assert!(has("leaderboard") && has("calibration") && has("timeline"));
    std::fs::remove_dir_all(bench.path("runs/trials")).unwrap();
    bench.succeed(&["report", "small"]);
    assert!(has("leaderboard") && !has("calibration"));
    assert!(page().contains("Calibration of mlp"));
}

#[test]
fn a_finished_sweep_trains_nothing_again_and_an_edited_one_only_what_is_new() {
    let bench = test_dir();
    bench.succeed(&["run", "small.toml"]);
    let attempts = "SELECT count(*) FROM attempts";
    assert_eq!(bench.count(attempts), 10);
    bench.succeed(&["run", "small.toml"]);
    bench.succeed(&["resume"]);
    assert_eq!(bench.count(attempts), 10);

    // Another order, another spelling, one value more: four new trials.
    let edited = small("epochs = 3").replace("[0.0, 0.3]", "[0.30, 0.5, 0]");
    bench.write("small.toml", &edited);
    bench.succeed(&["run", "small.toml"]);
    assert_eq!(bench.count(attempts), 14);
    assert_eq!(
        bench.count("SELECT count(DISTINCT trial) FROM attempts"),
        14
    );
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
    // Long enough that a trial in hand when the signal comes is never over before it is heard.
    let long = small("epochs = 600");
    let alone = test_dir();
    alone.write("small.toml", &long);
    alone.succeed(&["run", "small.toml"]);

    let bench = test_dir();
    bench.write("small.toml", &long);
    // More rows than the forests have, which come first and are over in no time.
    let mut child = start(&bench, &["run", "small.toml"], 1_000);
    signal(&child, libc::SIGINT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(bench.count("SELECT count(*) FROM trials WHERE status = 'interrupted'") > 0);
    assert_eq!(processes_in(bench.root()), [""; 0]);

    let seen = bench.count("SELECT count(*) FROM metrics");
    let mut child = start(&bench, &["resume"], seen + 1_000);
    signal(&child, libc::SIGKILL);
    child.wait().unwrap();
    let begin = Instant::now();
    while !processes_in(bench.root()).is_empty() {
        assert!(
            begin.elapsed() < PATIENCE,
            "a worker outlived its coordinator"
        );
        sleep(Duration::from_millis(10));
    }

    let finished = "SELECT count(*) FROM trials WHERE status = 'finished'";
    let before = bench.count(finished);
    bench.succeed(&["resume", "small"]);
    assert_eq!(bench.count(finished), 10);
    assert_eq!(results(&alone), results(&bench));
    let again = "SELECT count(*) FROM (SELECT trial FROM attempts WHERE outcome = 'finished'
                 GROUP BY trial HAVING count(*) > 1)";
    assert_eq!(bench.count(again), 0, "{before} were finished before");
    let resumed = "SELECT count(*) FROM attempts WHERE resumed_from IS NOT NULL";
    assert!(
        bench.count(resumed) > 0,
        "nothing went on from a checkpoint"
    );
}

#[test]
fn a_sweep_that_is_running_is_not_run_twice() {
    let bench = test_dir();
    bench.write("small.toml", small("epochs = 100000"));
    let mut child = start(&bench, &["run", "small.toml"], 10);
    let said = bench.fail(&["run", "small.toml"], 4);
    assert!(said.contains(&child.id().to_string()), "{said}");
    // Another sweep on the same database is welcome.
    bench.write("other.toml", small("epochs = 2"));
    bench.succeed(&["run", "other.toml"]);
    bench.succeed(&["report", "other"]);
    signal(&child, libc::SIGTERM);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn mistakes_are_told_all_at_once_and_nothing_is_written() {
    let bench = test_dir();
    let wrong = small("epochs = 0\nlerning_rate = 0.1").replace("\"tempo\"", "\"tempoo\"");
    bench.write("wrong.toml", &wrong);
    let said = bench.fail(&["run", "wrong.toml"], 2);
    for word in ["wrong.toml:12", "epochs", "lerning_rate", "2 errors"] {
        assert!(said.contains(word), "{word} is not in:\n{said}");
    }
    assert!(!bench.path("runs").exists());

    let said = bench.fail(
        &["run", "small.toml", "--set", "data.numeric=[\"tempoo\"]"],
        2,
    );
    assert!(said.contains("tempoo") && said.contains("tempo`"), "{said}");
    let said = bench.fail(&["run", "small.toml", "--set", "model.batch_size=5000"], 2);
    assert!(
        said.contains("batch_size") && said.contains("training set"),
        "{said}"
    );
    let said = bench.fail(&["run", "none.toml"], 2);
    assert!(said.contains("none.toml"), "{said}");
    let said = bench.fail(&["resume", "nothing"], 1);
    assert!(said.contains("runs/sweep.sqlite"), "{said}");
}

#[test]
fn flags_hold_for_a_run_and_for_its_resumption() {
    let bench = test_dir();
    bench.succeed(&["run", "small.toml", "--set", "model.epochs=2"]);
    let last_step = "SELECT max(step) FROM metric_rows WHERE metric = 'lr'";
    assert_eq!(bench.count(last_step), 2);
    bench.succeed(&["resume"]);
    assert_eq!(bench.count(last_step), 2);
    assert_eq!(bench.count("SELECT count(*) FROM attempts"), 10);
}

#[test]
fn data_that_changed_under_a_sweep_are_not_mixed_with_the_old() {
    let bench = test_dir();
    bench.succeed(&["run", "small.toml"]);
    let synth = ["data", "synth", "demo.csv", "--rows", "1500"];
    bench.succeed(&[&synth[..], &["--seed", "9", "--force"]].concat());
    let said = bench.fail(&["resume"], 2);
    assert!(said.contains("has changed since"), "{said}");
    bench.succeed(&["run", "small.toml"]);
    assert_eq!(bench.count("SELECT count(*) FROM attempts"), 20);
}

#[test]
fn a_database_that_is_none_is_refused_and_left_alone() {
    let bench = test_dir();
    std::fs::create_dir(bench.path("runs")).unwrap();
    bench.write(
        "runs/sweep.sqlite",
        "this is no database, and long enough to be sure of it",
    );
    let said = bench.fail(&["run", "small.toml"], 1);
    assert!(said.contains("sweep.sqlite"), "{said}");
    let kept = std::fs::read_to_string(bench.path("runs/sweep.sqlite")).unwrap();
    assert!(kept.starts_with("this is no database"));
}

#[test]
fn trials_that_failed_before_are_not_passed_over_in_silence() {
    let bench = test_dir();
    let head = small("epochs = 100000");
    let (data, _) = head.split_once("[grid]").unwrap();
    let file = format!("{data}\n[schedule]\ntrial_timeout = \"300ms\"\nretries = 0\n");
    bench.write("slow.toml", file.replace("[1, 2]", "[1]"));
    bench.fail(&["run", "slow.toml"], 3);
    for again in [&["run", "slow.toml"], &["resume", "slow"]] {
        let said = bench.fail(again, 3);
        assert!(
            said.contains("1 trial failed before") && said.contains("--retry-failed"),
            "{said}"
        );
    }
    let said = bench.fail(&["resume", "slow", "--retry-failed"], 3);
    assert!(!said.contains("failed before"), "{said}");
    assert_eq!(bench.count("SELECT count(*) FROM attempts"), 2);
}

#[test]
fn a_database_that_was_killed_as_it_was_made_is_made_anew() {
    let bench = test_dir();
    std::fs::create_dir_all(bench.path("runs")).unwrap();
    bench.write("runs/sweep.sqlite", "");
    bench.succeed(&["plan", "small.toml"]);
    bench.succeed(&["run", "small.toml"]);
    let finished = "SELECT count(*) FROM trials WHERE status = 'finished'";
    assert_eq!(bench.count(finished), 10);
}
