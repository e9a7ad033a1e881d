//! `predict` and `export` with `--refit`: the real binary trains the chosen configuration once more on training and
//! validation rows.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value as Json;

use crate::common::{TestDir, results};
use sweep_engine::models::{lightgbm, xgboost};

/// Rows of a song table with a `part` that names the side of each.
const ROWS: usize = 400;

/// The kinds of models that can be trained here.
fn kinds() -> Vec<&'static str> {
    let mut kinds = vec!["mlp", "random_forest"];
    for (kind, found, required) in [
        ("xgboost", xgboost::locate(), "SWEEP_REQUIRE_XGBOOST"),
        ("lightgbm", lightgbm::locate(), "SWEEP_REQUIRE_LIGHTGBM"),
    ] {
        match found {
            Ok(_) => kinds.push(kind),
            Err(missing) => {
                assert!(
                    std::env::var_os(required).is_none(),
                    "{required} is set, and {missing}"
                );
                eprintln!("{kind} is left out: {missing}");
            }
        }
    }
    kinds
}

fn test_dir() -> TestDir {
    let mut dir = TestDir::with_data(ROWS);
    for (variable, found) in [
        (xgboost::VARIABLE, xgboost::locate()),
        (lightgbm::VARIABLE, lightgbm::locate()),
    ] {
        if let Ok(library) = found {
            dir.set(variable, library.path);
        }
    }
    dir
}

/// An experiment called `name`: what `head` and `data` add to its tables, and one model of each kind of `models`.
fn experiment(name: &str, head: &str, data: &str, models: &[(&str, &str)]) -> String {
    let mut text = format!(
        "[experiment]\nname = \"{name}\"\n{head}\n[data]\npath = \"demo.csv\"\ntarget = \"playlist_genre\"\n\
         numeric = [\"danceability\", \"energy\", \"tempo\"]\ncategorical = [\"key\"]\n{data}\n"
    );
    for (kind, settings) in models {
        match *kind {
            "mlp" => text.push_str(&format!(
                "[model]\nlayers = [8]\nlr_schedule = \"constant\"\n{settings}\n"
            )),
            kind => text.push_str(&format!("[[baseline]]\nkind = \"{kind}\"\n{settings}\n")),
        }
    }
    text
}

/// Cheap models of all kinds.
fn small_models() -> Vec<(&'static str, &'static str)> {
    let of = |kind| match kind {
        "mlp" => (kind, "epochs = 5\nlr = 0.02"),
        "xgboost" | "lightgbm" => (kind, "rounds = 6\nmax_depth = 3\nsubsample = 0.9"),
        _ => (kind, "trees = 12\nmax_depth = 6"),
    };
    kinds().into_iter().map(of).collect()
}

fn run(dir: &TestDir, name: &str, text: &str) {
    let file = format!("{name}.toml");
    dir.write(&file, text);
    dir.succeed(&["run", &file, "-q"]);
}

/// Standard error on one line.
fn line(text: &str) -> String {
    let words: Vec<&str> = text
        .split_whitespace()
        .filter(|word| *word != "│")
        .collect();
    words.join(" ")
}

fn card(dir: &TestDir, folder: &str) -> Json {
    let text = fs::read_to_string(dir.path(folder).join("trial.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Every file below `folder` with its content.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut left = vec![folder.to_owned()];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => left.push(path),
                false => drop(all.insert(path.display().to_string(), fs::read(&path).unwrap())),
            }
        }
    }
    all
}

/// Adds to the data the columns `part`, a split into thirds, and `whole`, in which what was validated is trained on; and
/// copies of all of them, which are test rows by `part` and validated by `whole`.
fn add_parts(dir: &TestDir) {
    let text = fs::read_to_string(dir.path("demo.csv")).unwrap();
    let mut lines = text.lines();
    let mut written = format!("{},part,whole\n", lines.next().unwrap());
    let rows: Vec<&str> = lines.collect();
    for (number, row) in rows.iter().enumerate() {
        let part = ["train", "valid", "train"][number % 3];
        written.push_str(&format!("{row},{part},train\n"));
    }
    for row in &rows {
        written.push_str(&format!("{row},test,valid\n"));
    }
    dir.write("demo.csv", written);
}

#[test]
fn a_refit_is_the_model_of_a_sweep_that_trains_on_these_rows_for_as_many_steps() {
    let dir = test_dir();
    add_parts(&dir);
    // What reacts to validation rows: early stopping, and the choice of the step.
    let models: Vec<(&str, &str)> = (kinds().into_iter())
        .map(|kind| match kind {
            "mlp" => (
                kind,
                "epochs = 30\nlr = 0.003\nema = 0.5\nearly_stopping = { patience = 2 }",
            ),
            "xgboost" | "lightgbm" => (
                kind,
                "rounds = 30\nmax_depth = 3\nsubsample = 0.7\nearly_stopping_rounds = 3",
            ),
            _ => (kind, "trees = 12\nmax_depth = 6"),
        })
        .collect();
    let text = experiment(
        "split",
        "seeds = [4, 5]\nobjective = \"valid/loss\"",
        "split = { column = \"part\" }",
        &models,
    );
    run(&dir, "split", &text);
    for kind in kinds() {
        let folder = format!("refit-{kind}");
        dir.succeed(&[
            "export",
            "best",
            &folder,
            "--refit",
            "--kind",
            kind,
            "--experiment",
            "split",
        ]);
        let card = card(&dir, &folder);
        let refit = &card["refit"];
        let steps: Vec<u64> = (refit["runs"].as_array().unwrap().iter())
            .map(|run| run["best_step"].as_u64().unwrap())
            .collect();
        assert_eq!(steps.len(), 2, "{kind}");
        let step = (steps.iter().sum::<u64>() as f64 / 2.0).round() as u64;
        assert_eq!(refit["step"], step, "{kind}");
        assert_eq!(refit["rows"], ROWS as u64, "{kind}");

        // On copies of training rows the loss falls with every step, so that the last one is kept.
        let settings = match kind {
            "mlp" => format!("epochs = {step}\nlr = 0.003\nema = 0.5"),
            "xgboost" | "lightgbm" => format!("rounds = {step}\nmax_depth = 3\nsubsample = 0.7"),
            _ => format!("trees = {step}\nmax_depth = 6"),
        };
        let whole = experiment(
            &format!("whole-{kind}"),
            &format!("seeds = [{}]\nobjective = \"valid/loss\"", card["seed"]),
            "split = { column = \"whole\" }",
            &[(kind, &settings)],
        );
        let name = format!("whole-{kind}");
        run(&dir, &name, &whole);
        let query =
            format!("SELECT best_step FROM trials WHERE kind = '{kind}' ORDER BY id DESC LIMIT 1");
        assert_eq!(dir.count(&query) as u64, step, "{kind}");
        dir.succeed(&["export", "best", &name, "--experiment", &name]);
        let files = |folder: &str| -> Vec<Vec<u8>> {
            let named = ["model.json", "model.safetensors", "model.txt"];
            let files = named
                .iter()
                .filter_map(|file| fs::read(dir.path(folder).join(file)).ok());
            files.collect()
        };
        assert!(!files(&folder).is_empty());
        assert!(files(&folder) == files(&name), "{kind}");
    }
}

/// All that is recorded of results, and every file of trials and prepared data.
fn state(dir: &TestDir) -> (Vec<String>, [BTreeMap<String, Vec<u8>>; 2]) {
    let folders = ["runs/trials", "runs/data"];
    (
        results(dir),
        folders.map(|folder| contents(&dir.path(folder))),
    )
}

/// Predictions for `demo.csv` by `model`, which is an argument or several, and what standard error says.
fn predicted(dir: &TestDir, model: &[&str]) -> (Vec<u8>, String) {
    let output = ["demo.csv", "-o", "out.csv", "--force"];
    let (_, told) = dir.end(&[&["predict"], model, &output].concat(), 0);
    (fs::read(dir.path("out.csv")).unwrap(), told)
}

#[test]
fn predict_and_export_give_the_same_refit_and_the_sweep_stays_as_it_was() {
    let dir = test_dir();
    let text = experiment("few", "seeds = [1, 2]", "", &small_models());
    run(&dir, "few", &text);
    let before = state(&dir);
    for kind in kinds() {
        let (refit, told) = predicted(&dir, &["best", "--refit", "--kind", kind]);
        for says in [
            &format!("refit of {kind} "),
            "training and validation rows, seed ",
            "the mean of those that its 2 runs kept",
        ] {
            assert!(told.contains(says), "{told}");
        }
        let folder = format!("model-{kind}");
        let said = dir.succeed(&["export", "best", &folder, "--refit", "--kind", kind]);
        let card = card(&dir, &folder);
        let rows = &card["refit"]["rows"];
        let share = rows.as_f64().unwrap() / ROWS as f64;
        assert!((share - 0.8).abs() < 0.01, "{rows}");
        let what = format!("refitted on {rows} training and validation rows");
        assert!(said.contains(&what), "{said}");
        assert!(predicted(&dir, &["--model", &folder]).0 == refit, "{kind}");
        // Nothing is claimed of its scores, and it says what it is.
        assert_eq!((&card["format"], &card["best"]), (&1.into(), &Json::Null));
        assert_eq!(card["metrics"], serde_json::json!({}));
        assert_eq!(card["best_step"], card["refit"]["step"]);
        let told = dir.json(&[
            "predict", "--model", &folder, "demo.csv", "-o", "out.csv", "--force", "--json",
        ]);
        assert_eq!(told["refit"], card["refit"]);
        assert_eq!(told["trials"].as_array().unwrap().len(), 2);
        // It is another model than the trial's.
        let (own, _) = predicted(&dir, &["best", "--kind", kind]);
        assert!(own != refit, "{kind}");
    }
    let (_, told) = predicted(&dir, &["best", "--refit", "--ensemble"]);
    assert!(told.contains("seeds 1, 2"), "{told}");

    assert!(state(&dir) == before);
    let (_, told) = dir.end(&["resume", "few"], 0);
    assert!(told.contains("nothing left to train"), "{told}");
    let garbage = dir.succeed(&["gc", "--dry-run"]);
    assert!(!garbage.contains("runs/data"), "{garbage}");
}

#[test]
fn the_model_of_a_cross_validated_configuration_is_exported_by_a_refit_alone() {
    let dir = test_dir();
    let text = experiment(
        "folds",
        "seeds = [1, 2]",
        "split = { folds = 3 }",
        &small_models(),
    );
    run(&dir, "folds", &text);
    for kind in kinds() {
        let told = line(&dir.fail(&["export", "best", "model", "--kind", kind], 2));
        assert!(
            told.contains("each of its models is of one fold, and none was trained on all rows"),
            "{told}"
        );
        assert!(
            told.contains("--refit trains one on all training and validation rows"),
            "{told}"
        );
        assert!(!dir.path("model").exists());
        // The message names a trial, and that can be exported.
        let (_, trial) = told.split_once("a fold, such as ").unwrap();
        let (trial, _) = trial.split_once(';').unwrap();
        let folder = format!("fold-{kind}");
        dir.succeed(&["export", trial, &folder]);
        assert_eq!(card(&dir, &folder)["refit"], Json::Null);

        let folder = format!("model-{kind}");
        dir.succeed(&["export", "best", &folder, "--refit", "--kind", kind]);
        let refit = &card(&dir, &folder)["refit"];
        let runs = refit["runs"].as_array().unwrap();
        let folds: Vec<u64> = runs
            .iter()
            .map(|run| run["fold"].as_u64().unwrap())
            .collect();
        assert_eq!(folds, [1, 2, 3, 1, 2, 3]);
        let sum: u64 = runs
            .iter()
            .map(|run| run["best_step"].as_u64().unwrap())
            .sum();
        assert_eq!(refit["step"], (sum as f64 / 6.0).round() as u64, "{kind}");
        // A fifth are test rows.
        assert_eq!(refit["rows"], 320, "{kind}");
    }
    // What is fitted on validation rows comes from the folds.
    let arguments = [
        "predict",
        "best",
        "demo.csv",
        "-o",
        "out.csv",
        "--force",
        "--calibrate",
        "temperature",
        "--coverage",
        "0.8",
        "--json",
    ];
    let without = dir.json(&arguments);
    let (out, told) = dir.end(&[&arguments[..], &["--refit"]].concat(), 0);
    let with: Json = serde_json::from_str(&out).unwrap();
    assert_eq!(with["calibration"], without["calibration"]);
    assert_eq!(with["calibration"]["method"], "temperature");
    assert_eq!(with["trials"].as_array().unwrap().len(), 6);
    assert!(
        told.contains("comes from the models before the refit"),
        "{told}"
    );
}

#[test]
fn an_experiment_file_can_ask_for_refits_of_what_is_best() {
    let dir = test_dir();
    run(
        &dir,
        "few",
        &experiment("few", "refit = true", "", &[("random_forest", "trees = 6")]),
    );
    let told = |arguments: &[&str]| predicted(&dir, arguments).1;
    let is_refit = |told: String| told.contains("refit of random_forest");
    assert!(is_refit(told(&["best"])));
    assert!(!is_refit(told(&["best", "--no-refit"])));
    // A trial that is named is meant, unless the flag is given.
    let trial = dir.text("SELECT name FROM trials");
    assert!(!is_refit(told(&[&trial])));
    assert!(is_refit(told(&[&trial, "--refit"])));
    dir.succeed(&["export", "best", "model"]);
    assert_eq!(card(&dir, "model")["refit"]["step"], 6);
    dir.succeed(&["export", "best", "other", "--no-refit"]);
    assert_eq!(card(&dir, "other")["refit"], Json::Null);
    let said = dir.fail(&["predict", "best", "demo.csv", "--refit", "--no-refit"], 2);
    assert!(said.contains("cannot be used with"), "{said}");
}

#[test]
fn what_has_no_refit_is_refused_with_the_reason() {
    let dir = test_dir();
    let head = "learning_curve = [0.5, 1.0]";
    run(
        &dir,
        "few",
        &experiment("few", head, "", &[("mlp", "epochs = 2")]),
    );
    let refit = |what: &str, sweep: &str| {
        line(&dir.fail(
            &["export", what, "model", "--refit", "--experiment", sweep],
            2,
        ))
    };
    let query = "SELECT t.name FROM trials t JOIN params p ON p.trial = t.id WHERE p.name = 'train_fraction' AND p.value < 1";
    let told = refit(&dir.text(query), "few");
    assert!(
        told.contains("it learned from 0.5 of the training rows"),
        "{told}"
    );

    let transfer = experiment("moved", "", "", &[("mlp", "epochs = 2")])
        + "[transfer]\nfrom = \"few:best\"\nlayers = \"all but last\"\n";
    run(&dir, "moved", &transfer);
    let told = refit("best", "moved");
    assert!(told.contains("there is no refit of trial"), "{told}");
    assert!(told.contains("[transfer]"), "{told}");
    dir.write(
        "both.toml",
        transfer.replace("[data]", "refit = true\n[data]"),
    );
    let told = line(&dir.fail(&["run", "both.toml"], 2));
    assert!(told.contains("a transfer has no refit"), "{told}");

    // The folder and the table are looked at before anything is trained.
    dir.write("taken/file", "");
    let (_, told) = dir.end(
        &["export", "best", "taken", "--refit", "--experiment", "few"],
        2,
    );
    assert!(
        told.contains("not empty") && !told.contains("refit of"),
        "{told}"
    );
    let (_, told) = dir.end(
        &[
            "predict",
            "best",
            "none.csv",
            "--refit",
            "--experiment",
            "few",
        ],
        2,
    );
    assert!(
        told.contains("none.csv") && !told.contains("refit of"),
        "{told}"
    );

    let mut changed = fs::read_to_string(dir.path("demo.csv")).unwrap();
    let last = changed.lines().last().unwrap().to_owned();
    changed.push_str(&format!("{last}\n"));
    dir.write("demo.csv", changed);
    let told = refit("best", "few");
    assert!(told.contains("demo.csv has changed since trial"), "{told}");
    assert!(!dir.path("model").exists());
}
