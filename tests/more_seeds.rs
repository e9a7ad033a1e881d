//! Seeds from the command line, and further seeds for the best: the real binary on a small made-up data set.

use std::collections::BTreeMap;

use crate::common::{DATABASE, TestDir, experiment};

fn test_dir() -> TestDir {
    let dir = TestDir::with_data(400);
    write_experiment(&dir, "[[16], [8]]");
    dir
}

/// Writes an experiment whose networks have `layers`, a list of them.
fn write_experiment(dir: &TestDir, layers: &str) {
    let training = format!(
        "[model]
epochs = 2

[grid]
layers = {layers}

[[baseline]]
kind = \"random_forest\"
grid = {{ trees = [3], max_depth = [2, 4] }}
"
    );
    dir.write(
        "few.toml",
        experiment(&["danceability", "energy"], &training),
    );
}

/// Standard output and standard error of a command that must succeed.
fn succeed(dir: &TestDir, arguments: &[&str]) -> (String, String) {
    dir.end(arguments, 0)
}

fn refused(dir: &TestDir, arguments: &[&str]) -> String {
    dir.fail(arguments, 2)
}

/// Seeds in the plan, finished all of them, by configuration; and the number of trials in the database.
fn planned(dir: &TestDir) -> (BTreeMap<String, Vec<u64>>, usize) {
    let connection = dir.database();
    let mut query = connection
        .prepare(
            "SELECT t.kind || t.config, t.seed, t.status FROM trials t
             JOIN experiment_trials x ON x.trial = t.id WHERE x.in_plan = 1 ORDER BY t.seed",
        )
        .unwrap();
    let mut planned: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let mut rows = query.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let (config, seed): (String, i64) = (row.get(0).unwrap(), row.get(1).unwrap());
        assert_eq!(row.get::<_, String>(2).unwrap(), "finished");
        planned.entry(config).or_default().push(seed as u64);
    }
    let count = "SELECT count(*) FROM trials";
    let all: i64 = connection.query_row(count, [], |row| row.get(0)).unwrap();
    (planned, all as usize)
}

#[test]
fn extra_seeds_go_to_the_best_and_stay_in_the_plan() {
    let dir = test_dir();
    let error = refused(&dir, &["run", "few.toml", "--more-seeds", "2"]);
    assert!(
        error.contains("8 trials of sweep few have no result yet"),
        "{error}"
    );
    assert!(error.contains("sweep run few.toml"), "{error}");
    assert!(!dir.path(DATABASE).exists());
    succeed(&dir, &["run", "few.toml", "-q"]);
    let (_, said) = succeed(
        &dir,
        &["run", "few.toml", "--more-seeds", "2", "--top", "1"],
    );
    assert!(said.contains("extra seeds 3, 4"), "{said}");
    let (first, _) = planned(&dir);
    let with_more = |planned: &BTreeMap<String, Vec<u64>>, seeds: &[u64]| -> Vec<String> {
        let more = planned.iter().filter(|(_, own)| own[..] == *seeds);
        more.map(|(config, _)| config.clone()).collect()
    };
    // The best network and the best forest, whichever leads.
    let chosen = with_more(&first, &[1, 2, 3, 4]);
    assert_eq!(chosen.len(), 2, "{first:?}");
    for kind in ["mlp", "random_forest"] {
        assert!(chosen.iter().any(|config| config.starts_with(kind)));
    }
    assert_eq!(with_more(&first, &[1, 2]).len(), 2);
    // What is run or resumed later has them still, and trains nothing again.
    succeed(&dir, &["run", "few.toml", "-q"]);
    succeed(&dir, &["resume", "few", "-q"]);
    assert_eq!(planned(&dir).0, first);
    // All four: who had none catches up, so that all can be compared as pairs.
    succeed(
        &dir,
        &["run", "few.toml", "-q", "--more-seeds", "1", "--top", "4"],
    );
    let (second, trials) = planned(&dir);
    assert_eq!(with_more(&second, &[1, 2, 3, 4, 5]).len(), 4, "{second:?}");
    assert_eq!(trials, 20);
    // A configuration that falls out of the file takes its seeds along, and brings them back.
    write_experiment(&dir, "[[16]]");
    succeed(&dir, &["run", "few.toml", "-q"]);
    assert_eq!(planned(&dir).0.len(), 3);
    write_experiment(&dir, "[[16], [8]]");
    succeed(&dir, &["run", "few.toml", "-q"]);
    assert_eq!(planned(&dir), (second, 20));
}

#[test]
fn seeds_from_the_command_line_stand_for_those_of_the_file_also_in_resume() {
    let dir = test_dir();
    succeed(&dir, &["run", "few.toml", "-q", "--seeds", "4..6"]);
    succeed(&dir, &["resume", "few", "-q"]);
    let (planned, trials) = planned(&dir);
    assert!(
        planned.values().all(|seeds| *seeds == [4, 5, 6]),
        "{planned:?}"
    );
    assert_eq!(trials, 12);
    let (said, _) = succeed(&dir, &["report", "few"]);
    assert!(
        said.contains(" leads: ") && said.contains("on 3 seeds"),
        "{said}"
    );
    let error = refused(&dir, &["run", "few.toml", "--seeds", "3..1"]);
    assert!(error.contains("1..10"), "{error}");
    refused(&dir, &["run", "few.toml", "--top", "3"]);
    refused(&dir, &["run", "few.toml", "--more-seeds", "0"]);
}

#[test]
fn what_the_report_says_of_chance_is_in_its_files_and_in_json() {
    let dir = test_dir();
    succeed(&dir, &["run", "few.toml", "-q"]);
    let (json, _) = succeed(&dir, &["report", "few", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    let inference = &report[0]["inference"];
    assert_eq!(inference["comparisons"].as_array().unwrap().len(), 3);
    assert!(["winner", "not_significant"].contains(&inference["verdict"].as_str().unwrap()));
    let candidates = inference["candidates"].as_array().unwrap().len();
    let folder = dir.path("reports/few");
    let csv = std::fs::read_to_string(folder.join("comparisons.csv")).unwrap();
    let place = csv
        .lines()
        .next()
        .unwrap()
        .split(',')
        .position(|name| name == "may_be_best");
    let may_be = |line: &str| {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(line.as_bytes());
        let record = reader.records().next().unwrap().unwrap();
        record[place.unwrap()] == *"true"
    };
    assert_eq!(
        csv.lines().skip(1).filter(|line| may_be(line)).count(),
        candidates
    );
    assert_eq!(csv.lines().count(), 5);
    // Two networks are too few to share out their variance.
    let none = report[0]["hyperparameters"]["none"].as_str().unwrap();
    assert!(none.contains("needs 4 configurations"), "{none}");
    assert!(!folder.join("hyperparameters.csv").exists());
}
