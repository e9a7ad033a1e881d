//! The zero line of a ranking, from the table to the report: 85% of the rows of this one are of class 0, and its columns say
//! next to nothing.

use std::fs;

use crate::common::TestDir;

const TABLE: &str = include_str!("fixtures/imbalanced.csv");

fn imbalanced(objective: &str) -> TestDir {
    let dir = TestDir::empty();
    dir.write("in.csv", TABLE);
    let file = format!(
        "[experiment]\nname = \"small\"\nobjective = \"{objective}\"\nseeds = [1, 2]\n\
         [data]\npath = \"in.csv\"\ntarget = \"y\"\n\
         [[baseline]]\nkind = \"random_forest\"\ntrees = 50\n"
    );
    dir.write("e.toml", file);
    dir
}

#[test]
fn a_winner_below_the_majority_class_is_warned_about_at_the_end_of_a_run_and_in_the_report() {
    let dir = imbalanced("valid/accuracy");
    let warned = "warning: the best configuration is not better than a model that always predicts the most frequent class (0)";
    let row = |text: &str| {
        let found = text.lines().find(|line| line.contains("majority class"));
        found.unwrap_or_else(|| panic!("{text}")).to_owned()
    };
    let run = dir.succeed(&["run", "e.toml", "--workers", "1"]);
    let report = dir.succeed(&["report", "small"]);
    for text in [&run, &report, &dir.succeed(&["show", "small"])] {
        assert!(
            text.contains(warned) && text.contains("of the 40 validation rows right"),
            "{text}"
        );
        assert!(row(text).contains("0.8500"), "{text}");
        let places = ["majority class", "random forest"].map(|kind| text.find(kind));
        assert!(places[0] < places[1], "{text}");
    }
    let csv = fs::read_to_string(dir.path("reports/small/dummy.csv")).unwrap();
    assert!(
        csv.contains("\nvalid/accuracy,most_frequent,0,0.85,40,-0."),
        "{csv}"
    );
    let page = fs::read_to_string(dir.path("reports/small/index.html")).unwrap();
    assert!(page.contains("<tr class=\"zero\">"));

    let told = dir.json(&["show", "small", "--json"])["dummy"].clone();
    assert_eq!(
        (&told["class"], &told["value"]),
        (&"0".into(), &0.85.into())
    );
    assert_eq!(told["lead"]["verdict"], "not_above");
    assert!(
        warned.ends_with(
            told["warning"]
                .as_str()
                .unwrap()
                .split(": valid/")
                .next()
                .unwrap()
        )
    );
    // The database says how many of the 40 are right.
    let right = dir.count(
        "SELECT sum(rows) FROM confusion c WHERE c.actual = c.predicted
         AND c.trial = (SELECT id FROM trials ORDER BY best DESC LIMIT 1)",
    );
    assert!(right < 34);
    assert_eq!(
        dir.count("SELECT sum(rows) FROM confusion WHERE actual = 0"),
        2 * 34
    );

    // Once the prepared data are gone nothing is known of it, and nothing is said.
    fs::remove_dir_all(dir.path("runs/data")).unwrap();
    let report = dir.succeed(&["report", "small"]);
    assert!(
        !report.contains("majority class") && !report.contains(warned),
        "{report}"
    );
    assert!(!dir.path("reports/small/dummy.csv").exists());
    assert!(dir.json(&["show", "small", "--json"])["dummy"].is_null());
}

#[test]
fn a_loss_is_held_against_the_class_frequencies() {
    let dir = imbalanced("valid/loss");
    let run = dir.succeed(&["run", "e.toml", "--workers", "1"]);
    let (zero, forest) = (run.find("class frequencies"), run.find("random forest"));
    assert!(zero.is_some() && zero < forest, "{run}");
    assert!(
        run.contains("always predicts the class frequencies of the training rows: valid/loss"),
        "{run}"
    );
    let told = dir.json(&["show", "small", "--json"])["dummy"].clone();
    assert_eq!(
        (&told["strategy"], &told["class"]),
        (&"prior".into(), &serde_json::Value::Null)
    );
    assert!(told["lead"]["rows_low"].is_null());
    // A report predicts the rows again and so knows their losses one by one.
    let lead = dir.json(&["report", "small", "--json"])[0]["dummy"]["lead"].clone();
    let [low, by, high] = ["rows_low", "by", "rows_high"].map(|key| lead[key].as_f64().unwrap());
    assert!(
        low < by && by < 0.0 && ((low + high) / 2.0 - by).abs() < 1e-12,
        "{lead}"
    );
    // Of scikit-learn's `DummyClassifier(strategy="prior")` on the same split: 34 of 40 rows, shares of the training rows.
    assert!(
        (told["value"].as_f64().unwrap() - 0.422_990_101_178).abs() < 1e-9,
        "{told}"
    );
}
