//! A sweep of two trials of one configuration that never end by themselves, and signals to its processes.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::common::{TIMEOUT, TestDir, signals};

/// How often something in another process is polled.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// A folder with the experiment `long`; `schedule` is added to its section of that name.
pub fn test_dir(schedule: &str) -> TestDir {
    let dir = TestDir::with_data(400);
    let file = format!(
        "[experiment]
name = \"long\"
seeds = [1, 2]

[data]
path = \"demo.csv\"
target = \"playlist_genre\"
group = \"track_id\"
numeric = [\"energy\", \"loudness\", \"tempo\"]

[model]
epochs = 1000000
layers = [64, 64]

[schedule]
slots = {{ cpu = 2 }}
checkpoint = {{ every = \"1h\", cost = 0.0001 }}
{schedule}"
    );
    dir.write("long.toml", file);
    dir
}

/// A session under way.
pub struct Job<'a> {
    pub dir: &'a TestDir,
    child: Child,
}

impl<'a> Job<'a> {
    /// Starts a session, as the first or a later one of its folder, and waits until both trials are trained. It ignores
    /// no signal, whoever started the tests.
    pub fn start(dir: &'a TestDir) -> Job<'a> {
        Job::start_by(dir, |_| {})
    }

    /// Likewise, with something done to the command before.
    pub fn start_by(dir: &'a TestDir, change: impl FnOnce(&mut Command)) -> Job<'a> {
        let mut command = dir.command(&["run", "long.toml"]);
        command
            // Ctrl-Z stops what is in the group of a terminal's job, which is not that of the tests.
            .process_group(0)
            .stdout(Stdio::null())
            .stderr(File::create(dir.path("said.log")).unwrap());
        signals::reset(&mut command);
        change(&mut command);
        let child = command.spawn().unwrap();
        let mut job = Job { dir, child };
        let both_trained =
            "SELECT count(DISTINCT a.trial) = 2 FROM attempts a JOIN metrics m ON m.trial = a.trial
             WHERE a.outcome = 'running' AND m.step > ifnull(a.resumed_from, 0)";
        job.wait_for("both trials are trained", |job| {
            job.dir.count(both_trained) == 1
        });
        job
    }

    pub fn coordinator(&self) -> i32 {
        self.child.id() as i32
    }

    pub fn workers(&self) -> Vec<i32> {
        let connection = self.dir.database();
        let pids = "SELECT pid FROM attempts WHERE outcome = 'running'";
        let mut pids = connection.prepare(pids).unwrap();
        let pids = pids.query_map([], |row| row.get(0)).unwrap();
        let pids: Vec<i32> = pids.map(Result::unwrap).collect();
        assert_eq!(pids.len(), 2);
        pids
    }

    /// Metric values on record.
    pub fn progress(&self) -> i64 {
        self.dir.count("SELECT count(*) FROM metrics")
    }

    /// Waits until more is on record than now.
    pub fn wait_for_progress(&mut self) {
        let before = self.progress();
        self.wait_for("training continues", |job| job.progress() > before);
    }

    pub fn wait_for(&mut self, what: &str, holds: impl Fn(&Job<'_>) -> bool) {
        let begin = Instant::now();
        while !holds(self) {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "{what}: {ended:?}\n{}", self.said());
            assert!(begin.elapsed() < TIMEOUT, "{what}\n{}", self.said());
            sleep(POLL_INTERVAL);
        }
    }

    pub fn said(&self) -> String {
        std::fs::read_to_string(self.dir.path("said.log")).unwrap()
    }

    /// Waits for the end after a request to stop, which is clean.
    pub fn end_stopped(mut self) {
        let begin = Instant::now();
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None => assert!(
                    begin.elapsed() < TIMEOUT,
                    "it did not end within {TIMEOUT:?} of its signal\n{}\n{}",
                    signal_sets(self.coordinator()),
                    self.said()
                ),
            }
            sleep(POLL_INTERVAL);
        };
        assert_eq!(status.code(), Some(130), "{}", self.said());
    }
}

impl Drop for Job<'_> {
    /// A test that fails leaves nothing behind.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn send(pid: i32, signal: i32) {
    // SAFETY: kill takes plain numbers; the process is a child, or a child of one, that was seen running just now.
    assert_eq!(unsafe { libc::kill(pid, signal) }, 0, "signal {signal}");
}

/// As [`send`], to a process that may have ended.
pub fn send_unless_gone(pid: i32, signal: i32) {
    // SAFETY: kill takes plain numbers; the process was seen running a moment ago.
    let is_sent = unsafe { libc::kill(pid, signal) } == 0;
    let error = std::io::Error::last_os_error();
    assert!(
        is_sent || error.raw_os_error() == Some(libc::ESRCH),
        "signal {signal}: {error}"
    );
}

/// Has the command start with `signal` ignored.
pub fn ignore(command: &mut Command, signal: i32) {
    // SAFETY: signal(2) may be called between fork and exec.
    unsafe {
        command.pre_exec(move || {
            libc::signal(signal, libc::SIG_IGN);
            Ok(())
        });
    }
}

/// Has the command start with `signal` in its mask.
pub fn hold_back(command: &mut Command, signal: i32) {
    // SAFETY: these calls may be made between fork and exec; the set outlives them.
    unsafe {
        command.pre_exec(move || {
            let mut set: libc::sigset_t = std::mem::zeroed();
            libc::sigaddset(&raw mut set, signal);
            libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
            Ok(())
        });
    }
}

/// The state of a process as one letter, `T` for one that is stopped.
pub fn state(pid: i32) -> char {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, rest) = stat.rsplit_once(") ").unwrap();
    rest.chars().next().unwrap()
}

/// The signals that are pending for a process, held back, ignored and handled by it, as sets of bits.
fn signal_sets(pid: i32) -> String {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let is_of_signals = |line: &&str| line.starts_with("Sig") || line.starts_with("Shd");
    let lines: Vec<&str> = status.lines().filter(is_of_signals).collect();
    lines.join("\n")
}

/// Has this process, and with it what it starts, ignore a signal until dropped.
pub struct Ignored {
    signal: i32,
    before: libc::sighandler_t,
}

impl Ignored {
    pub fn new(signal: i32) -> Ignored {
        // SAFETY: SIG_IGN runs no code.
        let before = unsafe { libc::signal(signal, libc::SIG_IGN) };
        assert_ne!(before, libc::SIG_ERR);
        Ignored { signal, before }
    }
}

impl Drop for Ignored {
    fn drop(&mut self) {
        // SAFETY: it was what this process did with the signal before.
        unsafe { libc::signal(self.signal, self.before) };
    }
}
