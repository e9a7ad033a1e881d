//! The real binary removing sweeps, trials and unused files: what goes, what stays, and that nothing goes
//! unasked.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::common::TestDir;
use serde_json::Value as Json;
use sweep_store::SweepLock;

const EXPERIMENT: &str = "
[data]
path = \"demo.csv\"
target = \"playlist_genre\"
group = \"track_id\"
numeric = [\"danceability\", \"energy\"]

[model]
epochs = 2
layers = [8]
";

fn test_dir() -> TestDir {
    let dir = TestDir::with_data(600);
    dir.write(
        "one.toml",
        format!("{EXPERIMENT}\n[grid]\nlr = [0.01, 0.02]\n"),
    );
    dir.write(
        "two.toml",
        format!("{EXPERIMENT}\n[grid]\nlr = [0.02, 0.03]\n"),
    );
    for file in ["one.toml", "two.toml"] {
        dir.succeed(&["run", file, "-q", "--workers", "1"]);
    }
    dir
}

/// Names of the trials of `sweep`, in plan order.
fn trials(dir: &TestDir, sweep: &str) -> Vec<String> {
    let shown = dir.json(&["show", sweep, "--json"]);
    let records = shown["records"].as_array().unwrap();
    let names = records.iter().map(|trial| trial["trial"].as_str().unwrap());
    names.map(str::to_owned).collect()
}

fn folder_of(dir: &TestDir, trial: &str) -> PathBuf {
    dir.path("runs/trials").join(trial)
}

/// Every file and folder under `runs`, but for the database itself and the lock of data.
fn files(dir: &TestDir) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    let mut folders = vec![dir.path("runs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(dir.path("runs")).unwrap();
            let name = name.to_str().unwrap().to_owned();
            if path.is_dir() {
                folders.push(path);
            }
            if !name.starts_with("sweep.sqlite") && name != "locks/data" {
                files.insert(name);
            }
        }
    }
    files
}

fn kinds(found: &Json) -> Vec<(String, String)> {
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    let files = found["files"].as_array().unwrap().iter();
    files
        .map(|file| {
            let path = text(&file["path"]);
            let name = Path::new(&path)
                .file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            (text(&file["kind"]), name)
        })
        .collect()
}

#[test]
fn a_sweep_is_removed_with_all_that_no_other_sweep_asks_for() {
    let dir = test_dir();
    let (one, two) = (trials(&dir, "one"), trials(&dir, "two"));
    assert_eq!((one.len(), two.len()), (2, 2));
    assert_eq!(one[1], two[0], "the two share a trial");
    // As workers that share a GPU leave them.
    let shared_gpu = ["logs/one/cuda-0.1.log", "logs/one/cuda-0.1.log.1"];
    for log in shared_gpu {
        dir.write(&format!("runs/{log}"), "a line\n");
    }
    let before = files(&dir);

    let (shown, said) = dir.end(&["rm", "one"], 2);
    assert!(shown.contains("removes: sweep one, 1 trial"), "{shown}");
    assert!(
        shown.contains("keeps:   1 trial, in the plan of other sweeps as well"),
        "{shown}"
    );
    assert!(said.contains("--yes"), "{said}");
    dir.succeed(&["rm", "one", "--dry-run"]);
    assert_eq!(files(&dir), before);
    assert_eq!(dir.count("SELECT count(*) FROM trials"), 3);

    let (_, said) = dir.end(&["rm", "one", "--yes"], 0);
    assert!(said.contains("removed sweep one: "), "{said}");
    assert!(!folder_of(&dir, &one[0]).exists());
    assert!(folder_of(&dir, &one[1]).join("model.safetensors").is_file());
    let gone: BTreeSet<String> = before.difference(&files(&dir)).cloned().collect();
    let expected: Vec<String> = (["locks/one.lock", "logs/one"].into_iter())
        .chain(shared_gpu)
        .map(str::to_owned)
        .chain(
            [
                "",
                "/model.json",
                "/model.safetensors",
                "/predictions.safetensors.zst",
            ]
            .map(|file| format!("trials/{}{file}", one[0])),
        )
        .collect();
    assert_eq!(gone, expected.into_iter().collect());
    dir.end(&["show", "one"], 2);
    assert_eq!(trials(&dir, "two"), two);
    // The other sweep can be reported and resumed; the removed one run anew.
    dir.succeed(&["report", "two"]);
    dir.succeed(&["resume", "two", "-q"]);
    dir.succeed(&["run", "one.toml", "-q"]);
    assert_eq!(trials(&dir, "one"), one);
    assert!(folder_of(&dir, &one[0]).join("model.safetensors").is_file());
}

#[test]
fn a_sweep_that_runs_is_not_removed_nor_its_files() {
    let dir = test_dir();
    let trial = trials(&dir, "two")[1].clone();
    dir.write(&format!("runs/trials/{trial}/model.json.partial"), "{");
    let lock = SweepLock::acquire(&dir.path("runs"), "two").unwrap();
    let before = files(&dir);
    let (_, said) = dir.end(&["rm", "two", "--yes"], 4);
    assert!(said.contains("is being run by process"), "{said}");
    let (_, said) = dir.end(&["gc", "--yes"], 0);
    assert!(!said.contains("removed"), "{said}");
    assert_eq!(files(&dir), before);
    let (_, said) = dir.end(&["gc", "--yes", "--vacuum"], 0);
    assert!(!said.contains("removed"), "{said}");
    drop(lock);
    assert_eq!(
        kinds(&dir.json(&["gc", "--yes", "--json"])),
        [("leftover".to_owned(), "model.json.partial".to_owned())]
    );
}

#[test]
fn one_trial_is_removed_and_trained_again_when_asked_for() {
    let dir = test_dir();
    let own = trials(&dir, "one")[0].clone();
    let removed = dir.json(&["rm", "one", "--trial", &own[..8], "--yes", "--json"]);
    assert_eq!(removed["removed"], true);
    assert_eq!(removed["trials"], serde_json::json!([own]));
    assert!(!folder_of(&dir, &own).exists());
    assert_eq!(trials(&dir, "one").len(), 1);
    dir.succeed(&["resume", "one", "-q"]);
    assert_eq!(trials(&dir, "one").len(), 2);
    let (_, said) = dir.end(&["rm", "one", "--trial", "zz", "--yes"], 2);
    assert!(
        said.contains("sweep one has no trial and no configuration `zz`"),
        "{said}"
    );
}

#[test]
fn test_set_evaluations_stay_counted_after_their_sweep_is_removed() {
    let dir = test_dir();
    dir.succeed(&["report", "one", "--test"]);
    let (shown, _) = dir.end(&["rm", "one", "--yes"], 0);
    assert!(
        shown.contains("keeps:   the count of its 1 test-set evaluation"),
        "{shown}"
    );
    let (shown, said) = dir.end(&["report", "two", "--test"], 0);
    let all = format!("{shown}{said}");
    assert_eq!(dir.count("SELECT count(*) FROM evaluations"), 1);
    assert!(all.contains("evaluated 2 times so far"), "{all}");
}

#[test]
fn unused_files_go_and_everything_else_stays() {
    let dir = test_dir();
    let trial = trials(&dir, "one")[0].clone();
    let unknown = "0123456789abcdef".repeat(2);
    let digest = "0123456789abcdef".repeat(4);
    let unused = [
        format!("trials/{unknown}/checkpoint.safetensors"),
        format!("trials/{unknown}/model.safetensors"),
        format!("trials/{trial}/checkpoint.safetensors"),
        format!("trials/{trial}/model.json.77-1.part"),
        format!("data/{digest}.safetensors"),
        format!("data/{digest}.test.safetensors"),
        format!("data/{digest}.preparation.json"),
        format!("data/{digest}.safetensors.77-3.part"),
        "logs/gone/cpu-0.log".to_owned(),
        "logs/gone/cuda-1.log.1".to_owned(),
        "logs/gone/cuda-0.1.log".to_owned(),
        "locks/gone.lock".to_owned(),
    ];
    let others = [
        format!("trials/{unknown}x/model.safetensors"),
        "trials/notes.txt".to_owned(),
        "data/songs.csv".to_owned(),
        "data/README.md".to_owned(),
        "logs/nginx/access.log".to_owned(),
        "logs/gone2/notes".to_owned(),
        "cache/sentence-v1-00.cache".to_owned(),
        "mine/model.safetensors".to_owned(),
    ];
    let clean = files(&dir);
    for name in unused.iter().chain(&others) {
        dir.write(&format!("runs/{name}"), "something");
    }
    let outside = dir.path("precious");
    dir.write("precious/model.safetensors", "mine");
    let link = "fedcba9876543210".repeat(2);
    std::os::unix::fs::symlink(&outside, dir.path("runs/trials").join(&link)).unwrap();
    let before = files(&dir);

    let (shown, _) = dir.end(&["gc", "--dry-run"], 0);
    assert!(shown.contains("prepared data that are not used"), "{shown}");
    for name in &unused {
        assert!(shown.contains(name.as_str()), "{name} is not in {shown}");
    }
    let (_, said) = dir.end(&["gc"], 2);
    assert!(said.contains("--yes"), "{said}");
    assert_eq!(files(&dir), before, "nothing goes unasked");

    let (_, said) = dir.end(&["gc", "--yes"], 0);
    assert!(said.contains("removed 12 files, 108 B"), "{said}");
    let left = files(&dir);
    for name in &unused {
        assert!(!left.contains(name), "{name} is still there");
    }
    assert!(!left.contains(&format!("trials/{unknown}")));
    for name in others.iter().chain(&clean) {
        assert!(left.contains(name), "{name} is gone");
    }
    assert!(outside.join("model.safetensors").is_file());
    assert!(left.contains(&format!("trials/{link}")));
    let (_, said) = dir.end(&["gc", "--yes", "--cache"], 0);
    assert!(said.contains("removed 1 file"), "{said}");
    let (shown, _) = dir.end(&["gc", "--yes"], 0);
    assert!(shown.contains("nothing to remove"), "{shown}");
    dir.succeed(&["report", "one"]);
}

#[test]
fn data_of_a_removed_sweep_go_with_the_unused_files_and_space_is_given_back() {
    let dir = test_dir();
    let (_, said) = dir.end(&["rm", "one", "--yes"], 0);
    assert!(!said.contains("sweep gc"), "{said}");
    let (_, said) = dir.end(&["rm", "two", "--yes"], 0);
    assert!(
        said.contains("prepared data are not used any more"),
        "{said}"
    );
    let found = dir.json(&["gc", "--yes", "--vacuum", "--json"]);
    assert_eq!(kinds(&found).len(), 3, "{found}");
    assert_eq!(
        dir.count("SELECT freelist_count FROM pragma_freelist_count"),
        0
    );
    let left = files(&dir);
    let folders = ["data", "locks", "logs", "trials"].map(str::to_owned);
    assert_eq!(left, folders.into_iter().collect());
    dir.succeed(&["run", "one.toml", "-q"]);
}

#[test]
fn a_folder_with_two_databases_or_none_is_left_as_it_is() {
    let dir = test_dir();
    dir.succeed(&["run", "two.toml", "-q", "--store", "runs/other.sqlite"]);
    let before = files(&dir);
    for arguments in [["gc", "--yes"].as_slice(), &["rm", "one", "--yes"]] {
        let (_, said) = dir.end(arguments, 2);
        assert!(said.contains("other.sqlite is another database"), "{said}");
    }
    dir.end(&["gc", "--yes", "--store", "runs/nothing.sqlite"], 1);
    assert_eq!(files(&dir), before);
    assert!(!dir.path("runs/nothing.sqlite").exists());
}
