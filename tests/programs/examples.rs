//! The programs of `experiments/programs` that need Python's standard library or a C compiler alone, as their files say.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{curve, show, text};
use crate::common::TestDir;

const FOLDER: &str = "experiments/programs";

/// A folder with copies of files of [`FOLDER`] at their own paths.
fn test_dir(names: &[&str]) -> TestDir {
    let dir = TestDir::empty();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in names {
        let path = format!("{FOLDER}/{name}");
        dir.write(&path, std::fs::read(root.join(&path)).unwrap());
    }
    dir
}

fn all(dir: &TestDir, sweep: &str) -> Vec<serde_json::Value> {
    let listed = dir.json(&["ls", sweep, "--json"]);
    let trials = listed.as_array().unwrap().iter();
    trials
        .map(|trial| show(dir, text(trial, "trial")))
        .collect()
}

#[test]
fn the_script_of_the_standard_library_runs_as_its_file_says() {
    let dir = test_dir(&["quadratic.toml", "quadratic.py"]);
    let file = format!("{FOLDER}/quadratic.toml");
    dir.succeed(&["run", &file, "-q"]);
    let trials = all(&dir, "quadratic");
    assert_eq!(trials.len(), 27);
    for trial in &trials {
        assert_eq!(text(trial, "status"), "finished");
        assert_eq!(curve(trial, "loss").len(), 100);
        // The same command without `sweep` prints the same.
        let params = &trial["params"];
        if params["momentum"] == 0.9 && params["lr"] == 0.3 {
            let seed = trial["seed"].to_string();
            let alone = Command::new("python3")
                .args([
                    &format!("{FOLDER}/quadratic.py"),
                    "--lr",
                    "0.3",
                    "--momentum",
                    "0.9",
                    "--seed",
                    &seed,
                ])
                .current_dir(dir.root())
                .output()
                .unwrap();
            assert_eq!(
                dir.succeed(&["logs", text(trial, "trial")]).as_bytes(),
                alone.stdout
            );
        }
    }
    let report = dir.succeed(&["report", "quadratic"]);
    assert!(report.contains("momentum"), "{report}");
    assert!(dir.path("reports/quadratic").is_dir());
}

#[test]
fn the_program_in_c_runs_as_its_file_says() {
    let dir = test_dir(&["annealing.toml", "annealing.c"]);
    std::fs::create_dir(dir.path("target")).unwrap();
    let build = |level: &str| {
        let source = PathBuf::from(FOLDER).join("annealing.c");
        let mut compiler = Command::new("cc");
        compiler
            .args([level, "-o", "target/annealing"])
            .arg(source)
            .arg("-lm");
        assert!(compiler.current_dir(dir.root()).status().unwrap().success());
    };
    let file = format!("{FOLDER}/annealing.toml");
    // Before it is built, the file that is missing is named.
    let missing = dir.fail(&["run", &file, "-q"], 2);
    assert!(missing.contains("target/annealing"), "{missing}");
    build("-O2");
    dir.succeed(&["run", &file, "-q"]);
    let trials = all(&dir, "annealing");
    assert_eq!(trials.len(), 36);
    for trial in &trials {
        assert_eq!(text(trial, "status"), "finished");
        let best = curve(trial, "best");
        assert_eq!(trial["best"], best.last().unwrap().1);
        assert_eq!(best.last().unwrap().0, 2000);
        assert_eq!(curve(trial, "tour").len(), best.len());
    }
    let configs: BTreeSet<&str> = trials.iter().map(|trial| text(trial, "config")).collect();
    assert_eq!(configs.len(), 12);
    // Built otherwise, it is another program.
    build("-O0");
    let (_, told) = dir.end(&["plan", &file], 0);
    assert!(told.contains("target/annealing was edited"), "{told}");
}
