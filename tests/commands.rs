//! What commands take, refuse and say: the real binary on a small made-up data set.

use std::io::Write as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::common::{TestDir, experiment};
use serde_json::Value as Json;

const TRAINING: &str = "[model]
epochs = 2
momentum = 0.9

[grid]
layers = [[16], [8]]

[[baseline]]
kind = \"random_forest\"
trees = 3
";

fn test_dir() -> TestDir {
    let dir = TestDir::with_data(400);
    dir.write(
        "few.toml",
        experiment(&["danceability", "energy"], TRAINING),
    );
    dir
}

/// Standard output and standard error of a command that must succeed.
fn succeed(dir: &TestDir, arguments: &[&str]) -> (String, String) {
    dir.end(arguments, 0)
}

fn json(dir: &TestDir, arguments: &[&str]) -> Json {
    dir.json(&[arguments, &["--json"]].concat())
}

/// Standard error of a command that must be refused.
fn refuse(dir: &TestDir, arguments: &[&str]) -> String {
    dir.fail(arguments, 2)
}

#[test]
fn made_up_data_replace_nothing_unasked() {
    let dir = TestDir::empty();
    dir.write("mine.csv", "hi");
    let synth = ["data", "synth", "mine.csv", "--rows", "20"];
    assert!(refuse(&dir, &synth).contains("--force"));
    let mine = dir.root().join("mine.csv");
    assert_eq!(std::fs::read(&mine).unwrap(), b"hi");
    let told = json(&dir, &[&synth[..], &["--force"]].concat());
    assert_eq!(
        (&told["rows"], &told["path"]),
        (&Json::from(20), &Json::from("mine.csv"))
    );
    assert!(std::fs::read(&mine).unwrap().len() > 1000);
}

#[test]
fn what_is_written_in_part_goes_with_a_signal() {
    for signal in [libc::SIGINT, libc::SIGTERM] {
        let dir = TestDir::empty();
        let mut writer = dir
            .command(&["data", "synth", "q.csv", "--rows", "30000000"])
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let files = || std::fs::read_dir(dir.root()).unwrap().count();
        let deadline = Instant::now() + Duration::from_secs(60);
        while files() == 0 {
            assert!(Instant::now() < deadline, "nothing is written");
            std::thread::sleep(Duration::from_millis(5));
        }
        // SAFETY: kill takes plain numbers, and the child has not been waited for.
        assert_eq!(unsafe { libc::kill(writer.id() as i32, signal) }, 0);
        assert_eq!(writer.wait().unwrap().code(), Some(130));
        assert_eq!(files(), 0);
    }
}

#[test]
fn a_configuration_is_named_like_a_trial() {
    let dir = test_dir();
    succeed(&dir, &["run", "few.toml"]);
    let shown = json(&dir, &["show", "few"]);
    let config = &shown["configurations"][0];
    let name = config["config"].as_str().unwrap();
    let prefix = &name[..8];
    let trials: Vec<&str> = (config["runs"].as_array().unwrap().iter())
        .map(|run| run["trial"].as_str().unwrap())
        .collect();
    assert_eq!(trials.len(), 2);

    let (out, _) = succeed(&dir, &["show", prefix]);
    assert!(
        trials.iter().all(|trial| out.contains(&trial[..8])),
        "{out}"
    );
    let told = json(&dir, &["show", prefix]);
    assert_eq!(told["config"], name);
    assert_eq!(told["trials"].as_array().unwrap().len(), 2);

    let best = config["runs"].as_array().unwrap().iter();
    let value = |run: &&Json| run["value"].as_f64().unwrap();
    let best = best.max_by(|a, b| value(a).total_cmp(&value(b))).unwrap();
    let best = best["trial"].as_str().unwrap();
    let (_, said) = succeed(&dir, &["predict", prefix, "demo.csv", "-o", "out.csv"]);
    assert!(said.contains(&best[..8]), "{said}");
    let (_, said) = succeed(&dir, &["export", prefix, "model", "--experiment", "few"]);
    assert!(said.contains(&best[..8]), "{said}");
    let other = shown["configurations"][1]["config"].as_str().unwrap();
    succeed(&dir, &["diff", prefix, &other[..8]]);

    for refused in [
        vec!["tag", prefix, "paper"],
        vec!["note", prefix, "a word"],
        vec!["rm", "few", "--trial", prefix, "--yes"],
    ] {
        let said = refuse(&dir, &refused);
        assert!(
            said.contains("has 2 trials") && said.contains("seed 2"),
            "{said}"
        );
        assert!(
            trials.iter().all(|trial| said.contains(&trial[..8])),
            "{said}"
        );
    }
    succeed(&dir, &["tag", trials[0], "paper"]);

    // What is printed as a way to continue is one.
    let (out, _) = succeed(&dir, &["show", "few"]);
    assert!(
        out.contains("`sweep show CONFIG`") && out.contains("`sweep ls few`"),
        "{out}"
    );
    let said = refuse(&dir, &["show", "nope"]);
    assert!(
        said.contains("there is no sweep, trial or configuration `nope`"),
        "{said}"
    );
    assert!(said.contains("existing sweeps: few"), "{said}");
    assert!(refuse(&dir, &["show", ""]).contains("is empty"));
    let said = refuse(&dir, &["tag", "few", "paper"]);
    assert!(said.contains("`few` is a sweep"), "{said}");
}

#[test]
fn queries_and_lists_tell_what_tables_show() {
    let dir = test_dir();
    succeed(&dir, &["run", "few.toml"]);
    let number = |query: &str| {
        json(&dir, &["ls", "few", "-q", query])
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(number("kind=network"), 4);
    assert_eq!(number("kind=network or kind=xgboost"), 4);
    assert_eq!(number("\"random forest\""), 2);
    assert_eq!(number("rank=1"), 2);
    assert_eq!(number("rank<3 seeds=2 failed=0"), 4);
    assert_eq!(number("MEAN>0"), 6);
    let (_, said) = succeed(&dir, &["ls", "-q", "kind=mlp"]);
    assert!(said.contains("trials of few, the last sweep"), "{said}");

    // A list has no empty lists that stand for facts.
    for records in [
        json(&dir, &["ls", "few"]),
        json(&dir, &["show", "few"])["records"].clone(),
    ] {
        let record = &records[0];
        assert!(record["best"].is_number());
        for key in ["attempts", "curves", "artifacts"] {
            assert!(record.get(key).is_none(), "{key}: {record}");
        }
        let trial = record["trial"].as_str().unwrap();
        let told = json(&dir, &["show", trial]);
        assert!(!told["attempts"].as_array().unwrap().is_empty());
    }
}

#[test]
fn quiet_says_the_last_line_and_no_more() {
    let dir = test_dir();
    let (out, said) = succeed(&dir, &["run", "few.toml", "--quiet"]);
    assert_eq!(out, "");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("6 of 6 trials done"), "{said}");
    let (out, said) = succeed(&dir, &["resume", "--quiet"]);
    assert_eq!((out.as_str(), said.lines().count()), ("", 1), "{said}");
    let (_, said) = succeed(&dir, &["run", "few.toml"]);
    assert!(said.contains("`momentum` has no effect"), "{said}");
}

#[test]
fn flags_are_named_in_what_is_said_of_them() {
    let dir = test_dir();
    for (arguments, words) in [
        (vec!["--workers", "0"], vec!["--workers", "from 1 to 1024"]),
        (
            vec!["--workers", "1025"],
            vec!["--workers", "from 1 to 1024"],
        ),
        (
            vec!["--slots", "cpu:2000"],
            vec!["--slots", "from 1 to 1024"],
        ),
        (vec!["--slots", "cpu:0"], vec!["--slots", "from 1 to 1024"]),
        (
            vec!["--set", "schedule.slots={cpu=1025}"],
            vec!["schedule.slots.cpu", "1 to 1024"],
        ),
        (
            vec!["--max-trials", "0"],
            vec!["--max-trials", "whole number of 1 or more"],
        ),
        (
            vec!["--seeds", "1,1"],
            vec!["--seeds 1,1", "seed 1 is repeated"],
        ),
        (
            vec!["--seeds", "1..3", "--set", "experiment.seeds=[5]"],
            vec!["--seeds 1..3", "--set experiment.seeds=[5]"],
        ),
        (
            vec!["--set", "model.epochs=1", "--set", "model.epochs=2"],
            vec!["model.epochs=1", "no effect"],
        ),
        (
            vec!["--set", "experiment.name=名前"],
            vec!["experiment.name", "letters"],
        ),
        (
            vec!["--set", "experiment.name=\"-dash\""],
            vec!["experiment.name"],
        ),
    ] {
        let said = refuse(&dir, &[&["run", "few.toml"][..], &arguments].concat());
        for word in words {
            assert!(said.contains(word), "{arguments:?}: {word}\n{said}");
        }
    }
    // The largest number is allowed on both ways.
    succeed(
        &dir,
        &["plan", "few.toml", "--set", "schedule.slots={cpu=1024}"],
    );
    succeed(&dir, &["plan", "few.toml", "--workers", "1024"]);
}

#[test]
fn names_in_data_break_no_line_of_a_check() {
    let dir = TestDir::empty();
    let mut file = std::fs::File::create(dir.root().join("t.csv")).unwrap();
    writeln!(file, "a,c,y").unwrap();
    let long = "x".repeat(300);
    for row in 0..120 {
        let kind = ["k\nnote: injected", "w"][usize::from(row % 60 > 0)];
        let class = ["p\nq", &long][row % 2];
        writeln!(file, "{row},\"{kind}\",\"{class}\"").unwrap();
    }
    dir.write(
        "t.toml",
        "[data]\npath = \"t.csv\"\ntarget = \"y\"\ncategorical = [\"c\"]\n[model]\n",
    );
    let (out, said) = succeed(&dir, &["data", "check", "t.toml"]);
    let all = format!("{out}{said}");
    assert!(
        !all.lines().any(|line| line.starts_with("note: injected")),
        "{all}"
    );
    assert!(!all.lines().any(|line| line.starts_with('q')), "{all}");
    let table: Vec<&str> = out.lines().skip(1).take(4).collect();
    assert!(
        table[0].starts_with("split") && table[3].starts_with("test"),
        "{out}"
    );
    assert!(table.iter().all(|line| line.chars().count() < 80), "{out}");
}

#[test]
fn a_trial_that_a_killed_session_left_is_interrupted() {
    let dir = test_dir();
    let epochs = "model.epochs=100000";
    let mut session = dir
        .command(&["run", "few.toml", "--set", epochs, "--workers", "1"])
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let statuses = || -> Vec<String> {
        let output = dir.run(&["ls", "few", "--json"]);
        let trials: Json = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let trials = trials.as_array().cloned().unwrap_or_default();
        let status = |trial: &Json| trial["status"].as_str().unwrap().to_owned();
        trials.iter().map(status).collect()
    };
    let has = |wanted: &str| statuses().iter().any(|status| status == wanted);
    let deadline = Instant::now() + Duration::from_secs(60);
    while !has("running") {
        assert!(Instant::now() < deadline, "nothing runs");
        std::thread::sleep(Duration::from_millis(20));
    }
    session.kill().unwrap();
    session.wait().unwrap();
    assert!(!has("running") && has("interrupted"), "{:?}", statuses());
    let shown = json(&dir, &["show", "few"]);
    assert_eq!(shown["sessions"][0]["outcome"], "interrupted", "{shown}");
    let (out, _) = succeed(&dir, &["show", "few"]);
    assert!(
        out.contains("interrupted") && !out.contains("running"),
        "{out}"
    );
    let records = shown["records"].as_array().unwrap().iter();
    let cut = (records.clone()).find(|trial| trial["status"] == "interrupted");
    let cut = cut.unwrap()["trial"].as_str().unwrap();
    let told = json(&dir, &["show", cut]);
    assert_eq!(told["attempts"][0]["outcome"], "interrupted", "{told}");
    succeed(&dir, &["export", "few", "out", "--format", "csv"]);
    let attempts = std::fs::read_to_string(dir.path("out/attempts.csv")).unwrap();
    assert!(!attempts.contains("running"), "{attempts}");
    let listed = json(&dir, &["ls"]);
    assert_eq!(listed[0]["trials"]["running"], 0, "{listed}");
    assert!(
        listed[0]["trials"]["interrupted"].as_u64() > Some(0),
        "{listed}"
    );
}
