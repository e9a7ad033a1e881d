//! A database that is reached by two names is one: one set of locks, trials and data, or a clear refusal.

use std::os::unix::fs::symlink;

use crate::common::TestDir;
use sweep_store::SweepLock;

const EXPERIMENT: &str = r#"
[experiment]
name = "small"
seeds = [1]
[data]
path = "demo.csv"
target = "playlist_genre"
numeric = ["danceability", "energy"]
[model]
layers = [4]
epochs = 1
[grid]
lr = [0.1, 0.01]
"#;

fn linked() -> TestDir {
    let dir = TestDir::with_data(200);
    dir.write("small.toml", EXPERIMENT);
    dir.write("scratch/README", "");
    dir.write("runs/README", "");
    symlink("../scratch/sweep.sqlite", dir.path("runs/sweep.sqlite")).unwrap();
    dir
}

#[test]
fn a_symbolic_link_and_what_it_leads_to_are_one_database() {
    let dir = linked();
    // The link leads to a file that is not there yet.
    dir.succeed(&["run", "small.toml", "-q"]);
    assert!(dir.path("scratch/trials").is_dir() && dir.path("scratch/sweep.sqlite").is_file());
    assert!(!dir.path("runs/trials").exists() && !dir.path("runs/locks").exists());
    assert!(dir.path("runs/sweep.sqlite").is_symlink());
    for store in [
        "scratch/sweep.sqlite",
        "runs/sweep.sqlite",
        "runs/../runs/sweep.sqlite",
    ] {
        dir.succeed(&["--store", store, "run", "small.toml", "-q"]);
        dir.succeed(&[
            "--store", store, "predict", "best", "demo.csv", "-o", "out.csv", "--force",
        ]);
    }
    assert_eq!(
        dir.count("SELECT count(*) FROM attempts"),
        2,
        "nothing was trained twice"
    );

    let _lock = SweepLock::acquire(&dir.path("scratch"), "small").unwrap();
    for store in ["scratch/sweep.sqlite", "runs/sweep.sqlite"] {
        let said = dir.fail(&["--store", store, "run", "small.toml"], 4);
        assert!(said.contains("is being run"), "{said}");
    }
}

#[test]
fn a_hard_link_is_refused_while_the_other_name_is_in_use() {
    let dir = linked();
    dir.succeed(&["run", "small.toml", "-q"]);
    std::fs::create_dir(dir.path("other")).unwrap();
    std::fs::hard_link(
        dir.path("scratch/sweep.sqlite"),
        dir.path("other/sweep.sqlite"),
    )
    .unwrap();
    let other = ["--store", "other/sweep.sqlite", "ls"];
    dir.succeed(&other);
    // This process has it open by its first name.
    let connection = dir.database();
    let name: String = connection
        .query_row("SELECT name FROM experiments", [], |row| row.get(0))
        .unwrap();
    assert_eq!(name, "small");
    let said = dir.fail(&other, 4);
    assert!(
        said.contains("by another name") && said.contains("scratch/"),
        "{said}"
    );
    dir.succeed(&["--store", "runs/sweep.sqlite", "ls"]);
}
