//! `sweep describe`, the real binary, on made-up data and on files that are odd or wrong.

use crate::common::TestDir;

fn test_dir() -> TestDir {
    TestDir::empty()
}

/// Standard error of a command that must end with `code` and write nothing.
fn fail(dir: &TestDir, arguments: &[&str], code: i32) -> String {
    let text = dir.fail(arguments, code);
    assert!(!dir.path("reports").exists(), "nothing is written");
    text
}

/// Names and bytes of all files in a folder of reports.
fn report(dir: &TestDir, name: &str) -> Vec<(String, Vec<u8>)> {
    let folder = dir.path("reports").join(name);
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[test]
fn a_csv_file_is_described_with_tables_plots_and_json() {
    let dir = test_dir();
    dir.succeed(&["data", "synth", "demo.csv", "--rows", "1500"]);
    let flags = ["--target", "playlist_genre", "--group", "track_id"];
    let arguments = [&["describe", "demo.csv"], &flags[..]].concat();
    let shown = dir.succeed(&arguments);
    for wanted in [
        "demo.csv: 1,500 rows x 23 columns",
        "Class of playlist_genre",
        "Association with playlist_genre",
        "Most correlated",
        "groups in 1,500 rows",
        "best accuracy if one",
        "page: reports/demo-data/index.html",
    ] {
        assert!(shown.contains(wanted), "{wanted} is missing in\n{shown}");
    }
    assert!(!shown.contains('\x1b'), "colour is for terminals");
    let first = report(&dir, "demo-data");
    for name in [
        "columns.csv",
        "describe.json",
        "index.html",
        "boxes.png",
        "correlation.svg",
    ] {
        assert!(first.iter().any(|(other, _)| other == name), "{name}");
    }
    let json = dir.json(&[&arguments[..], &["--json"]].concat());
    assert_eq!(json["source"]["rows"], 1500);
    assert_eq!(json["folder"], "reports/demo-data");
    assert_eq!(json["page"], "reports/demo-data/index.html");
    assert_eq!(json["groups"]["columns"][0], "track_id");
    assert!(report(&dir, "demo-data") == first, "the same every time");
    assert!(!dir.path("runs").exists(), "nothing is recorded");
}

#[test]
fn of_an_experiment_the_rows_and_columns_that_it_uses_are_described() {
    let dir = test_dir();
    dir.succeed(&["data", "synth", "demo.csv", "--rows", "1500"]);
    dir.write(
        "small.toml",
        "[data]\npath = \"demo.csv\"\ntarget = \"playlist_genre\"\ngroup = \"track_id\"\n\
         exclude = { playlist_genre = [\"edm\"] }\nnumeric = [\"energy\", \"tempo\"]\n\
         categorical = [\"key\"]\nmissing = \"drop\"\n[model]\nepochs = 1\n[grid]\nlr = [0.01]\n",
    );
    let shown = dir.succeed(&["describe", "small.toml"]);
    assert!(shown.contains("as small uses it"), "{shown}");
    assert!(shown.contains(" excluded"), "{shown}");
    let json = dir.json(&["describe", "small.toml", "--json", "--out", "elsewhere"]);
    let names: Vec<&str> = (json["columns"].as_array().unwrap().iter())
        .map(|column| column["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["track_id", "playlist_genre", "energy", "key", "tempo"]
    );
    assert_eq!(json["columns"][3]["kind"], "text", "it is asked for so");
    let number = |key: &str| json["source"][key].as_u64().unwrap();
    assert!(number("excluded") > 0);
    assert_eq!(
        number("rows") + number("excluded") + number("dropped"),
        number("rows_in_file")
    );
    // Preparing the data ends with the same rows.
    let check = dir.json(&["data", "check", "small.toml", "--json"]);
    let sides = check["sides"].as_object().unwrap().values();
    let prepared: u64 = sides.map(|side| side["rows"].as_u64().unwrap()).sum();
    assert_eq!(number("rows"), prepared);
    assert!(dir.path("elsewhere/small-data/describe.json").is_file());

    let only = dir.json(&[
        "describe",
        "small.toml",
        "--json",
        "--set",
        "data.numeric=[\"energy\"]",
    ]);
    assert_eq!(only["columns"].as_array().unwrap().len(), 4);
}

#[test]
fn odd_files_are_read_as_preparation_reads_them() {
    let dir = test_dir();
    dir.write(
        "odd.tsv",
        "\u{feff}x\ty\r\n1\ta, b\r\n NA \t\"c\r\nd\"\r\n\r\n3\t\r\n",
    );
    let json = dir.json(&["describe", "odd.tsv", "--json"]);
    assert_eq!(json["source"]["rows"], 3);
    assert_eq!(json["columns"][0]["name"], "x");
    assert_eq!(json["columns"][0]["numbers"]["mean"], 2.0);
    assert_eq!(json["columns"][0]["missing"], 1);
    assert_eq!(json["columns"][1]["missing"], 1);
    assert_eq!(json["columns"][1]["most_frequent"]["value"], "a, b");
}

#[test]
fn a_target_of_many_numbers_is_described_and_said_to_be_a_number() {
    let dir = test_dir();
    let rows = (0..60).map(|row| format!("{row},{}\n", 1000 + 7 * row * row));
    dir.write(
        "homes.csv",
        format!("area,price\n{}", rows.collect::<String>()),
    );
    let shown = dir.succeed(&["describe", "homes.csv", "--target", "price"]);
    assert!(
        shown.contains(
            "target `price` is a number (60 distinct ones in 60 rows), so the task is regression"
        ),
        "{shown}"
    );
    let json = dir.json(&["describe", "homes.csv", "--target", "price", "--json"]);
    assert_eq!(json["target"]["classes"].as_array().unwrap().len(), 0);
    assert_eq!(json["target"]["numbers"]["min"], 1000.0);
    let spearman = json["association"][0]["spearman"].as_f64().unwrap();
    assert!((spearman - 1.0).abs() < 1e-12, "{spearman}");
    assert!(dir.path("reports/homes-data/target.png").is_file());
}

#[test]
fn what_cannot_be_described_is_refused_with_what_to_do() {
    let dir = test_dir();
    dir.write("bad.csv", b"x,y\n1,\xff\n");
    dir.write("good.csv", "size,kind\n1,a\n2,b\n3,a\n");
    dir.write("same.csv", "size,kind\n1,a\n2,a\n");
    dir.write(
        "small.toml",
        "[data]\npath = \"good.csv\"\ntarget = \"knd\"\n[grid]\nlr = [0.1]\n",
    );
    for (arguments, wanted) in [
        (
            &["describe", "bad.csv", "--encoding", "utf-8"][..],
            "byte 0xff is not UTF-8",
        ),
        (
            &["describe", "small.toml", "--delimiter", ";"],
            "flags about cells are for tables",
        ),
        (&["describe", "none.csv"], "there is no such file"),
        (&["describe", "none.toml"], "cannot read none.toml"),
        (
            &["describe", "good.csv", "--target", "knd"],
            "did you mean `kind`?",
        ),
        (
            &[
                "describe", "good.csv", "--target", "kind", "--group", "kind",
            ],
            "both target and group",
        ),
        (
            &["describe", "same.csv", "--target", "kind"],
            "every row has the same class",
        ),
        (
            &["describe", "good.csv", "--set", "data.target=\"kind\""],
            "--set is for experiment files",
        ),
        (
            &["describe", "small.toml", "--target", "kind"],
            "an experiment file has the key `data.target`",
        ),
        (&["describe", "small.toml"], "did you mean `kind`?"),
    ] {
        let text = fail(&dir, arguments, 2);
        // Messages are wrapped to the width of a page.
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = text.replace("│ ", "");
        assert!(text.contains(wanted), "{arguments:?}: {wanted}\n{text}");
    }
    dir.write("taken", "");
    let arguments = ["describe", "good.csv", "--out", "taken"];
    assert!(fail(&dir, &arguments, 1).contains("cannot write"));
}
