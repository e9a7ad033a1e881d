//! Interrupted programs: they are asked to end, keep their checkpoints, and continue where they were.

use std::time::{Duration, Instant};

use super::{Session, curve, last_attempt, none_left, python, text, trial, trials, wait_for};
use crate::common::{TestDir, results};

/// A chain of numbers, each made from the one before, with a checkpoint of every second step. `train.py` waits after step 4
/// until there is a file `go`. What it was told and what it heard goes to `said`.
const CHAIN: &str = r#"
import json, os, signal, sys, time
folder = os.environ["SWEEP_CHECKPOINT_DIR"]
def say(word):
    with open("said", "a") as file:
        file.write(f"{word} {os.environ['SWEEP_SEED']}\n")
def asked(number, frame):
    say("asked")
    sys.exit(0)
signal.signal(signal.SIGTERM, asked)
say(f"resumes {os.environ.get('SWEEP_RESUME_STEP')}")
step, x = 0, int(os.environ["SWEEP_SEED"])
path = os.path.join(folder, "last.json")
if os.path.exists(path):
    step, x = json.load(open(path))
    say(f"checkpoint {step}")
while step < 9:
    step, x = step + 1, (x * 31 + 7) % 1009
    if step % 2 == 0:
        with open(path + ".part", "w") as file:
            json.dump([step, x], file)
        os.rename(path + ".part", path)
    print(f"step={step} loss={x / 1009} x={x}", flush=True)
    while step == 5 and not os.path.exists("go"):
        time.sleep(0.02)
"#;

const TWO_SEEDS: &str = "[experiment]\nseeds = [1, 2]\n\n[schedule]\nslots = { cpu = 2 }\n";

fn lines(dir: &TestDir, name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(dir.path(name)).unwrap_or_default();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// Waits until `count` values of step `step` are recorded.
fn wait_for_step(dir: &TestDir, step: u32, count: i64) {
    let query = format!("SELECT count(*) FROM metric_rows WHERE metric = 'loss' AND step = {step}");
    wait_for("the step is recorded", || dir.count(&query) == count);
}

/// All results but for the use of the machine.
fn outcome(dir: &TestDir) -> Vec<String> {
    let all = results(dir).into_iter();
    all.filter(|line| !line.contains(" sweep/")).collect()
}

#[test]
fn an_interrupted_program_continues_from_its_checkpoint_with_the_curve_of_one_left_alone() {
    let alone = python(CHAIN, "", TWO_SEEDS);
    alone.write("go", "");
    alone.succeed(&["run", "p.toml", "-q"]);
    assert_eq!(lines(&alone, "said"), ["resumes None 1", "resumes None 2"]);

    for signal in [libc::SIGINT, libc::SIGTERM] {
        let dir = python(CHAIN, "", TWO_SEEDS);
        let session = Session::start(&dir, &["run", "p.toml"]);
        wait_for_step(&dir, 5, 2);
        session.signal(signal);
        assert_eq!(session.end(), Some(130));
        none_left(&dir);
        assert_eq!(
            lines(&dir, "said"),
            ["asked 1", "asked 2", "resumes None 1", "resumes None 2"]
        );
        for trial in trials(&dir) {
            assert_eq!(text(&trial, "status"), "interrupted");
            assert_eq!(text(last_attempt(&trial), "outcome"), "interrupted");
            let checkpoint = dir
                .path(text(&trial, "folder"))
                .join("checkpoints/last.json");
            assert!(checkpoint.exists(), "the checkpoint survived");
        }
        std::fs::remove_file(dir.path("said")).unwrap();
        dir.write("go", "");
        dir.succeed(&["resume", "p", "-q"]);
        let expected = [
            "checkpoint 4 1",
            "checkpoint 4 2",
            "resumes 5 1",
            "resumes 5 2",
        ];
        assert_eq!(lines(&dir, "said"), expected);
        assert_eq!(outcome(&dir), outcome(&alone));
        for trial in trials(&dir) {
            let curve = curve(&trial, "loss");
            assert_eq!(
                curve.iter().map(|(step, _)| *step).collect::<Vec<_>>(),
                (1..=9).collect::<Vec<_>>()
            );
        }
    }
}

#[test]
fn the_step_after_which_a_program_resumed_is_in_the_database_and_shown() {
    let dir = python(CHAIN, "", "");
    let session = Session::start(&dir, &["run", "p.toml"]);
    wait_for_step(&dir, 5, 1);
    session.signal(libc::SIGINT);
    assert_eq!(session.end(), Some(130));
    dir.write("go", "");
    dir.succeed(&["resume", "p", "-q"]);
    let query = "SELECT group_concat(ifnull(resumed_from, 'anew'), ' ') FROM (SELECT resumed_from FROM attempts ORDER BY session)";
    // Steps up to 5 were recorded, and the checkpoint is of step 4.
    assert_eq!(dir.text(query), "anew 4");
    let trial = trial(&dir);
    let from = |attempt: usize| &trial["attempts"][attempt]["resumed_from"];
    assert_eq!((from(0), from(1)), (&serde_json::Value::Null, &4.into()));
    let shown = dir.succeed(&["show", text(&trial, "trial")]);
    let row = |attempt: &str| {
        let line = shown
            .lines()
            .find(|line| line.trim_start().starts_with(attempt));
        line.unwrap_or_else(|| panic!("{attempt}: {shown}"))
            .to_owned()
    };
    assert!(shown.contains("From step"), "{shown}");
    assert!(row("1.1 ").contains(" –   interrupted"), "{shown}");
    assert!(row("2.1 ").contains(" 5   finished"), "{shown}");
}

#[test]
fn a_program_without_checkpoints_begins_anew_and_its_curve_with_it() {
    // The first run comes further than the second, and its values are others.
    let script = r#"
import os, time
again = os.path.exists("begun")
open("begun", "w").close()
assert "SWEEP_RESUME_STEP" not in os.environ
for step in range(1, 4 if again else 8):
    print(f"step={step} loss={step + (0 if again else 100)}" + ("" if again else " early=1"), flush=True)
while not again:
    time.sleep(0.02)
"#;
    let dir = python(script, "", "");
    let session = Session::start(&dir, &["run", "p.toml"]);
    wait_for_step(&dir, 7, 1);
    session.signal(libc::SIGINT);
    assert_eq!(session.end(), Some(130));
    let before = trial(&dir);
    assert_eq!(curve(&before, "loss").len(), 7);
    assert!(
        !dir.path(text(&before, "folder"))
            .join("checkpoints")
            .exists()
    );
    dir.succeed(&["resume", "p", "-q"]);
    let after = trial(&dir);
    assert_eq!(curve(&after, "loss"), [(1, 1.0), (2, 2.0), (3, 3.0)]);
    assert!(after["curves"]["early"].is_null(), "{after:#}");
    assert_eq!((&after["best"], &after["steps"]), (&3.0.into(), &3.into()));
    assert!(last_attempt(&after)["resumed_from"].is_null());
}

#[test]
fn a_followed_file_of_an_earlier_attempt_is_not_taken_for_the_present_one() {
    // Each attempt appends to the same file; the second one is shorter.
    let script = r#"
import os, time
again = os.path.exists("begun")
open("begun", "w").close()
with open(os.environ["SWEEP_TRIAL_DIR"] + "/log", "a") as log:
    for step in range(1, 3 if again else 6):
        log.write(f"step={step} loss={step + (0 if again else 100)}\n")
        log.flush()
    while not again:
        time.sleep(0.02)
"#;
    let dir = python(script, "metrics = { file = \"{trial_dir}/log\" }", "");
    let session = Session::start(&dir, &["run", "p.toml"]);
    wait_for_step(&dir, 5, 1);
    session.signal(libc::SIGINT);
    assert_eq!(session.end(), Some(130));
    dir.succeed(&["resume", "p", "-q"]);
    assert_eq!(curve(&trial(&dir), "loss"), [(1, 1.0), (2, 2.0)]);
}

/// Writes event files of TensorBoard: `write(file, step, tag, value)`.
const EVENT_WRITER: &str = r#"
import struct
def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
def write(file, step, tag, value):
    scalar = b"\x0a" + bytes([len(tag)]) + tag + b"\x15" + struct.pack("<f", value)
    summary = b"\x0a" + bytes([len(scalar)]) + scalar
    event = b"\x09" + struct.pack("<d", step) + b"\x10" + bytes([step]) + b"\x2a" + bytes([len(summary)]) + summary
    length = struct.pack("<Q", len(event))
    file.write(length + crc32c(length) + event + crc32c(event))
    file.flush()
"#;

#[test]
fn event_files_of_an_earlier_attempt_are_not_taken_for_the_present_ones() {
    // Each attempt has a file of its own, as TensorBoard's writers do; the second one is shorter.
    let script = format!(
        r#"{EVENT_WRITER}
import os, time
again = os.path.exists("begun")
open("begun", "w").close()
folder = os.environ["SWEEP_TRIAL_DIR"] + "/logs"
os.makedirs(folder, exist_ok=True)
with open(f"{{folder}}/events.out.tfevents.{{time.time()}}", "wb") as file:
    for step in range(1, 3 if again else 6):
        write(file, step, b"loss", step + (0 if again else 100))
while not again:
    time.sleep(0.02)
"#
    );
    let dir = python(
        &script,
        "metrics = { tensorboard = \"{trial_dir}/logs\" }",
        "",
    );
    let session = Session::start(&dir, &["run", "p.toml"]);
    wait_for_step(&dir, 5, 1);
    session.signal(libc::SIGINT);
    assert_eq!(session.end(), Some(130));
    dir.succeed(&["resume", "p", "-q"]);
    assert_eq!(curve(&trial(&dir), "loss"), [(1, 1.0), (2, 2.0)]);
}

#[test]
fn the_best_value_before_an_interrupt_counts_after_it() {
    let script = r#"
import os, time
folder = os.environ["SWEEP_CHECKPOINT_DIR"] + "/at"
first = int(os.environ.get("SWEEP_RESUME_STEP", 0)) + 1
open(folder, "w").close()
for step in range(first, 7):
    print(f"step={step} loss={abs(step - 2) + 1}", flush=True)
    while step == 4 and not os.path.exists("go"):
        time.sleep(0.02)
"#;
    let dir = python(script, "", "");
    let file = std::fs::read_to_string(dir.path("p.toml")).unwrap();
    dir.write(
        "p.toml",
        file.replace("\"min\"", "\"min\", value = \"best\""),
    );
    let session = Session::start(&dir, &["run", "p.toml"]);
    wait_for_step(&dir, 4, 1);
    session.signal(libc::SIGINT);
    assert_eq!(session.end(), Some(130));
    dir.write("go", "");
    dir.succeed(&["resume", "p", "-q"]);
    let trial = trial(&dir);
    assert_eq!(
        (&trial["best"], &trial["best_step"], &trial["last"]),
        (&1.0.into(), &2.into(), &5.0.into())
    );
    assert_eq!(curve(&trial, "loss").len(), 6);
}

#[test]
fn a_program_that_was_interrupted_after_its_last_step_has_its_result_when_it_is_resumed() {
    // It has reported everything and was about to write a large file, say.
    let script = r#"
import os, time
path = os.environ["SWEEP_CHECKPOINT_DIR"] + "/at"
first = int(open(path).read()) + 1 if os.path.exists(path) else 1
for step in range(first, 5):
    print(f"step={step} loss={abs(step - 2) + 1}", flush=True)
    with open(path, "w") as file:
        file.write(str(step))
while not os.path.exists("go"):
    time.sleep(0.02)
"#;
    for (value, best, best_step) in [("last", 3.0, 4), ("best", 1.0, 2)] {
        let dir = python(script, "", "");
        let file = std::fs::read_to_string(dir.path("p.toml")).unwrap();
        dir.write(
            "p.toml",
            file.replace("\"min\"", &format!("\"min\", value = \"{value}\"")),
        );
        let session = Session::start(&dir, &["run", "p.toml"]);
        wait_for_step(&dir, 4, 1);
        session.signal(libc::SIGINT);
        assert_eq!(session.end(), Some(130));
        dir.write("go", "");
        dir.succeed(&["resume", "p", "-q"]);
        let trial = trial(&dir);
        assert_eq!(text(&trial, "status"), "finished");
        assert_eq!(
            (&trial["best"], &trial["best_step"]),
            (&best.into(), &best_step.into()),
            "{value}"
        );
        assert_eq!((&trial["last"], &trial["steps"]), (&3.0.into(), &4.into()));
        assert_eq!(curve(&trial, "loss").len(), 4);
    }
}

#[test]
fn a_second_interrupt_does_not_wait_for_the_grace_period() {
    let script = "
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_IGN)
print('step=1 loss=1', flush=True)
time.sleep(600)
";
    let dir = python(script, "grace = \"10m\"", "");
    let session = Session::start(&dir, &["run", "p.toml"]);
    wait_for_step(&dir, 1, 1);
    let begin = Instant::now();
    session.signal(libc::SIGINT);
    // Sooner, it would be taken for the same.
    std::thread::sleep(Duration::from_millis(400));
    session.signal(libc::SIGINT);
    assert_eq!(session.end(), Some(130));
    assert!(begin.elapsed() < Duration::from_secs(60));
    none_left(&dir);
    assert_eq!(dir.text("SELECT status FROM trials"), "interrupted");
}

#[test]
fn a_program_that_hears_nothing_is_killed_after_the_grace_period_and_can_be_resumed() {
    let script = CHAIN.replace(
        "signal.signal(signal.SIGTERM, asked)",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
    );
    let dir = python(&script, "grace = \"500ms\"", "");
    let session = Session::start(&dir, &["run", "p.toml"]);
    wait_for_step(&dir, 5, 1);
    let stop = dir.run(&["stop", "p"]);
    assert!(stop.status.success(), "{stop:?}");
    assert_eq!(session.end(), Some(130));
    none_left(&dir);
    dir.write("go", "");
    dir.succeed(&["resume", "p", "-q"]);
    assert_eq!(curve(&trial(&dir), "loss").len(), 9);
    assert_eq!(
        lines(&dir, "said"),
        ["checkpoint 4 1", "resumes 5 1", "resumes None 1"]
    );
}
