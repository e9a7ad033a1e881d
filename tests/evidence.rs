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
