//! A folder with made-up data and an experiment, in which the real binary runs.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

/// Longest a test waits for something to happen in another process.
const PATIENCE: Duration = Duration::from_secs(120);
/// Where the record stands.
pub const RECORD: &str = "runs/sweep.sqlite";

pub struct Bench {
    pub folder: tempfile::TempDir,
}

/// A sweep under way.
pub struct Running {
    child: Child,
    said: PathBuf,
}

/// Ten trials; those of networks take `epochs`.
pub fn small(epochs: u32) -> String {
    format!(
        "[experiment]
seeds = [1, 2]

[data]
path = \"demo.csv\"
target = \"playlist_genre\"
group = \"track_id\"
numeric = [\"danceability\", \"energy\", \"loudness\", \"tempo\"]

[model]
epochs = {epochs}

[grid]
layers = [[16], [8, 8]]
dropout = [0.0, 0.3]

[[baseline]]
kind = \"random_forest\"
trees = 20
max_depth = 6
"
    )
}

impl Bench {
    pub fn new(epochs: u32) -> Bench {
        let bench = Bench {
            folder: tempfile::tempdir().unwrap(),
        };
        bench.succeed(&["data", "synth", "demo.csv", "--rows", "1000"]);
        bench.write("small.toml", &small(epochs));
        bench
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sweep"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_remove("SWEEP_STORE")
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Standard output and standard error of a command that must succeed.
    pub fn succeed(&self, arguments: &[&str]) -> (String, String) {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.success(),
            "{arguments:?}: {:?}\n{said}",
            output.status
        );
        (String::from_utf8(output.stdout).unwrap(), said)
    }

    /// Standard error of a command that must end with `code`.
    pub fn fail(&self, arguments: &[&str], code: i32) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{said}");
        said
    }

    /// Starts `sweep run small.toml` and waits until it has recorded `rows` metric rows.
    pub fn start(&self, rows: i64) -> Running {
        let said = self.path("said.log");
        let child = self
            .command(&["run", "small.toml", "--workers", "2"])
            .stdout(Stdio::null())
            .stderr(File::create(&said).unwrap())
            .spawn()
            .unwrap();
        let mut running = Running { child, said };
        let begin = Instant::now();
        while self.count("SELECT count(*) FROM metrics") < rows {
            assert!(
                running.child.try_wait().unwrap().is_none(),
                "{}",
                running.said()
            );
            assert!(begin.elapsed() < PATIENCE, "{}", running.said());
            sleep(Duration::from_millis(10));
        }
        running
    }

    /// One number from the record; 0 while there is none.
    pub fn count(&self, query: &str) -> i64 {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let Ok(connection) = Connection::open_with_flags(self.path(RECORD), flags) else {
            return 0;
        };
        connection.busy_timeout(PATIENCE).unwrap();
        connection
            .query_row(query, [], |row| row.get(0))
            .unwrap_or(0)
    }

    /// Everything recorded of results, but for times.
    pub fn results(&self) -> Vec<String> {
        let connection = Connection::open(self.path(RECORD)).unwrap();
        let check: String = connection
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(check, "ok");
        let mut query = connection
            .prepare(
                "SELECT t.name, t.status, n.name, m.step, m.value FROM trials t
                 JOIN metrics m ON m.trial = t.id JOIN metric_names n ON n.id = m.metric
                 WHERE n.name <> 'seconds' ORDER BY t.name, n.name, m.step",
            )
            .unwrap();
        let rows = query.query_map([], |row| {
            let (trial, status, metric): (String, String, String) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            let (step, value): (i64, f64) = (row.get(3)?, row.get(4)?);
            Ok(format!(
                "{trial} {status} {metric} {step} {:016x}",
                value.to_bits()
            ))
        });
        rows.unwrap().map(Result::unwrap).collect()
    }
}

/// What a sweep of `small` gives that nobody disturbs.
pub fn undisturbed(epochs: u32) -> Vec<String> {
    let bench = Bench::new(epochs);
    bench.succeed(&["run", "small.toml"]);
    let results = bench.results();
    assert!(!results.is_empty());
    results
}

impl Running {
    /// What it has said so far.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.said).unwrap()
    }

    /// Waits until it has said `words`.
    pub fn wait_for(&mut self, words: &str) {
        let begin = Instant::now();
        while !self.said().contains(words) {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "ended with {ended:?}:\n{}", self.said());
            assert!(
                begin.elapsed() < PATIENCE,
                "never said {words:?}:\n{}",
                self.said()
            );
            sleep(Duration::from_millis(20));
        }
    }

    /// Sends Ctrl-C.
    pub fn interrupt(&self) {
        // SAFETY: kill takes plain numbers; the child has not been waited for, so its number is its
        // own.
        assert_eq!(
            unsafe { libc::kill(self.child.id() as i32, libc::SIGINT) },
            0
        );
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
        assert!(begin.elapsed() < PATIENCE, "{removed:?}");
    }
}
