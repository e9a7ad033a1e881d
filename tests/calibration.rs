//! Calibration at the end of each trial: what is recorded, shown, ranked by, applied, and what older sweeps do without it.

use std::fs;

use crate::common::{TestDir, experiment, results};

const TRAINING: &str = "[model]
epochs = 3

[grid]
layers = [[8], [16]]

[[baseline]]
kind = \"random_forest\"
trees = 5
";

/// A sweep called `few` of two networks and a forest, with two seeds each, by `objective`; groups are tracks.
fn written(objective: &str) -> TestDir {
    let dir = TestDir::with_data(300);
    let file = experiment(&["danceability", "energy"], TRAINING);
    let file = file.replace(
        "seeds = [1, 2]",
        &format!("seeds = [1, 2]\nobjective = \"{objective}\""),
    );
    dir.write("few.toml", file);
    dir
}

const CALIBRATED: &str =
    "SELECT count(DISTINCT m.trial) FROM metrics m JOIN metric_names n ON n.id = m.metric
                          WHERE n.name = 'valid/calibrated_loss'";

#[test]
fn both_losses_of_every_trial_are_recorded_alike_by_any_number_of_workers_and_shown() {
    let (one, two) = (written("valid/accuracy"), written("valid/accuracy"));
    one.succeed(&["run", "few.toml", "-q", "--workers", "1"]);
    two.succeed(&["run", "few.toml", "-q", "--workers", "2"]);
    assert_eq!(results(&one), results(&two));
    assert_eq!(one.count(CALIBRATED), 6);

    let table = one.succeed(&["show", "few"]);
    let header = table.lines().find(|line| line.contains("Mean")).unwrap();
    assert!(
        header.contains("Loss  ") && header.contains("Calibrated"),
        "{table}"
    );
    let told = one.json(&["show", "few", "--json"]);
    for config in told["configurations"].as_array().unwrap() {
        let [loss, calibrated] =
            ["loss", "calibrated_loss"].map(|key| config[key].as_f64().unwrap());
        // A forest of five trees is sure of what it has seen once; networks of three epochs are not.
        assert!(calibrated < loss + 0.1, "{config}");
        if config["kind"] == "random_forest" {
            assert!(calibrated < 0.5 * loss, "{config}");
        }
    }
    one.succeed(&["report", "few", "--test"]);
    let best = fs::read_to_string(one.path("reports/few/best.csv")).unwrap();
    assert!(
        best.lines()
            .next()
            .unwrap()
            .contains(",loss,calibrated_loss"),
        "{best}"
    );
    let test = fs::read_to_string(one.path("reports/few/test.csv")).unwrap();
    // Two kinds, two seeds each.
    assert_eq!(test.matches(",test/calibrated_loss,").count(), 4, "{test}");
    let page = fs::read_to_string(one.path("reports/few/index.html")).unwrap();
    assert!(page.contains("<th scope=\"col\">Calibrated</th>"));
}

#[test]
fn trials_are_ranked_by_the_calibrated_loss_and_a_resumed_sweep_trains_none_again() {
    let dir = written("valid/calibrated_loss");
    dir.succeed(&["run", "few.toml", "-q"]);
    let told = dir.json(&["show", "few", "--json"]);
    let means: Vec<f64> = (told["configurations"].as_array().unwrap().iter())
        .map(|config| config["objective"]["mean"].as_f64().unwrap())
        .collect();
    assert!(means.is_sorted() && means.len() == 3, "{means:?}");
    // Every epoch is calibrated, and the best one kept.
    let curve = "SELECT count(*) FROM metrics m JOIN metric_names n ON n.id = m.metric JOIN trials t ON t.id = m.trial
                 WHERE n.name = 'valid/calibrated_loss' AND t.kind = 'mlp'";
    assert_eq!(dir.count(curve), 4 * 3);
    let before = (results(&dir), dir.count("SELECT count(*) FROM attempts"));
    dir.succeed(&["resume", "few", "-q"]);
    assert_eq!(
        before,
        (results(&dir), dir.count("SELECT count(*) FROM attempts"))
    );
    dir.succeed(&["report", "few"]);
}

#[test]
fn the_calibration_of_a_trial_is_applied_where_it_is_asked_for() {
    let dir = written("valid/loss");
    dir.succeed(&["run", "few.toml", "-q"]);
    let predict = |more: &[&str]| {
        let usual = ["predict", "best", "demo.csv", "--kind", "random_forest"];
        dir.end(&[&usual, more].concat(), 0)
    };
    let (plain, said) = predict(&[]);
    assert!(
        said.contains("`--calibrate auto` takes the validation log loss from"),
        "{said}"
    );
    let (auto, said) = predict(&["--calibrate", "auto"]);
    assert!(said.contains("calibrated by a temperature of"), "{said}");
    assert!(!said.contains("as trained"), "{said}");
    // With fewer than a thousand validation rows there is no curve.
    let (temperature, _) = predict(&["--calibrate", "temperature"]);
    assert_eq!(auto, temperature);
    assert_ne!(auto, plain);
    let told = dir.fail(&["predict", "best", "demo.csv", "--calibrate", "best"], 2);
    assert!(told.contains("auto"), "{told}");
}

#[test]
fn a_sweep_of_a_version_before_keeps_its_trials_and_new_ones_are_calibrated() {
    let dir = written("valid/accuracy");
    dir.succeed(&["run", "few.toml", "-q"]);
    // As a version left it that did not measure it.
    let database = dir.database();
    let forget = "DELETE FROM metrics WHERE metric IN
                  (SELECT id FROM metric_names WHERE name = 'valid/calibrated_loss')";
    database.execute(forget, []).unwrap();
    drop(database);
    let (before, attempts) = (results(&dir), "SELECT count(*) FROM attempts");
    dir.succeed(&["resume", "few", "-q"]);
    assert_eq!((results(&dir), dir.count(attempts)), (before.clone(), 6));
    dir.succeed(&["report", "few"]);
    let page = fs::read_to_string(dir.path("reports/few/index.html")).unwrap();
    assert!(page.contains("<th scope=\"col\">Calibrated</th>") && page.contains("<td>–</td>"));
    assert!(!dir.succeed(&["show", "few"]).contains("Calibrated"));
    let told = dir.json(&["show", "few", "--json"]);
    assert!(told["configurations"][0]["calibrated_loss"].is_null());

    // A model that is lost is trained again with what is recorded.
    let trial = dir.text("SELECT name FROM trials WHERE kind = 'random_forest' LIMIT 1");
    fs::remove_file(dir.path(&format!("runs/trials/{trial}/model.json"))).unwrap();
    let (_, said) = dir.end(&["resume", "few", "--missing-models"], 0);
    assert!(!said.contains("another result"), "{said}");
    assert_eq!((results(&dir), dir.count(attempts)), (before, 7));
    assert!(
        dir.path(&format!("runs/trials/{trial}/model.json"))
            .exists()
    );

    dir.succeed(&["run", "few.toml", "-q", "--seeds", "1..3"]);
    assert_eq!(dir.count(CALIBRATED), 3);
    assert_eq!(dir.count(attempts), 10);
    dir.succeed(&["report", "few"]);
}
