//! How programs end, and what is recorded of it: exit codes, signals, time-outs, limits, floods.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use super::{
    Session, curve, file, last_attempt, none_left, owned, python, shell, text, trial, trials,
    wait_for,
};

/// Longest that something may take which takes far less when it works, on a busy machine.
const SOON: Duration = Duration::from_secs(60);

const RETRY: &str = "[schedule]\nretries = 2\n";

fn attempts(trial: &Json) -> usize {
    trial["attempts"].as_array().unwrap().len()
}

#[test]
fn exit_codes_mean_what_the_table_says_and_what_is_usual() {
    let table = "exit_codes = { \"3\" = \"diverged\", \"7\" = \"finished\", \"9\" = \"retry\" }";
    let rest = format!("[grid]\ncode = [0, 1, 3, 7, 9, 75, 255]\n\n{RETRY}");
    let script = "echo loss=0.5; echo 'the last line' >&2; exit $SWEEP_PARAM_CODE\n";
    let dir = shell(script, table, &rest);
    dir.fail(&["run", "p.toml", "-q"], 3);
    let all = trials(&dir);
    assert_eq!(all.len(), 7);
    for (code, status, tries) in [
        (0, "finished", 1),
        (1, "failed", 1),
        (3, "diverged", 1),
        (7, "finished", 1),
        (9, "failed", 3),
        (75, "failed", 3),
        (255, "failed", 1),
    ] {
        let trial = all
            .iter()
            .find(|trial| trial["params"]["code"] == code)
            .unwrap();
        assert_eq!(
            (text(trial, "status"), attempts(trial)),
            (status, tries),
            "{code}"
        );
        if status == "failed" {
            let attempt = last_attempt(trial);
            assert_eq!(attempt["exit_code"], code);
            assert_eq!(text(attempt, "outcome"), "crashed");
            let message = format!("exited with code {code}: the last line");
            assert!(text(attempt, "message").contains(&message), "{attempt:#}");
            assert!(
                text(attempt, "log_tail").contains("the last line"),
                "{attempt:#}"
            );
        }
    }
}

#[test]
fn a_program_that_asks_to_be_tried_again_is_and_its_tries_share_a_folder() {
    let script = "
cd \"$SWEEP_CHECKPOINT_DIR\"
echo x >> tries
[ $(grep -c x tries) -eq 3 ] || exit 75
echo loss=0.5
";
    let dir = shell(script, "", RETRY);
    dir.succeed(&["run", "p.toml", "-q"]);
    let trial = trial(&dir);
    let codes: Vec<&Json> = trial["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["exit_code"])
        .collect();
    assert_eq!(codes[..2], [&Json::from(75), &Json::from(75)]);
    assert_eq!((text(&trial, "status"), attempts(&trial)), ("finished", 3));
}

#[test]
fn a_program_that_a_signal_ended_is_tried_again_and_the_signal_is_recorded() {
    let script = "
if [ ! -e \"$SWEEP_CHECKPOINT_DIR/x\" ]; then : > \"$SWEEP_CHECKPOINT_DIR/x\"; kill -SEGV $$; fi
if [ \"$SWEEP_PARAM_X\" = 2 ]; then kill -KILL $$; fi
echo loss=1
";
    let dir = shell(script, "", &format!("[grid]\nx = [1, 2]\n{RETRY}"));
    dir.fail(&["run", "p.toml", "-q"], 3);
    let signals = |trial: &Json| -> Vec<Option<i64>> {
        let all = trial["attempts"].as_array().unwrap().iter();
        all.map(|attempt| attempt["signal"].as_i64()).collect()
    };
    let all = trials(&dir);
    assert_eq!(signals(&all[0]), [Some(11), None]);
    assert_eq!(text(&all[0], "status"), "finished");
    assert_eq!(signals(&all[1]), [Some(11), Some(9), Some(9)]);
    assert_eq!(
        (text(&all[1], "status"), text(&all[1], "cause")),
        ("failed", "crashed")
    );
    assert!(
        text(&all[1], "message").contains("killed by signal 9"),
        "{:#}",
        all[1]
    );
}

#[test]
fn an_objective_that_is_no_number_at_the_end_has_diverged() {
    for value in ["nan", "inf", "-inf"] {
        let dir = shell(
            &format!("echo step=1 loss=0.5; echo step=2 loss={value}\n"),
            "",
            "",
        );
        dir.succeed(&["run", "p.toml", "-q"]);
        let trial = trial(&dir);
        assert_eq!(
            (text(&trial, "status"), attempts(&trial)),
            ("diverged", 1),
            "{value}"
        );
        assert!(trial["best"].is_null());
        assert_eq!(curve(&trial, "loss")[0], (1, 0.5));
        // It has a result: it is not run again.
        dir.succeed(&["resume", "p", "-q"]);
        assert_eq!(dir.count("SELECT count(*) FROM attempts"), 1);
    }
}

#[test]
fn a_program_that_cannot_be_started_fails_once_and_says_what_to_do() {
    let cases = [
        (
            "command = [\"no-such-program-anywhere\"]",
            "no program of this name is on PATH",
        ),
        ("command = [\"./missing\"]", "there is no such file"),
        ("command = [\"./train.sh\"]", "chmod +x"),
        (
            "directory = \"missing\"",
            "the working directory missing does not exist",
        ),
    ];
    for (line, expected) in cases {
        let dir = shell("echo loss=1\n", "", RETRY);
        let file = std::fs::read_to_string(dir.path("p.toml")).unwrap();
        let file = match line.starts_with("command") {
            true => file.replace("command = [\"sh\", \"train.sh\"]", line),
            false => file.replace("objective", &format!("{line}\nobjective")),
        };
        dir.write("p.toml", file);
        dir.fail(&["run", "p.toml", "-q"], 3);
        let trial = trial(&dir);
        assert_eq!(
            (text(&trial, "status"), attempts(&trial)),
            ("failed", 1),
            "{line}"
        );
        assert!(
            text(&trial, "message").contains(expected),
            "{line}\n{trial:#}"
        );
    }
}

#[test]
fn a_time_limit_asks_with_sigterm_first_and_kills_after_the_grace_period() {
    let script = "
if [ $SWEEP_PARAM_DEAF = true ]; then trap '' TERM; else trap 'echo asked; exit 0' TERM; fi
echo loss=0.5
while :; do sleep 0.1; done
";
    let program = "timeout = \"1s\"\ngrace = \"700ms\"";
    let dir = shell(
        script,
        program,
        &format!("[grid]\ndeaf = [false, true]\n{RETRY}"),
    );
    let begin = Instant::now();
    dir.fail(&["run", "p.toml", "-q"], 3);
    assert!(begin.elapsed() < SOON);
    for trial in trials(&dir) {
        let deaf = trial["params"]["deaf"] == true;
        assert_eq!((text(&trial, "cause"), attempts(&trial)), ("timed_out", 1));
        let output = String::from_utf8(file(&dir, &trial, "output.log")).unwrap();
        assert_eq!(output.contains("asked"), !deaf, "{output}");
        let attempt = last_attempt(&trial);
        let ran = attempt["ended_ms"].as_i64().unwrap() - attempt["started_ms"].as_i64().unwrap();
        let least = if deaf { 1700 } else { 1000 };
        assert!(ran >= least - 50, "{ran}\n{trial:#}");
    }
    none_left(&dir);
}

#[test]
fn memory_is_limited_for_all_processes_of_a_program_together() {
    let script = "
import os, time
if os.environ['SWEEP_PARAM_HUNGRY'] == 'true':
    for _ in range(2):
        if os.fork() == 0:
            held = bytearray(os.urandom(1)) * 120_000_000
            time.sleep(600)
    time.sleep(600)
print('loss=1')
";
    let program = "resources = { memory = \"200MB\" }";
    let dir = python(script, program, "[grid]\nhungry = [false, true]\n");
    let begin = Instant::now();
    dir.fail(&["run", "p.toml", "-q", "--workers", "1"], 3);
    assert!(begin.elapsed() < SOON);
    let all = trials(&dir);
    assert_eq!(text(&all[0], "status"), "finished");
    assert_eq!(text(&all[1], "cause"), "out_of_memory", "{:#}", all[1]);
    assert!(
        text(&all[1], "message").contains("more than the 200 MB of `resources`"),
        "{:#}",
        all[1]
    );
    none_left(&dir);
}

#[test]
fn what_a_trial_used_is_recorded_for_all_its_processes() {
    let script = "
import os, time
if os.fork() == 0:
    held = bytearray(os.urandom(1)) * 150_000_000
    begin = time.process_time()
    while time.process_time() - begin < 0.5: pass
    os._exit(0)
os.wait()
print('loss=1')
";
    let dir = python(script, "", "");
    dir.succeed(&["run", "p.toml", "-q"]);
    let used = &trial(&dir)["metrics"];
    let seconds = used["sweep/cpu_seconds"].as_f64().unwrap();
    let bytes = used["sweep/peak_memory_bytes"].as_f64().unwrap();
    assert!((0.5..20.0).contains(&seconds), "{seconds}");
    assert!((150e6..400e6).contains(&bytes), "{bytes}");
}

/// Bytes of each stream of a flood.
const FLOOD: usize = 20_000_000;

#[test]
fn a_flood_of_bytes_on_both_streams_is_bounded_and_the_trial_finishes() {
    let script = format!(
        "
import os, sys, threading
def flood(stream):
    for _ in range({FLOOD} // 100_000):
        stream.write(os.urandom(100_000))
    stream.flush()
other = threading.Thread(target=flood, args=[sys.stderr.buffer])
other.start()
flood(sys.stdout.buffer)
other.join()
print('\\nloss=0.5')
"
    );
    let dir = python(&script, "", "");
    let begin = Instant::now();
    dir.succeed(&["run", "p.toml", "-q"]);
    assert!(begin.elapsed() < SOON, "{:?}", begin.elapsed());
    let trial = trial(&dir);
    assert_eq!(trial["best"], 0.5);
    let folder = dir.path(text(&trial, "folder"));
    let sizes = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len());
    let kept: u64 = sizes.sum();
    assert!((1..=2 << 20).contains(&kept), "{kept}");
    let shown = dir.run(&["logs", text(&trial, "trial")]);
    assert!(shown.status.success());
    assert!(String::from_utf8_lossy(&shown.stdout).contains("loss=0.5"));
    // Few or no metrics come of noise, and the database stays small.
    assert!(dir.count("SELECT count(*) FROM metrics") < 1000);
}

#[test]
fn a_line_without_an_end_takes_no_memory_and_the_next_one_is_read() {
    let script = "
import sys
for _ in range(300):
    sys.stdout.write('loss=7 ' * 14_000)
sys.stdout.write('\\nloss=0.5\\n')
";
    let dir = python(script, "", "");
    dir.succeed(&["run", "p.toml", "-q"]);
    let trial = trial(&dir);
    assert_eq!(curve(&trial, "loss"), [(1, 0.5)]);
    let warnings = last_attempt(&trial)["warnings"].to_string();
    assert!(
        warnings.contains("lines of more than 65536 bytes"),
        "{warnings}"
    );
}

#[test]
fn output_is_shown_and_followed_until_the_trial_has_ended() {
    let script = "
echo 'first: größe ☃'
echo 'to stderr' >&2
while [ ! -e go ]; do sleep 0.02; done
echo loss=0.5
echo last
";
    let dir = shell(script, "", "");
    let session = Session::start(&dir, &["run", "p.toml"]);
    wait_for("the program has begun", || !owned_or_none(&dir).is_empty());
    let name = dir.text("SELECT name FROM trials");
    let mut command = dir.command(&["logs", &name[..8], "-f"]);
    let mut follower = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let mut early = [lines.next().unwrap(), lines.next().unwrap()];
    early.sort();
    assert_eq!(early, ["first: größe ☃", "to stderr"]);
    // Without `-f` it prints what there is.
    let now = dir.succeed(&["logs"]);
    assert!(
        now.contains("first: größe ☃") && !now.contains("last"),
        "{now}"
    );
    dir.write("go", "");
    let rest: Vec<String> = lines.collect();
    assert_eq!(rest, ["loss=0.5", "last"]);
    assert!(follower.wait().unwrap().success());
    assert_eq!(session.end(), Some(0));
    let all = "first: größe ☃\nto stderr\nloss=0.5\nlast\n";
    assert_eq!(dir.succeed(&["show", &name, "--log"]), all);
    assert_eq!(dir.succeed(&["logs", &name]), all);
    assert_eq!(dir.succeed(&["logs", &name, "-f"]), all);
    let missing = dir.fail(&["logs", "ffffffffffff"], 2);
    assert!(missing.contains("ffffffffffff"), "{missing}");
}

#[test]
fn a_trial_that_waits_to_be_tried_again_is_followed_on() {
    let script = "
cd \"$SWEEP_CHECKPOINT_DIR\"
echo x >> tries
echo \"try $(grep -c x tries)\"
[ $(grep -c x tries) -eq 3 ] || exit 75
echo loss=0.5
";
    let dir = shell(script, "", RETRY);
    let session = Session::start(&dir, &["run", "p.toml"]);
    wait_for("the trial is known", || {
        dir.count("SELECT count(*) FROM trials") == 1
    });
    let name = dir.text("SELECT name FROM trials");
    let all = dir.succeed(&["logs", &name, "-f"]);
    assert_eq!(all, "try 1\ntry 2\ntry 3\nloss=0.5\n");
    assert_eq!(session.end(), Some(0));
}

#[test]
fn a_follower_that_falls_behind_says_that_output_may_be_missing() {
    // Lines of 100 bytes: ten thousand of them fill a log.
    let script = "
import os, time
print('begun', flush=True)
while not os.path.exists('go'):
    time.sleep(0.02)
for number in range(45_000):
    print(f'{number:099}')
print('loss=0.5', flush=True)
open('written', 'w').close()
while not os.path.exists('end'):
    time.sleep(0.02)
";
    let dir = python(script, "", "");
    let session = Session::start(&dir, &["run", "p.toml"]);
    wait_for("the program has begun", || !owned_or_none(&dir).is_empty());
    let name = dir.text("SELECT name FROM trials");
    let mut command = dir.command(&["logs", &name[..8], "-f"]);
    let follower = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut follower = follower.spawn().unwrap();
    let mut output = BufReader::new(follower.stdout.take().unwrap());
    let mut begun = String::new();
    output.read_line(&mut begun).unwrap();
    assert_eq!(begun, "begun\n");
    // Nobody reads what it prints, as of a terminal that is held with Ctrl-S.
    dir.write("go", "");
    wait_for("all is written", || dir.path("written").exists());
    dir.write("end", "");
    assert_eq!(session.end(), Some(0));
    let lines: Vec<String> = output.lines().map(Result::unwrap).collect();
    let mut said = String::new();
    let errors = &mut follower.stderr.take().unwrap();
    std::io::Read::read_to_string(errors, &mut said).unwrap();
    assert!(follower.wait().unwrap().success());
    assert_eq!(lines.last().unwrap(), "loss=0.5");
    assert!(lines.len() < 45_001, "{}", lines.len());
    assert!(lines.contains(&format!("{:099}", 44_999)));
    assert!(said.contains("output may be missing here"), "{said}");
}

/// As [`owned`], before there is a run directory.
fn owned_or_none(dir: &crate::common::TestDir) -> Vec<i32> {
    match dir.path("runs").exists() {
        true => owned(dir),
        false => Vec::new(),
    }
}
