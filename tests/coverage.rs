//! `sweep predict` with what is fitted on validation rows: sets and intervals, calibration, thresholds.

use std::fs;

use crate::common::TestDir;

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

#[test]
fn probabilities_are_calibrated_and_the_threshold_of_two_classes_is_chosen() {
    let dir = TestDir::empty();
    let two = |rows| table(rows).replace(",mid", ",low").replace(",a|b", ",high");
    dir.write("in.csv", two(0..1_200));
    dir.write("new.csv", two(10_000..11_000));
    dir.write(
        "few.toml",
        "[experiment]\nname = \"few\"\n[data]\npath = \"in.csv\"\ntarget = \"c\"\nnumeric = [\"x\"]\n\
         [data.split]\nvalid = 0.4\ntest = 0.1\n[[baseline]]\nkind = \"random_forest\"\ntrees = 20\n",
    );
    dir.succeed(&["run", "few.toml", "-q"]);
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
            "possible values: temperature, isotonic",
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
    dir.succeed(&["export", "best", "model"]);
    let said = dir.fail(
        &[
            "predict",
            "--model",
            "model",
            "new.csv",
            "--coverage",
            "0.9",
        ],
        2,
    );
    assert!(said.contains("an exported folder has not"), "{said}");
    fs::remove_dir_all(dir.path("runs/data")).unwrap();
    let (_, said) = dir.end(&["predict", "best", "new.csv", "--coverage", "0.9"], 1);
    assert!(said.contains("runs/data"), "{said}");
}
