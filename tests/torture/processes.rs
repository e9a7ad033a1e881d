//! Processes of one `CrashDir`, found in /proc by a variable in their environment that no other process has: however
//! they were started, wherever they run, whoever their parent is.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The variable whose value names the crash directory that a process belongs to.
pub const MARK: &str = "SWEEP_TORTURE_MARK";

/// Longest that a process may take to go once nothing holds it.
const EXIT_GRACE: Duration = Duration::from_secs(20);

/// All living processes with `mark`.
pub fn marked(mark: &str) -> Vec<i32> {
    let entries = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| has(*pid, mark))
        .collect()
}

/// The workers among the processes with `mark`.
pub fn workers(mark: &str) -> Vec<i32> {
    let is_worker = |pid: &i32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).nth(1) == Some(b"worker")
    };
    marked(mark).into_iter().filter(is_worker).collect()
}

/// Whether the process is alive and has `mark`. One that has ended and was not waited for has no environment.
pub fn has(pid: i32, mark: &str) -> bool {
    let variable = format!("{MARK}={mark}");
    let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment
        .split(|byte| *byte == 0)
        .any(|entry| entry == variable.as_bytes())
}

/// Sends `signal` to the process if it still has `mark`; whether it was sent.
pub fn signal(pid: i32, mark: &str, signal: i32) -> bool {
    // SAFETY: kill takes plain numbers. The mark was read just now, so the number is not another's.
    has(pid, mark) && unsafe { libc::kill(pid, signal) } == 0
}

/// Waits until no process has `mark`, and fails if one stays.
pub fn all_gone(mark: &str) {
    let begin = Instant::now();
    loop {
        let left = marked(mark);
        if left.is_empty() {
            return;
        }
        let story = || left.iter().map(|pid| describe(*pid)).collect::<Vec<_>>();
        assert!(begin.elapsed() < EXIT_GRACE, "left behind: {:#?}", story());
        sleep(Duration::from_millis(5));
    }
}

fn describe(pid: i32) -> String {
    let proc = Path::new("/proc").join(pid.to_string());
    let read = |name: &str| std::fs::read_to_string(proc.join(name)).unwrap_or_default();
    format!("{pid}: {:?} {:?}", read("cmdline"), read("stat"))
}
