//! The real binary on trained models: predictions, exported folders, test-set evaluations.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::TestDir;
use sweep_data::{Dataset, SavedPreprocessor};
use sweep_engine::models::xgboost;

/// Runs the experiment of `models`, which says what is trained.
fn test_dir(rows: usize, models: &str) -> TestDir {
    let mut dir = TestDir::with_data(rows);
    let xgboost = xgboost::locate().ok().map(|library| library.path);
    if let Some(library) = &xgboost {
        dir.set(xgboost::VARIABLE, library);
    }
    assert!(
        xgboost.is_some() || std::env::var_os("SWEEP_REQUIRE_XGBOOST").is_none(),
        "SWEEP_REQUIRE_XGBOOST is set, and the library is not at hand"
    );
    punch_holes(&dir);
    dir.write("demo.toml", format!("{EXPERIMENT}{models}"));
    dir.succeed(&["run", "demo.toml", "-q"]);
    dir
}

/// Every 97th row lacks its tempo, every 89th its key.
fn punch_holes(dir: &TestDir) {
    let (names, mut rows) = read_csv(&dir.path("demo.csv"));
    let place = |name: &str| names.iter().position(|other| other == name).unwrap();
    let (tempo, key) = (place("tempo"), place("key"));
    for (number, row) in rows.iter_mut().enumerate() {
        if number % 97 == 5 {
            row[tempo].clear();
        }
        if number % 89 == 7 {
            row[key] = "NA".to_owned();
        }
    }
    write_csv(&dir.path("demo.csv"), &names, &rows, b',');
}

/// Standard error on one line, of a command that must end with `code`.
fn fail(dir: &TestDir, arguments: &[&str], code: i32) -> String {
    let error = dir.fail(arguments, code);
    let words: Vec<&str> = error
        .split_whitespace()
        .filter(|word| *word != "│")
        .collect();
    words.join(" ")
}

/// Name, kind and objective of every finished trial.
fn trials(dir: &TestDir) -> Vec<(String, String, f64)> {
    let record = dir.database();
    let mut query = record
        .prepare("SELECT name, kind, best FROM trials WHERE status = 'finished' ORDER BY id")
        .unwrap();
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    rows.unwrap().map(Result::unwrap).collect()
}

fn rows_in(dir: &TestDir, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    dir.database()
        .query_row(&sql, [], |row| row.get(0))
        .unwrap()
}

/// The only prepared file whose name ends in `ending`.
fn prepared(dir: &TestDir, ending: &str) -> PathBuf {
    let entries = std::fs::read_dir(dir.path("runs/data")).unwrap();
    let mut paths = entries.map(|entry| entry.unwrap().path());
    paths
        .find(|path| path.to_str().unwrap().ends_with(ending))
        .unwrap_or_else(|| panic!("no file ends in {ending}"))
}

const EXPERIMENT: &str = "[experiment]
seeds = [1, 2]

[data]
path = \"demo.csv\"
target = \"playlist_genre\"
group = \"track_id\"
numeric = [\"danceability\", \"energy\", \"loudness\", \"tempo\"]
year = [\"track_album_release_date\"]
categorical = [\"key\"]
missing = { default = \"drop\", tempo = \"median\" }
";

const ALL_KINDS: &str = "
[model]
layers = [16, 8]
epochs = 3
batch_norm = true

[[baseline]]
kind = \"random_forest\"
trees = 15
max_depth = 8

[[baseline]]
kind = \"xgboost\"
rounds = 8
subsample = 0.9
";

/// Those that can be trained here.
fn kinds() -> &'static str {
    match xgboost::locate() {
        Ok(_) => ALL_KINDS,
        Err(missing) => {
            eprintln!("xgboost is left out: {missing}");
            ALL_KINDS
                .split_once("\n[[baseline]]\nkind = \"xgboost\"")
                .unwrap()
                .0
        }
    }
}

type Rows = Vec<Vec<String>>;

fn read_csv(path: &Path) -> (Vec<String>, Rows) {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let texts = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect::<Vec<_>>();
    let names = texts(reader.headers().unwrap());
    let rows = reader
        .records()
        .map(|record| texts(&record.unwrap()))
        .collect();
    (names, rows)
}

fn write_csv(path: &Path, names: &[String], rows: &Rows, delimiter: u8) {
    let builder = csv::WriterBuilder::new()
        .delimiter(delimiter)
        .from_path(path);
    let mut writer = builder.unwrap();
    writer.write_record(names).unwrap();
    rows.iter()
        .for_each(|row| writer.write_record(row).unwrap());
    writer.flush().unwrap();
}

#[test]
fn predictions_score_what_was_recorded_in_training_for_every_kind_of_model() {
    let dir = test_dir(1500, kinds());
    let prepared = prepared(&dir, ".preparation.json");
    let saved = SavedPreprocessor::read(&prepared).unwrap();
    let data = prepared.with_file_name(format!("{}.safetensors", saved.digest));
    let data = Dataset::open(&data).unwrap();
    let (names, rows) = read_csv(&dir.path("demo.csv"));
    let target = names
        .iter()
        .position(|name| name == "playlist_genre")
        .unwrap();
    let mut seen = HashMap::new();
    for (trial, kind, best) in trials(&dir) {
        let output = format!("{trial}.csv");
        let said = fail(
            &dir,
            &["predict", &trial[..12], "demo.csv", "-o", &output],
            5,
        );
        assert!(said.contains("rows have no prediction"), "{said}");
        let (new, predicted) = read_csv(&dir.path(&output));
        assert_eq!(new[..names.len()], names);
        assert_eq!(new[names.len()], "sweep.predicted");
        assert_eq!(predicted.len(), rows.len());
        for (before, after) in rows.iter().zip(&predicted) {
            assert_eq!(after[..names.len()], *before);
        }
        let valid = data.valid_source();
        let right = valid.iter().filter(|row| {
            let row = &predicted[**row as usize - 1];
            row[names.len()] == row[target]
        });
        let accuracy = right.count() as f64 / valid.len() as f64;
        assert_eq!(accuracy, best, "{kind}");
        for row in predicted.iter().filter(|row| !row[names.len()].is_empty()) {
            let sum: f64 = row[names.len() + 1..]
                .iter()
                .map(|cell| cell.parse::<f64>().unwrap())
                .sum();
            assert!((sum - 1.0).abs() < 1e-5, "{row:?}");
        }
        let without = predicted
            .iter()
            .filter(|row| row[names.len()].is_empty())
            .count();
        assert_eq!(without, (7..1500).step_by(89).count(), "rows without a key");
        *seen.entry(kind).or_insert(0) += 1;
    }
    assert_eq!(seen.len(), if xgboost::locate().is_ok() { 3 } else { 2 });

    // The mean of both seeds, as worked out from the two.
    let networks: Vec<_> = trials(&dir)
        .into_iter()
        .filter(|(_, kind, _)| kind == "mlp")
        .collect();
    let arguments = [
        "predict",
        &networks[0].0,
        "demo.csv",
        "--ensemble",
        "-o",
        "both.csv",
    ];
    dir.end(&arguments, 5);
    let both = read_csv(&dir.path("both.csv")).1;
    let [a, b] =
        [0, 1].map(|place: usize| read_csv(&dir.path(&format!("{}.csv", networks[place].0))).1);
    for (row, (a, b)) in both.iter().zip(a.iter().zip(&b)) {
        for column in names.len() + 1..row.len() {
            if row[column].is_empty() {
                continue;
            }
            let value = |row: &Vec<String>| row[column].parse::<f64>().unwrap();
            assert!((value(row) - (value(a) + value(b)) / 2.0).abs() < 1e-6);
        }
    }
}

#[test]
fn an_exported_folder_predicts_the_same_without_a_database_and_is_refused_when_changed() {
    let dir = test_dir(800, kinds());
    for kind in trials(&dir).iter().map(|(_, kind, _)| kind.as_str()) {
        let folder = format!("model-{kind}");
        if dir.path(&folder).exists() {
            let said = fail(&dir, &["export", "best", &folder, "--kind", kind], 2);
            assert!(said.contains("already exists and is not empty"), "{said}");
            continue;
        }
        dir.succeed(&["export", "best", &folder, "--kind", kind]);
        let (direct, _) = dir.end(&["predict", "best", "demo.csv", "--kind", kind], 5);
        let elsewhere = [
            "--store",
            "nowhere/x.sqlite",
            "predict",
            "--model",
            &folder,
            "demo.csv",
        ];
        assert_eq!(dir.end(&elsewhere, 5).0, direct, "{kind}");
    }
    assert!(!dir.path("nowhere").exists());

    let predict = ["predict", "--model", "model-mlp", "demo.csv"];
    let weights = dir.path("model-mlp/model.safetensors");
    let sound = std::fs::read(&weights).unwrap();
    let mut damaged = sound.clone();
    *damaged.last_mut().unwrap() ^= 1;
    std::fs::write(&weights, damaged).unwrap();
    let said = fail(&dir, &predict, 1);
    assert!(said.contains("model.safetensors is damaged"), "{said}");
    std::fs::write(&weights, sound).unwrap();
    let card = std::fs::read_to_string(dir.path("model-mlp/trial.json")).unwrap();
    dir.write(
        "model-mlp/trial.json",
        card.replacen("\"format\": 1", "\"format\": 2", 1),
    );
    let said = fail(&dir, &predict, 1);
    assert!(
        said.contains("format 2, this program reads format 1"),
        "{said}"
    );
    let said = fail(&dir, &["predict", "--model", "none", "demo.csv"], 2);
    assert!(said.contains("there is no folder none"), "{said}");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn tables_and_requests_that_will_not_do_are_refused_with_what_to_do() {
    let dir = test_dir(600, "\n[model]\nlayers = [8]\nepochs = 1\n");
    let predict = |file: &str| fail(&dir, &["predict", "best", file], 2);
    dir.write("short.csv", "energy,loudness,Tempo\n1,2,3\n");
    let said = predict("short.csv");
    let missing = "4 columns that the model needs are not there: `danceability`, `tempo`, \
                   `track_album_release_date`, `key`";
    assert!(said.contains(missing), "{said}");
    dir.write("empty.csv", "");
    assert!(predict("empty.csv").contains("the file is empty"));
    dir.write("header.csv", "danceability,energy\n");
    assert!(predict("header.csv").contains("a header but no rows"));
    dir.write("twice.csv", "energy,energy\n1,2\n");
    assert!(predict("twice.csv").contains("columns that the model needs are not there"));
    assert!(predict("none.csv").contains("there is no such file"));
    let said = fail(&dir, &["predict", "zzz", "demo.csv"], 2);
    assert!(
        said.contains("there is no sweep, trial or configuration `zzz`"),
        "{said}"
    );
    let said = fail(
        &dir,
        &["predict", "best", "demo.csv", "--kind", "xgboost"],
        2,
    );
    assert!(said.contains("no trial of kind xgboost"), "{said}");
    let said = fail(&dir, &["predict", "best", "demo.csv", "--json"], 2);
    assert!(said.contains("name a file with -o"), "{said}");

    // Tabs, a byte order mark, a turned order, names of ours: all fine.
    let (mut names, mut rows) = read_csv(&dir.path("demo.csv"));
    names.push("sweep.predicted".to_owned());
    names.reverse();
    for row in &mut rows {
        row.push("a \"quoted\",\ntext".to_owned());
        row.reverse();
    }
    write_csv(&dir.path("turned.tsv"), &names, &rows, b'\t');
    let text = std::fs::read(dir.path("turned.tsv")).unwrap();
    dir.write("turned.tsv", [b"\xef\xbb\xbf", text.as_slice()].concat());
    let arguments = [
        "predict",
        "best",
        "turned.tsv",
        "-o",
        "deep/out.csv",
        "--json",
    ];
    let (said, _) = dir.end(&arguments, 5);
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (&said["rows"], &said["columns"][0]),
        (&600.into(), &"sweep2.predicted".into())
    );
    assert_eq!(said["first_not_predicted"][0]["column"], "key");
    let (new, predicted) = read_csv(&dir.path("deep/out.csv"));
    assert_eq!(new[..names.len()], names);
    dir.end(&["predict", "best", "demo.csv", "-o", "plain.csv"], 5);
    let plain = read_csv(&dir.path("plain.csv")).1;
    for (row, (a, b)) in rows.iter().zip(predicted.iter().zip(&plain)) {
        assert_eq!(a[..row.len()], *row);
        assert_eq!(a[row.len()..], b[row.len() - 1..]);
    }

    let before = std::fs::read(dir.path("plain.csv")).unwrap();
    let said = fail(
        &dir,
        &["predict", "best", "short.csv", "-o", "plain.csv"],
        2,
    );
    assert!(said.contains("plain.csv already exists"), "{said}");
    fail(
        &dir,
        &["predict", "best", "short.csv", "-o", "plain.csv", "--force"],
        2,
    );
    assert_eq!(std::fs::read(dir.path("plain.csv")).unwrap(), before);
    dir.end(
        &["predict", "best", "demo.csv", "-o", "plain.csv", "--force"],
        5,
    );
    let said = fail(
        &dir,
        &["predict", "best", "demo.csv", "-o", "demo.csv/out.csv"],
        1,
    );
    assert!(
        said.contains("a file stands where a folder is needed"),
        "{said}"
    );
    let said = fail(&dir, &["predict", "best", "demo.csv", "-o", "runs"], 2);
    assert!(said.contains("exists and is not a file"), "{said}");

    std::fs::remove_file(prepared(&dir, ".preparation.json")).unwrap();
    let said = fail(&dir, &["predict", "best", "demo.csv"], 1);
    assert!(
        said.contains("`sweep data check demo.toml` prepares the data again"),
        "{said}"
    );
    dir.succeed(&["data", "check", "demo.toml"]);
    dir.end(&["predict", "best", "demo.csv"], 5);
}

#[test]
fn a_test_set_evaluation_is_recorded_counted_and_shown_again_without_another() {
    let dir = test_dir(1200, kinds());
    let said = dir.succeed(&["report", "demo"]);
    assert!(!said.contains("test rows") && rows_in(&dir, "evaluations") == 0);
    assert!(!dir.path("reports/demo/test.csv").exists());

    let said = dir.succeed(&["report", "demo", "--test"]);
    assert!(said.contains("has been evaluated once so far"), "{said}");
    let (names, rows) = read_csv(&dir.path("reports/demo/test.csv"));
    let kinds = if xgboost::locate().is_ok() { 3 } else { 2 };
    assert_eq!(rows.len(), kinds * 6 * 2, "kinds, metrics, seeds");
    for row in &rows {
        let number = |name: &str| -> f64 {
            let place = names.iter().position(|other| other == name).unwrap();
            row[place].parse().unwrap()
        };
        assert!(
            number("low") < number("mean") && number("mean") < number("high"),
            "{row:?}"
        );
        assert!(number("sd") >= 0.0 && number("value") > 0.0);
    }
    assert_eq!(rows_in(&dir, "test_results"), rows.len() as i64);

    let said = dir.succeed(&["report", "demo"]);
    assert!(said.contains("has been evaluated once so far"), "{said}");
    assert_eq!(
        read_csv(&dir.path("reports/demo/test.csv")),
        (names, rows.clone())
    );
    let said = dir.succeed(&["report", "demo", "--test", "--json"]);
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said[0]["test"]["test_evaluations"], 2);
    assert_eq!(said[0]["test"]["models"].as_array().unwrap().len(), kinds);
    assert_eq!(
        read_csv(&dir.path("reports/demo/test.csv")).1,
        rows,
        "the same to the bit"
    );
    let page = std::fs::read_to_string(dir.path("reports/demo/index.html")).unwrap();
    assert!(page.contains("Held-out test set") && page.contains("evaluated 2 times so far"));

    std::fs::remove_file(prepared(&dir, ".test.safetensors")).unwrap();
    let said = fail(&dir, &["report", "demo", "--test"], 1);
    assert!(said.contains("prepares the data again"), "{said}");
    assert_eq!(rows_in(&dir, "evaluations"), 2);
}

#[test]
fn the_python_program_in_the_documentation_gives_the_same_probabilities() {
    let python = std::env::var("SWEEP_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let probe = Command::new(&python)
        .args(["-c", "import numpy, safetensors.numpy"])
        .output();
    if !probe.is_ok_and(|output| output.status.success()) {
        let missing =
            format!("`{python}` with numpy and safetensors is not at hand (SWEEP_PYTHON)");
        assert!(
            std::env::var_os("SWEEP_REQUIRE_PYTHON").is_none(),
            "{missing}"
        );
        eprintln!("SKIPPED: {missing}");
        return;
    }
    let docs = include_str!("../docs/MODELS.md");
    let program = docs
        .split_once("```python\n")
        .unwrap()
        .1
        .split_once("```")
        .unwrap()
        .0;
    let grid = "
[model]
epochs = 2

[grid]
layers = [[16, 8], []]
activation = [\"relu\", \"gelu\", \"silu\", \"tanh\"]
batch_norm = [true, false]
embedding = [\"none\", \"ple\", { kind = \"periodic\", frequencies = 8, sigma = 0.2, width = 4 }]
category_embedding = [0, 3, \"auto\", 0]
zip = [[\"activation\", \"category_embedding\"]]
";
    let dir = test_dir(500, grid);
    dir.succeed(&["run", "demo.toml", "-q", "--set", "data.scale=quantile"]);
    dir.write("read.py", program);
    let trials = trials(&dir);
    // Of the linear model, activation and normalisation have no effect, but stay in its name.
    assert!(trials.len() >= 2 * (3 * 16 + 2), "{}", trials.len());
    for (trial, ..) in trials {
        dir.succeed(&["export", &trial, &trial]);
        let output = Command::new(&python)
            .args(["read.py", &trial, "demo.csv"])
            .current_dir(dir.root())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        dir.write("theirs.csv", &output.stdout);
        let ours = dir.end(&["predict", "--model", &trial, "demo.csv"], 5).0;
        dir.write("ours.csv", ours);
        let (names, theirs) = read_csv(&dir.path("theirs.csv"));
        let (_, ours) = read_csv(&dir.path("ours.csv"));
        assert_eq!(theirs.len(), ours.len());
        for (theirs, ours) in theirs.iter().zip(&ours) {
            let ours = &ours[ours.len() - names.len()..];
            for (theirs, ours) in theirs.iter().zip(ours).skip(1) {
                match (theirs.parse::<f64>(), ours.parse::<f64>()) {
                    (Ok(theirs), Ok(ours)) => {
                        assert!((theirs - ours).abs() < 1e-5, "{theirs} {ours}")
                    }
                    _ => assert_eq!((theirs.as_str(), ours.as_str()), ("", "")),
                }
            }
        }
    }
}
