//! A folder in which commands of the real binary run, with made-up data and two experiments.
//!
//! The experiments hold every kind of trial: networks and both kinds of trees, on all rows and on a fraction of
//! them, and networks that begin with layers of a trained one.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use super::processes::MARK;
use crate::common::signals;

/// The sweeps of a crash directory, in the order they can be run in.
pub const SWEEPS: [&str; 2] = ["source", "transfer"];

const ROWS: &str = "3000";

pub struct CrashDir {
    folder: tempfile::TempDir,
    /// What all processes of this crash directory carry in their environment.
    pub mark: String,
    outputs: AtomicU32,
}

/// The database by the names that it has: its own, and one through a symbolic link.
pub const NAMES: [&str; 2] = ["runs/sweep.sqlite", "linked/sweep.sqlite"];

/// A command under way.
pub struct Running {
    pub child: Child,
    /// What it writes for people.
    output: PathBuf,
    command: String,
}

impl CrashDir {
    /// One without data and experiments.
    pub fn empty() -> CrashDir {
        static CRASH_DIRS: AtomicU32 = AtomicU32::new(0);
        let number = CRASH_DIRS.fetch_add(1, Ordering::Relaxed);
        let crash_dir = CrashDir {
            folder: tempfile::tempdir().unwrap(),
            mark: format!("{}-{number}", std::process::id()),
            outputs: AtomicU32::new(0),
        };
        std::fs::create_dir(crash_dir.root()).unwrap();
        crash_dir
    }

    /// Networks train for `epochs`, some milliseconds each.
    pub fn new(epochs: u32) -> CrashDir {
        let crash_dir = CrashDir::empty();
        crash_dir.succeed(&["data", "synth", "demo.csv", "--rows", ROWS]);
        let texts = [source(epochs), transfer(epochs)];
        for (name, text) in SWEEPS.iter().zip(texts) {
            std::fs::write(crash_dir.path(&format!("{name}.toml")), text).unwrap();
        }
        // Folders that can be watched before the first command begins.
        for folder in ["runs/data", "runs/trials"] {
            std::fs::create_dir_all(crash_dir.path(folder)).unwrap();
        }
        std::os::unix::fs::symlink("runs", crash_dir.path("linked")).unwrap();
        crash_dir
    }

    /// A crash directory whose sweeps were run and never disturbed.
    pub fn left_alone(epochs: u32) -> CrashDir {
        let crash_dir = CrashDir::new(epochs);
        for sweep in SWEEPS {
            crash_dir.succeed(&["run", &format!("{sweep}.toml")]);
        }
        crash_dir
    }

    /// The folder in which commands run. What they say is kept beside it.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    pub fn runs(&self) -> PathBuf {
        self.path("runs")
    }

    pub fn start(&self, arguments: &[&str]) -> Running {
        self.start_by(arguments, |_| {})
    }

    /// Starts a command on the database that is called `name`.
    pub fn start_on(&self, name: &str, arguments: &[&str]) -> Running {
        self.start_by(arguments, |command| {
            command.env("SWEEP_STORE", name);
        })
    }

    /// Starts a command to which something was done before.
    pub fn start_by(&self, arguments: &[&str], change: impl FnOnce(&mut Command)) -> Running {
        let number = self.outputs.fetch_add(1, Ordering::Relaxed);
        let output = self.folder.path().join(format!("output-{number}"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_sweep"));
        command
            .args(arguments)
            .current_dir(self.root())
            .env(MARK, &self.mark)
            .env_remove("SWEEP_STORE")
            // As in a terminal: Ctrl-Z stops what is in the group of a job.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&output).unwrap());
        if let Some(library) = xgboost() {
            command.env("SWEEP_XGBOOST", library);
        }
        signals::reset(&mut command);
        change(&mut command);
        Running {
            child: command.spawn().unwrap(),
            output,
            command: arguments.join(" "),
        }
    }

    /// Runs a command that must succeed.
    pub fn succeed(&self, arguments: &[&str]) {
        self.end(arguments, &[0], |_| {});
    }

    /// Runs a command, to which something was done before, and which must end with one of `codes`.
    pub fn end(&self, arguments: &[&str], codes: &[i32], change: impl FnOnce(&mut Command)) {
        let mut running = self.start_by(arguments, change);
        let status = running.child.wait().unwrap();
        running.must(status, codes);
    }

    /// Whether the database holds the sweep.
    pub fn is_begun(&self, sweep: &str) -> bool {
        let names = "SELECT count(*) FROM experiments WHERE name = ?1";
        let database = rusqlite::Connection::open_with_flags(
            self.path("runs/sweep.sqlite"),
            rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE,
        );
        database.is_ok_and(|database| {
            let count = database.query_row(names, [sweep], |row| row.get::<_, i64>(0));
            count.is_ok_and(|count| count > 0)
        })
    }

    /// Whether the process has the lock of the sweep.
    pub fn is_held_by(&self, sweep: &str, process: u32) -> bool {
        let lock = self.path("runs/locks").join(format!("{sweep}.lock"));
        let held = std::fs::read_to_string(lock).unwrap_or_default();
        held.contains(&format!("\"pid\":{process},"))
    }

    /// All files below `runs/data` and `runs/trials`, by their path from `runs`, with what they hold.
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        for folder in ["runs/data", "runs/trials"] {
            collect(&self.path(folder), &self.runs(), &mut files);
        }
        files.sort();
        files
    }
}

impl Running {
    /// Fails unless the command ended with one of `codes`.
    pub fn must(&self, status: ExitStatus, codes: &[i32]) {
        let right = status.code().is_some_and(|code| codes.contains(&code));
        let said = || std::fs::read_to_string(&self.output).unwrap_or_default();
        let command = &self.command;
        assert!(
            right,
            "`sweep {command}` ended with {status}, not {codes:?}:\n{}",
            said()
        );
    }
}

fn collect(folder: &Path, root: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, root, files);
        } else {
            let name = path.strip_prefix(root).unwrap().to_owned();
            files.push((name, std::fs::read(&path).unwrap()));
        }
    }
}

/// The library that `make` fetched. Without it there are no XGBoost trials, unless they are required.
pub fn xgboost() -> Option<PathBuf> {
    let fetched = Path::new(env!("CARGO_MANIFEST_DIR")).join(".deps/xgboost/lib/libxgboost.so");
    let found = std::env::var_os("SWEEP_XGBOOST").map_or(fetched, PathBuf::from);
    let required = std::env::var_os("SWEEP_REQUIRE_XGBOOST").is_some();
    assert!(
        found.exists() || !required,
        "{} is missing: `make xgboost`",
        found.display()
    );
    found.exists().then_some(found)
}

const DATA: &str = "[data]
path = \"demo.csv\"
target = \"playlist_genre\"
group = \"track_id\"
numeric = [\"danceability\", \"energy\", \"loudness\", \"tempo\", \"valence\"]
";

/// How trials are run: often tried again, since workers are killed without their fault.
const SCHEDULE: &str = "[schedule]
slots = { cpu = 2 }
retries = 10
checkpoint = { every = \"100ms\", cost = 1.0 }
";

fn source(epochs: u32) -> String {
    let boost = match xgboost() {
        Some(_) => "[[baseline]]\nkind = \"xgboost\"\nrounds = 80\nmax_depth = 6\n",
        None => "",
    };
    format!(
        "[experiment]
learning_curve = [0.5]

{DATA}
[model]
epochs = {epochs}
batch_norm = true
layers = [128, 96]

[grid]
dropout = [0.0, 0.3]

[[baseline]]
kind = \"random_forest\"
trees = 120
max_depth = 12

{boost}
{SCHEDULE}"
    )
}

fn transfer(epochs: u32) -> String {
    format!(
        "[experiment]
learning_curve = [0.5]

{DATA}
[model]
epochs = {epochs}

[transfer]
from = \"source:best\"
freeze = [1]
lr_scale = 0.5

{SCHEDULE}"
    )
}
