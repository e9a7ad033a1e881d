//! A change that a crash or a power cut ended while the file kept a rollback journal.

use rusqlite::Connection;

use super::query;
use crate::Store;

#[test]
fn half_of_a_change_is_undone_before_anything_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    drop(Store::open(&at("whole.sqlite")).unwrap());
    let mut writer = Connection::open(at("whole.sqlite")).unwrap();
    // A cache this small has to write pages before their transaction ends.
    writer
        .execute_batch("PRAGMA journal_mode = DELETE; PRAGMA cache_size = 1;")
        .unwrap();
    let change = writer.transaction().unwrap();
    let many = "INSERT INTO metric_names (name)
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
        SELECT 'half ' || i FROM n";
    change.execute(many, []).unwrap();
    // What the disk holds in the middle of it.
    for ending in ["", "-journal"] {
        let [whole, half] = ["whole", "half"].map(|name| at(&format!("{name}.sqlite{ending}")));
        std::fs::copy(whole, half).unwrap();
    }
    drop(change);

    let store = Store::open_existing(&at("half.sqlite")).unwrap();
    assert!(store.experiments().unwrap().is_empty());
    assert!(!at("half.sqlite-journal").exists());
    let names = "SELECT count(*) FROM metric_names";
    let [before, after]: [i64; 2] =
        ["whole", "half"].map(|name| query(&at(&format!("{name}.sqlite")), names));
    assert_eq!(before, after);
}
