//! Transfer from one sweep to another, with the real binary.

use crate::common::{TestDir, results};
use crate::end_to_end::{signal, small, start, test_dir};
use rusqlite::Connection;

/// Networks of all classes that begin with layers of the best one of `small`, on two fractions of the rows.
fn transfer(epochs: u32) -> String {
    format!(
        "[experiment]
seeds = [1, 2]
learning_curve = [0.3]

[data]
path = \"demo.csv\"
target = \"playlist_genre\"
group = \"track_id\"
numeric = [\"danceability\", \"energy\", \"loudness\", \"tempo\"]

[model]
epochs = {epochs}

[transfer]
from = \"small:best\"
freeze = [0, 1]
lr_scale = 0.5
"
    )
}

/// A dir on which `small` was trained without one of the classes.
fn dir_with_source(epochs: u32) -> TestDir {
    let dir = test_dir();
    let exclude = "data.exclude={ playlist_genre = [\"edm\"] }";
    dir.write("transfer.toml", transfer(epochs));
    dir.succeed(&["run", "small.toml", "--set", exclude]);
    dir
}

#[test]
fn a_transfer_is_paired_reported_and_held_to_its_source() {
    let dir = test_dir();
    dir.write("transfer.toml", transfer(3));
    let said = dir.fail(&["run", "transfer.toml"], 2);
    assert!(said.contains("train the source first"), "{said}");

    let dir = dir_with_source(3);
    let plan = dir.succeed(&["plan", "transfer.toml", "--pilot"]);
    assert!(
        plan.contains("12 trials") && plan.contains("estimate"),
        "{plan}"
    );
    dir.succeed(&["run", "transfer.toml"]);
    let of = |what: &str| {
        dir.count(&format!(
            "SELECT count(*) FROM experiments e JOIN experiment_trials x ON x.experiment = e.id
             JOIN trials t ON t.id = x.trial
             WHERE e.name = 'transfer' AND t.status = 'finished' AND {what}"
        ))
    };
    let has = |param: &str| {
        format!("EXISTS (SELECT 1 FROM params p WHERE p.trial = t.id AND p.name = '{param}')")
    };
    assert_eq!(of("1"), 12);
    assert_eq!(of(&has("transfer_from")), 8);
    assert_eq!(of(&has("train_fraction")), 6);
    let ranked = "SELECT count(*) FROM leaderboard WHERE experiment = 'transfer'";
    assert_eq!(dir.count(ranked), 3, "fractions of the rows are not ranked");

    let shown = dir.succeed(&["show", "transfer"]);
    assert!(shown.contains("init=transfer freeze=1"), "{shown}");
    let said = dir.succeed(&["report", "transfer"]);
    assert!(
        said.contains("transfer: With 30% of the training rows"),
        "{said}"
    );
    let file = |name: &str| std::fs::read_to_string(dir.path("reports/transfer").join(name));
    let pairs = file("transfer.csv").unwrap();
    // Two ways of transferring on two fractions, of two pairs each.
    assert_eq!(pairs.lines().count(), 5, "{pairs}");
    let mut lines = pairs
        .lines()
        .map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let column = |name: &str| header.iter().position(|other| *other == name).unwrap();
    for line in lines {
        assert_eq!(line[column("pairs")], "2");
        let number = |name: &str| line[column(name)].parse::<f64>().unwrap();
        assert!(0.0 < number("new_rows") && number("new_rows") < number("train_rows"));
    }
    assert!(
        file("index.html")
            .unwrap()
            .contains("<h2>Transfer learning</h2>")
    );
    for name in ["transfer.png", "learning_curve.svg", "learning_curve.csv"] {
        assert!(dir.path("reports/transfer").join(name).is_file(), "{name}");
    }

    // Nothing is left to do, and a source that was tampered with is noticed.
    dir.succeed(&["resume", "transfer"]);
    let attempts = dir.count("SELECT count(*) FROM attempts");
    let source = transferred_source(&dir);
    let weights = dir
        .path("runs/trials")
        .join(source)
        .join("model.safetensors");
    let mut bytes = std::fs::read(&weights).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&weights, &bytes).unwrap();
    let said = dir.fail(&["resume", "transfer"], 2);
    assert!(said.contains("have changed since transfer began"), "{said}");
    std::fs::remove_file(&weights).unwrap();
    let said = dir.fail(&["run", "transfer.toml"], 2);
    assert!(said.contains("cannot be read"), "{said}");
    assert_eq!(dir.count("SELECT count(*) FROM attempts"), attempts);
}

#[test]
fn a_transfer_keeps_its_source_and_its_bits_when_it_is_resumed() {
    let alone = dir_with_source(600);
    alone.succeed(&["run", "transfer.toml"]);

    let dir = dir_with_source(600);
    let source = source_of(&dir, "small");
    let seen = dir.count("SELECT count(*) FROM metrics");
    let mut child = start(&dir, &["run", "transfer.toml"], seen + 100);
    signal(&child, libc::SIGINT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    // Meanwhile another network becomes the best of its sweep; the transfer stays with the first.
    let connection = Connection::open(dir.path("runs/sweep.sqlite")).unwrap();
    let worse = "UPDATE trials SET best = 0.0 WHERE name = ?1";
    assert_eq!(connection.execute(worse, [&source]).unwrap(), 1);
    drop(connection);
    assert_ne!(source_of(&dir, "small"), source);
    // And its file is edited, so that no sweep asks for the first any more.
    for dir in [&alone, &dir] {
        dir.write("small.toml", small("epochs = 1"));
        dir.succeed(&["run", "small.toml"]);
    }
    let asked = "SELECT count(*) FROM experiment_trials x JOIN trials t ON t.id = x.trial
                 WHERE x.in_plan = 1 AND t.name =";
    assert_eq!(dir.count(&format!("{asked} '{source}'")), 0);
    dir.succeed(&["resume", "transfer"]);
    assert_eq!(transferred_source(&dir), source);
    assert_eq!(results(&alone), results(&dir));
}

/// The best seed of the network configuration that ranks first in a sweep.
fn source_of(dir: &TestDir, sweep: &str) -> String {
    let shown = dir.succeed(&["show", sweep, "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let mut ranked = shown["configurations"].as_array().unwrap().iter();
    let first = ranked.find(|config| config["kind"] == "mlp").unwrap();
    let runs = first["runs"].as_array().unwrap().iter();
    let value = |run: &serde_json::Value| run["value"].as_f64().unwrap();
    // The first of equal ones: runs stand by seed.
    let best = runs.rev().max_by(|a, b| value(a).total_cmp(&value(b)));
    best.unwrap()["trial"].as_str().unwrap().to_owned()
}

/// The trial that all transferred ones began with.
fn transferred_source(dir: &TestDir) -> String {
    let sources = "SELECT count(DISTINCT value) FROM params WHERE name = 'transfer_from'";
    assert_eq!(dir.count(sources), 1);
    dir.text("SELECT value FROM params WHERE name = 'transfer_from' LIMIT 1")
}
