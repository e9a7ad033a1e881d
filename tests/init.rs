//! `sweep init`, the real binary: an experiment is written for a table, planned and run.

use std::fmt::Write as _;

use crate::common::TestDir;

/// Sixty rows whose class follows from `size`, with a missing cell and a column of categories.
fn table(target: &str) -> String {
    let mut text = format!(
        "\"size\";\"kind of;thing\";\"{}\"\n",
        target.replace('"', "\"\"")
    );
    for row in 0..60 {
        let size = if row == 11 {
            String::new()
        } else {
            format!("{},5", row * 7 % 31)
        };
        let class = if row * 7 % 31 > 15 {
            "large"
        } else {
            "sm\"\"all"
        };
        writeln!(text, "{size};{};\"{class}\"", ["x", "y", "z"][row % 3]).unwrap();
    }
    text
}

#[test]
fn a_table_becomes_an_experiment_that_runs() {
    let dir = TestDir::empty();
    let target = "is \"it\".\nlarge?";
    dir.write("my things.csv", table(target));
    let told = dir.json(&["init", "my things.csv", "--target", target, "--json"]);
    assert_eq!(
        (&told["path"], &told["experiment"]),
        (&"my_things.toml".into(), &"my_things".into())
    );
    assert_eq!(
        (&told["task"], &told["target"]),
        (&"classification".into(), &target.into())
    );
    assert_eq!(told["classes"], serde_json::json!(["large", "sm\"all"]));
    let roles: Vec<&str> = (told["columns"].as_array().unwrap().iter())
        .map(|column| column["role"].as_str().unwrap())
        .collect();
    assert_eq!(roles, ["number", "category", "target"]);
    assert!(told["estimate"]["seconds"].as_f64().unwrap() > 0.0);
    assert!(!dir.path("runs").exists(), "only the experiment is written");

    let written = std::fs::read_to_string(dir.path("my_things.toml")).unwrap();
    for wanted in [
        "delimiter = \";\"",
        "missing = \"impute\"",
        "kind of;thing    category  3 values",
    ] {
        assert!(
            written.contains(wanted),
            "{wanted} is missing in\n{written}"
        );
    }
    let planned = dir.json(&["plan", "my_things.toml", "--json"]);
    assert_eq!(planned["counts"]["to_train"], told["trials"]);
    dir.succeed(&[
        "run",
        "my_things.toml",
        "--set",
        "experiment.seeds=[1]",
        "-q",
    ]);
    let finished = dir.count("SELECT count(*) FROM trials WHERE status = 'finished'");
    // Where the seed has no effect, the first one stands for all three.
    let left_out = 2;
    assert_eq!(3 * finished - left_out, told["trials"].as_i64().unwrap());
}

#[test]
fn an_existing_file_stays_unless_it_may_be_replaced() {
    let dir = TestDir::empty();
    dir.write("t.csv", table("y"));
    dir.write("experiments/t.toml", "mine");
    let mine = || std::fs::read_to_string(dir.path("experiments/t.toml")).unwrap();
    let error = dir.fail(&["init", "t.csv", "--target", "y"], 2);
    assert!(error.contains("experiments/t.toml already exists") && error.contains("--force"));
    assert_eq!(mine(), "mine");
    let shown = dir.succeed(&["init", "t.csv", "--target", "y", "-o", "-"]);
    assert_eq!(mine(), "mine");
    assert!(shown.starts_with("# Predicts `y`, which has 2 classes, from t.csv (60 rows)."));
    let told = dir.succeed(&["init", "t.csv", "--target", "y", "--force"]);
    assert!(told.contains("`sweep run experiments/t.toml`"), "{told}");
    assert!(mine().contains("target = \"y\""));
    dir.succeed(&[
        "init",
        "t.csv",
        "--target",
        "y",
        "-o",
        "other.toml",
        "--name",
        "third",
    ]);
    let other = std::fs::read_to_string(dir.path("other.toml")).unwrap();
    assert!(other.contains("name = \"third\""), "{other}");
}

#[test]
fn a_target_of_numbers_makes_an_experiment_that_runs() {
    let dir = TestDir::empty();
    let mut prices = String::from("rooms,price\n");
    (0..200).for_each(|row| writeln!(prices, "{},{}.25", row * 37 % 70, row * 3).unwrap());
    dir.write("prices.csv", prices);
    dir.succeed(&["init", "prices.csv", "--target", "price"]);
    let file = std::fs::read_to_string(dir.path("prices.toml")).unwrap();
    assert!(file.contains("objective = \"valid/rmse\""), "{file}");
    assert!(file.contains("price  target  a number"), "{file}");
    let planned = dir.succeed(&["plan", "prices.toml"]);
    assert!(planned.contains("58 trials"), "{planned}");
}

#[test]
fn what_cannot_be_an_experiment_leaves_no_file() {
    let dir = TestDir::empty();
    dir.write("t.csv", table("y"));
    for (arguments, wanted) in [
        (&["t.csv"][..], "--target y"),
        (&["t.csv", "--target", "Y"], "did you mean `y`"),
        (
            &["t.csv", "--target", "y", "--name", "a b"],
            "cannot be the name",
        ),
        (
            &["/dev/null", "--target", "y"],
            "no file that can be read again",
        ),
        (&["none.csv", "--target", "y"], "none.csv"),
    ] {
        let arguments = [&["init"], arguments].concat();
        let error = dir.run(&arguments);
        assert!(!error.status.success(), "{arguments:?}");
        let text = String::from_utf8(error.stderr).unwrap();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(wanted), "{arguments:?}: {text}");
    }
    let files = std::fs::read_dir(dir.root()).unwrap().count();
    assert_eq!(files, 1, "only the table is there");
}
