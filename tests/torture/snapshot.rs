//! What a database says, read from a copy so that the next command finds it as the last one left it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::ValueRef;

/// The state of a database between two commands.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Trials with a result: what is recorded of it.
    pub results: BTreeMap<String, String>,
    /// The files of trials with a result: trial, and name in its folder.
    pub artifacts: Vec<(String, String)>,
    /// Trials that were being trained: seconds of each step reported, by step.
    pub running: BTreeMap<String, BTreeMap<u32, f64>>,
    /// Names of the sweeps.
    pub sweeps: BTreeSet<String>,
    /// Trials that have a checkpoint.
    pub saved: BTreeSet<String>,
    pub attempts: Vec<Attempt>,
    /// The last session, which may have begun no attempt.
    pub session: i64,
    /// Whether the write-ahead log ends in a transaction without its end.
    pub torn: bool,
}

#[derive(Debug, Clone)]
pub struct Attempt {
    pub session: i64,
    pub trial: String,
    pub outcome: String,
    /// What is recorded of its end: the step of its last checkpoint, say.
    pub message: String,
    pub resumed_from: Option<u32>,
}

impl Attempt {
    /// Whether it brought a result.
    pub fn is_final(&self) -> bool {
        matches!(self.outcome.as_str(), "finished" | "diverged")
    }
}

const RESULTS: &str =
    "SELECT name, concat_ws(' ', status, best, best_step, last, steps) FROM trials
    WHERE status IN ('finished', 'diverged')";
const ARTIFACTS: &str = "SELECT t.name, a.path FROM artifacts a JOIN trials t ON t.id = a.trial";
const RUNNING: &str = "SELECT t.name, m.step, m.value FROM trials t
    JOIN metrics m ON m.trial = t.id JOIN metric_names n ON n.id = m.metric
    WHERE t.status IN ('running', 'interrupted') AND n.name = 'seconds'";
const ATTEMPTS: &str =
    "SELECT a.session, t.name, a.outcome, ifnull(a.message, ''), a.resumed_from FROM attempts a
    JOIN trials t ON t.id = a.trial ORDER BY a.session, a.number";

impl Snapshot {
    /// Reads the database below `runs` while no process writes it; `None` before its tables are there.
    pub fn read(runs: &Path) -> Option<Snapshot> {
        let copy = tempfile::tempdir().unwrap();
        let file = copy.path().join("sweep.sqlite");
        std::fs::copy(runs.join("sweep.sqlite"), &file).ok()?;
        let torn = std::fs::read(runs.join("sweep.sqlite-wal")).is_ok_and(|log| is_torn(&log));
        for log in ["sweep.sqlite-wal", "sweep.sqlite-journal"] {
            if runs.join(log).exists() {
                std::fs::copy(runs.join(log), copy.path().join(log)).unwrap();
            }
        }
        let connection = Connection::open(&file).unwrap();
        check(&connection);
        let tables = "SELECT count(*) FROM sqlite_schema WHERE name = 'attempts'";
        if connection.query_row(tables, [], |row| row.get(0)) != Ok(1) {
            return None;
        }
        let mut snapshot = Snapshot {
            torn,
            ..Snapshot::default()
        };
        let mut sweeps = connection.prepare("SELECT name FROM experiments").unwrap();
        let rows = sweeps.query_map([], |row| row.get(0));
        snapshot.sweeps = rows.unwrap().map(Result::unwrap).collect();
        let last = "SELECT ifnull(max(id), 0) FROM sessions";
        snapshot.session = connection.query_row(last, [], |row| row.get(0)).unwrap();
        let mut results = connection.prepare(RESULTS).unwrap();
        let rows = results.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        snapshot.results = rows.unwrap().map(Result::unwrap).collect();
        let mut running = connection.prepare(RUNNING).unwrap();
        let rows = running.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        for (trial, step, seconds) in rows.unwrap().map(Result::unwrap) {
            let trial: String = trial;
            snapshot
                .running
                .entry(trial)
                .or_default()
                .insert(step, seconds);
        }
        let mut attempts = connection.prepare(ATTEMPTS).unwrap();
        let rows = attempts.query_map([], |row| {
            Ok(Attempt {
                session: row.get(0)?,
                trial: row.get(1)?,
                outcome: row.get(2)?,
                message: row.get(3)?,
                resumed_from: row.get(4)?,
            })
        });
        snapshot.attempts = rows.unwrap().map(Result::unwrap).collect();
        let mut artifacts = connection.prepare(ARTIFACTS).unwrap();
        let rows = artifacts.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        snapshot.artifacts = rows.unwrap().map(Result::unwrap).collect();
        let trials = snapshot.running.keys();
        let folder = |trial: &String| runs.join("trials").join(trial);
        snapshot.saved = trials
            .filter(|trial| folder(trial).join("checkpoint.safetensors").exists())
            .cloned()
            .collect();
        Some(snapshot)
    }

    /// Whether the trial was asked to stop by the last session, and did. Where a worker `was_killed` in that session,
    /// only what wrote a checkpoint then: the others may have been that worker's.
    pub fn stopped(&self, trial: &str, was_killed: bool) -> bool {
        let last = self.attempts.iter().rfind(|attempt| attempt.trial == trial);
        last.is_some_and(|last| {
            last.outcome == "interrupted"
                && last.session == self.session
                && (!was_killed || last.message.starts_with("checkpoint after step"))
        })
    }
}

/// SQLite's own opinion of the file, and of what refers to what.
pub fn check(connection: &Connection) {
    let said: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(said, "ok", "PRAGMA integrity_check");
    let mut dangling = connection.prepare("PRAGMA foreign_key_check").unwrap();
    assert!(
        !dangling.exists([]).unwrap(),
        "a row refers to one that is not there"
    );
}

/// Whether the last frames of a write-ahead log belong to a transaction that has no commit frame.
/// The layout is that of <https://www.sqlite.org/fileformat2.html#walformat>.
fn is_torn(log: &[u8]) -> bool {
    let Some((head, frames)) = log.split_first_chunk::<32>() else {
        return !log.is_empty();
    };
    let word = |bytes: &[u8], at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    let frame = 24 + word(head, 8) as usize;
    let mut open = false;
    for frame in frames.chunks(frame) {
        // Frames of an earlier turn of the log carry other salts.
        if frame.len() < 24 || frame[8..16] != head[16..24] {
            break;
        }
        open = word(frame, 4) == 0;
    }
    open
}

/// Every table of the database as lines in the order of natural keys: names in place of keys that count rows, and
/// without times, which are the only thing that may differ between two runs of one experiment.
pub fn tables(file: &Path) -> BTreeMap<&'static str, Vec<String>> {
    let connection = Connection::open(file).unwrap();
    check(&connection);
    TABLES
        .iter()
        .map(|(table, joins, left_out)| (*table, lines(&connection, table, joins, left_out)))
        .collect()
}

/// A table called `x` below, what it is joined with and named by, and its columns that are left out.
type Table = (&'static str, &'static str, &'static [&'static str]);
const OF_TRIAL: &str = "t.name FROM x JOIN trials t ON t.id = x.trial";
const TABLES: &[Table] = &[
    (
        "trials",
        "d.digest FROM x JOIN datasets d ON d.id = x.dataset",
        &["id", "dataset", "seconds"],
    ),
    ("params", OF_TRIAL, &["trial"]),
    (
        "metrics",
        "t.name, n.name FROM x JOIN trials t ON t.id = x.trial
         JOIN metric_names n ON n.id = x.metric",
        &["trial", "metric"],
    ),
    ("artifacts", OF_TRIAL, &["trial"]),
    ("confusion", OF_TRIAL, &["trial"]),
    ("importance", OF_TRIAL, &["trial"]),
    ("datasets", "1 FROM x", &["id"]),
    (
        "experiments",
        "d.digest FROM x JOIN datasets d ON d.id = x.dataset",
        &["id", "dataset", "created_ms", "updated_ms"],
    ),
    (
        "experiment_trials",
        "e.name, t.name FROM x JOIN experiments e ON e.id = x.experiment JOIN trials t ON t.id = x.trial",
        &["experiment", "trial"],
    ),
];

fn lines(connection: &Connection, table: &str, joins: &str, left_out: &[&str]) -> Vec<String> {
    let mut columns = connection
        .prepare("SELECT name FROM pragma_table_info(?1)")
        .unwrap();
    let columns: Vec<String> = columns
        .query_map([table], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .filter(|column: &String| !left_out.contains(&column.as_str()))
        .map(|column| match (table, column.as_str()) {
            ("metrics", "value") => "iif(n.name = 'seconds', NULL, x.value) AS value".to_owned(),
            _ => format!("x.{column}"),
        })
        .collect();
    assert!(!columns.is_empty(), "no table {table}");
    let joins = joins.replacen("FROM x", &format!("FROM {table} x"), 1);
    let query = format!("SELECT {}, {joins}", columns.join(", "));
    let mut query = connection.prepare(&query).unwrap();
    let width = query.column_count();
    let rows = query.query_map([], |row| {
        let cells = (0..width).map(|at| Ok(exact(row.get_ref(at)?)));
        Ok(cells.collect::<rusqlite::Result<Vec<_>>>()?.join("|"))
    });
    let mut lines: Vec<String> = rows.unwrap().map(Result::unwrap).collect();
    lines.sort();
    lines
}

/// A cell to the bit.
fn exact(cell: ValueRef<'_>) -> String {
    match cell {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(value) => value.to_string(),
        ValueRef::Real(value) => format!("{value} {:016x}", value.to_bits()),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => format!("{bytes:x?}"),
    }
}
