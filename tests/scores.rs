//! The real binary on tables that have the target: scores of predictions, with missing cells and
//! categories as XGBoost takes them.

use crate::common::TestDir;
use serde_json::Value as Json;
use sweep_engine::models::xgboost;

/// Rows of a number, a category and a class that both tell, less some noise.
fn rows(count: usize) -> Vec<[String; 3]> {
    let row = |place: usize| {
        let number = place * 7 % 40;
        let category = ["p", "q", "r", "s", "t"][place * 3 % 5];
        let is_high = number > 20 || category == "q" || place.is_multiple_of(11);
        let class = if is_high { "high" } else { "low" };
        let cell = match class {
            "high" if place.is_multiple_of(3) => String::new(),
            _ => number.to_string(),
        };
        [cell, category.to_owned(), class.to_owned()]
    };
    (0..count).map(row).collect()
}

fn csv<'a>(rows: impl IntoIterator<Item = &'a [String; 3]>) -> String {
    let lines = rows.into_iter().map(|row| format!("{}\n", row.join(",")));
    format!("n,c,y\n{}", lines.collect::<String>())
}

/// A folder in which `baseline` was trained, with the path of XGBoost's library.
fn trained(baseline: &str) -> TestDir {
    let mut dir = TestDir::empty();
    if let Ok(library) = xgboost::locate() {
        dir.set(xgboost::VARIABLE, library.path);
    }
    dir.write("in.csv", csv(&rows(400)));
    dir.write(
        "small.toml",
        format!(
            "[data]\npath = \"in.csv\"\ntarget = \"y\"\nnumeric = [\"n\"]\ncategorical = [\"c\"]\n\
             missing = {{ n = \"keep\" }}\n\n[[baseline]]\n{baseline}\n"
        ),
    );
    dir.succeed(&["run", "small.toml", "-q", "--workers", "1"]);
    dir
}

/// What `sweep predict` says of `table`: its JSON and standard error.
fn predict(dir: &TestDir, table: &str, code: i32) -> (Json, String) {
    dir.write("new.csv", table);
    let arguments = [
        "predict", "best", "new.csv", "-o", "out.csv", "--force", "--json",
    ];
    let (json, told) = dir.end(&arguments, code);
    (serde_json::from_str(&json).unwrap(), told)
}

#[test]
fn predictions_are_scored_where_the_table_has_the_target() {
    let dir = trained("kind = \"random_forest\"\ntrees = 10");
    let mut table = rows(60);
    table[4][2] = "other".to_owned();
    table[5][2] = String::new();
    table[8][0] = "many".to_owned();
    let (said, told) = predict(&dir, &csv(&table), 5);
    let scores = &said["scores"];
    assert_eq!(scores["target"], "y");
    assert_eq!(scores["rows"], 57);
    assert_eq!(
        scores["not_scored"],
        serde_json::json!({"without_prediction": 1, "without_class": 1, "unknown_class": 1})
    );
    // As worked out from the table that was written.
    let text = std::fs::read_to_string(dir.path("out.csv")).unwrap();
    let written: Vec<Vec<&str>> = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect())
        .filter(|row: &Vec<&str>| ["high", "low"].contains(&row[2]) && !row[3].is_empty())
        .collect();
    let right = written.iter().filter(|row| row[2] == row[3]).count();
    let loss = written.iter().map(|row| {
        let probability: f64 = row[if row[2] == "high" { 4 } else { 5 }].parse().unwrap();
        -probability.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
    });
    let near = |value: &Json, expected: f64| {
        let value = value.as_f64().unwrap();
        assert!((value - expected).abs() < 1e-6, "{value} {expected}");
    };
    near(&scores["accuracy"], right as f64 / 57.0);
    near(&scores["loss"], loss.sum::<f64>() / 57.0);
    let most = &scores["most_frequent"];
    let high = written.iter().filter(|row| row[2] == "high").count() as f64 / 57.0;
    assert_eq!(most["class"], if high >= 0.5 { "high" } else { "low" });
    near(&most["accuracy"], high.max(1.0 - high));
    near(
        &most["loss"],
        -high * high.ln() - (1.0 - high) * (1.0 - high).ln(),
    );
    let both = 2.0 * high.max(1.0 - high) / (1.0 + high.max(1.0 - high));
    near(&most["macro_f1"], both / 2.0);
    assert!(
        told.contains("scores by column `y`, 57 rows: accuracy 0."),
        "{told}"
    );
    assert!(told.contains("always predicting `"), "{told}");
    let left_out =
        "not scored: 1 row without a prediction, 1 row without a class, 1 row of a class";
    assert!(told.contains(left_out), "{told}");

    let unlabelled = csv(&table[10..30]).replace(",high", "").replace(",low", "");
    let (said, told) = predict(&dir, &unlabelled.replace("n,c,y", "n,c"), 0);
    assert_eq!(said["scores"], Json::Null);
    assert!(!told.contains("scores"), "{told}");

    let renamed = csv(&table[10..30])
        .replace(",high", ",High")
        .replace(",low", ", low");
    let (said, told) = predict(&dir, &renamed, 0);
    assert_eq!(said["scores"]["accuracy"], Json::Null);
    assert_eq!(said["scores"]["not_scored"]["unknown_class"], 20);
    let warning = "warning: no row can be scored by column `y`, the target: 20 rows of a class \
                   that the model does not know; the classes are `high`, `low`";
    assert!(told.contains(warning), "{told}");
}

#[test]
fn cells_that_are_kept_missing_tell_xgboost_the_class_also_from_an_exported_folder() {
    if xgboost::locate().is_err() {
        assert!(std::env::var_os("SWEEP_REQUIRE_XGBOOST").is_none());
        eprintln!("SKIPPED: XGBoost is not at hand");
        return;
    }
    let dir = trained("kind = \"xgboost\"\nrounds = 20\nenable_categorical = true");
    let new = rows(200);
    let (said, _) = predict(&dir, &csv(&new), 0);
    let scores = |rows: &[[String; 3]]| {
        let (said, _) = predict(&dir, &csv(rows), 0);
        said["scores"]["accuracy"].as_f64().unwrap()
    };
    assert!(said["scores"]["accuracy"].as_f64().unwrap() > 0.9);
    // Only rows of one class lack the number: without it, every row is of that class.
    let without: Vec<[String; 3]> = new
        .iter()
        .filter(|row| row[2] == "high")
        .map(|row| [String::new(), row[1].clone(), row[2].clone()])
        .collect();
    assert_eq!(scores(&without), 1.0);
    let model = std::fs::read_dir(dir.path("runs/trials"))
        .unwrap()
        .map(|entry| entry.unwrap().path().join("model.json"))
        .find(|path| path.is_file())
        .unwrap();
    let model = std::fs::read_to_string(model).unwrap();
    assert!(model.contains("\"feature_types\":[\"float\",\"c\"]"));

    dir.succeed(&["export", "best", "model"]);
    let direct = dir.succeed(&["predict", "best", "new.csv"]);
    assert_eq!(
        dir.succeed(&["predict", "--model", "model", "new.csv"]),
        direct
    );
    let shown = dir.json(&["report", "small", "--test", "--json"]);
    assert!(shown[0]["test"]["models"][0].is_object(), "{shown}");
}
