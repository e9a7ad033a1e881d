//! What messages say in situations that a person runs into: what is the case, and what to do.

use std::fs;

use crate::common::{DATABASE, TestDir};

/// Four trials that tie: the rates are so small that no network learns anything, and the data are noise.
const CONSTANT: &str = r#"
[experiment]
name = "constant"
seeds = [1, 2]
[data]
path = "noise.csv"
target = "y"
[model]
epochs = 1
layers = [4]
dropout = 0.0
[grid]
lr = [1e-12, 1e-13]
"#;

const DIVERGING: &str = r#"
[experiment]
name = "diverging"
[data]
path = "noise.csv"
target = "y"
[model]
epochs = 3
layers = [16]
optimizer = "sgd"
[grid]
lr = [1e30, 1e31, 1e32]
"#;

/// 240 rows of two columns and a class of two that hangs on neither.
fn noise(shift: f64) -> String {
    let mut csv = "a,b,y\n".to_owned();
    let mut state: u64 = 12_345;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as f64 / f64::from(1u32 << 31)
    };
    for _ in 0..240 {
        let class = if next() < 0.5 { "lo" } else { "hi" };
        csv.push_str(&format!("{:.4},{:.4},{class}\n", next() + shift, next()));
    }
    csv
}

/// A message without what goes round to the next line is drawn with: spaces, line ends and bars.
fn unwrapped(said: &str) -> String {
    said.chars()
        .filter(|c| !c.is_whitespace() && *c != '│')
        .collect()
}

fn test_dir() -> TestDir {
    let dir = TestDir::empty();
    dir.write("noise.csv", noise(0.0));
    dir.write("constant.toml", CONSTANT);
    dir.write("diverging.toml", DIVERGING);
    dir
}

#[test]
fn configurations_that_tie_share_a_rank_and_best_says_so() {
    let dir = test_dir();
    let (shown, told) = dir.end(&["run", "constant.toml"], 0);
    assert_eq!(shown.matches("1=").count(), 2, "{shown}");
    let tie = "tied with 1 other configuration";
    assert!(told.contains(tie), "{told}");
    let shown = dir.succeed(&["report", "constant"]);
    assert!(shown.contains("No configuration leads: "), "{shown}");
    let listed = dir.json(&["report", "constant", "--json"]);
    assert_eq!(listed[0]["inference"]["verdict"], "tied");
    assert_eq!(listed[0]["configurations"][1]["rank"], 1);
    let csv = fs::read_to_string(dir.path("reports/constant/best.csv")).unwrap();
    let ranks: Vec<&str> = csv
        .lines()
        .skip(1)
        .filter_map(|line| line.split(',').next())
        .collect();
    assert_eq!(ranks, ["1", "1"]);
    let (_, told) = dir.end(&["predict", "best", "noise.csv", "-o", "predicted.csv"], 0);
    assert!(told.contains(tie), "{told}");
    let transfer = CONSTANT.replace("\"constant\"", "\"transfer\"").replace(
        "[grid]\n",
        "[transfer]\nfrom = \"constant:best\"\nfreeze = 1\n[grid]\n",
    );
    dir.write("transfer.toml", transfer);
    let (_, told) = dir.end(&["plan", "transfer.toml"], 0);
    assert!(
        told.contains("constant:best is trial") && told.contains(tie),
        "{told}"
    );
    let matched = dir.json(&["ls", "constant", "--query", "rank=1", "--json"]);
    assert_eq!(matched.as_array().unwrap().len(), 4);
}

#[test]
fn a_run_on_changed_data_says_so_before_it_trains_also_when_it_is_quiet() {
    let dir = test_dir();
    let (_, told) = dir.end(&["run", "constant.toml", "-q"], 0);
    assert!(!told.contains("has changed"), "{told}");
    dir.write("noise.csv", noise(1.0));
    let (_, told) = dir.end(&["run", "constant.toml", "-q"], 0);
    assert!(
        told.starts_with("note: noise.csv has changed since constant was last run: the digest"),
        "{told}"
    );
    assert!(
        told.contains("all trials are trained on the new data"),
        "{told}"
    );
    assert!(dir.succeed(&["ls"]).contains("4/4 (+4 out of plan)"));
    dir.write(
        "constant.toml",
        CONSTANT.replace("[model]", "split.valid = 0.3\n[model]"),
    );
    let (_, told) = dir.end(&["run", "constant.toml"], 0);
    assert!(
        told.contains("what [data] makes of noise.csv has changed"),
        "{told}"
    );
    let (_, told) = dir.end(&["run", "constant.toml"], 0);
    assert!(!told.contains("has changed"), "{told}");
}

#[test]
fn a_sweep_of_which_all_trials_diverged_says_so_and_what_to_try() {
    let dir = test_dir();
    for quiet in [&[][..], &["-q"]] {
        let _ = fs::remove_dir_all(dir.path("runs"));
        let (_, told) = dir.end(&[&["run", "diverging.toml"], quiet].concat(), 0);
        let last = told.lines().last().unwrap();
        assert!(
            last.starts_with("All 3 trials diverged: a loss was not finite"),
            "{told}"
        );
        assert!(last.contains("lower learning rates"), "{told}");
    }
    let shown = dir.succeed(&["report", "diverging"]);
    assert!(shown.contains("All 3 trials diverged"), "{shown}");
    let page = fs::read_to_string(dir.path("reports/diverging/index.html")).unwrap();
    assert!(page.contains("All 3 trials diverged"));
    let trial = dir.text("SELECT name FROM trials LIMIT 1");
    assert!(
        dir.succeed(&["show", &trial]).contains("epoch 1, step"),
        "as the advice says"
    );
}

#[test]
fn a_folder_or_a_copy_without_its_log_is_named_as_what_it_is() {
    let dir = test_dir();
    dir.succeed(&["run", "constant.toml", "-q"]);
    for command in [&["ls"][..], &["run", "constant.toml"]] {
        let said = dir.fail(&[command, &["--store", "runs"]].concat(), 1);
        assert!(
            said.contains("runs is a folder") && said.contains("runs/sweep.sqlite"),
            "{said}"
        );
    }
    // A log that holds a change to everything: the file alone is what it was before.
    let writer = dir.database();
    writer
        .execute_batch("PRAGMA wal_autocheckpoint = 0; BEGIN; DELETE FROM metrics; COMMIT;")
        .unwrap();
    fs::write(
        dir.path("half.sqlite"),
        &fs::read(dir.path(DATABASE)).unwrap()[..8192],
    )
    .unwrap();
    let said = dir.fail(&["--store", "half.sqlite", "ls"], 1);
    assert!(
        said.contains("half.sqlite-wal") && said.contains(".backup"),
        "{said}"
    );
    drop(writer);
    let whole = rusqlite::Connection::open(dir.path("runs/whole.sqlite")).unwrap();
    let mode = |_: &rusqlite::Row<'_>| Ok(());
    whole
        .query_row("PRAGMA journal_mode = WAL", [], mode)
        .unwrap();
    let said = dir.fail(&["--store", "runs/whole.sqlite", "show"], 1);
    assert!(
        said.contains("holds no tables") && said.contains("whole.sqlite-wal"),
        "{said}"
    );
}

#[test]
fn hints_name_the_database_that_was_given() {
    let mut dir = test_dir();
    let (_, told) = dir.end(&["run", "constant.toml"], 0);
    assert!(told.ends_with("next: `sweep report constant`\n"), "{told}");
    let (shown, told) = dir.end(&["run", "constant.toml", "--store", "my runs/b.sqlite"], 0);
    let flags = "--store 'my runs/b.sqlite'";
    assert!(
        told.ends_with(&format!("next: `sweep {flags} report constant`\n")),
        "{told}"
    );
    assert!(
        shown.contains(&format!(
            "`sweep {flags} predict best DATA --experiment constant`"
        )),
        "{shown}"
    );
    let said = dir.fail(&["ls", "other", "--store", "none.sqlite"], 1);
    assert!(
        unwrapped(&said).contains("`sweep--storenone.sqliterun`"),
        "{said}"
    );
    let said = dir.fail(
        &[
            "predict",
            "ffffffff",
            "noise.csv",
            "--store",
            "my runs/b.sqlite",
        ],
        2,
    );
    let command = "`sweep--store'myruns/b.sqlite'lsNAME`";
    assert!(unwrapped(&said).contains(command), "{said}");
    // Also where the message goes round to a second line within the command.
    dir.write("noise.csv", noise(1.0));
    for store in ["b.sqlite", "ab.sqlite", "abc.sqlite", "abcdefgh.sqlite"] {
        let path = format!("runs/{store}");
        fs::copy(dir.path(DATABASE), dir.path(&path)).unwrap();
        let said = dir.fail(&["resume", "constant", "--store", &path], 2);
        let plain = unwrapped(&said);
        let command = format!("`sweep--store{path}resumeconstant--accept-new-data`");
        assert!(plain.contains(&command), "{said}");
        assert_eq!(plain.matches("--store").count(), 1, "{said}");
    }
    // From the environment it holds for the next command too.
    dir.set("SWEEP_STORE", "c.sqlite");
    let (_, told) = dir.end(&["run", "constant.toml"], 0);
    assert!(told.ends_with("next: `sweep report constant`\n"), "{told}");
}

#[test]
fn a_trial_that_was_removed_is_counted_nowhere_and_its_return_is_announced() {
    let dir = test_dir();
    dir.succeed(&["run", "constant.toml", "-q"]);
    let trial = dir.text("SELECT name FROM trials WHERE seed = 2 LIMIT 1");
    let (_, told) = dir.end(&["rm", "constant", "--trial", &trial, "--yes"], 0);
    assert!(
        told.contains("the experiment file still asks for the trial"),
        "{told}"
    );
    let listed = dir.json(&["ls", "--json"]);
    assert_eq!(listed[0]["trials"]["finished"], 3, "{listed}");
    assert!(dir.succeed(&["ls"]).contains("3/3"));
    assert_eq!(
        dir.json(&["ls", "constant", "--json"])
            .as_array()
            .unwrap()
            .len(),
        3
    );
    let (_, told) = dir.end(&["resume", "constant"], 0);
    assert!(
        told.contains("4 trials, 3 already done, 1 to train"),
        "{told}"
    );
    assert!(dir.succeed(&["ls"]).contains("4/4"));
}
