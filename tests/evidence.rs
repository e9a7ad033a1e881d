//! What a report says of rows and seeds, and what it falls back on where predictions or models are lost.

use std::fs;
use std::path::PathBuf;

use crate::common::{TestDir, experiment};
use serde_json::Value as Json;
use sweep_data::Dataset;
use sweep_engine::kept::{self, Kept};

const TRAINING: &str = "[model]
epochs = 2

[grid]
layers = [[8], [4]]

[[baseline]]
kind = \"random_forest\"
trees = 3
";

/// The predictions that trials left behind.
fn predictions(dir: &TestDir) -> Vec<PathBuf> {
    let trials = fs::read_dir(dir.path("runs/trials")).unwrap();
    let files = trials.map(|trial| trial.unwrap().path().join("predictions.safetensors.zst"));
    files.filter(|file| file.exists()).collect()
}

fn inference(dir: &TestDir) -> Json {
    dir.json(&["report", "few", "--json"])[0]["inference"].clone()
}

#[test]
fn evidence_is_of_rows_and_seeds_from_predictions_or_models_and_of_seeds_alone_without_either() {
    let dir = TestDir::with_data(300);
    let text = experiment(&["danceability", "energy"], TRAINING);
    dir.write("few.toml", text);
    dir.succeed(&["run", "few.toml", "-q"]);
    let rows = dir.count("SELECT valid_rows FROM datasets");
    let kept = predictions(&dir);
    assert_eq!(kept.len() as i64, dir.count("SELECT count(*) FROM trials"));

    let whole = inference(&dir);
    let (_, notes) = dir.end(&["report", "few"], 0);
    assert!(!notes.contains("of seeds alone"), "{notes}");
    assert_eq!(whole["coverage"]["rows"], rows);
    assert_eq!(whole["coverage"]["seeds"], true);
    let p = |inference: &Json| inference["comparisons"][0]["p"].as_f64().unwrap();
    assert!(p(&whole) > 0.0 && whole["of_seeds_alone"]["comparisons"][0]["p"].is_f64());
    let said = dir.succeed(&["report", "few"]);
    assert!(
        said.contains("cover other validation rows of the same kind ("),
        "{said}"
    );
    let page = fs::read_to_string(dir.path("reports/few/index.html")).unwrap();
    assert!(page.contains("cover other validation rows of the same kind"));

    // A damaged file and one that is gone are made up for by the models.
    fs::write(&kept[0], "no predictions").unwrap();
    fs::remove_file(&kept[1]).unwrap();
    let from_models = inference(&dir);
    assert_eq!(from_models["coverage"], whole["coverage"]);
    assert!((p(&from_models) - p(&whole)).abs() < 1e-3);

    // Without either, seeds alone are left, and a sentence says why.
    fs::remove_dir_all(kept[0].parent().unwrap()).unwrap();
    let of_seeds = inference(&dir);
    assert_eq!(of_seeds["coverage"]["rows"], Json::Null);
    assert_eq!(of_seeds["of_seeds_alone"], Json::Null);
    assert_eq!(
        of_seeds["comparisons"][0]["p"],
        whole["of_seeds_alone"]["comparisons"][0]["p"]
    );
    let (_, notes) = dir.end(&["report", "few"], 0);
    assert!(
        notes.contains("of seeds alone: trial")
            && notes.contains("has neither predictions nor a model"),
        "{notes}"
    );
}

#[test]
fn rows_of_a_group_count_as_one() {
    let dir = TestDir::empty();
    let mut table = "who,x,y\n".to_owned();
    for row in 0..400 {
        // Ten rows of each are one observation.
        let who = row / 10;
        let x = (who * 37) % 40;
        let y = if (x * 11 + who) % 40 < 20 {
            "low"
        } else {
            "high"
        };
        table.push_str(&format!("{who},{x},{y}\n"));
    }
    dir.write("in.csv", table);
    let text = |split: &str| {
        format!(
            "[experiment]\nname = \"few\"\nseeds = [1, 2]\n[data]\npath = \"in.csv\"\ntarget = \"y\"\n\
             numeric = [\"x\"]\n{split}[[baseline]]\nkind = \"random_forest\"\ntrees = 2\n[[baseline]]\nkind = \"random_forest\"\ntrees = 50\n"
        )
    };
    dir.write(
        "few.toml",
        text("group = \"who\"\n[data.split]\nvalid = 0.3\ntest = 0.2\n"),
    );
    dir.succeed(&["run", "few.toml", "-q"]);
    let coverage = inference(&dir)["coverage"].clone();
    let (rows, units) = (&coverage["rows"], &coverage["units"]);
    assert_eq!(rows.as_u64().unwrap(), 10 * units.as_u64().unwrap());
}

#[test]
fn probabilities_are_kept_of_the_best_trials_and_predictions_are_counted_and_removed() {
    let dir = TestDir::with_data(300);
    let text = experiment(&["danceability", "energy"], TRAINING);
    dir.write(
        "few.toml",
        format!("{text}\n[schedule]\nkeep_predictions = 1\n"),
    );
    dir.succeed(&["run", "few.toml", "-q"]);
    let kept = predictions(&dir);
    let files = fs::read_dir(dir.path("runs/data")).unwrap();
    let mut files = files.map(|file| file.unwrap().path());
    let is_prepared = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.ends_with(".safetensors") && name.matches('.').count() == 1
    };
    let data = Dataset::open(&files.find(is_prepared).unwrap()).unwrap();
    let has_probabilities = |file: &&PathBuf| {
        let read = kept::read(file.parent().unwrap(), data.meta(), data.valid().y);
        let Some(Kept::Classes { probabilities, .. }) = read else {
            panic!("{} is damaged", file.display());
        };
        probabilities.is_some()
    };
    // One network and one forest.
    assert_eq!(kept.iter().filter(has_probabilities).count(), 2);
    assert_eq!(inference(&dir)["coverage"]["seeds"], true);

    let (_, notes) = dir.end(&["ls"], 0);
    let said = format!(
        "predictions for the validation rows are kept of {} trials",
        kept.len()
    );
    assert!(notes.contains(&said), "{notes}");
    dir.succeed(&["gc", "--yes"]);
    assert_eq!(predictions(&dir), kept);
    let said = dir.succeed(&["gc", "--predictions", "--yes"]);
    assert!(
        said.contains("kept predictions for validation rows"),
        "{said}"
    );
    assert!(predictions(&dir).is_empty());
    assert!(inference(&dir)["coverage"]["rows"].is_u64());
}

#[test]
fn a_number_of_kept_predictions_that_is_none_is_refused_at_its_line() {
    let dir = TestDir::with_data(300);
    let text = experiment(&["danceability", "energy"], TRAINING);
    dir.write(
        "few.toml",
        format!("{text}\n[schedule]\nkeep_predictions = -1\n"),
    );
    let said = dir.fail(&["plan", "few.toml"], 2);
    assert!(
        said.contains("`schedule.keep_predictions` must be an integer from 0 to 1000000"),
        "{said}"
    );
}

/// A sweep of two networks on a table of positive numbers, ranked by what they are trained with.
fn numbers(dir: &TestDir, transform: &str, models: &str) -> String {
    let text = format!(
        "[experiment]\nname = \"few\"\nseeds = [1, 2]\nobjective = \"valid/loss\"\n[data]\npath = \"in.csv\"\n\
         target = \"y\"\ntask = \"regression\"\ntarget_transform = \"{transform}\"\nnumeric = [\"x\", \"z\"]\n{models}"
    );
    dir.write("few.toml", text);
    let (_, notes) = dir.end(&["run", "few.toml", "--accept-new-file"], 0);
    notes
}

fn table_of_numbers(dir: &TestDir) {
    let mut table = "x,z,y\n".to_owned();
    for row in 0..300 {
        let (x, z) = ((row * 37) % 101, (row * 53) % 89);
        // From 1 to about 3,000: a wide range, as prices have it.
        let y = (0.04 * f64::from(x) + 0.02 * f64::from(z) + 0.3 * f64::from(row % 7)).exp();
        table.push_str(&format!("{x},{z},{y:.4}\n"));
    }
    dir.write("in.csv", table);
}

#[test]
fn a_loss_of_numbers_is_known_by_row_and_called_what_it_is() {
    let dir = TestDir::empty();
    table_of_numbers(&dir);
    for (transform, of) in [
        ("none", "the target"),
        ("log", "the logarithm of the target"),
        ("log1p", "the logarithm of 1 + target"),
    ] {
        for (loss, name) in [
            ("loss = \"squared\"", "squared error"),
            ("loss = \"absolute\"", "absolute error"),
            (
                "loss = \"huber\"\nhuber_delta = 0.5",
                "Huber loss (delta 0.5 sd)",
            ),
            (
                "loss = \"quantile\"\nquantile = 0.9",
                "pinball loss (quantile 0.9)",
            ),
        ] {
            let models = format!("[model]\nepochs = 3\n{loss}\n[grid]\nlayers = [[8], [4]]\n");
            numbers(&dir, transform, &models);
            let (said, notes) = dir.end(&["report", "few", "--json"], 0);
            assert!(
                !notes.contains("of seeds alone"),
                "{transform} {loss}: {notes}"
            );
            let said: Json = serde_json::from_str(&said).unwrap();
            assert_eq!(said[0]["inference"]["coverage"]["rows"], 60);
            let label = format!("validation loss ({name} of {of})");
            let page = fs::read_to_string(dir.path("reports/few/index.html")).unwrap();
            assert!(page.contains(&label) && !page.contains("nats"), "{label}");
        }
    }
    let said = dir.succeed(&["show", "few"]);
    assert!(
        said.contains(
            "validation loss (pinball loss (quantile 0.9) of the logarithm of 1 + target)"
        ),
        "{said}"
    );
}

#[test]
fn losses_that_differ_are_warned_about_and_not_compared() {
    let dir = TestDir::empty();
    table_of_numbers(&dir);
    let models = "[model]\nepochs = 2\n[grid]\nloss = [\"squared\", \"absolute\"]\n";
    let notes = numbers(&dir, "none", models);
    // Drawn in a frame, with lines broken anywhere.
    let words = notes
        .split(['\n', ' ', '\u{2502}'])
        .filter(|word| !word.is_empty());
    let notes = words.collect::<Vec<_>>().join(" ");
    assert!(
        notes.contains("is the loss that each configuration is trained with")
            && notes.contains("\"valid/rmse\" or"),
        "{notes}"
    );
    let (said, notes) = dir.end(&["report", "few"], 0);
    assert!(
        said.contains("some are trained with squared error, some with absolute error"),
        "{said}"
    );
    assert!(!said.contains(" leads") && !said.contains("p = "), "{said}");
    assert!(!notes.contains("of seeds alone"), "{notes}");
    assert_eq!(inference(&dir)["verdict"], "incomparable");
    assert!(
        dir.succeed(&["show", "few"])
            .contains("cannot be compared by valid/loss")
    );
}
