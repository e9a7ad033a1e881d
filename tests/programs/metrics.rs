//! What programs report reaches the database: from every source, step by step, to the bit.

use super::{Session, curve, file, last_attempt, python, shell, text, trial, trials, wait_for};

#[test]
fn lines_are_metrics_with_their_steps_and_other_lines_are_none() {
    let script = "
echo 'reading 3 files: ok, ratio 93.2% (host:80)'
echo 'step=3 loss=0.5 acc: 0.25'
printf 'note: now 12:30:01, /tmp/x=5\\r\\033[32mEpoch 4/10\\033[0m - loss: 0.30000000000000004\\n'
echo 'step=5 loss=1e-300' 
echo 'loss=9 step=9' >&2
printf 'step=6 loss=0.125'
";
    let dir = shell(script, "", "");
    dir.succeed(&["run", "p.toml", "-q"]);
    let trial = trial(&dir);
    assert_eq!(
        curve(&trial, "loss"),
        [(3, 0.5), (4, 0.1 + 0.2), (5, 1e-300), (6, 0.125)]
    );
    assert_eq!(curve(&trial, "acc"), [(3, 0.25)]);
    // Those of the step of the result.
    let names: Vec<&String> = trial["metrics"].as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        ["loss", "sweep/cpu_seconds", "sweep/peak_memory_bytes"]
    );
    assert_eq!(
        (&trial["best"], &trial["steps"]),
        (&0.125.into(), &6.into())
    );
    let output = String::from_utf8(file(&dir, &trial, "output.log")).unwrap();
    for line in ["ratio 93.2%", "loss=9 step=9", "step=6 loss=0.125"] {
        assert!(output.contains(line), "{output}");
    }
}

#[test]
fn metrics_without_steps_are_counted_and_the_best_value_is_kept_where_it_is_asked_for() {
    let script = "for x in 0.5 0.25 0.75; do echo \"acc: $x\"; echo \"loss=$x\"; done\n";
    let dir = shell(script, "", "");
    let text = std::fs::read_to_string(dir.path("p.toml")).unwrap();
    let best = text.replace("goal = \"min\"", "goal = \"min\", value = \"best\"");
    dir.succeed(&["run", "p.toml", "-q"]);
    let last = trial(&dir);
    assert_eq!(curve(&last, "loss"), [(1, 0.5), (2, 0.25), (3, 0.75)]);
    assert_eq!(curve(&last, "acc"), [(1, 0.5), (2, 0.25), (3, 0.75)]);
    assert_eq!(
        (&last["best"], &last["best_step"]),
        (&0.75.into(), &3.into())
    );
    dir.write("best/p.toml", best);
    dir.succeed(&[
        "run",
        "best/p.toml",
        "-q",
        "--store",
        "best/runs/sweep.sqlite",
    ]);
    let shown = dir.json(&["ls", "p", "--json", "--store", "best/runs/sweep.sqlite"]);
    assert_eq!(
        (&shown[0]["best"], &shown[0]["best_step"]),
        (&0.25.into(), &2.into())
    );
    assert_eq!(shown[0]["last"], 0.75);
    assert_eq!(shown[0]["metrics"]["acc"], 0.25);
}

#[test]
fn regular_expressions_name_metrics_by_their_groups() {
    let script = "
echo 'round 1: tour of 20.5, best 19.5; step=7 loss=0'
echo 'no match'
echo 'round 2: tour of 20.25, best 1.5e1; rmse 3'
";
    let metrics = "metrics = { regex = ['round (?P<step>\\d+): tour of (?P<tour>[\\d.]+), best (?P<loss>[\\d.e]+)', \
                   '(?P<name>rmse) (?P<value>\\d+)'] }";
    let dir = shell(script, metrics, "");
    dir.succeed(&["run", "p.toml", "-q"]);
    let trial = trial(&dir);
    assert_eq!(curve(&trial, "loss"), [(1, 19.5), (2, 15.0)]);
    assert_eq!(curve(&trial, "tour"), [(1, 20.5), (2, 20.25)]);
    assert_eq!(curve(&trial, "rmse"), [(2, 3.0)]);
}

#[test]
fn a_file_of_json_lines_is_followed_from_its_first_line_to_one_without_an_end() {
    let script = r#"
import json, os, time
print("step=1 loss=77")
with open("metrics.jsonl", "w") as file:
    for step in range(1, 4):
        line = json.dumps({"step": step, "loss": 1 / step, "valid": {"acc": float("nan") if step == 2 else 0.5}, "name": "x"})
        file.write(line[:9])
        file.flush()
        time.sleep(0.03)
        file.write(line[9:] + ("\n" if step < 3 else ""))
        file.flush()
"#;
    let program = "metrics = { jsonl = \"metrics.jsonl\" }\ndirectory = \"{trial_dir}/work\"";
    let dir = python(script, program, "");
    let text = std::fs::read_to_string(dir.path("p.toml")).unwrap();
    let script = dir.path("train.py");
    dir.write(
        "p.toml",
        text.replace(
            "\"train.py\"",
            &format!("{:?}", script.display().to_string()),
        ),
    );
    dir.succeed(&["run", "p.toml", "-q"]);
    let trial = trial(&dir);
    assert_eq!(curve(&trial, "loss"), [(1, 1.0), (2, 0.5), (3, 1.0 / 3.0)]);
    let acc = curve(&trial, "valid/acc");
    assert_eq!((acc[0], acc[2]), ((1, 0.5), (3, 0.5)));
    assert!(acc[1].1.is_nan());
}

#[test]
fn a_file_of_lines_is_followed_by_its_path() {
    let script =
        "echo 'loss=7'; for step in 1 2 3; do echo \"step=$step loss=0.$step\" >> \"$1\"; done\n";
    let dir = shell(script, "metrics = { file = \"{trial_dir}/log.txt\" }", "");
    let text = std::fs::read_to_string(dir.path("p.toml")).unwrap();
    dir.write(
        "p.toml",
        text.replace("\"train.sh\"]", "\"train.sh\", \"{trial_dir}/log.txt\"]"),
    );
    dir.succeed(&["run", "p.toml", "-q"]);
    assert_eq!(curve(&trial(&dir), "loss"), [(1, 0.1), (2, 0.2), (3, 0.3)]);
}

/// Written by tensorboardX 2.6.5: `loss/train` is 0.5 at step 0 and 0.25 at step 1, `acc` NaN at step 7, and a text.
const EVENTS: &str = "\
    1800000000000000a37f4b22096f0f383277c3da411a0d627261696e2e4576656e743a32482a6c4c1e00000000000000d9dc1232090000\
    000000408f402a130a110a0a6c6f73732f747261696e150000003f166d01b5200000000000000029eda950090000000000488f4010012a\
    130a110a0a6c6f73732f747261696e150000803e8c27b71019000000000000008bf10828090000000000508f4010072a0c0a0a0a036163\
    63150000c07fddd79f783d000000000000006049f1ec090000000000588f4010012a300a2e0a116e6f74652f746578745f73756d6d6172\
    79420f0807120412020801420568656c6c6f4a080a060a0474657874e041cf00";

#[test]
fn event_files_of_tensorboard_are_followed_as_they_grow() {
    let script = format!(
        r#"
import os, sys, time
folder = os.environ["SWEEP_TRIAL_DIR"] + "/logs/run"
os.makedirs(folder)
data = bytes.fromhex("{}")
with open(folder + "/events.out.tfevents.1234.host", "wb") as file:
    for start in range(0, len(data), 100):
        file.write(data[start:start + 100])
        file.flush()
        time.sleep(0.03)
"#,
        EVENTS.replace(' ', "")
    );
    let dir = python(
        &script,
        "metrics = { tensorboard = \"{trial_dir}/logs\" }",
        "",
    );
    let text = std::fs::read_to_string(dir.path("p.toml")).unwrap();
    dir.write("p.toml", text.replace("\"loss\"", "\"run/loss/train\""));
    dir.succeed(&["run", "p.toml", "-q"]);
    let trial = trial(&dir);
    assert_eq!(curve(&trial, "run/loss/train"), [(0, 0.5), (1, 0.25)]);
    let acc = curve(&trial, "run/acc");
    assert!(
        acc.len() == 1 && acc[0].0 == 7 && acc[0].1.is_nan(),
        "{acc:?}"
    );
    assert_eq!(trial["best"], 0.25);
}

#[test]
fn the_pipe_of_metrics_takes_json_beside_any_source() {
    let script = r#"
echo '{"step": 1, "loss": 0.5}' > "$SWEEP_METRICS"
echo 'step=2 loss=9'
(echo '{"step": 3, "loss": 0.30000000000000004}'; echo 'no json'; printf '{"step": 4, "loss": Infinity}') > "$SWEEP_METRICS"
printf '\n{"step": 5, "loss": 1e-300}\n' > "$SWEEP_METRICS"
"#;
    let dir = shell(script, "metrics = { regex = 'never (?P<loss>x)' }", "");
    dir.succeed(&["run", "p.toml", "-q"]);
    let trial = trial(&dir);
    let mut finite = curve(&trial, "loss");
    // JSON has no infinity; the database does.
    assert!(finite.remove(2).1.is_nan());
    assert_eq!(finite, [(1, 0.5), (3, 0.1 + 0.2), (5, 1e-300)]);
    let infinite =
        "SELECT count(*) FROM metric_rows WHERE metric = 'loss' AND step = 4 AND value = 9e999";
    assert_eq!(dir.count(infinite), 1);
    let warnings = last_attempt(&trial)["warnings"].to_string();
    assert!(warnings.contains("no json"), "{warnings}");
}

#[test]
fn what_is_left_in_the_pipe_by_one_program_is_not_taken_for_another() {
    // Each leaves a process behind that writes on until it is killed, in the middle of a line as often as not.
    let script = r#"
import os, sys
x = os.environ["SWEEP_PARAM_X"]
line = ('{"step": 1, "loss": ' + x + ', "pad": "' + "d" * 5000 + '"}\n').encode()
if os.fork() == 0:
    os.setsid()
    with open(os.environ["SWEEP_METRICS"], "wb", buffering=0) as pipe:
        while True:
            pipe.write(line)
with open(os.environ["SWEEP_METRICS"], "wb", buffering=0) as pipe:
    pipe.write(line)
    pipe.write(b'{"step": 1, "half')
print(f"loss={x}")
"#;
    let values: Vec<String> = (1..=12).map(|x| x.to_string()).collect();
    let dir = python(
        script,
        "metrics = { regex = '^loss=(?P<own>.*)' }",
        &format!("[grid]\nx = [{}]\n", values.join(", ")),
    );
    dir.succeed(&["run", "p.toml", "-q", "--workers", "1"]);
    let all = trials(&dir);
    assert_eq!(all.len(), 12);
    for trial in &all {
        let x = trial["params"]["x"].as_f64().unwrap();
        assert_eq!(curve(trial, "loss"), [(1, x)]);
        assert_eq!(curve(trial, "own"), [(1, x)]);
    }
}

#[test]
fn metrics_are_in_the_database_while_the_program_runs() {
    let script =
        "echo 'step=1 loss=0.5'; while [ ! -e go ]; do sleep 0.02; done; echo 'step=2 loss=0.25'\n";
    let dir = shell(script, "", "");
    let session = Session::start(&dir, &["run", "p.toml"]);
    let recorded =
        "SELECT count(*) FROM metric_rows WHERE metric = 'loss' AND step = 1 AND value = 0.5";
    wait_for("the first value is recorded", || dir.count(recorded) == 1);
    assert_eq!(dir.text("SELECT status FROM trials"), "running");
    dir.write("go", "");
    assert_eq!(session.end(), Some(0));
    let trial = trial(&dir);
    assert_eq!(curve(&trial, "loss"), [(1, 0.5), (2, 0.25)]);
    assert_eq!(text(&trial, "status"), "finished");
}

#[test]
fn ten_thousand_steps_are_recorded_and_none_is_lost() {
    const STEPS: u64 = 10_000;
    let script = format!(
        r#"
import json, os
with open(os.environ["SWEEP_METRICS"], "w") as pipe:
    for step in range(1, {STEPS} + 1):
        pipe.write(json.dumps({{"step": step, "loss": 1 / step, "acc": step / 7}}) + "\n")
"#
    );
    let dir = python(&script, "", "");
    dir.succeed(&["run", "p.toml", "-q"]);
    let trial = trial(&dir);
    let expected = |value: fn(f64) -> f64| -> Vec<(u64, f64)> {
        (1..=STEPS).map(|step| (step, value(step as f64))).collect()
    };
    assert!(curve(&trial, "loss") == expected(|step| 1.0 / step));
    assert!(curve(&trial, "acc") == expected(|step| step / 7.0));
}

#[test]
fn a_metric_that_never_comes_fails_the_trial_and_says_which_ones_came() {
    for (script, expected) in [
        (
            "echo 'step=1 los=0.5 acc=1'",
            "without reporting its objective `loss`; it reported `acc`, `los`",
        ),
        (
            "echo nothing",
            "it reported no metrics at all. Print a line such as `loss=0.5`",
        ),
    ] {
        let dir = shell(script, "", "");
        dir.fail(&["run", "p.toml", "-q"], 3);
        let trial = trial(&dir);
        assert_eq!(text(&trial, "status"), "failed");
        assert!(text(&trial, "message").contains(expected), "{trial:#}");
        // It would be so again: there is one attempt.
        assert_eq!(trial["attempts"].as_array().unwrap().len(), 1);
    }
}
