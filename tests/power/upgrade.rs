//! A database of schema version 1 that is upgraded, and compacted, while the power is cut.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use super::check::placed;
use super::counts::Found;
use super::cuts::State;
use super::recording::Recorder;
use super::sweep::{check_recording, record_command};
use crate::torture::experiments::CrashDir;
use crate::torture::snapshot;

const COMMAND: [&str; 3] = ["gc", "--yes", "--vacuum"];
const DATABASE: &str = "runs/sweep.sqlite";
const BACKUP: &str = "runs/sweep.sqlite.v1.bak";

fn old() -> CrashDir {
    let folder = CrashDir::empty();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/store/v1.db");
    fs::create_dir(folder.runs()).unwrap();
    fs::copy(fixture, folder.path(DATABASE)).unwrap();
    folder
}

pub fn record(recording: &Path) {
    let folder = old();
    let mut recorder = Recorder::new(&folder.root(), recording);
    record_command(&folder, &COMMAND, 0, &mut recorder);
    check_recording(&folder, recording);
}

/// The upgraded database, without a power cut.
pub fn undisturbed() -> CrashDir {
    let folder = old();
    folder.succeed(&COMMAND);
    folder
}

/// The database has one of the versions and all its rows; once it is not the old one any more, a backup is there that
/// is. The upgrade then comes to its end.
pub fn check(state: &State<'_>, upgraded: &CrashDir) -> Found {
    let folder = placed(state.tree);
    let rows = trials(&old());
    // Read from a copy, so that the next command finds what the cut has left.
    let (version, found) = trials(&placed(state.tree));
    assert_eq!(found, rows.1, "trials after the cut, at version {version}");
    if version > rows.0 {
        let backup = CrashDir::empty();
        fs::create_dir(backup.runs()).unwrap();
        fs::copy(folder.path(BACKUP), backup.path(DATABASE)).expect("a backup of the old database");
        assert_eq!(trials(&backup), rows, "the backup");
    }
    let listed = folder.start(&["ls"]).child.wait().unwrap();
    assert!(listed.success(), "`sweep ls` after the cut: {listed}");
    folder.succeed(&COMMAND);
    let mine = snapshot::tables(&folder.path(DATABASE));
    assert_eq!(mine, snapshot::tables(&upgraded.path(DATABASE)));
    assert!(folder.path(BACKUP).exists(), "the backup is gone");
    Found {
        databases: 1,
        results: rows.1.len(),
        ..Found::default()
    }
}

/// The schema version of a whole database, and what all versions have of trials.
fn trials(folder: &CrashDir) -> (i64, Vec<String>) {
    let database = Connection::open(folder.path(DATABASE)).unwrap();
    snapshot::check(&database);
    let version = database.query_row("PRAGMA user_version", [], |row| row.get(0));
    let sql = "SELECT concat_ws(' ', name, status, best, best_step, last, steps) FROM trials ORDER BY name";
    let mut query = database.prepare(sql).unwrap();
    let rows = query.query_map([], |row| row.get(0)).unwrap();
    (version.unwrap(), rows.map(Result::unwrap).collect())
}
