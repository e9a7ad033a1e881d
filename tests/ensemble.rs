//! Ensembles across trials: the real binary on a small made-up table.

use std::collections::BTreeMap;

use crate::common::{TestDir, experiment};

const TRAINING: &str = "[model]
epochs = 4
layers = [8]

[grid]
lr = [1e-3, 1e-2]

[[baseline]]
kind = \"random_forest\"
trees = 15
";
const SPLIT: &str = "valid = 0.3, test = 0.2, seed = 1";

/// Two networks and a forest, each with two seeds, trained on a table with this `split`.
fn test_dir(split: &str) -> TestDir {
    let dir = TestDir::with_data(400);
    let text = experiment(&["danceability", "energy", "tempo"], TRAINING);
    let split = format!("[data]\nsplit = {{ {split} }}\n");
    dir.write("songs.toml", text.replacen("[data]\n", &split, 1));
    dir.succeed(&["run", "songs.toml", "-q"]);
    dir
}

/// Weights by trial, of the newest ensemble.
fn weights(dir: &TestDir) -> BTreeMap<String, f64> {
    let database = dir.database();
    let sql = "SELECT trial, weight FROM ensemble_members WHERE is_newest";
    let mut query = database.prepare(sql).unwrap();
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.unwrap().map(Result::unwrap).collect()
}

fn number(dir: &TestDir, sql: &str) -> f64 {
    dir.database().query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Columns of a CSV file, by header.
fn columns(dir: &TestDir, name: &str) -> BTreeMap<String, Vec<String>> {
    let text = std::fs::read_to_string(dir.path(name)).unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let names: Vec<String> = reader
        .headers()
        .unwrap()
        .iter()
        .map(str::to_owned)
        .collect();
    let mut columns: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in reader.records() {
        for (name, cell) in names.iter().zip(row.unwrap().iter()) {
            columns
                .entry(name.clone())
                .or_default()
                .push(cell.to_owned());
        }
    }
    columns
}

fn numbers(columns: &BTreeMap<String, Vec<String>>, name: &str) -> Vec<f64> {
    let cells = columns.iter().find(|(column, _)| *column == name);
    let (_, cells) = cells.unwrap_or_else(|| panic!("no column {name}"));
    cells.iter().map(|cell| cell.parse().unwrap()).collect()
}

/// What `of` predicts for the table, as columns.
fn predicted(dir: &TestDir, of: &[&str]) -> BTreeMap<String, Vec<String>> {
    let mut arguments = vec!["predict"];
    arguments.extend(of);
    arguments.extend(["demo.csv", "-o", "predicted.csv", "--force"]);
    dir.succeed(&arguments);
    columns(dir, "predicted.csv")
}

#[test]
fn an_ensemble_is_selected_predicts_the_weighted_mean_and_is_never_worse_than_the_best_trial() {
    let dir = test_dir(SPLIT);
    let error = dir.fail(&["predict", "ensemble", "demo.csv"], 2);
    assert!(error.contains("sweep ensemble songs"), "{error}");
    let made = dir.json(&["ensemble", "songs", "--json"]);
    assert_eq!(made["candidates"], 6);
    let members = weights(&dir);
    assert!((members.values().sum::<f64>() - 1.0).abs() < 1e-9);
    let own = number(
        &dir,
        "SELECT value FROM ensemble_scores WHERE metric = 'valid/loss'",
    );
    let best = number(
        &dir,
        "SELECT min(m.value) FROM metrics m JOIN metric_names n ON n.id = m.metric
         JOIN trials t ON t.id = m.trial WHERE n.name = 'valid/loss' AND m.step = t.best_step",
    );
    assert!(own <= best, "{own} {best}");

    // The same again, to the bit: nothing depends on the order or the time.
    dir.succeed(&["ensemble", "songs"]);
    assert_eq!(weights(&dir), members);

    let together = predicted(&dir, &["ensemble", "--experiment", "songs"]);
    let names = together
        .keys()
        .filter(|name| name.starts_with("sweep.probability."));
    let names: Vec<String> = names.cloned().collect();
    assert!(names.len() > 1);
    let mut sums: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (trial, weight) in &members {
        let alone = predicted(&dir, &[trial]);
        for name in &names {
            let own = numbers(&alone, name);
            let sums = sums.entry(name).or_insert_with(|| vec![0.0; own.len()]);
            (sums.iter_mut().zip(own)).for_each(|(sum, value)| *sum += weight * value);
        }
    }
    for name in &names {
        for (found, expected) in numbers(&together, name).iter().zip(&sums[name.as_str()]) {
            assert!(
                (found - expected).abs() < 1e-5,
                "{name}: {found} {expected}"
            );
        }
    }

    // A folder predicts the same, and what is fitted on validation rows is the same too.
    dir.succeed(&["export", "ensemble", "model"]);
    for more in [
        &[][..],
        &["--calibrate", "temperature", "--coverage", "0.8"],
    ] {
        let named = predicted(&dir, &[&["ensemble"], more].concat());
        let mut arguments = vec![
            "predict",
            "--model",
            "model",
            "demo.csv",
            "-o",
            "folder.csv",
        ];
        arguments.extend(["--force"].iter().chain(more));
        dir.succeed(&arguments);
        assert_eq!(columns(&dir, "folder.csv"), named);
    }
    let card = dir.path("model/members/001/trial.json");
    let text = std::fs::read_to_string(&card).unwrap();
    std::fs::write(&card, text.replacen("songs", "sings", 1)).unwrap();
    let error = dir.fail(&["predict", "--model", "model", "demo.csv"], 1);
    assert!(error.contains("damaged"), "{error}");

    for flag in [&["--refit"][..], &["--kind", "network"], &["--ensemble"]] {
        let arguments = [&["predict", "ensemble", "demo.csv"], flag].concat();
        let error = dir.fail(&arguments, 2);
        assert!(error.contains(flag[0]), "{error}");
    }
}

#[test]
fn an_ensemble_is_shown_tested_out_of_date_and_removed_with_its_trials() {
    let dir = test_dir(SPLIT);
    dir.succeed(&["ensemble"]);
    let shown = dir.succeed(&["show", "songs"]);
    assert!(shown.contains("cross-fitted"), "{shown}");
    let report = dir.succeed(&["report", "songs", "--test"]);
    assert!(report.contains("and the ensemble"), "{report}");
    let value = number(
        &dir,
        "SELECT value FROM ensemble_test_scores WHERE metric = 'test/accuracy'",
    );
    assert!((0.0..=1.0).contains(&value));
    let test = columns(&dir, "reports/songs/test.csv");
    assert!(test["kind"].contains(&"ensemble".to_owned()));
    let members = columns(&dir, "reports/songs/ensemble.csv");
    assert_eq!(members["trial"].len(), weights(&dir).len());
    let page = std::fs::read_to_string(dir.path("reports/songs/index.html")).unwrap();
    assert!(page.contains("<section id=\"ensemble\""));
    assert!(page.contains("<tr class=\"ensemble\">"));
    let json = dir.json(&["show", "songs", "--json"]);
    assert!(json["ensemble"]["stale"].is_null(), "{json}");
    // Evaluated: it is kept as long as the sweep.
    let (member, _) = weights(&dir).pop_first().unwrap();
    let error = dir.fail(&["rm", "songs", "--trial", &member, "--yes"], 2);
    assert!(error.contains("held-out"), "{error}");

    dir.succeed(&["run", "songs.toml", "-q", "--more-seeds", "1"]);
    let json = dir.json(&["show", "songs", "--json"]);
    let stale = json["ensemble"]["stale"].as_str().unwrap();
    assert!(stale.contains("6 candidates"), "{stale}");
    // What is recorded is used, and a note says so.
    let (_, note) = dir.end(&["predict", "ensemble", "demo.csv", "-o", "out.csv"], 0);
    assert!(note.contains("out of date"), "{note}");
    dir.succeed(&["ensemble", "songs"]);
    assert!(dir.json(&["show", "songs", "--json"])["ensemble"]["stale"].is_null());

    dir.succeed(&["rm", "songs", "--yes"]);
    assert_eq!(dir.count("SELECT count(*) FROM ensembles"), 0);
    assert_eq!(dir.count("SELECT count(*) FROM ensemble_trials"), 0);
    assert_eq!(dir.count("SELECT count(*) FROM test_evaluations"), 1);
}

#[test]
fn removing_a_member_says_that_the_ensemble_goes_and_lost_models_leave_a_candidate_out() {
    let dir = test_dir(SPLIT);
    dir.succeed(&["ensemble"]);
    let (member, _) = weights(&dir).pop_first().unwrap();
    let (_, said) = dir.end(&["rm", "songs", "--trial", &member, "--yes"], 0);
    assert!(said.contains("the ensemble of songs"), "{said}");
    assert_eq!(dir.count("SELECT count(*) FROM ensembles"), 0);
    // Predictions that are gone are made again from the models; without both, the candidate is left out.
    dir.succeed(&["ensemble", "songs"]);
    let before = weights(&dir);
    dir.succeed(&["gc", "--predictions", "--yes"]);
    dir.succeed(&["ensemble", "songs"]);
    for (trial, weight) in weights(&dir) {
        // What was kept is of half precision.
        let known = before.get(&trial).copied().unwrap_or(0.0);
        assert!((weight - known).abs() < 0.2, "{trial}: {weight} {known}");
    }
    let (lost, _) = weights(&dir).pop_first().unwrap();
    for entry in std::fs::read_dir(dir.path(&format!("runs/trials/{lost}"))).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let (_, said) = dir.end(&["ensemble", "songs"], 0);
    assert!(
        said.contains(&format!("trial {} is left out", &lost[..8])),
        "{said}"
    );
    assert!(!weights(&dir).contains_key(&lost));
}

#[test]
fn the_folds_of_a_seed_are_one_candidate() {
    let dir = test_dir("folds = 3, test = 0.2");
    let made = dir.json(&["ensemble", "--json"]);
    assert_eq!(made["candidates"], 6);
    let members = made["members"].as_array().unwrap();
    assert!(
        members
            .iter()
            .all(|member| member["trials"].as_array().unwrap().len() == 3)
    );
    // The weights of each fold add up to 1.
    assert!((weights(&dir).values().sum::<f64>() - 3.0).abs() < 1e-9);
    dir.succeed(&["export", "ensemble", "model"]);
    let named = predicted(&dir, &["ensemble", "--coverage", "0.8"]);
    let coverage = ["--coverage", "0.8", "-o", "folder.csv"];
    dir.succeed(&[&["predict", "--model", "model", "demo.csv"], &coverage[..]].concat());
    assert_eq!(columns(&dir, "folder.csv"), named);
    let report = dir.succeed(&["report", "--test"]);
    assert!(report.contains("and the ensemble"), "{report}");
}

#[test]
fn one_candidate_is_refused() {
    let dir = TestDir::with_data(200);
    let training = "[model]\nepochs = 1\nlayers = [4]\n";
    let text = experiment(&["danceability", "energy"], training);
    dir.write("songs.toml", text.replacen("[1, 2]", "[1]", 1));
    dir.succeed(&["run", "songs.toml", "-q"]);
    let error = dir.fail(&["ensemble"], 2);
    assert!(error.contains("two trials or more"), "{error}");
    assert_eq!(dir.count("SELECT count(*) FROM ensembles"), 0);
}

#[test]
fn numbers_are_selected_by_the_error_that_the_objective_means() {
    let dir = TestDir::empty();
    let row = |place: u32| {
        let (x, z) = (f64::from(place * 7 % 41), f64::from(place * 5 % 23));
        let noise = f64::from(place * 37 % 17) - 8.0;
        format!("{x},{z},{}\n", 3.0 * x + x * z / 4.0 + noise)
    };
    let rows: String = (0..300).map(row).collect();
    dir.write("demo.csv", format!("x,z,y\n{rows}"));
    for (metric, loss) in [("rmse", "squared error"), ("mae", "absolute error")] {
        let text = format!(
            "[experiment]\nname = \"{metric}\"\nseeds = [1, 2]\nobjective = \"valid/{metric}\"\n[data]\n\
             path = \"demo.csv\"\ntarget = \"y\"\ntask = \"regression\"\nnumeric = [\"x\", \"z\"]\n\
             split = {{ valid = 0.3, test = 0.2, seed = 1 }}\n{TRAINING}"
        );
        dir.write(&format!("{metric}.toml"), text);
        dir.succeed(&["run", &format!("{metric}.toml"), "-q"]);
        let made = dir.json(&["ensemble", metric, "--json"]);
        assert_eq!(made["loss"], loss);
        let scores = made["scores"].as_array().unwrap();
        let own = (scores.iter()).find(|score| score["metric"] == format!("valid/{metric}"));
        let own = own.unwrap()["value"].as_f64().unwrap();
        let best = number(
            &dir,
            &format!("SELECT min(best) FROM best_trials WHERE experiment = '{metric}'"),
        );
        // Residuals are kept in half precision.
        assert!(own <= best * 1.001, "{own} {best}");
    }
    let named = predicted(
        &dir,
        &["ensemble", "--experiment", "rmse", "--coverage", "0.8"],
    );
    let actual = numbers(&named, "y");
    let found = numbers(&named, "sweep.predicted");
    let error: f64 = (actual.iter().zip(&found))
        .map(|(one, other)| (one - other).abs())
        .sum();
    assert!(error / 300.0 < 60.0, "{error}");
    let report = dir.succeed(&["report", "rmse", "--test"]);
    assert!(report.contains("and the ensemble"), "{report}");
}
