//! The database, which any program may have written to: every cell replaced by what it should not be.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use rusqlite::Connection;
use rusqlite::types::Value as Cell;
use sweep_analysis::{Input, Summary, json};
use sweep_report::table;
use sweep_store::{Store, StoreError};

use super::bound::cases;
use super::common::TestDir;
use super::mangle::Rng;
use super::texts;

/// A folder in which a small sweep was run and scored on test rows, made once.
pub fn finished_sweep() -> &'static TestDir {
    static FINISHED: OnceLock<TestDir> = OnceLock::new();
    FINISHED.get_or_init(|| {
        let dir = TestDir::empty();
        dir.write("songs.csv", texts::csv());
        dir.write("fuzz.toml", texts::TOML);
        let few = ["--set", "grid.lr=[0.01]", "--set", "grid.dropout=[0.1]"];
        dir.succeed(&[&["run", "fuzz.toml", "-q"][..], &few].concat());
        dir.succeed(&["report", "--test"]);
        dir
    })
}

/// Reads all that commands read of the database at `path`, and draws it; `with_report` also as a report.
/// Whether all of it could be read.
pub fn probe(path: &Path, with_report: bool) -> bool {
    read(path, with_report).is_ok()
}

fn read(path: &Path, with_report: bool) -> Result<(), StoreError> {
    let store = Store::open_existing(path)?;
    let listed = store.experiments()?;
    table::experiments(&listed, false);
    json::experiments(&listed);
    store.last_experiment()?;
    for name in listed.iter().map(|experiment| &experiment.name) {
        let Some(experiment) = store.experiment(name)? else {
            continue;
        };
        let summary = Summary::of(&experiment);
        table::leaderboard(&summary, 10, false);
        json::leaderboard(&summary, 10);
        let (mut curves, mut confusion) = (HashMap::new(), HashMap::new());
        let mut importance = HashMap::new();
        for trial in &experiment.trials {
            let attempts = store.attempts(&trial.id)?;
            let own = store.curves(&trial.id)?;
            let artifacts = store.artifacts(&trial.id)?;
            let objective = &experiment.objective;
            table::trial(objective, trial, &attempts, &own, &artifacts, false);
            json::trial(objective, trial, &attempts, &own, &artifacts);
            store.dataset_of(&trial.id)?;
            store.experiments_of(&trial.id)?;
            store.find_trial(&trial.id.as_str()[..6])?;
            curves.insert(trial.id.clone(), own);
        }
        for id in sweep_analysis::wanted(&experiment) {
            confusion.insert(id.clone(), store.confusion(&id)?);
            importance.insert(id.clone(), store.importance(&id)?);
        }
        let test = store.last_evaluation(name)?;
        if let Some(test) = &test {
            sweep_report::test::table(test);
            sweep_report::test::evaluation_count(test);
            sweep_report::test::json(test);
        }
        store.test_evaluation_count(&experiment.dataset.digest)?;
        let input = Input {
            searches: Vec::new(),
            experiment,
            curves,
            confusion,
            importance,
            test,
            ensemble: None,
            calibration: Vec::new(),
            regions: Vec::new(),
            learned: None,
            dummy: None,
            row_numbers: Default::default(),
            row_losses: HashMap::new(),
            evidence: None,
            attempts: store.attempts_in(name)?,
            slot_events: store.slot_events(name)?,
            test_evaluations: 0,
            parts: Vec::new(),
            running: Vec::new(),
            query: None,
            lacking: Vec::new(),
        };
        if with_report {
            // A picture that cannot be drawn is an error, not a panic.
            let _ = sweep_report::make(&input);
        }
    }
    Ok(())
}

/// Every column of every table with its type.
fn columns(connection: &Connection) -> Vec<(String, String, String)> {
    let mut query = connection
        .prepare(
            "SELECT t.name, c.name, c.type FROM sqlite_schema t, pragma_table_info(t.name) c
             WHERE t.type = 'table' ORDER BY t.name, c.cid",
        )
        .unwrap();
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    rows.unwrap().map(Result::unwrap).collect()
}

#[expect(clippy::too_many_lines, reason = "one arm for each kind of value")]
fn hostile(kind: &str, rng: &mut Rng) -> Cell {
    let integer = |rng: &mut Rng| {
        let numbers = [
            i64::MIN,
            i64::MAX,
            -1,
            0,
            1,
            1 << 32,
            1 << 53,
            4_000_000_000_000,
        ];
        Cell::Integer(*rng.pick(&numbers))
    };
    let real = |rng: &mut Rng| {
        let numbers = [
            f64::INFINITY,
            f64::NEG_INFINITY,
            1e308,
            -1e308,
            5e-324,
            -0.0,
            0.0,
        ];
        Cell::Real(*rng.pick(&numbers))
    };
    let text = |rng: &mut Rng| {
        let texts = [
            "",
            "\0",
            "<script>",
            "\u{1b}[2J",
            "../../x",
            "=cmd()",
            "null",
            "[]",
            "{}",
            "[1]",
            "[\"a\"]",
            "[\"a\",\"a\",\"a\",\"a\"]",
            "finished",
            "running",
            "diverged",
            "failed",
            "pending",
            "mlp",
            "xgboost",
            "random_forest",
            "min",
            "max",
            "text",
            "list",
            "table",
            "float",
            "int",
            "bool",
            "valid/loss",
            "train_fraction",
            "transfer_from",
            "init",
            "0123456789abcdef0123456789abcdef",
            "-1",
            "\u{202e}",
            "9".repeat(400).leak(),
            "x".repeat(100_000).leak(),
            "[".repeat(100_000).leak(),
            "{\"a\":".repeat(300).leak(),
        ];
        Cell::Text((*rng.pick(&texts)).to_owned())
    };
    if rng.below(8) == 0 {
        return Cell::Null;
    }
    match kind {
        "INTEGER" => integer(rng),
        "REAL" => real(rng),
        "TEXT" => text(rng),
        _ => match rng.below(4) {
            0 => integer(rng),
            1 => real(rng),
            2 => text(rng),
            _ => Cell::Blob(vec![0xff; 100]),
        },
    }
}

#[test]
fn a_database_with_hostile_cells_is_read_or_refused() {
    let swept = finished_sweep();
    let original = swept.path("runs/sweep.sqlite");
    assert!(
        probe(&original, true),
        "the database as it was written can be read"
    );
    let columns = columns(&Connection::open(&original).unwrap());
    assert!(columns.len() > 90, "{} columns", columns.len());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sweep.sqlite");
    let (run, taken) = cases("record", 2 * columns.len() as u64, |seed| {
        let mut rng = Rng(seed);
        fs::copy(&original, &path).unwrap();
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch(
                "PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF;
                 PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF;",
            )
            .unwrap();
        // Each column in turn, so that few cases see them all.
        let (table, column, kind) = &columns[seed as usize % columns.len()];
        let value = hostile(kind, &mut rng);
        let some = ["", "WHERE random() % 2 = 0"][rng.below(2)];
        let sql = format!("UPDATE OR IGNORE {table} SET {column} = ?1 {some}");
        // Some values break a rule of the schema itself, and so cannot stand there.
        let _ = connection.execute(&sql, [value]);
        drop(connection);
        probe(&path, rng.below(16) == 0)
    });
    assert!(taken > 0 && taken < run, "{taken} of {run} were read whole");
}

#[test]
fn a_damaged_file_is_read_or_refused() {
    let swept = finished_sweep();
    let sound = fs::read(swept.path("runs/sweep.sqlite")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sweep.sqlite");
    cases("damaged record", 60, |seed| {
        let mut rng = Rng(seed);
        let mut bytes = sound.clone();
        for _ in 0..1 + rng.below(20) {
            let at = rng.below(bytes.len());
            bytes[at] = rng.bits() as u8;
        }
        if rng.below(4) == 0 {
            bytes.truncate(rng.below(sound.len()));
        }
        fs::write(&path, bytes).unwrap();
        probe(&path, false)
    });
}
