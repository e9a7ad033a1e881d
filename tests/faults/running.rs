//! A folder with made-up data and an experiment, in which the real binary runs.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::common::{TIMEOUT, TestDir, experiment, results};

/// Enough that a sweep of them is still under way when it is disturbed.
pub const EPOCHS: u32 = 400;

/// A sweep under way.
pub struct Running {
    child: Child,
    said: PathBuf,
}

/// Ten trials; those of networks take `epochs`.
pub fn small(epochs: u32) -> String {
    let training = format!(
        "[model]
epochs = {epochs}

[grid]
layers = [[16], [8, 8]]
dropout = [0.0, 0.3]

[[baseline]]
kind = \"random_forest\"
trees = 20
max_depth = 6
"
    );
    let columns = ["danceability", "energy", "loudness", "tempo"];
    experiment(&columns, &training)
}

pub fn test_dir(epochs: u32) -> TestDir {
    let dir = TestDir::with_data(1000);
    dir.write("small.toml", small(epochs));
    dir
}

/// Standard output and standard error of a command that must succeed.
pub fn succeed(dir: &TestDir, arguments: &[&str]) -> (String, String) {
    dir.end(arguments, 0)
}

/// Starts `sweep run small.toml` and waits until it has recorded `rows` metric rows.
pub fn start(dir: &TestDir, rows: i64) -> Running {
    start_by(dir, rows, |_| {})
}

/// Likewise, with something done to the command before.
pub fn start_by(dir: &TestDir, rows: i64, change: impl FnOnce(&mut Command)) -> Running {
    let said = dir.path("said.log");
    let mut command = dir.command(&["run", "small.toml", "--workers", "2"]);
    command
        .stdout(Stdio::null())
        .stderr(File::create(&said).unwrap());
    change(&mut command);
    let child = command.spawn().unwrap();
    let mut running = Running { child, said };
    running.wait_for_count(dir, "SELECT count(*) FROM metrics", rows);
    running
}

/// What a sweep of [`EPOCHS`] gives that nothing disturbs.
pub fn undisturbed() -> Vec<String> {
    static RESULTS: OnceLock<Vec<String>> = OnceLock::new();
    let results = RESULTS.get_or_init(|| {
        let dir = test_dir(EPOCHS);
        succeed(&dir, &["run", "small.toml"]);
        results(&dir)
    });
    assert!(!results.is_empty());
    results.clone()
}

impl Running {
    /// What it has said so far.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.said).unwrap()
    }

    /// Waits until both workers have recorded metrics, so that both have opened the prepared data.
    pub fn wait_for_both_workers(&mut self, dir: &TestDir) {
        let slots = "SELECT count(DISTINCT slot) FROM attempts a
                     WHERE EXISTS (SELECT * FROM metrics m WHERE m.trial = a.trial)";
        self.wait_for_count(dir, slots, 2);
    }

    /// Waits until `query` counts at least `least`.
    fn wait_for_count(&mut self, dir: &TestDir, query: &str, least: i64) {
        let begin = Instant::now();
        while dir.count(query) < least {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "ended with {ended:?}:\n{}", self.said());
            assert!(begin.elapsed() < TIMEOUT, "{query}:\n{}", self.said());
            sleep(Duration::from_millis(10));
        }
    }

    /// Waits until it has said `words`.
    pub fn wait_for(&mut self, words: &str) {
        let begin = Instant::now();
        while !self.said().contains(words) {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "ended with {ended:?}:\n{}", self.said());
            assert!(
                begin.elapsed() < TIMEOUT,
                "never said {words:?}:\n{}",
                self.said()
            );
            sleep(Duration::from_millis(20));
        }
    }

    pub fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    /// Sends Ctrl-C.
    pub fn interrupt(&self) {
        // SAFETY: kill takes plain numbers; the child has not been waited for, so its number is its
        // own.
        assert_eq!(unsafe { libc::kill(self.pid(), libc::SIGINT) }, 0);
    }

    /// Waits for its end; gives its exit code and all that it said.
    pub fn end(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        (code, self.said())
    }
}

impl Drop for Running {
    /// A test that fails leaves nothing behind.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Removes the folder `path`, also while others write into it.
pub fn remove_folder(path: &Path) {
    let begin = Instant::now();
    while path.exists() {
        let removed = std::fs::remove_dir_all(path);
        assert!(begin.elapsed() < TIMEOUT, "{removed:?}");
    }
}
