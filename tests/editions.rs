//! Defaults of experiment files that changed: a sweep that was begun with the old ones keeps them, and a new run says so.

use crate::common::TestDir;

const FOREST: &str = "[data]
path = \"numbers.csv\"
target = \"y\"

[[baseline]]
kind = \"random_forest\"
trees = 3
";

fn table() -> String {
    let row = |place: u32| {
        let (a, b) = (place * 37 % 101, place * 53 % 89);
        format!("{a},{b},{}.5\n", a * 3 + b)
    };
    let rows: String = (0..120).map(row).collect();
    format!("a,b,y\n{rows}")
}

fn planned(dir: &TestDir) -> String {
    dir.text(
        "SELECT group_concat(t.name || ' ' || p.value, ';') FROM (SELECT * FROM trials ORDER BY id) t \
         JOIN params p ON p.trial = t.id WHERE p.name = 'max_features'",
    )
}

#[test]
fn a_sweep_of_an_earlier_edition_resumes_as_it_began_and_a_new_run_says_what_is_new() {
    let dir = TestDir::empty();
    dir.write("numbers.csv", table());
    dir.write("forest.toml", format!("{FOREST}max_features = \"sqrt\"\n"));
    dir.succeed(&["run", "forest.toml"]);
    let began = planned(&dir);
    assert!(began.ends_with("sqrt"), "{began}");

    // As if it had been begun with a file that leaves the setting out, before its default changed.
    let database = dir.database();
    for table in ["experiments", "sessions"] {
        let changed = format!("UPDATE {table} SET edition = 2, file_text = ?1");
        database.execute(&changed, [FOREST]).unwrap();
    }
    drop(database);
    dir.write("forest.toml", FOREST);
    let (_, said) = dir.end(&["resume", "forest"], 0);
    assert!(!said.contains("defaults"), "{said}");
    assert_eq!(planned(&dir), began);

    let (_, said) = dir.end(&["run", "forest.toml"], 0);
    assert!(
        said.contains("`max_features` of random_forest is all and was sqrt"),
        "{said}"
    );
    let now = planned(&dir);
    assert!(now.starts_with(&began) && now.ends_with("all"), "{now}");
    // Once run with the defaults of today, it keeps these.
    let (_, said) = dir.end(&["run", "forest.toml"], 0);
    assert!(!said.contains("defaults"), "{said}");
    assert_eq!(dir.count("SELECT count(*) FROM trials"), 2);
}

#[test]
fn a_plan_tells_which_seeds_are_left_out_because_they_change_nothing() {
    let dir = TestDir::empty();
    dir.write("numbers.csv", table());
    let boosted = FOREST
        .replace("random_forest", "xgboost")
        .replace("trees", "rounds");
    dir.write(
        "once.toml",
        format!("experiment.seeds = [1, 2, 3]\n{boosted}"),
    );
    let said = dir.succeed(&["plan", "once.toml"]);
    let expected = "1 trial: 1 xgboost; 2 other seeds of deterministic configurations left out";
    assert!(said.contains(expected), "{said}");
    assert_eq!(
        dir.json(&["plan", "once.toml", "--json"])["deterministic"],
        2
    );
}
