//! Only the test-set evaluation knows the labels of test rows: the real binary on data whose test labels lie, and without the
//! file that holds them.

use std::path::{Path, PathBuf};

use crate::common::TestDir;

const EXPERIMENT: &str = "
[experiment]
seeds = [1, 2]

[data]
path = \"train.csv\"
test_path = \"test.csv\"
target = \"class\"
split = { valid = 0.3, seed = 1 }

[model]
epochs = 4
batch_size = 16

[grid]
layers = [[8], [4]]

[[baseline]]
kind = \"random_forest\"
grid = { trees = [5] }
";

/// A folder with training data, and test data whose labels are `test_label` of the row.
fn test_dir(test_label: impl Fn(usize) -> usize) -> TestDir {
    let dir = TestDir::empty();
    let table = |rows: std::ops::Range<usize>, label: &dyn Fn(usize) -> usize| {
        let mut text = "x,y,class\n".to_owned();
        for row in rows {
            let (x, y) = (
                (row * 37 % 101) as f64 / 101.0,
                (row * 53 % 97) as f64 / 97.0,
            );
            text += &format!("{x},{y},class{}\n", label(row));
        }
        text
    };
    dir.write("train.csv", table(0..300, &true_label));
    dir.write("test.csv", table(300..400, &test_label));
    dir.write("held_out.toml", EXPERIMENT);
    dir
}

/// Every metric of every trial but times, in the order of the plan, to the bit; nothing that the data's digest is in.
fn results(dir: &TestDir) -> Vec<String> {
    let connection = dir.database();
    let mut query = connection
        .prepare(
            "SELECT x.position, t.kind, t.seed, n.name, m.step, m.value FROM metrics m
             JOIN trials t ON t.id = m.trial JOIN experiment_trials x ON x.trial = t.id
             JOIN metric_names n ON n.id = m.metric WHERE n.name <> 'seconds'
             ORDER BY x.position, n.name, m.step",
        )
        .unwrap();
    let rows = query.query_map([], |row| {
        let (position, kind, seed): (i64, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (metric, step, value): (String, i64, f64) = (row.get(3)?, row.get(4)?, row.get(5)?);
        let bits = value.to_bits();
        Ok(format!(
            "{position} {kind} {seed} {metric} {step} {bits:016x}"
        ))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// The prepared file of test rows.
fn held_out_file(dir: &TestDir) -> PathBuf {
    let files = std::fs::read_dir(dir.path("runs/data")).unwrap();
    let is_test_file = |path: &PathBuf| path.to_string_lossy().ends_with(".test.safetensors");
    let mut found = files
        .map(|entry| entry.unwrap().path())
        .filter(is_test_file);
    found.next().expect("test rows were prepared")
}

fn true_label(row: usize) -> usize {
    let (x, y) = (row * 37 % 101, row * 53 % 97);
    usize::from(x > 50) + usize::from(y > 60)
}

#[test]
fn test_labels_change_nothing_but_the_test_evaluation() {
    let truthful = test_dir(true_label);
    let lying = test_dir(|row| (true_label(row) + 1) % 3);
    let mut seen = Vec::new();
    for dir in [&truthful, &lying] {
        dir.succeed(&["run", "held_out.toml", "-q"]);
        dir.succeed(&["report", "held_out"]);
        dir.succeed(&["export", "best", "model"]);
        let predicted = dir.succeed(&["predict", "--model", "model", "train.csv"]);
        let evaluated = dir.succeed(&["report", "held_out", "--test", "--json"]);
        let report: serde_json::Value = serde_json::from_str(&evaluated).unwrap();
        let scores = report[0]["test"]["models"][0]["scores"].clone();
        let axes = std::fs::read_to_string(dir.path("reports/held_out/axes.csv")).unwrap();
        seen.push((results(dir), predicted, axes, scores.to_string()));
    }
    let (lies, truth) = (seen.pop().unwrap(), seen.pop().unwrap());
    assert!(truth.0.len() > 50, "{} metrics", truth.0.len());
    assert_eq!(truth.0, lies.0);
    assert_eq!((&truth.1, &truth.2), (&lies.1, &lies.2));
    // The lies were there to be seen.
    assert!(
        truth.3.contains("test/accuracy") && truth.3 != lies.3,
        "{}",
        truth.3
    );
}

#[test]
fn every_command_but_the_test_evaluation_works_without_the_test_rows() {
    let dir = test_dir(true_label);
    dir.succeed(&["run", "held_out.toml", "-q"]);
    std::fs::remove_file(held_out_file(&dir)).unwrap();
    for arguments in [
        &["ls"][..],
        &["show", "held_out"],
        &["report", "held_out"],
        &["export", "best", "model"],
        &["predict", "--model", "model", "train.csv"],
        &["describe", "held_out.toml"],
    ] {
        dir.succeed(arguments);
        let there = Path::new(&dir.path("runs/data")).read_dir().unwrap();
        let names = there.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let held_out = names
            .filter(|name| name.ends_with(".test.safetensors"))
            .count();
        assert_eq!(held_out, 0, "{arguments:?} made the file again");
    }
    let output = dir.run(&["report", "held_out", "--test"]);
    assert!(!output.status.success());
    // Preparing the data again, which run and resume do, brings them back.
    dir.succeed(&["resume", "held_out", "-q"]);
    assert!(held_out_file(&dir).exists());
    let evaluated = dir.succeed(&["report", "held_out", "--test"]);
    assert!(evaluated.contains("evaluated once"), "{evaluated}");
    let again = dir.succeed(&["report", "held_out", "--test"]);
    assert!(again.contains("evaluated 2 times"), "{again}");
}
