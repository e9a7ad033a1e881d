//! Other processes that have the database open.

use rusqlite::Connection;

use super::running::{EPOCHS, start, succeed, test_dir, undisturbed};
use crate::common::{DATABASE, results};

#[test]
fn a_database_that_another_process_locks_holds_work_back_until_it_lets_go() {
    let dir = test_dir(EPOCHS);
    let mut sweep = start(&dir, 60);
    let other = Connection::open(dir.path(DATABASE)).unwrap();
    other
        .busy_timeout(std::time::Duration::from_secs(60))
        .unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    sweep.wait_for("the database cannot be written");
    assert!(sweep.said().contains("locked"), "{}", sweep.said());
    // Readers are not kept waiting.
    assert!(succeed(&dir, &["ls"]).0.contains("small"));
    other.execute_batch("ROLLBACK").unwrap();
    sweep.wait_for("the database can be written again");
    let (code, said) = sweep.end();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(dir.count("SELECT count(*) FROM attempts"), 10);
    assert_eq!(results(&dir), undisturbed());
}

#[test]
fn a_sweep_says_what_it_waits_for_before_it_begins() {
    let dir = test_dir(1);
    succeed(&dir, &["run", "small.toml"]);
    let other = Connection::open(dir.path(DATABASE)).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let mut sweep = start(&dir, 0);
    sweep.wait_for("waiting for runs/sweep.sqlite");
    other.execute_batch("ROLLBACK").unwrap();
    let (code, said) = sweep.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("nothing left to train"), "{said}");
}

#[test]
fn a_reader_that_never_lets_go_blocks_nothing() {
    let dir = test_dir(EPOCHS);
    let sweep = start(&dir, 60);
    let reader = Connection::open(dir.path(DATABASE)).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    let rows = || -> i64 {
        let sql = "SELECT count(*) FROM metrics";
        reader.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    let seen = rows();
    let (code, said) = sweep.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains("waits"), "{said}");
    assert_eq!(rows(), seen, "it sees the moment at which it began");
    drop(reader);
    assert_eq!(results(&dir), undisturbed());
}
