//! Programs as trials: the real binary runs scripts of `sh` and of Python's standard library.

mod ends;
mod examples;
mod gpus;
mod metrics;
mod names;
mod removal;
mod search;
mod stops;
mod torture;
mod tree;
mod values;

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::common::{TIMEOUT, TestDir, signals};

/// How often something in another process is polled.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// A folder with the experiment `p`, whose program is the shell script `script`. Lines of `program` are added to
/// `[program]`, and `rest` follows it.
pub fn shell(script: &str, program: &str, rest: &str) -> TestDir {
    of("sh", "train.sh", script, program, rest)
}

/// The same of a Python script.
pub fn python(script: &str, program: &str, rest: &str) -> TestDir {
    of("python3", "train.py", script, program, rest)
}

fn of(interpreter: &str, name: &str, script: &str, program: &str, rest: &str) -> TestDir {
    let dir = TestDir::empty();
    dir.write(name, script);
    let file = format!(
        "[program]
command = [\"{interpreter}\", \"{name}\"]
objective = {{ metric = \"loss\", goal = \"min\" }}
{program}

{rest}"
    );
    dir.write("p.toml", file);
    dir
}

/// All trials of `p`, as JSON, in the order of the plan.
pub fn trials(dir: &TestDir) -> Vec<Json> {
    let listed = dir.json(&["ls", "p", "--json"]);
    let name = |trial: &Json| trial["trial"].as_str().unwrap().to_owned();
    let names: Vec<String> = listed.as_array().unwrap().iter().map(name).collect();
    names.iter().map(|name| show(dir, name)).collect()
}

/// The only trial of `p`, as JSON.
pub fn trial(dir: &TestDir) -> Json {
    let mut all = trials(dir);
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

pub fn show(dir: &TestDir, trial: &str) -> Json {
    dir.json(&["show", trial, "--json"])
}

/// A file in the folder of a trial.
pub fn file(dir: &TestDir, trial: &Json, name: &str) -> Vec<u8> {
    let path = dir.path(trial["folder"].as_str().unwrap()).join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A text as JSON holds it.
pub fn text<'a>(json: &'a Json, key: &str) -> &'a str {
    let value = &json[key];
    value
        .as_str()
        .unwrap_or_else(|| panic!("`{key}` is {value}\n{json:#}"))
}

/// Steps and values of a metric of a trial.
pub fn curve(trial: &Json, metric: &str) -> Vec<(u64, f64)> {
    let points = trial["curves"][metric].as_array();
    let points = points.unwrap_or_else(|| panic!("no `{metric}`: {trial:#}"));
    points
        .iter()
        .map(|point| (point[0].as_u64().unwrap(), number(&point[1])))
        .collect()
}

/// A number as JSON has it, in which what is not a number is null.
fn number(json: &Json) -> f64 {
    json.as_f64().unwrap_or(f64::NAN)
}

/// The last attempt at a trial.
pub fn last_attempt(trial: &Json) -> &Json {
    trial["attempts"].as_array().unwrap().last().unwrap()
}

/// A session under way, which is killed when a test fails.
pub struct Session(pub Child);

impl Session {
    /// Starts `sweep` with no signal ignored, whoever started the tests.
    pub fn start(dir: &TestDir, arguments: &[&str]) -> Session {
        Session::start_by(dir, arguments, |_| {})
    }

    pub fn start_by(
        dir: &TestDir,
        arguments: &[&str],
        change: impl FnOnce(&mut Command),
    ) -> Session {
        let mut command = dir.command(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        signals::reset(&mut command);
        change(&mut command);
        Session(command.spawn().unwrap())
    }

    /// Sends a signal to `sweep`, as its user would.
    pub fn signal(&self, signal: i32) {
        // SAFETY: kill takes plain numbers; the process is a child that was not waited for.
        assert_eq!(unsafe { libc::kill(self.0.id() as i32, signal) }, 0);
    }

    /// The exit code of a session that ends.
    pub fn end(mut self) -> Option<i32> {
        let mut code = None;
        wait_for("the session ends", || {
            code = self.0.try_wait().unwrap().map(|status| status.code());
            code.is_some()
        });
        code.unwrap()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until `holds`.
pub fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < TIMEOUT, "{what}");
        std::thread::sleep(POLL_INTERVAL);
    }
}

/// Living processes that carry the name of the sweep `p` of `dir` in their environment.
pub fn owned(dir: &TestDir) -> Vec<i32> {
    let runs = dir.path("runs").canonicalize().unwrap();
    let variable = format!("SWEEP_OWNER={}:p", runs.display());
    let entries = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid: &i32| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            let mut variables = environment.split(|byte| *byte == 0);
            variables.any(|one| one == variable.as_bytes())
        })
        .collect()
}

/// Waits until nothing is left of the programs of `p`.
pub fn none_left(dir: &TestDir) {
    wait_for("no process of a program is left", || owned(dir).is_empty());
}
