//! Cross-validation: the real binary on a small made-up table.

use std::collections::{BTreeMap, BTreeSet};

use crate::common::{TestDir, experiment, results};
use crate::end_to_end::{signal, start};
use sweep_data::{Dataset, HeldOutTest};

/// A network and a forest, with `split` of `[data]`.
fn file(split: &str, epochs: u32) -> String {
    let training = format!(
        "[model]
epochs = {epochs}
layers = [8]

[[baseline]]
kind = \"random_forest\"
trees = 5
"
    );
    let text = experiment(&["danceability", "energy", "tempo"], &training);
    text.replacen("[data]\n", &format!("[data]\nsplit = {{ {split} }}\n"), 1)
}

fn test_dir(split: &str) -> TestDir {
    let dir = TestDir::with_data(300);
    dir.write("cv.toml", file(split, 2));
    dir
}

fn trials(dir: &TestDir) -> i64 {
    dir.count("SELECT count(*) FROM trials WHERE status = 'finished'")
}

/// Rows of a CSV file, by header.
fn csv(text: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows = reader.deserialize::<BTreeMap<String, String>>();
    rows.map(Result::unwrap).collect()
}

#[test]
fn every_row_is_validated_once_by_models_that_did_not_train_on_it_and_test_rows_never() {
    let dir = test_dir("folds = 4, test = 0.25");
    dir.succeed(&["run", "cv.toml", "-q"]);
    // Two configurations, two seeds, four folds.
    assert_eq!(trials(&dir), 16);
    let digests = dir.text(
        "SELECT group_concat(DISTINCT d.digest) FROM trials t JOIN datasets d ON d.id = t.dataset",
    );
    let (mut valid, mut test) = (Vec::new(), BTreeSet::new());
    for digest in digests.split(',') {
        let folder = dir.path("runs/data");
        let data = Dataset::open(&folder.join(format!("{digest}.safetensors"))).unwrap();
        let held_out = HeldOutTest::open(&folder.join(format!("{digest}.test.safetensors")));
        let trained: BTreeSet<u32> = data.train_source().iter().copied().collect();
        let own = data.valid_source();
        assert!(own.iter().all(|row| !trained.contains(row)));
        valid.extend_from_slice(own);
        test.insert(held_out.unwrap().source().to_vec());
    }
    assert_eq!(test.len(), 1, "test rows are the same in all folds");
    let test = test.into_iter().next().unwrap();
    let rows = valid.len() + test.len();
    let all: BTreeSet<u32> = valid.into_iter().chain(test).collect();
    assert_eq!(all.len(), rows, "no row comes twice");

    let said = dir.succeed(&["report", "cv", "--test"]);
    assert!(said.contains("over 2 seeds x 4 folds"), "{said}");
    assert!(
        said.contains("approximately, on other training rows"),
        "{said}"
    );
    assert!(said.contains("2 x 4"), "{said}");
    let table = csv(&std::fs::read_to_string(dir.path("reports/cv/trials.csv")).unwrap());
    let folds: BTreeSet<(String, String, String)> = (table.iter())
        .map(|row| {
            (
                row["config"].clone(),
                row["seed"].clone(),
                row["fold"].clone(),
            )
        })
        .collect();
    assert_eq!(folds.len(), 16);
    // The leaderboard's mean is that over seeds and folds.
    let best = csv(&std::fs::read_to_string(dir.path("reports/cv/best.csv")).unwrap());
    for config in &best {
        let own = table.iter().filter(|row| row["config"] == config["config"]);
        let scores: Vec<f64> = own.map(|row| row["best"].parse().unwrap()).collect();
        let mean: f64 = config["mean"].parse().unwrap();
        assert!((scores.iter().sum::<f64>() / 8.0 - mean).abs() < 1e-12);
    }
}

#[test]
fn repeats_that_are_added_train_only_what_is_new_and_keep_their_configuration() {
    let dir = test_dir("folds = 3");
    dir.succeed(&["run", "cv.toml", "-q"]);
    let before = results(&dir);
    let configs = dir.text("SELECT group_concat(DISTINCT config) FROM trials");
    dir.write("cv.toml", file("folds = 3, repeats = 2", 2));
    let planned = dir.succeed(&["plan", "cv.toml"]);
    assert!(
        planned.contains("done 12, failed 0, to train 12"),
        "{planned}"
    );
    dir.succeed(&["run", "cv.toml", "-q"]);
    assert_eq!(trials(&dir), 24);
    let after: BTreeSet<String> = results(&dir).into_iter().collect();
    assert!(before.iter().all(|row| after.contains(row)));
    let same = dir.text("SELECT group_concat(DISTINCT config) FROM trials");
    assert_eq!(configs, same);
    let said = dir.succeed(&["report", "cv"]);
    assert!(said.contains("over 2 seeds x 6 folds"), "{said}");
    // Another number of folds is another question.
    dir.write("cv.toml", file("folds = 4", 2));
    let planned = dir.succeed(&["plan", "cv.toml"]);
    assert!(
        planned.contains("done 0, failed 0, to train 16"),
        "{planned}"
    );
}

#[test]
fn a_cross_validation_stopped_and_killed_ends_with_the_bits_of_one_left_alone() {
    let split = "folds = 3, repeats = 2, test = 0";
    let quiet = TestDir::with_data(300);
    quiet.write("cv.toml", file(split, 60));
    quiet.succeed(&["run", "cv.toml", "-q"]);
    let dir = TestDir::with_data(300);
    dir.write("cv.toml", file(split, 60));
    let run: &[&str] = &["run", "cv.toml", "-q"];
    let resume: &[&str] = &["resume", "cv", "-q"];
    for (arguments, how, rows) in [(run, 9, 40), (resume, 15, 200), (resume, 9, 400)] {
        let mut child = start(&dir, arguments, rows);
        signal(&child, how);
        child.wait().unwrap();
    }
    dir.succeed(resume);
    assert_eq!(results(&dir), results(&quiet));
    assert_eq!(trials(&dir), 24);
}

#[test]
fn predictions_are_the_mean_of_the_folds_of_the_best_seed() {
    let dir = test_dir("folds = 3, test = 0");
    dir.succeed(&["run", "cv.toml", "-q"]);
    let (_, said) = dir.end(
        &[
            "predict",
            "best",
            "demo.csv",
            "--kind",
            "mlp",
            "-o",
            "all.csv",
            "--coverage",
            "0.8",
        ],
        0,
    );
    assert!(said.contains("the mean of 3 trials, seed "), "{said}");
    let seed = said
        .split("seed ")
        .nth(1)
        .unwrap()
        .split(',')
        .next()
        .unwrap();
    // The seed that is best over all folds.
    let best = dir.text(
        "SELECT CAST(seed AS TEXT) FROM trials WHERE kind = 'mlp' GROUP BY seed ORDER BY avg(best) DESC LIMIT 1",
    );
    assert_eq!(seed, best);
    let ids = dir.text(&format!(
        "SELECT group_concat(name) FROM trials WHERE kind = 'mlp' AND seed = {seed}"
    ));
    let table = |name: &str| csv(&std::fs::read_to_string(dir.path(name)).unwrap());
    let mut folds = Vec::new();
    for (place, id) in ids.split(',').enumerate() {
        let name = format!("fold{place}.csv");
        dir.succeed(&["predict", id, "demo.csv", "-o", &name]);
        folds.push(table(&name));
    }
    let all = table("all.csv");
    let probability = |row: &BTreeMap<String, String>| -> Vec<f64> {
        let cells = row
            .iter()
            .filter(|(key, _)| key.starts_with("sweep.probability."));
        cells.map(|(_, cell)| cell.parse().unwrap()).collect()
    };
    for (place, row) in all.iter().enumerate() {
        for (class, mean) in probability(row).into_iter().enumerate() {
            let of_folds = folds.iter().map(|fold| probability(&fold[place])[class]);
            assert!((of_folds.sum::<f64>() / 3.0 - mean).abs() < 1e-6);
        }
    }
    assert!(all[0].contains_key("sweep.set"));
    // One folder holds one model.
    let refused = dir.fail(&["export", "best", "model"], 2);
    assert!(refused.contains("name the trial of a fold"), "{refused}");
    let one = ids.split(',').next().unwrap();
    dir.succeed(&["export", one, "model"]);
    dir.succeed(&[
        "predict",
        "--model",
        "model",
        "demo.csv",
        "-o",
        "exported.csv",
    ]);
    assert_eq!(table("exported.csv"), folds[0]);
}

#[test]
fn folds_that_cannot_be_are_refused_with_what_to_do() {
    for (split, says) in [
        ("folds = 1", "an integer from 2, or \"leave-one-group-out\""),
        ("folds = 5, valid = 0.2", "`valid` has no effect"),
        (
            "folds = 5, column = \"track_popularity\"",
            "`folds` has no effect",
        ),
        ("repeats = 3", "`repeats` has no effect"),
        ("gap = 3", "`gap` has no effect"),
        (
            "time = \"tempo\", folds = 3, repeats = 2",
            "`repeats` has no effect",
        ),
        (
            "time = \"tempo\", folds = \"leave-one-group-out\"",
            "are not by group",
        ),
        ("folds = 300, repeats = 2", "at most 500, repeats included"),
        ("folds = 400", "have no row"),
        (
            "folds = \"leave-one-group-out\", test = 0",
            "at most 500 are possible",
        ),
    ] {
        let rows = if split.contains("leave") { 900 } else { 300 };
        let dir = TestDir::with_data(rows);
        dir.write("cv.toml", file(split, 2));
        let error = dir.fail(&["run", "cv.toml", "-q"], 2);
        let error = error.split_whitespace().collect::<Vec<_>>().join(" ");
        let error = error.replace("│ ", "");
        assert!(error.contains(says), "{split}: {error}");
    }
}
