//! `sweep predict` with what is fitted on validation rows: sets and intervals, calibration, thresholds.

use std::fs;

use crate::common::TestDir;
use serde_json::Value as Json;

/// Rows of `x`, noisy, and what follows from it: a number and one of three classes.
fn table(rows: std::ops::Range<u32>) -> String {
    let mut text = "x,n,c\n".to_owned();
    for row in rows {
        let part = |salt: u32| {
            let mixed = (row + 1)
                .wrapping_mul(2_654_435_761)
                .wrapping_add(salt.wrapping_mul(40_503));
            let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(2_246_822_519);
            f64::from(mixed >> 8) / f64::from(1u32 << 24)
        };
        let x = 6.0 * part(1);
        let noise = part(2) + part(3) + part(4) - 1.5;
        let number = 10.0 + 3.0 * x + 2.0 * noise;
        let class = ["low", "mid", "a|b"][(number / 11.0).min(2.0) as usize];
        text.push_str(&format!("{x:.4},{number:.4},{class}\n"));
    }
    text
}

fn trained(target: &str) -> TestDir {
    let dir = TestDir::empty();
    dir.write("in.csv", table(0..1_200));
    dir.write("new.csv", table(10_000..11_000));
    dir.write(
        "few.toml",
        format!(
            "[experiment]\nname = \"few\"\n[data]\npath = \"in.csv\"\ntarget = \"{target}\"\nnumeric = [\"x\"]\n\
             [data.split]\nvalid = 0.4\ntest = 0.1\n[[baseline]]\nkind = \"random_forest\"\ntrees = 40\n"
        ),
    );
    dir.succeed(&["run", "few.toml", "-q"]);
    dir
}

#[test]
fn intervals_and_sets_hold_new_rows_as_often_as_asked() {
    for (target, columns) in [("n", "sweep.low,sweep.high"), ("c", "sweep.set")] {
        let dir = trained(target);
        for coverage in ["0.8", "0.95"] {
            let told = dir.json(&[
                "predict",
                "best",
                "new.csv",
                "-o",
                "out.csv",
                "--force",
                "--coverage",
                coverage,
                "--json",
            ])["coverage"]
                .clone();
            let asked: f64 = coverage.parse().unwrap();
            assert_eq!(told["asked"], asked);
            assert_eq!(told["rows"], 1_000);
            let held = told["held"].as_f64().unwrap() / 1_000.0;
            // 480 validation rows and 1,000 new ones: 0.022 is the standard deviation at 0.8.
            // A set is never empty, so classes are held as often as the most probable one is right at least.
            let most = match target {
                "c" => asked.max(0.9),
                _ => asked,
            };
            assert!(
                held > asked - 0.055 && held < most + 0.055,
                "{target} {coverage}: {held}"
            );
            assert!(told["mean_size"].as_f64().unwrap() > 0.0);
            let out = fs::read_to_string(dir.path("out.csv")).unwrap();
            let header = out.lines().next().unwrap();
            assert!(header.ends_with(columns), "{header}");
            // A `|` in the name of a class is not taken for a separator.
            assert_eq!(out.contains("a\\|b"), target == "c");
        }
        let (_, notes) = dir.end(
            &[
                "predict",
                "best",
                "new.csv",
                "-o",
                "o.csv",
                "--coverage",
                "0.9",
            ],
            0,
        );
        assert!(
            notes.contains("of 1,000 scored rows hold their target"),
            "{notes}"
        );
    }
}

/// A sweep of two classes that has finished, with `training` after `[data]`; and `new.csv`, with rows that it does not have.
fn two_classes(training: &str) -> TestDir {
    let dir = TestDir::empty();
    let two = |rows| table(rows).replace(",mid", ",low").replace(",a|b", ",high");
    dir.write("in.csv", two(0..1_200));
    dir.write("new.csv", two(10_000..11_000));
    let data = "[experiment]\nname = \"few\"\n[data]\npath = \"in.csv\"\ntarget = \"c\"\nnumeric = [\"x\"]\n\
                [data.split]\nvalid = 0.4\ntest = 0.1\n";
    dir.write("few.toml", format!("{data}{training}"));
    dir.succeed(&["run", "few.toml", "-q"]);
    dir
}

#[test]
fn probabilities_are_calibrated_and_the_threshold_of_two_classes_is_chosen() {
    let dir = two_classes("[[baseline]]\nkind = \"random_forest\"\ntrees = 20\n");
    let scored = |more: &[&str]| {
        let mut arguments = vec![
            "predict", "best", "new.csv", "-o", "out.csv", "--force", "--json",
        ];
        arguments.extend(more);
        dir.json(&arguments)
    };
    let plain = scored(&[]);
    assert!(plain["threshold"].is_null() && plain["calibration"].is_null());
    let loss = |told: &serde_json::Value| told["scores"]["loss"].as_f64().unwrap();
    // A forest of full depth is overconfident.
    for method in ["temperature", "isotonic"] {
        let told = scored(&["--calibrate", method]);
        assert_eq!(told["calibration"]["method"], method);
        assert!(loss(&told) < 0.9 * loss(&plain), "{method}: {told}");
    }
    let told = scored(&[
        "--calibrate",
        "temperature",
        "--threshold",
        "balanced_accuracy",
    ]);
    let threshold = told["threshold"].as_f64().unwrap();
    assert!(threshold > 0.0 && threshold < 1.0);
    let out = fs::read_to_string(dir.path("out.csv")).unwrap();
    let header: Vec<&str> = out.lines().next().unwrap().split(',').collect();
    let second = header
        .iter()
        .position(|name| *name == "sweep.probability.low")
        .unwrap();
    for line in out.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let is_second = cells[second].parse::<f64>().unwrap() >= threshold - 1e-7;
        assert_eq!(cells[second - 2] == "low", is_second, "{threshold} {line}");
    }
    let refused = [
        (["--threshold", "roc_auc"], "f1@high or f1@low"),
        (["--threshold", "1.5"], "is not between 0 and 1"),
        (
            ["--calibrate", "much"],
            "possible values: auto, temperature, isotonic",
        ),
    ];
    for (more, said) in refused {
        let told = dir.fail(&[&["predict", "best", "new.csv"], &more[..]].concat(), 2);
        assert!(told.contains(said), "{told}");
    }
    let three = trained("c");
    let told = three.fail(&["predict", "best", "new.csv", "--threshold", "0.4"], 2);
    assert!(told.contains("there are 3 classes"), "{told}");
    let number = trained("n");
    let told = number.fail(
        &["predict", "best", "new.csv", "--calibrate", "isotonic"],
        2,
    );
    assert!(told.contains("a number is predicted"), "{told}");
}

#[test]
fn a_coverage_that_cannot_be_had_is_refused_with_what_can() {
    let dir = trained("n");
    for wrong in ["0", "1", "90", "much"] {
        let said = dir.fail(&["predict", "best", "new.csv", "--coverage", wrong], 2);
        assert!(said.contains("must be a number between 0 and 1"), "{said}");
    }
    let said = dir.fail(&["predict", "best", "new.csv", "--coverage", "0.999"], 2);
    assert!(
        said.contains("there are 480 validation rows, and at least 999 are needed")
            && said.contains("ask for at most 0.997"),
        "{said}"
    );
    fs::remove_dir_all(dir.path("runs/data")).unwrap();
    let (_, said) = dir.end(&["predict", "best", "new.csv", "--coverage", "0.9"], 1);
    assert!(said.contains("runs/data"), "{said}");
}

/// What `predict` says of the sets or intervals of the rows of `table`.
fn told(dir: &TestDir, table: &str, coverage: &str) -> Json {
    let arguments = [
        "predict",
        "best",
        table,
        "-o",
        "out.csv",
        "--force",
        "--coverage",
        coverage,
        "--json",
    ];
    dir.json(&arguments)["coverage"].clone()
}

/// A forest and a network on a table that names the split, so that the same rows can be predicted here: they are in
/// `valid.csv` and `test.csv`.
fn trained_on_named_parts(target: &str, transform: &str) -> TestDir {
    let dir = TestDir::empty();
    let mut all = String::new();
    for (part, rows) in [
        ("train", 0..700),
        ("valid", 700..1_200),
        ("test", 1_200..1_700),
    ] {
        let own = table(rows);
        let (header, lines) = own.split_once('\n').unwrap();
        if all.is_empty() {
            all.push_str(&format!("{header},part\n"));
        }
        lines
            .lines()
            .for_each(|line| all.push_str(&format!("{line},{part}\n")));
        dir.write(&format!("{part}.csv"), &own);
    }
    dir.write("in.csv", all);
    let transform = match target {
        "n" => format!("target_transform = \"{transform}\"\n"),
        _ => String::new(),
    };
    dir.write(
        "few.toml",
        format!(
            "[experiment]\nname = \"few\"\n[data]\npath = \"in.csv\"\ntarget = \"{target}\"\nnumeric = [\"x\"]\n\
             split = {{ column = \"part\" }}\n{transform}[[baseline]]\nkind = \"random_forest\"\ntrees = 40\n\
             [model]\nepochs = 5\n"
        ),
    );
    dir.succeed(&["run", "few.toml", "-q"]);
    dir
}

#[test]
fn a_report_says_what_sets_and_intervals_are_like_on_validation_and_on_test_rows() {
    for target in ["n", "c"] {
        for transform in ["none", "log"] {
            if target == "c" && transform == "log" {
                continue;
            }
            let dir = trained_on_named_parts(target, transform);
            let plain = dir.json(&["report", "few", "--json"])[0]["conformal"].clone();
            // The best of each kind.
            assert_eq!(plain.as_array().unwrap().len(), 2);
            assert!(plain[0]["test_held"].is_null());
            let report = dir.json(&["report", "few", "--test", "--json"])[0].clone();
            let found = &report["conformal"];
            let best = (found.as_array().unwrap().iter())
                .find(|one| one["trial"] == report["best_trial"])
                .unwrap();
            assert_eq!((&best["rows"], &best["groups"]), (&500.into(), &500.into()));
            for level in best["levels"].as_array().unwrap() {
                let coverage = level["coverage"].as_f64().unwrap();
                let of_valid = told(&dir, "valid.csv", &coverage.to_string());
                let number = |value: &Json| value.as_f64().unwrap();
                let (own, other) = (number(&level["mean_size"]), number(&of_valid["mean_size"]));
                // Predictions are kept in half precision, in which more of them are equal.
                assert!(
                    (own / other - 1.0).abs() < 0.03,
                    "{target} {coverage}: {own} {other}"
                );
                let held = number(&level["held"]["mean"]);
                assert!(
                    held > coverage - 0.02 && (held < coverage + 0.02 || target == "c"),
                    "{target} {coverage}: {held}"
                );
            }
            let of_test = told(&dir, "test.csv", "0.9");
            let held = of_test["held"].as_f64().unwrap() / of_test["rows"].as_f64().unwrap();
            assert!(
                (best["test_held"]["mean"].as_f64().unwrap() - held).abs() < 1e-9,
                "{best}"
            );
            assert_eq!(
                report["test"]["models"][0]["scores"]
                    .as_array()
                    .unwrap()
                    .len(),
                // Of classes the calibrated loss too.
                if target == "c" { 6 } else { 5 }
            );
            let (said, _) = dir.end(&["report", "few"], 0);
            assert!(
                said.contains("To hold the truth of 90% of rows, the best run gives"),
                "{said}"
            );
            let csv = fs::read_to_string(dir.path("reports/few/conformal.csv")).unwrap();
            // Three probabilities of two models; of three classes a line for each size.
            let lines = if target == "c" { 18 } else { 6 };
            assert_eq!(csv.lines().count(), 1 + lines, "{csv}");
            let page = fs::read_to_string(dir.path("reports/few/index.html")).unwrap();
            assert!(page.contains("(conformal prediction)") && page.contains("Test rows"));
        }
    }
}

#[test]
fn an_exported_folder_decides_as_the_sweep_does() {
    let dir = trained("c");
    dir.succeed(&["export", "best", "model"]);
    let two = two_classes("[model]\nepochs = 3\n");
    two.succeed(&["export", "best", "model"]);
    let number = trained("n");
    number.succeed(&["export", "best", "model"]);
    let asked: [(&TestDir, &[&str]); 7] = [
        (&dir, &["--coverage", "0.9"]),
        (&dir, &["--calibrate", "temperature", "--coverage", "0.8"]),
        (&dir, &["--calibrate", "isotonic"]),
        (&dir, &["--calibrate", "auto"]),
        (&two, &["--threshold", "f1@high", "--coverage", "0.9"]),
        (&two, &["--threshold", "0.3", "--calibrate", "temperature"]),
        (&number, &["--coverage", "0.9"]),
    ];
    for (dir, options) in asked {
        let predicted = |model: &[&str]| {
            let arguments = [&["predict"], model, &["new.csv"], options].concat();
            dir.succeed(&arguments)
        };
        let of_sweep = predicted(&["best"]);
        assert!(of_sweep.lines().count() == 1_001);
        assert_eq!(predicted(&["--model", "model"]), of_sweep, "{options:?}");
    }
    // What is wrong is told as for a trial.
    let said = number.fail(
        &[
            "predict",
            "--model",
            "model",
            "new.csv",
            "--coverage",
            "0.999",
        ],
        2,
    );
    assert!(said.contains("at least 999 are needed"), "{said}");
    let said = dir.fail(
        &[
            "predict",
            "--model",
            "model",
            "new.csv",
            "--threshold",
            "0.3",
        ],
        2,
    );
    assert!(said.contains("there are 3 classes"), "{said}");
}

#[test]
fn a_folder_without_validation_rows_predicts_and_says_how_to_get_them() {
    let dir = trained("c");
    dir.succeed(&["export", "best", "model"]);
    // As an earlier version wrote it.
    let card = dir.path("model/trial.json");
    let text = fs::read_to_string(&card).unwrap();
    let mut json: Json = serde_json::from_str(&text).unwrap();
    let files = json["files"].as_array_mut().unwrap();
    let before = files.len();
    files.retain(|file| file["path"] != "validation.safetensors");
    assert_eq!(files.len(), before - 1);
    fs::write(&card, json.to_string()).unwrap();
    fs::remove_file(dir.path("model/validation.safetensors")).unwrap();
    let plain = dir.succeed(&["predict", "best", "new.csv"]);
    assert_eq!(
        dir.succeed(&["predict", "--model", "model", "new.csv"]),
        plain
    );
    for option in [["--coverage", "0.9"], ["--calibrate", "isotonic"]] {
        let said = dir.fail(
            &[&["predict", "--model", "model", "new.csv"], &option[..]].concat(),
            2,
        );
        assert!(
            said.contains("has no validation.safetensors")
                && said.contains("export the model again"),
            "{said}"
        );
    }
    // Where the prepared data are gone, a model is exported without, and that is told.
    let files = fs::read_dir(dir.path("runs/data")).unwrap();
    let rows = |name: &str| name.ends_with(".safetensors") && name.matches('.').count() == 1;
    for file in files.map(|file| file.unwrap()) {
        if rows(&file.file_name().to_string_lossy()) {
            fs::remove_file(file.path()).unwrap();
        }
    }
    let (_, notes) = dir.end(&["export", "best", "later"], 0);
    assert!(
        notes.contains("`sweep resume few` prepares them again"),
        "{notes}"
    );
    assert_eq!(
        dir.succeed(&["predict", "--model", "later", "new.csv"]),
        plain
    );
    assert!(!dir.path("later/validation.safetensors").exists());
}

#[test]
fn damaged_validation_rows_are_refused() {
    let dir = trained("n");
    dir.succeed(&["export", "best", "model"]);
    let path = dir.path("model/validation.safetensors");
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&path, bytes).unwrap();
    let (_, said) = dir.end(
        &[
            "predict",
            "--model",
            "model",
            "new.csv",
            "--coverage",
            "0.9",
        ],
        1,
    );
    assert!(said.contains("validation.safetensors is damaged"), "{said}");
}
