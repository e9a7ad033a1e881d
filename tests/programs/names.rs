//! A trial is named by what it is made of: an edited program makes new trials, and the old ones are kept.

use std::time::{Duration, SystemTime};

use super::{curve, python, shell, text, trial};
use crate::common::TestDir;

fn count(dir: &TestDir, query: &str) -> i64 {
    dir.count(query)
}

/// What a command printed and what it told beside.
fn said((printed, told): (String, String)) -> String {
    printed + &told
}

const TRIALS: &str = "SELECT count(*) FROM trials";
const ATTEMPTS: &str = "SELECT count(*) FROM attempts";
const IN_PLAN: &str = "SELECT count(*) FROM experiment_trials WHERE in_plan = 1";

#[test]
fn a_touched_script_makes_nothing_new_and_an_edited_one_does() {
    let dir = shell(
        "echo loss=$SWEEP_PARAM_X\n",
        "",
        "[grid]\nx = [0.5, 0.25]\n",
    );
    dir.succeed(&["run", "p.toml", "-q"]);
    assert_eq!((count(&dir, TRIALS), count(&dir, ATTEMPTS)), (2, 2));
    let script = std::fs::File::options()
        .write(true)
        .open(dir.path("train.sh"))
        .unwrap();
    script
        .set_modified(SystemTime::now() + Duration::from_secs(100))
        .unwrap();
    let plan = dir.json(&["plan", "p.toml", "--json"]);
    assert_eq!(plan["counts"]["to_train"], 0, "{plan:#}");
    for command in [&["run", "p.toml", "-q"][..], &["resume", "p", "-q"]] {
        dir.succeed(command);
        assert_eq!((count(&dir, TRIALS), count(&dir, ATTEMPTS)), (2, 2));
    }
    let before = dir.text(
        "SELECT group_concat(name || ' ' || best) FROM (SELECT name, best FROM trials ORDER BY id)",
    );

    dir.write("train.sh", "echo loss=1$SWEEP_PARAM_X # edited\n");
    let plan = said(dir.end(&["plan", "p.toml"], 0));
    assert!(plan.contains("train.sh was edited"), "{plan}");
    dir.succeed(&["run", "p.toml", "-q"]);
    assert_eq!(
        (
            count(&dir, TRIALS),
            count(&dir, ATTEMPTS),
            count(&dir, IN_PLAN)
        ),
        (4, 4, 2)
    );
    let after = dir.text(
        "SELECT group_concat(name || ' ' || best) FROM (SELECT name, best FROM trials ORDER BY id LIMIT 2)",
    );
    assert_eq!(after, before, "the old results are kept");
    let best = "SELECT group_concat(best) FROM (SELECT best FROM trials t JOIN experiment_trials x ON x.trial = t.id
                WHERE in_plan = 1 ORDER BY best)";
    assert_eq!(dir.text(best), "10.25,10.5");

    // The old text is the old trials.
    dir.write("train.sh", "echo loss=$SWEEP_PARAM_X\n");
    dir.succeed(&["run", "p.toml", "-q"]);
    assert_eq!(
        (
            count(&dir, TRIALS),
            count(&dir, ATTEMPTS),
            count(&dir, IN_PLAN)
        ),
        (4, 4, 2)
    );
    assert_eq!(dir.text(best), "0.25,0.5");
}

#[test]
fn plan_and_resume_say_which_input_was_edited_is_new_or_is_gone() {
    let program = "inputs = [\"train.py\", \"lib/**/*.py\", \"data/*\"]";
    let script =
        "import sys; sys.path.insert(0, '.'); from lib import a; print(f'loss={a.LOSS}')\n";
    let dir = python(script, program, "");
    dir.write("lib/a.py", "LOSS = 1\n");
    dir.write("lib/deep/b.py", "");
    dir.write("data/one.csv", "1");
    dir.succeed(&["run", "p.toml", "-q"]);
    assert_eq!(text(&trial(&dir), "status"), "finished");
    let unchanged = said(dir.end(&["plan", "p.toml"], 0));
    for word in ["edited", "is new", "is gone"] {
        assert!(!unchanged.contains(word), "{unchanged}");
    }
    dir.write("lib/a.py", "LOSS = 2\n");
    dir.write("data/two.csv", "2");
    std::fs::remove_file(dir.path("lib/deep/b.py")).unwrap();
    let plan = said(dir.end(&["plan", "p.toml"], 0));
    for change in [
        "lib/a.py was edited",
        "data/two.csv is new",
        "lib/deep/b.py is gone",
    ] {
        assert!(plan.contains(change), "{change}\n{plan}");
    }
    let told = dir.fail(&["resume", "p"], 2).replace("\n  │ ", " ");
    for change in [
        "lib/a.py was edited",
        "data/two.csv is new",
        "lib/deep/b.py is gone",
    ] {
        assert!(told.contains(change), "{change}\n{told}");
    }
    assert_eq!(count(&dir, TRIALS), 1);
    dir.succeed(&["resume", "p", "--accept-new-data", "-q"]);
    assert_eq!(count(&dir, TRIALS), 2);
    let newest = "SELECT CAST(best AS TEXT) FROM trials ORDER BY id DESC LIMIT 1";
    assert_eq!(dir.text(newest), "2.0");
}

#[test]
fn variables_that_trials_depend_on_are_part_of_their_names_and_others_are_not() {
    let dir = shell(
        "echo loss=${SCALE:-7}\n",
        "depends_on_env = [\"SCALE\"]",
        "",
    );
    let with = |scale: Option<&str>, arguments: &[&str]| -> (String, String) {
        let mut command = dir.command(arguments);
        command
            .env_remove("SCALE")
            .env("OTHER", format!("{scale:?}"));
        if let Some(scale) = scale {
            command.env("SCALE", scale);
        }
        crate::common::ended(command.output().unwrap(), arguments, 0)
    };
    with(None, &["run", "p.toml", "-q"]);
    with(None, &["run", "p.toml", "-q"]);
    assert_eq!((count(&dir, TRIALS), count(&dir, ATTEMPTS)), (1, 1));
    let plan = said(with(Some("3"), &["plan", "p.toml"]));
    assert!(plan.contains("SCALE was \"\" and is \"3\""), "{plan}");
    with(Some("3"), &["run", "p.toml", "-q"]);
    with(Some(""), &["run", "p.toml", "-q"]);
    assert_eq!((count(&dir, TRIALS), count(&dir, ATTEMPTS)), (3, 3));
    let all = "SELECT group_concat(best) FROM (SELECT best FROM trials ORDER BY id)";
    // A variable that is empty is another than one that is not set, to the name; the shell takes both for the same.
    assert_eq!(dir.text(all), "7.0,3.0,7.0");
    with(None, &["run", "p.toml", "-q"]);
    assert_eq!(count(&dir, ATTEMPTS), 3);
}

#[test]
fn what_does_not_change_a_result_changes_no_name() {
    let dir = shell("echo loss=1\n", "", "");
    dir.succeed(&["run", "p.toml", "-q"]);
    let text = std::fs::read_to_string(dir.path("p.toml")).unwrap();
    let program =
        "timeout = \"1h\"\ngrace = \"1s\"\nartifacts = [\"*.pt\"]\nresources = { cpus = 1 }\n";
    dir.write(
        "p.toml",
        text.replace("objective", &format!("{program}objective")),
    );
    dir.succeed(&["run", "p.toml", "-q"]);
    assert_eq!(count(&dir, TRIALS), 1);
    // The command does.
    let changed = text.replace("\"train.sh\"]", "\"train.sh\", \"-x\"]");
    dir.write("p.toml", changed);
    dir.succeed(&["run", "p.toml", "-q"]);
    assert_eq!(count(&dir, TRIALS), 2);
}

#[test]
fn the_name_of_an_edited_configuration_file_is_new_and_that_of_its_copy_is_not_an_input() {
    let dir = shell(
        "echo loss=$(cat \"$1\" | tr -dc 0-9)\n",
        "config = { file = \"c.json\", keys = { x = \"x\" } }\nsettings = { x = 5 }",
        "",
    );
    dir.write("c.json", "{\"x\": 1}");
    let text = std::fs::read_to_string(dir.path("p.toml")).unwrap();
    dir.write(
        "p.toml",
        text.replace("\"train.sh\"]", "\"train.sh\", \"{config}\"]"),
    );
    dir.succeed(&["run", "p.toml", "-q"]);
    dir.succeed(&["run", "p.toml", "-q"]);
    assert_eq!(curve(&trial(&dir), "loss"), [(1, 5.0)]);
    assert_eq!((count(&dir, TRIALS), count(&dir, ATTEMPTS)), (1, 1));
    dir.write("c.json", "{\"x\": 1, \"y\": 3}");
    dir.succeed(&["run", "p.toml", "-q"]);
    assert_eq!((count(&dir, TRIALS), count(&dir, ATTEMPTS)), (2, 2));
}
