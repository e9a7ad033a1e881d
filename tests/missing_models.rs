//! Models that are lost or damaged, and trained again to the bit.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::common::{TestDir, experiment, results};
use sweep_engine::models::xgboost;

const TRAINING: &str = "[model]
epochs = 2

[grid]
layers = [[8], [4]]

[[baseline]]
kind = \"random_forest\"
trees = 3
";

/// Two more trials, where they can be trained.
const XGBOOST: &str = "
[[baseline]]
kind = \"xgboost\"
rounds = 3
";

/// With a sweep of `training` that has finished.
fn trained_on(training: &str) -> TestDir {
    let dir = TestDir::with_data(300);
    dir.write(
        "few.toml",
        experiment(&["danceability", "energy"], training),
    );
    dir.succeed(&["run", "few.toml", "-q"]);
    dir
}

/// With a sweep of four networks and two forests that has finished.
fn trained() -> TestDir {
    trained_on(TRAINING)
}

/// Every file of every model, with its bytes.
fn models(dir: &TestDir) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut models = BTreeMap::new();
    for trial in fs::read_dir(dir.path("runs/trials")).unwrap() {
        for file in fs::read_dir(trial.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            models.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    models
}

/// Every column of every trial, and every value of every metric, times among them.
fn recorded(dir: &TestDir) -> Vec<String> {
    let connection = dir.database();
    let mut rows = Vec::new();
    for sql in [
        "SELECT format('%s', json_array(name, status, best, best_step, last, steps, parameters, seconds, message, cause))
         FROM trials ORDER BY id",
        "SELECT format('%s', json_array(trial, step, metric, value)) FROM metrics ORDER BY trial, step, metric",
        "SELECT format('%s', json_array(trial, path, kind, bytes)) FROM artifacts ORDER BY trial, path",
    ] {
        let mut query = connection.prepare(sql).unwrap();
        let found = query.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.extend(found.map(Result::unwrap));
    }
    rows
}

/// The trials of a kind of model, the first one first.
fn of_kind(dir: &TestDir, kind: &str) -> String {
    dir.text(&format!(
        "SELECT name FROM trials WHERE kind = '{kind}' ORDER BY id LIMIT 1"
    ))
}

#[test]
fn lost_models_are_trained_again_to_the_bit_and_nothing_recorded_changes() {
    let dir = trained();
    let (files, rows) = (models(&dir), recorded(&dir));
    assert!(
        dir.succeed(&["plan", "few.toml", "--missing-models"])
            .contains("to train 0")
    );
    let folder = |trial: &str| dir.path("runs/trials").join(trial);
    let (network, forest) = (of_kind(&dir, "mlp"), of_kind(&dir, "random_forest"));
    // A folder that is gone, and a file of another length.
    fs::remove_dir_all(folder(&network)).unwrap();
    let file = folder(&forest).join("model.json");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, &text[..text.len() / 2]).unwrap();

    let error = dir.fail(&["predict", &network, "demo.csv", "-o", "out.csv"], 1);
    let error = error.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        error.contains("sweep resume few --missing-models"),
        "{error}"
    );
    dir.succeed(&["report", "few"]);
    let page = fs::read_to_string(dir.path("reports/few/index.html")).unwrap();
    assert!(page.contains("sweep resume few --missing-models"));
    assert!(dir.succeed(&["run", "few.toml"]).contains("6 finished"));
    assert!(!folder(&network).join("model.json").exists());

    assert!(
        dir.succeed(&["plan", "few.toml", "--missing-models"])
            .contains("done 4, failed 0, to train 2")
    );
    dir.succeed(&["resume", "few", "--missing-models"]);
    assert!(models(&dir) == files);
    assert_eq!(recorded(&dir), rows);
    assert_eq!(
        dir.count("SELECT count(*) FROM attempts WHERE outcome = 'finished'"),
        8
    );
    dir.succeed(&["predict", &network, "demo.csv", "-o", "out.csv"]);
    dir.succeed(&["run", "few.toml", "--missing-models", "-q"]);
    assert_eq!(dir.count("SELECT count(*) FROM attempts"), 8);
}

#[test]
fn a_file_of_the_same_length_that_cannot_be_read_is_lost() {
    let (training, kinds) = match xgboost::locate() {
        Ok(_) => (
            format!("{TRAINING}{XGBOOST}"),
            &["mlp", "random_forest", "xgboost"][..],
        ),
        Err(missing) => {
            eprintln!("xgboost is left out: {missing}");
            (TRAINING.to_owned(), &["mlp", "random_forest"][..])
        }
    };
    let dir = trained_on(&training);
    let (files, attempts) = (models(&dir), dir.count("SELECT count(*) FROM attempts"));
    for kind in kinds {
        let path = dir
            .path("runs/trials")
            .join(of_kind(&dir, kind))
            .join("model.json");
        fs::write(&path, "x".repeat(files[&path].len())).unwrap();
    }
    dir.succeed(&["run", "few.toml", "--missing-models", "-q"]);
    assert!(models(&dir) == files);
    let all = dir.count("SELECT count(*) FROM attempts");
    assert_eq!(all, attempts + kinds.len() as i64);
}

#[test]
fn an_attempt_that_fails_or_ends_differently_takes_nothing_recorded_away() {
    let dir = trained();
    let network = of_kind(&dir, "mlp");
    let folder = dir.path("runs/trials").join(&network);
    fs::remove_dir_all(&folder).unwrap();
    let rows = recorded(&dir);
    // No file can be written where the folder of the trial belongs.
    fs::write(&folder, "").unwrap();
    dir.end(&["resume", "few", "--missing-models", "-q"], 3);
    assert_eq!(recorded(&dir), rows);
    assert!(results(&dir).iter().any(|line| line.starts_with(&network)));
    fs::remove_file(&folder).unwrap();

    // As if another machine had trained it.
    dir.database()
        .execute(
            "UPDATE trials SET best = best / 2 WHERE name = ?1",
            [&network],
        )
        .unwrap();
    let rows = recorded(&dir);
    let (_, told) = dir.end(&["resume", "few", "--missing-models"], 3);
    assert!(
        told.contains("another result than the recorded one, which stays: best"),
        "{told}"
    );
    assert_eq!(recorded(&dir), rows);
    let left = fs::read_dir(&folder).unwrap().count();
    assert_eq!(left, 0);
    let outcome = "SELECT outcome FROM attempts ORDER BY session DESC, number DESC LIMIT 1";
    assert_eq!(dir.text(outcome), "rejected");
}
