//! Searches over programs: trials pause at rungs by SIGTERM, continue from their checkpoints, and the same file gives the
//! same jobs under any number of workers.

use super::{curve, python, text, trials};
use crate::common::{TestDir, results};

/// A chain of numbers from `k`, so that a step that is lost or done twice shows in all that follow. Each step takes some
/// milliseconds by chance. A paused program hears SIGTERM and says so.
const CHAIN: &str = r#"
import json, os, random, signal, sys, time
params = json.load(open(os.environ["SWEEP_PARAMS"]))
def say(word):
    with open("said", "a") as file:
        file.write(word + "\n")
def asked(number, frame):
    say("asked " + os.environ["SWEEP_TRIAL"])
    sys.exit(0)
signal.signal(signal.SIGTERM, asked)
say(f"begins {os.environ['SWEEP_TRIAL']} {os.environ.get('SWEEP_RESUME_STEP')}")
path = os.environ["SWEEP_CHECKPOINT_DIR"] + "/last.json"
step, x = 0, params["k"] + 1
if os.path.exists(path):
    step, x = json.load(open(path))
while step < params["steps"]:
    time.sleep(random.uniform(0.001, 0.03))
    step, x = step + 1, (x * 31 + 7) % 1009
    with open(path + ".part", "w") as file:
        json.dump([step, x], file)
    os.rename(path + ".part", path)
    print(f"step={step} loss={abs(params['lr'] - 0.3) + x / 1009 / step}", flush=True)
"#;

fn test_dir() -> TestDir {
    python(
        CHAIN,
        "steps = \"steps\"\nsettings = { steps = 9 }",
        "[search]
method = \"asha\"
width = 4
budget = { trainings = 5 }
rungs = [1, 3]

[search.space]
k = { int = [0, 1000] }
lr = { lin = [0.0, 1.0] }
",
    )
}

/// Every decision with its result, a line each.
fn history(dir: &TestDir) -> Vec<String> {
    let connection = dir.database();
    let mut query = connection
        .prepare(
            "SELECT number || ' ' || trial || ' ' || from_step || '-' || to_step || ' ' || reason || ' ' || decision
                    || ' ' || coalesce(result, 'no result')
             FROM search_jobs ORDER BY search, number",
        )
        .unwrap();
    let lines = query.query_map([], |row| row.get(0)).unwrap();
    lines.collect::<Result<_, _>>().unwrap()
}

/// All results of trials that were not paused for good, which may have come a step further than their rung.
fn outcome(dir: &TestDir) -> Vec<String> {
    let all = results(dir).into_iter();
    all.filter(|line| !line.contains(" sweep/") && line.contains(" finished "))
        .collect()
}

#[test]
fn the_same_search_over_a_program_comes_of_one_worker_and_of_four() {
    let run = |workers: &str| {
        let dir = test_dir();
        dir.succeed(&["run", "p.toml", "-q", "--workers", workers]);
        (history(&dir), outcome(&dir))
    };
    let (history, outcome) = run("1");
    assert!(history.len() > 10, "{history:#?}");
    assert!(!outcome.is_empty());
    let other = run("4");
    assert_eq!(other.0, history);
    assert_eq!(other.1, outcome);
}

#[test]
fn a_trial_pauses_at_a_rung_by_sigterm_and_continues_as_if_it_never_had() {
    let dir = test_dir();
    dir.succeed(&["run", "p.toml", "-q", "--workers", "2"]);
    let said = std::fs::read_to_string(dir.path("said")).unwrap();
    let paused = dir.count("SELECT count(*) FROM trials WHERE status = 'pruned'");
    assert!(paused >= 3);
    let mut continued = 0;
    for trial in trials(&dir) {
        let name = text(&trial, "trial");
        let k = trial["params"]["k"].as_u64().unwrap();
        let lr = trial["params"]["lr"].as_f64().unwrap();
        let mut x = k + 1;
        let mut expected = Vec::new();
        for step in 1..=9 {
            x = (x * 31 + 7) % 1009;
            expected.push((step, (lr - 0.3).abs() + x as f64 / 1009.0 / step as f64));
        }
        let curve = curve(&trial, "loss");
        assert_eq!(curve, expected[..curve.len()], "{trial:#}");
        let begins = said.matches(&format!("begins {name}")).count();
        let resumes = said.matches(&format!("begins {name} ")).count()
            - said.matches(&format!("begins {name} None")).count();
        assert_eq!(resumes, begins - 1, "{said}");
        match text(&trial, "status") {
            "finished" => {
                assert_eq!(curve.len(), 9);
                continued += usize::from(begins == 3);
            }
            "pruned" => {
                let rung = trial["steps"].as_u64().unwrap();
                assert!([1, 3].contains(&rung), "{trial:#}");
                assert!(said.contains(&format!("asked {name}")), "{said}");
            }
            other => panic!("{other}: {trial:#}"),
        }
    }
    assert!(continued >= 1, "{said}");
}

#[test]
fn a_program_that_ends_before_it_hears_that_it_is_to_pause_changes_no_decision() {
    // All steps come at once, so that it is by chance whether it is stopped or has ended; it keeps no checkpoints.
    let script = r#"
import json, os, random, time
params = json.load(open(os.environ["SWEEP_PARAMS"]))
for step in range(1, 10):
    print(f"step={step} loss={params['lr'] / step}", flush=True)
    time.sleep(random.choice([0, 0, 0, 0, 0.01]))
with open(os.environ["SWEEP_TRIAL_DIR"] + "/model", "w") as file:
    file.write("whole")
"#;
    let run = |workers: &str| {
        let dir = test_dir();
        dir.write("train.py", script);
        let file = std::fs::read_to_string(dir.path("p.toml")).unwrap();
        dir.write(
            "p.toml",
            file.replace(
                "steps = \"steps\"",
                "steps = \"steps\"\nartifacts = [\"model\"]",
            ),
        );
        dir.succeed(&["run", "p.toml", "-q", "--workers", workers]);
        let full = "SELECT count(DISTINCT trial) FROM search_jobs WHERE to_step = 9";
        let whole = "SELECT count(DISTINCT j.trial) FROM search_jobs j JOIN trials t ON t.name = j.trial
                     JOIN artifacts a ON a.trial = t.id WHERE j.to_step = 9 AND t.status = 'finished'";
        assert!(dir.count(full) > 0);
        assert_eq!(
            dir.count(whole),
            dir.count(full),
            "what came to the last step is whole"
        );
        history(&dir)
    };
    let history = run("1");
    for workers in ["1", "2", "4"] {
        assert_eq!(run(workers), history, "{workers}");
    }
}
