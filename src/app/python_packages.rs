//! Which Python, and which of its packages, a program is run with: recorded with every session.

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sweep_core::program::ProgramSpec;

/// Longest that the interpreter may take to list its packages.
const TIMEOUT: Duration = Duration::from_secs(3);
/// How often it is looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(5);
/// Longest list that is recorded, in bytes.
const MAX_BYTES: u64 = 1 << 16;
/// Prints the version, then `NAME==VERSION` a line.
const SCRIPT: &str = "import sys, importlib.metadata as m\n\
    print(sys.version.split()[0])\n\
    print(*sorted({'%s==%s' % (d.metadata['Name'], d.version) for d in m.distributions()}), sep='\\n')";

/// Facts about the Python that `spec` starts; none where it starts something else, or where that does not answer in time.
pub fn facts(spec: &ProgramSpec) -> Vec<(String, String)> {
    let Some(listed) = interpreter(spec).and_then(list) else {
        return Vec::new();
    };
    let (version, packages) = listed.split_once('\n').unwrap_or((&listed, ""));
    vec![
        ("python".to_owned(), version.trim().to_owned()),
        (
            "python packages".to_owned(),
            packages.trim().replace('\n', " "),
        ),
    ]
}

/// The interpreter of a command such as `python3 train.py`.
fn interpreter(spec: &ProgramSpec) -> Option<&str> {
    let first = spec.command.first().filter(|_| !spec.shell)?;
    is_python(first).then_some(first)
}

fn is_python(program: &str) -> bool {
    let name = Path::new(program)
        .file_name()
        .and_then(|name| name.to_str());
    let version = name.and_then(|name| name.strip_prefix("python"));
    version.is_some_and(|version| version.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

fn list(interpreter: &str) -> Option<String> {
    let mut child = Command::new(interpreter)
        .args(["-c", SCRIPT])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let output = child.stdout.take()?;
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        output.take(MAX_BYTES).read_to_string(&mut text).ok()?;
        Some(text)
    });
    let began = Instant::now();
    let has_ended = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status.success(),
            Ok(None) if began.elapsed() < TIMEOUT => std::thread::sleep(POLL_INTERVAL),
            _ => break false,
        }
    };
    let _ = child.kill();
    let _ = child.wait();
    let text = reader.join().ok()??;
    has_ended.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpreters_are_told_by_their_names() {
        for (command, is_python) in [
            ("python", true),
            ("/opt/venv/bin/python3.11", true),
            ("pythonista", false),
            ("sh", false),
        ] {
            assert_eq!(super::is_python(command), is_python, "{command}");
        }
    }

    #[test]
    fn what_is_no_interpreter_or_hangs_gives_nothing() {
        assert_eq!(list("/nonexistent/python"), None);
        assert_eq!(list("false"), None);
    }
}
