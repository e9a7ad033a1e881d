//! A folder in which the real binary runs, and its database.

#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    reason = "no test needs all of it"
)]

pub mod signals;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use serde_json::Value as Json;

/// Longest a test waits for something to happen in another process.
pub const TIMEOUT: Duration = Duration::from_secs(120);
/// Where the database stands.
pub const DATABASE: &str = "runs/sweep.sqlite";

/// A folder of its own, gone in the end.
pub struct TestDir {
    folder: tempfile::TempDir,
    /// Set for every command.
    environment: Vec<(String, PathBuf)>,
}

impl TestDir {
    pub fn empty() -> TestDir {
        TestDir {
            folder: tempfile::tempdir().unwrap(),
            environment: Vec::new(),
        }
    }

    /// With `rows` rows of made-up data in `demo.csv`.
    pub fn with_data(rows: usize) -> TestDir {
        let dir = TestDir::empty();
        dir.succeed(&["data", "synth", "demo.csv", "--rows", &rows.to_string()]);
        dir
    }

    pub fn set(&mut self, variable: &str, path: impl Into<PathBuf>) {
        self.environment.push((variable.to_owned(), path.into()));
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// Writes a file, and the folders above it.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(sweep());
        command
            .args(arguments)
            .current_dir(self.root())
            .env_remove("SWEEP_STORE")
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Standard output and standard error of a command that must end with `code`.
    pub fn end(&self, arguments: &[&str], code: i32) -> (String, String) {
        ended(self.run(arguments), arguments, code)
    }

    /// Standard output of a command that must succeed.
    pub fn succeed(&self, arguments: &[&str]) -> String {
        self.end(arguments, 0).0
    }

    /// Standard error of a command that must end with `code`.
    pub fn fail(&self, arguments: &[&str], code: i32) -> String {
        self.end(arguments, code).1
    }

    /// What a command that must succeed prints as JSON.
    pub fn json(&self, arguments: &[&str]) -> Json {
        let text = self.succeed(arguments);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}\n{text}"))
    }

    /// The database, which must be there.
    pub fn database(&self) -> Connection {
        let connection = Connection::open(self.path(DATABASE)).unwrap();
        connection.busy_timeout(TIMEOUT).unwrap();
        connection
    }

    /// One text from the database.
    pub fn text(&self, query: &str) -> String {
        let connection = self.database();
        connection.query_row(query, [], |row| row.get(0)).unwrap()
    }

    /// One number from the database; 0 while there is none.
    pub fn count(&self, query: &str) -> i64 {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let Ok(connection) = Connection::open_with_flags(self.path(DATABASE), flags) else {
            return 0;
        };
        connection.busy_timeout(TIMEOUT).unwrap();
        let found = connection.query_row(query, [], |row| row.get(0));
        found.unwrap_or(0)
    }
}

/// An experiment with two seeds on `numeric` columns of the data of [`TestDir::with_data`]; `training` is the rest of the
/// file, from `[model]` on.
pub fn experiment(numeric: &[&str], training: &str) -> String {
    format!(
        "[experiment]
seeds = [1, 2]

[data]
path = \"demo.csv\"
target = \"playlist_genre\"
group = \"track_id\"
numeric = {numeric:?}

{training}"
    )
}

/// The program `sweep`: of this package's own build, or beside the tests of another package.
pub fn sweep() -> PathBuf {
    match option_env!("CARGO_BIN_EXE_sweep") {
        Some(path) => PathBuf::from(path),
        None => {
            let test = std::env::current_exe().unwrap();
            test.parent().and_then(Path::parent).unwrap().join("sweep")
        }
    }
}

/// Standard output and standard error of what must have ended with `code`.
pub fn ended(output: Output, arguments: &[&str], code: i32) -> (String, String) {
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(
        output.status.code(),
        Some(code),
        "{arguments:?}: {:?}\n{error}",
        output.status
    );
    (String::from_utf8(output.stdout).unwrap(), error)
}

/// Everything recorded of results, but for times, of a database that is sound: trial, status, metric, step and the
/// bits of the value.
pub fn results(dir: &TestDir) -> Vec<String> {
    let connection = dir.database();
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
