//! Which files are taken for a database, and what becomes of those that are not.

use std::path::{Path, PathBuf};

use super::{TestStore, execute, plan, query};
use crate::database::Database;
use crate::{Outcome, Store, StoreError};
use sweep_core::trial::Status;

/// Every schema version that was ever released.
const FIXTURES: [&str; 7] = [
    "v1.db",
    "v2.db",
    "v3.db",
    "v3-full.db",
    "v4.db",
    "v5.db",
    "v6.db",
];

/// A copy of a fixture, in a folder that goes with the guard.
pub(super) fn fixture(name: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/store");
    std::fs::copy(from.join(name), &path).unwrap();
    (folder, path)
}

fn open_error(path: &Path) -> StoreError {
    Store::open(path).err().expect("an error")
}

fn read_error(path: &Path) -> StoreError {
    Store::open_existing(path).err().expect("an error")
}

/// The text of every table, index and view.
fn schema(path: &Path) -> String {
    query(
        path,
        "SELECT group_concat(sql, char(10)) FROM (SELECT sql FROM sqlite_schema ORDER BY name)",
    )
}

#[test]
fn every_old_database_opens_with_all_it_held() {
    for name in FIXTURES {
        let (_folder, path) = fixture(name);
        let store = Store::open(&path).unwrap();
        let record = store.experiment("songs").unwrap().unwrap();
        let statuses: Vec<Status> = record.trials.iter().map(|trial| trial.status).collect();
        assert_eq!(statuses, [Status::Finished, Status::Pending], "{name}");
        assert_eq!(record.trials[0].best, Some(0.9), "{name}");
        let curves = store.curves(&record.trials[0].id).unwrap();
        assert_eq!(curves[0].points, [(1, 2.0), (2, 1.0)], "{name}");

        let lab = TestStore::new();
        assert_eq!(schema(&path), schema(&lab.path()), "{name}");
    }
}

#[test]
fn schema_steps_are_taken_one_at_a_time_and_whole() {
    let (_folder, path) = fixture("v1.db");
    let mut database = Database::create(&path).unwrap();
    let steps = [
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "ALTER TABLE trials ADD COLUMN two TEXT",
        "CREATE TABLE three (x); SELECT bad;",
    ];
    let error = database.migrate(&steps).unwrap_err();
    assert!(error.to_string().contains("schema"), "{error}");
    let version = "SELECT user_version FROM pragma_user_version";
    assert_eq!(
        query::<i64>(&path, version),
        10,
        "the tenth step stands, the eleventh was undone"
    );
    let tables = "SELECT count(*) FROM sqlite_schema WHERE name = 'three'";
    assert_eq!(query::<i64>(&path, tables), 0);
    assert_eq!(
        query::<i64>(&path, "SELECT count(*) FROM trials WHERE two IS NULL"),
        2
    );
    drop(database);

    let error = open_error(&path).to_string();
    assert!(
        error.contains("schema version 10, this sweep knows versions up to 9"),
        "{error}"
    );
    let error = read_error(&path).to_string();
    assert!(
        error.contains("schema version 10, this sweep knows versions up to 9"),
        "{error}"
    );
}

#[test]
fn an_old_database_is_read_without_being_changed() {
    for name in FIXTURES {
        let (folder, path) = fixture(name);
        let before = std::fs::read(&path).unwrap();
        let mut store = Store::open_existing(&path).unwrap();
        let record = store.experiment("songs").unwrap().unwrap();
        assert_eq!(record.trials[0].best, Some(0.9), "{name}");
        assert_eq!(record.trials[0].cause, None, "{name}");
        // Schema 3 is the first that has it.
        let has_none = record.sessions[0].environment.is_empty();
        assert_eq!(has_none, matches!(name, "v1.db" | "v2.db"), "{name}");
        let curves = store.curves(&record.trials[0].id).unwrap();
        assert_eq!(curves[0].points, [(1, 2.0), (2, 1.0)], "{name}");
        let refused = store.tag(&record.trials[0].id, "keep").unwrap_err();
        assert!(matches!(refused, StoreError::ReadOnly { .. }), "{refused}");
        drop(store);
        assert_eq!(std::fs::read(&path).unwrap(), before, "{name}");
        assert_eq!(files_in(folder.path()), [name]);
    }
}

/// Names of the files in `folder`, sorted, but for those that SQLite makes and removes again.
fn files_in(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names
        .map(|name| name.into_string().unwrap())
        .filter(|name| !name.ends_with("-wal") && !name.ends_with("-shm"))
        .collect();
    names.sort();
    names
}

#[test]
fn an_old_database_is_copied_before_it_is_migrated() {
    let (folder, path) = fixture("v1.db");
    let schema_before = schema(&path);
    let upgraded = Store::open(&path).unwrap().upgraded().cloned().unwrap();
    assert_eq!((upgraded.from, upgraded.to), (1, 9));
    assert_eq!(upgraded.backup, folder.path().join("v1.db.v1.bak"));
    assert_eq!(files_in(folder.path()), ["v1.db", "v1.db.v1.bak"]);
    assert_eq!(schema(&upgraded.backup), schema_before);
    assert_eq!(
        query::<String>(&upgraded.backup, "PRAGMA integrity_check"),
        "ok"
    );
    assert_eq!(query::<i64>(&upgraded.backup, "PRAGMA user_version"), 1);
    let best = "SELECT best FROM trials WHERE id = 1";
    assert_eq!(query::<f64>(&upgraded.backup, best), 0.9);
    assert_eq!(
        Store::open(&path).unwrap().upgraded(),
        None,
        "once is enough"
    );

    // The copy is put back, as after a change of mind; the next upgrade leaves it alone.
    std::fs::copy(&upgraded.backup, &path).unwrap();
    let copied = std::fs::read(&upgraded.backup).unwrap();
    let again = Store::open(&path).unwrap().upgraded().cloned().unwrap();
    assert_eq!(again.backup, folder.path().join("v1.db.v1.2.bak"));
    assert_eq!(std::fs::read(&upgraded.backup).unwrap(), copied);
    assert_eq!(query::<f64>(&again.backup, best), 0.9);
}

#[test]
fn many_may_migrate_one_database_at_the_same_moment() {
    let (folder, path) = fixture("v2.db");
    let barrier = std::sync::Barrier::new(6);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                barrier.wait();
                let store = Store::open(&path).unwrap();
                assert_eq!(store.experiments().unwrap()[0].name, "songs");
            });
        }
    });
    let backups: Vec<String> = files_in(folder.path())
        .into_iter()
        .filter(|name| name != "v2.db")
        .collect();
    assert!(backups.contains(&"v2.db.v2.bak".to_owned()), "{backups:?}");
    for backup in backups {
        assert!(backup.ends_with(".bak"), "{backup} was left behind");
        let version = query::<i64>(&folder.path().join(&backup), "PRAGMA user_version");
        assert_eq!(version, 2, "{backup}");
    }
}

#[test]
fn an_empty_file_becomes_a_database_but_is_none_to_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sweeps.db");
    std::fs::write(&path, "").unwrap();
    assert!(matches!(read_error(&path), StoreError::Empty { .. }));
    Store::open(&path).unwrap();
    assert!(
        Store::open_existing(&path)
            .unwrap()
            .experiments()
            .unwrap()
            .is_empty()
    );
}

/// A folder is named with a file in it; a copy without its write-ahead log is distinguished from a file that is not there, and one
/// without a table from one that SQLite cannot read.
#[test]
fn a_folder_and_copies_that_lack_something_are_named_as_what_they_are() {
    let lab = TestStore::new();
    let path = lab.path();
    let folder = path.parent().unwrap();
    for error in [read_error(folder), open_error(folder)] {
        assert!(matches!(error, StoreError::IsAFolder { .. }), "{error}");
        assert!(error.to_string().contains("sweep.sqlite"), "{error}");
    }
    let copy = folder.join("copy.sqlite");
    // What lies in the file of a database whose first changes are all in its log.
    let fresh = rusqlite::Connection::open(folder.join("fresh.sqlite")).unwrap();
    let mode = |_: &rusqlite::Row<'_>| Ok(());
    fresh
        .query_row("PRAGMA journal_mode = WAL", [], mode)
        .unwrap();
    fresh.execute_batch("CREATE TABLE t (x)").unwrap();
    std::fs::copy(folder.join("fresh.sqlite"), &copy).unwrap();
    let error = read_error(&copy);
    assert!(matches!(error, StoreError::Empty { .. }), "{error}");
    let said = error.to_string();
    assert!(
        said.contains("copy.sqlite-wal") && said.contains(".backup"),
        "{said}"
    );

    execute(&path, "PRAGMA foreign_keys = OFF; DROP TABLE experiments;");
    let error = match Store::open_existing(&path) {
        Ok(store) => store.experiments().unwrap_err(),
        Err(error) => error,
    };
    assert!(matches!(error, StoreError::Incomplete { .. }), "{error}");
    assert!(error.to_string().contains("no such table: "), "{error}");
}

#[test]
fn a_missing_file_is_none_to_read_and_is_not_created() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sweeps.db");
    assert!(matches!(read_error(&path), StoreError::Missing { .. }));
    assert!(!path.exists());
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("songs.csv");
    let text = "track_id,track_name\n".repeat(200);
    std::fs::write(&path, &text).unwrap();
    assert!(matches!(open_error(&path), StoreError::NotADatabase { .. }));
    assert!(matches!(read_error(&path), StoreError::NotADatabase { .. }));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn a_database_of_another_program_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("optuna.db");
    execute(
        &path,
        "CREATE TABLE studies (x); PRAGMA application_id = 7;",
    );
    let before = std::fs::read(&path).unwrap();
    let error = open_error(&path);
    assert!(
        matches!(
            error,
            StoreError::ForeignDatabase {
                application_id: 7,
                ..
            }
        ),
        "{error}"
    );
    assert!(matches!(
        read_error(&path),
        StoreError::ForeignDatabase { .. }
    ));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_damaged_header_is_refused() {
    let lab = TestStore::new();
    let path = lab.path();
    drop(lab.store);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[..16].copy_from_slice(b"SQLite format 4\0");
    std::fs::write(&path, &bytes).unwrap();
    assert!(matches!(open_error(&path), StoreError::NotADatabase { .. }));
}

#[test]
fn damaged_pages_are_told_of_and_are_no_panic() {
    let mut lab = TestStore::new();
    lab.begin("songs", &plan(&[0.1]));
    let path = lab.path();
    let folder = lab.folder;
    drop(lab.store);
    let whole = std::fs::read(&path).unwrap();
    let mut told = 0;
    for page in 0..whole.len() / 4_096 {
        let mut bytes = whole.clone();
        let from = page * 4_096 + if page == 0 { 100 } else { 0 };
        bytes[from..(page + 1) * 4_096].fill(0xa5);
        std::fs::write(&path, &bytes).unwrap();
        let answer = Store::open_existing(&path).and_then(|store| store.experiment("songs"));
        match answer {
            Err(StoreError::Damaged { .. }) => told += 1,
            // The page of another table, or one that is free.
            Ok(Some(_)) => {}
            other => panic!("page {page}: {other:?}"),
        }
    }
    assert!(told > 3, "{told}");
    drop(folder);
}

#[cfg(target_os = "linux")]
#[test]
fn a_database_in_a_folder_that_cannot_be_written_is_read_but_not_opened() {
    use std::os::unix::fs::PermissionsExt;
    let mut lab = TestStore::new();
    let plan = plan(&[0.1]);
    let session = lab.begin("songs", &plan);
    lab.writer(session).finish(Outcome::Finished).unwrap();
    let path = lab.path();
    let folder = lab.folder;
    drop(lab.store);
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::set_permissions(path.parent().unwrap(), PermissionsExt::from_mode(0o555)).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o444)).unwrap();

    let stranger = std::thread::spawn({
        let path = path.clone();
        move || {
            /// `nobody` on every Linux.
            const NOBODY: u32 = 65_534;
            // SAFETY: no memory is touched; on Linux it concerns the files of this thread alone,
            // which ends with the test. To root, permissions would mean nothing.
            unsafe { libc::setfsuid(NOBODY) };
            let read = Store::open_existing(&path).and_then(|mut store| {
                let refused = store.begin(&super::NewSession {
                    experiment: "songs",
                    file_path: Path::new("a.toml"),
                    file_text: "",
                    flags: &[],
                    edition: sweep_core::data_config::Edition::default(),
                    objective: &sweep_core::trial::Objective::default(),
                    datasets: &[super::dataset()],
                    command: "",
                    host: "",
                    pid: 1,
                    version: "",
                    git_commit: None,
                    environment: &[],
                    trials: &[],
                    holds_lock: true,
                });
                assert!(matches!(refused, Err(StoreError::ReadOnly { .. })));
                store.experiments()
            });
            (read, open_error(&path).to_string())
        }
    });
    let (read, refused) = stranger.join().unwrap();
    assert_eq!(read.unwrap()[0].name, "songs");
    assert!(refused.contains("sweeps.db"), "{refused}");

    // A log that was left behind holds what the file alone does not.
    std::fs::write(path.with_extension("db-wal"), [0; 64]).unwrap();
    let stranger = std::thread::spawn(move || {
        // SAFETY: as above.
        unsafe { libc::setfsuid(65_534) };
        read_error(&path)
    });
    let error = stranger.join().unwrap();
    assert!(matches!(error, StoreError::UnreadableLog { .. }), "{error}");
    std::fs::set_permissions(folder.path().join("runs"), PermissionsExt::from_mode(0o755)).unwrap();
}

#[test]
fn a_path_with_odd_characters_names_the_file_it_spells() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a b?c#d%41.db");
    Store::open(&path).unwrap();
    assert!(path.exists());
    Store::open_existing(&path).unwrap();
    let database = Database::read_immutable(&path).unwrap();
    database
        .connection
        .query_row("SELECT count(*) FROM trials", [], |_| Ok(()))
        .unwrap();
}
