//! The real binary removing sweeps, trials and litter: what goes, what stays, and that nothing goes
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
    let bench = TestDir::with_data(600);
    bench.write(
        "one.toml",
        format!("{EXPERIMENT}\n[grid]\nlr = [0.01, 0.02]\n"),
    );
    bench.write(
        "two.toml",
        format!("{EXPERIMENT}\n[grid]\nlr = [0.02, 0.03]\n"),
    );
    for file in ["one.toml", "two.toml"] {
        bench.succeed(&["run", file, "-q", "--workers", "1"]);
    }
    bench
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
fn a_sweep_is_removed_with_all_that_nobody_else_asks_for() {
    let bench = test_dir();
    let (one, two) = (trials(&bench, "one"), trials(&bench, "two"));
    assert_eq!((one.len(), two.len()), (2, 2));
    assert_eq!(one[1], two[0], "the two share a trial");
    // As workers that share a GPU leave them.
    let shared_gpu = ["logs/one/cuda-0.1.log", "logs/one/cuda-0.1.log.1"];
    for log in shared_gpu {
        bench.write(&format!("runs/{log}"), "a line\n");
    }
    let before = files(&bench);

    let (shown, said) = bench.end(&["rm", "one"], 2);
    assert!(shown.contains("removes: sweep one, 1 trial"), "{shown}");
    assert!(
        shown.contains("keeps:   1 trial, in the plan of other sweeps as well"),
        "{shown}"
    );
    assert!(said.contains("--yes"), "{said}");
    bench.succeed(&["rm", "one", "--dry-run"]);
    assert_eq!(files(&bench), before);
    assert_eq!(bench.count("SELECT count(*) FROM trials"), 3);

    let (_, said) = bench.end(&["rm", "one", "--yes"], 0);
    assert!(said.contains("removed sweep one: "), "{said}");
    assert!(!folder_of(&bench, &one[0]).exists());
    assert!(
        folder_of(&bench, &one[1])
            .join("model.safetensors")
            .is_file()
    );
    let gone: BTreeSet<String> = before.difference(&files(&bench)).cloned().collect();
    let expected: Vec<String> = (["locks/one.lock", "logs/one"].into_iter())
        .chain(shared_gpu)
        .map(str::to_owned)
        .chain(
            ["", "/model.json", "/model.safetensors"]
                .map(|file| format!("trials/{}{file}", one[0])),
        )
        .collect();
    assert_eq!(gone, expected.into_iter().collect());
    bench.end(&["show", "one"], 2);
    assert_eq!(trials(&bench, "two"), two);
    // The other sweep can be reported and gone on with; the removed one run anew.
    bench.succeed(&["report", "two"]);
    bench.succeed(&["resume", "two", "-q"]);
    bench.succeed(&["run", "one.toml", "-q"]);
    assert_eq!(trials(&bench, "one"), one);
    assert!(
        folder_of(&bench, &one[0])
            .join("model.safetensors")
            .is_file()
    );
}

#[test]
fn a_sweep_that_runs_is_not_removed_nor_its_files() {
    let bench = test_dir();
    let trial = trials(&bench, "two")[1].clone();
    bench.write(&format!("runs/trials/{trial}/model.json.partial"), "{");
    let lock = SweepLock::acquire(&bench.path("runs"), "two").unwrap();
    let before = files(&bench);
    let (_, said) = bench.end(&["rm", "two", "--yes"], 4);
    assert!(said.contains("is being run by process"), "{said}");
    let (_, said) = bench.end(&["gc", "--yes"], 0);
    assert!(!said.contains("removed"), "{said}");
    assert_eq!(files(&bench), before);
    let (_, said) = bench.end(&["gc", "--yes", "--vacuum"], 0);
    assert!(!said.contains("removed"), "{said}");
    drop(lock);
    assert_eq!(
        kinds(&bench.json(&["gc", "--yes", "--json"])),
        [("leftover".to_owned(), "model.json.partial".to_owned())]
    );
}

#[test]
fn one_trial_is_removed_and_trained_again_when_asked_for() {
    let bench = test_dir();
    let own = trials(&bench, "one")[0].clone();
    let removed = bench.json(&["rm", "one", "--trial", &own[..8], "--yes", "--json"]);
    assert_eq!(removed["removed"], true);
    assert_eq!(removed["trials"], serde_json::json!([own]));
    assert!(!folder_of(&bench, &own).exists());
    assert_eq!(trials(&bench, "one").len(), 1);
    bench.succeed(&["resume", "one", "-q"]);
    assert_eq!(trials(&bench, "one").len(), 2);
    let (_, said) = bench.end(&["rm", "one", "--trial", "zz", "--yes"], 2);
    assert!(
        said.contains("sweep one has no trial and no configuration `zz`"),
        "{said}"
    );
}

#[test]
fn test_set_evaluations_stay_counted_after_their_sweep_is_removed() {
    let bench = test_dir();
    bench.succeed(&["report", "one", "--test"]);
    let (shown, _) = bench.end(&["rm", "one", "--yes"], 0);
    assert!(
        shown.contains("keeps:   the count of its 1 test-set evaluation"),
        "{shown}"
    );
    let (shown, said) = bench.end(&["report", "two", "--test"], 0);
    let all = format!("{shown}{said}");
    assert_eq!(bench.count("SELECT count(*) FROM evaluations"), 1);
    assert!(all.contains("evaluated 2 times so far"), "{all}");
}

#[test]
fn litter_goes_and_everything_else_stays() {
    let bench = test_dir();
    let trial = trials(&bench, "one")[0].clone();
    let unknown = "0123456789abcdef".repeat(2);
    let digest = "0123456789abcdef".repeat(4);
    let litter = [
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
    let clean = files(&bench);
    for name in litter.iter().chain(&others) {
        bench.write(&format!("runs/{name}"), "something");
    }
    let outside = bench.path("precious");
    bench.write("precious/model.safetensors", "mine");
    let link = "fedcba9876543210".repeat(2);
    std::os::unix::fs::symlink(&outside, bench.path("runs/trials").join(&link)).unwrap();
    let before = files(&bench);

    let (shown, _) = bench.end(&["gc", "--dry-run"], 0);
    assert!(shown.contains("prepared data that are not used"), "{shown}");
    for name in &litter {
        assert!(shown.contains(name.as_str()), "{name} is not in {shown}");
    }
    let (_, said) = bench.end(&["gc"], 2);
    assert!(said.contains("--yes"), "{said}");
    assert_eq!(files(&bench), before, "nothing goes unasked");

    let (_, said) = bench.end(&["gc", "--yes"], 0);
    assert!(said.contains("removed 12 files, 108 B"), "{said}");
    let left = files(&bench);
    for name in &litter {
        assert!(!left.contains(name), "{name} is still there");
    }
    assert!(!left.contains(&format!("trials/{unknown}")));
    for name in others.iter().chain(&clean) {
        assert!(left.contains(name), "{name} is gone");
    }
    assert!(outside.join("model.safetensors").is_file());
    assert!(left.contains(&format!("trials/{link}")));
    let (_, said) = bench.end(&["gc", "--yes", "--cache"], 0);
    assert!(said.contains("removed 1 file"), "{said}");
    let (shown, _) = bench.end(&["gc", "--yes"], 0);
    assert!(shown.contains("nothing to remove"), "{shown}");
    bench.succeed(&["report", "one"]);
}

#[test]
fn data_of_a_removed_sweep_go_with_the_litter_and_space_is_given_back() {
    let bench = test_dir();
    let (_, said) = bench.end(&["rm", "one", "--yes"], 0);
    assert!(!said.contains("sweep gc"), "{said}");
    let (_, said) = bench.end(&["rm", "two", "--yes"], 0);
    assert!(
        said.contains("prepared data are not used any more"),
        "{said}"
    );
    let found = bench.json(&["gc", "--yes", "--vacuum", "--json"]);
    assert_eq!(kinds(&found).len(), 3, "{found}");
    assert_eq!(
        bench.count("SELECT freelist_count FROM pragma_freelist_count"),
        0
    );
    let left = files(&bench);
    let folders = ["data", "locks", "logs", "trials"].map(str::to_owned);
    assert_eq!(left, folders.into_iter().collect());
    bench.succeed(&["run", "one.toml", "-q"]);
}

#[test]
fn a_folder_with_two_databases_or_none_is_left_as_it_is() {
    let bench = test_dir();
    bench.succeed(&["run", "two.toml", "-q", "--store", "runs/other.sqlite"]);
    let before = files(&bench);
    for arguments in [["gc", "--yes"].as_slice(), &["rm", "one", "--yes"]] {
        let (_, said) = bench.end(arguments, 2);
        assert!(said.contains("other.sqlite is another database"), "{said}");
    }
    bench.end(&["gc", "--yes", "--store", "runs/nothing.sqlite"], 1);
    assert_eq!(files(&bench), before);
    assert!(!bench.path("runs/nothing.sqlite").exists());
}
