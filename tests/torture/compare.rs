//! When two records, and the files beside them, are the same.

use std::path::PathBuf;

use sweep_core::run_dir::PREDICTIONS;

use super::experiments::CrashDir;
use super::snapshot;

/// Files less kept predictions, which are not synced: what a power cut leaves of them is checked when it is read, and models
/// make up for it.
fn synced(files: Vec<(PathBuf, Vec<u8>)>) -> Vec<(PathBuf, Vec<u8>)> {
    let is_synced = |(path, _): &(PathBuf, Vec<u8>)| !path.ends_with(PREDICTIONS);
    files.into_iter().filter(is_synced).collect()
}

/// Two records hold the same, and the same files stand beside them.
pub fn assert_same(crash_dir: &CrashDir, alone: &CrashDir) {
    let mine = snapshot::tables(&crash_dir.path("runs/sweep.sqlite"));
    for (table, theirs) in snapshot::tables(&alone.path("runs/sweep.sqlite")) {
        let mine = &mine[table];
        let unlike = mine.iter().zip(&theirs).find(|(one, other)| one != other);
        assert_eq!(unlike, None, "rows of {table}");
        assert_eq!(mine.len(), theirs.len(), "number of rows of {table}");
    }
    let (mine, theirs) = (synced(crash_dir.files()), synced(alone.files()));
    let names = |files: &[(PathBuf, Vec<u8>)]| -> Vec<_> {
        files.iter().map(|(path, _)| path.clone()).collect()
    };
    assert_eq!(names(&mine), names(&theirs), "files beside the database");
    for ((path, mine), (_, theirs)) in mine.iter().zip(&theirs) {
        assert!(mine == theirs, "{} differs", path.display());
    }
}
