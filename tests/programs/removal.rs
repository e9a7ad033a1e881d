//! `sweep rm` and `sweep gc` remove what is a trial's own, and touch nothing of others.

use std::collections::BTreeSet;
use std::path::Path;

use super::{Session, shell, text, trials, wait_for};
use crate::common::TestDir;

/// Leaves a checkpoint, artifacts, a file that nobody asked for, and a link out of the folder.
const SCRIPT: &str = "
echo loss=$SWEEP_PARAM_X
echo state > \"$SWEEP_CHECKPOINT_DIR/last.pt\"
cd \"$SWEEP_TRIAL_DIR\"
mkdir plots
echo model > model.pt
echo plot > plots/x.png
echo other > other.txt
ln -s \"$OUTSIDE\" link
";

/// Sweep `p` over 1 and 2, and `q` over 2 and 3, which have a trial in common.
fn two_sweeps() -> TestDir {
    let mut dir = shell(
        SCRIPT,
        "artifacts = [\"*.pt\", \"plots/*\"]",
        "[grid]\nx = [1, 2]\n",
    );
    let file = std::fs::read_to_string(dir.path("p.toml")).unwrap();
    dir.write("q.toml", file.replace("[1, 2]", "[2, 3]"));
    dir.write("outside/kept.txt", "kept");
    dir.set("OUTSIDE", dir.path("outside"));
    dir.succeed(&["run", "p.toml", "-q"]);
    dir.succeed(&["run", "q.toml", "-q"]);
    assert_eq!(dir.count("SELECT count(*) FROM trials"), 3);
    assert_eq!(dir.count("SELECT count(*) FROM attempts"), 3);
    assert_eq!(dir.count("SELECT count(*) FROM artifacts"), 6);
    dir
}

/// Files and links below the folder of trial `x`, by their paths in it.
fn files(dir: &TestDir, x: u32) -> BTreeSet<String> {
    let name = format!("SELECT trial FROM trial_params WHERE param = 'x' AND value = {x}");
    let name = match dir.count(&format!("SELECT count(*) FROM ({name})")) {
        0 => return BTreeSet::new(),
        _ => dir.text(&name),
    };
    below(&dir.path("runs/trials").join(name))
}

fn below(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().display().to_string());
            }
        }
    }
    found
}

const ALL: [&str; 6] = [
    "checkpoints/last.pt",
    "link",
    "model.pt",
    "other.txt",
    "output.log",
    "plots/x.png",
];

fn is_kept_outside(dir: &TestDir) -> bool {
    std::fs::read(dir.path("outside/kept.txt")).is_ok_and(|text| text == b"kept")
}

#[test]
fn a_removed_sweep_takes_the_folders_of_its_own_trials_with_it_and_no_others() {
    let dir = two_sweeps();
    let all: BTreeSet<String> = ALL.map(str::to_owned).into();
    for x in 1..=3 {
        assert_eq!(files(&dir, x), all);
    }
    let own = dir.text("SELECT trial FROM trial_params WHERE param = 'x' AND value = 1");
    dir.succeed(&["rm", "p", "--dry-run"]);
    assert_eq!(files(&dir, 1), all);
    dir.succeed(&["rm", "p", "--yes"]);
    assert!(!dir.path("runs/trials").join(&own).exists());
    for x in 2..=3 {
        assert_eq!(files(&dir, x), all, "{x}");
    }
    assert!(is_kept_outside(&dir));
    assert_eq!(dir.count("SELECT count(*) FROM artifacts"), 4);
    let third = dir.text("SELECT trial FROM trial_params WHERE param = 'x' AND value = 3");
    dir.succeed(&["rm", "q", "--trial", &third, "--yes"]);
    assert!(!dir.path("runs/trials").join(&third).exists());
    assert_eq!(files(&dir, 2), all);
    assert!(is_kept_outside(&dir));
    // What was removed is trained again when it is asked for.
    dir.succeed(&["run", "q.toml", "-q"]);
    assert_eq!(files(&dir, 3), all);
}

#[test]
fn garbage_collection_removes_checkpoints_of_finished_trials_and_keeps_what_programs_left() {
    let dir = two_sweeps();
    let stray = "runs/trials/00000000000000000000000000000000";
    dir.write(&format!("{stray}/output.log"), "of no trial");
    dir.write(&format!("{stray}/checkpoints/a/b.pt"), "of no trial");
    let dry = dir.succeed(&["gc", "--dry-run"]);
    assert!(dry.contains("checkpoints/last.pt"), "{dry}");
    assert!(dir.path(stray).join("output.log").exists());
    dir.succeed(&["gc", "--yes"]);
    let rest: BTreeSet<String> = ALL[1..].iter().map(|name| (*name).to_owned()).collect();
    for x in 1..=3 {
        assert_eq!(files(&dir, x), rest);
    }
    assert!(below(&dir.path(stray)).is_empty());
    assert!(is_kept_outside(&dir));
    // Nothing that is recorded is missing.
    for trial in trials(&dir) {
        for artifact in trial["artifacts"].as_array().unwrap() {
            let path = dir
                .path(text(&trial, "folder"))
                .join(text(artifact, "path"));
            let bytes = std::fs::metadata(&path).unwrap().len();
            assert_eq!(artifact["bytes"], bytes, "{}", path.display());
        }
        let log = dir.succeed(&["logs", text(&trial, "trial")]);
        assert!(log.starts_with("loss="), "{log}");
    }
}

#[test]
fn checkpoints_of_interrupted_programs_are_no_garbage() {
    let script = "
echo x >> \"$SWEEP_CHECKPOINT_DIR/at\"
echo step=1 loss=1
while [ ! -e go ]; do sleep 0.02; done
echo step=2 loss=$(grep -c x \"$SWEEP_CHECKPOINT_DIR/at\")
";
    let dir = shell(script, "", "");
    let session = Session::start(&dir, &["run", "p.toml"]);
    let reported = "SELECT count(*) FROM metrics";
    wait_for("the program has reported", || dir.count(reported) == 1);
    // While it runs, its files are its own.
    dir.run(&["gc", "--yes"]);
    session.signal(libc::SIGINT);
    assert_eq!(session.end(), Some(130));
    dir.succeed(&["gc", "--yes"]);
    dir.write("go", "");
    dir.succeed(&["resume", "p", "-q"]);
    assert_eq!(dir.text("SELECT CAST(best AS TEXT) FROM trials"), "2.0");
}
